"""The engine: samples as users write them, spans, errors, and laws over whole runs."""

import datetime as dt
import subprocess
import sys
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import HOUR_MS, walk

from headwater.analytics.indicators import crossed_above, crossed_below
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.funding import FundingColumns
from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.summary import summary
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.funding_carry import FundingCarry
from headwater.strategies.parameters import Integer, Number
from headwater.strategies.signals import Signals

FREE = Assumptions().checked()


class Cross(BaseStrategy):
    name = "cross"
    declared = (
        Integer("fast", 5, "bars of the fast mean", least=1, most=100),
        Integer("slow", 15, "bars of the slow mean", least=2, most=200),
        Number("stop_loss", None, "fraction of the entry", least=0.001, most=0.5),
    )

    @property
    def lookback(self) -> int:
        return int(self.params["slow"]) + 1

    def generate_signals(self, data: Any) -> Signals:
        bars = self.enough(data)
        fast, slow = bars.sma(self.params["fast"]), bars.sma(self.params["slow"])
        return Signals(
            bars, enter_long=crossed_above(fast, slow), exit_long=crossed_below(fast, slow)
        )


class Asked(Cross):
    """The same rule as callbacks."""

    name = "asked"

    def should_open_position(self, data: Any) -> Decision:
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        return len(data) > 1 and fast[-2] <= slow[-2] and fast[-1] > slow[-1], None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        return fast[-2] >= slow[-2] and fast[-1] < slow[-1], "crossed below"


def test_the_sample_of_a_user_runs_as_written() -> None:
    bars = walk(4, 24 * 366)
    january = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    moved = Bars.from_columns(
        int(january.timestamp() * 1000) + HOUR_MS * np.arange(len(bars)),
        {name: bars[name] for name in ("open", "high", "low", "close", "volume")},
    )
    result = BacktestEngine(
        Cross({"fast": 10, "slow": 30}),
        symbol="BTC/USD",
        timeframe="1h",
        start_date="2024-01-01",
        end_date="2024-12-31",
        initial_capital=10_000,
        data=moved,
    ).run()
    assert len(result.bars) == 24 * 366
    assert result.symbol == "BTCUSD"
    assert result.total_return == pytest.approx((result.final_equity / 10_000 - 1) * 100)
    assert result.sharpe_ratio is not None
    assert -100 < result.max_drawdown < 0
    assert result.assumptions.fee_rate == 0.0005  # Binance's, and said so
    assert "binance" in result.assumptions.told()["fee"]


def test_callbacks_and_signals_of_one_rule_make_the_same_trades() -> None:
    bars = walk(8, 3_000)
    one = BacktestEngine(Cross(), data=bars, assumptions=FREE).run()
    other = BacktestEngine(Asked(), data=bars, assumptions=FREE).run()
    assert len(one.trades) > 50
    assert one.trades == other.trades
    assert (one.drive, other.drive) == ("signals", "callbacks")
    assert one.performance == other.performance


def test_the_end_date_is_a_whole_day_and_an_end_time_is_exclusive() -> None:
    bars = walk(4, 24 * 10)
    day = bars[0].timestamp[:10]
    engine = BacktestEngine(Cross(), end_date=bars[40].timestamp[:10], data=bars, assumptions=FREE)
    assert engine.run().bars[-1].timestamp.endswith("T23:00:00Z")
    engine = BacktestEngine(
        Cross(), start_date=day, end_date=bars[40].timestamp, data=bars, assumptions=FREE
    )
    assert len(engine.run().bars) == 40


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"start_date": "2024-02-01", "end_date": "2024-01-01"}, "end_date"),
        ({"start_date": "soon"}, "start_date"),
        ({"timeframe": "7m"}, "timeframe"),
        ({"timeframe": "1m"}, "timeframe"),
        ({"initial_capital": -5}, "initial_capital"),
        ({"initial_capital": float("nan")}, "initial_capital"),
        ({"initial_capital": "much"}, "initial_capital"),
        ({"start_date": "2190-01-01"}, "data"),
        ({"data": None}, "data"),
        ({"assumptions": Assumptions(fee_rate=0.5)}, "fee_rate"),
        ({"assumptions": Assumptions(leverage=0.5)}, "leverage"),
        ({"strategy": Cross}, "strategy"),
    ],
)
def test_what_cannot_be_run_is_named(arguments: dict[str, Any], named: str) -> None:
    given_: dict[str, Any] = {"strategy": Cross(), "data": walk(1, 100)} | arguments
    with pytest.raises(RequestError) as caught:
        BacktestEngine(**given_).run()
    assert caught.value.field == named


def test_three_bars_for_a_longer_look_back_are_answered_by_what_it_takes() -> None:
    with pytest.raises(RequestError, match="at least 16 bars: cross looks back so far"):
        BacktestEngine(Cross(), data=walk(1, 3)).run()


def test_look_ahead_fails_the_run() -> None:
    class Knowing(Cross):
        name = "knowing"

        def generate_signals(self, data: Any) -> Signals:
            bars = self.enough(data)
            return Signals(bars, enter_long=bars.close == bars.close.min())

    with pytest.raises(LookAhead, match="knowing"):
        BacktestEngine(Knowing(), data=walk(1, 400), assumptions=FREE).run()
    report = BacktestEngine(
        Knowing(), data=walk(1, 400), assumptions=FREE, check_look_ahead=False
    ).run()
    assert "switched off" in report.look_ahead.how


@given(
    seed=st.integers(0, 2**32),
    cut=st.integers(60, 399),
    fill=st.sampled_from(list(FillRule)),
    stop=st.sampled_from([None, 0.02]),
)
@settings(max_examples=60, deadline=None)
def test_cutting_off_the_future_changes_no_trade_of_the_past(
    seed: int, cut: int, fill: FillRule, stop: float | None
) -> None:
    bars = walk(seed, 400)
    rules = Assumptions(fee_rate=0.001, fill=fill)
    strategy = Cross({"stop_loss": stop})
    whole = BacktestEngine(strategy, data=bars, assumptions=rules).run()
    part = BacktestEngine(strategy, data=bars[:cut], assumptions=rules).run()
    closed = [one for one in part.trades if one.exit_bar is not None]
    assert closed == list(whole.trades[: len(closed)])
    assert np.array_equal(part.outcome.equity, whole.outcome.equity[:cut])


@given(seed=st.integers(0, 2**32), fee=st.sampled_from([0.0, 0.002]))
@settings(max_examples=60, deadline=None)
def test_no_fill_lies_outside_the_range_of_its_bar(seed: int, fee: float) -> None:
    bars = walk(seed, 300, deviation=0.03)
    result = BacktestEngine(
        Cross({"stop_loss": 0.05}), data=bars, assumptions=Assumptions(fee_rate=fee)
    ).run()
    for one in result.trades:
        for bar, price in ((one.entry_bar, one.entry_price), (one.exit_bar, one.exit_price)):
            if bar is not None and price is not None:
                assert bars.low[bar] <= price <= bars.high[bar]


def test_the_summary_has_the_fields_that_others_rely_on() -> None:
    bars = walk(8, 500)
    funding = FundingColumns.of(bars.timestamp_ms[::8], [0.0001] * len(bars.timestamp_ms[::8]))
    result = BacktestEngine(
        Cross(), data=bars, assumptions=Assumptions(fee_rate=0.001), funding=funding
    ).run()
    said = msgspec.json.decode(msgspec.json.encode(summary(result, with_equity=True)))
    assert said["final_equity"] == result.final_equity
    assert said["total_return"] == pytest.approx(result.final_equity / 10_000 - 1)
    assert said["max_drawdown"] < 0
    assert set(said["sharpe"]) == {"bar_365", "daily_arith_365", "daily_arith_252"}
    assert {"side", "entry_bar", "exit_bar", "entry_price", "exit_price", "pnl"} <= set(
        said["trades"][0]
    )
    assert len(said["equity"]) == 500
    assert said["insolvent"] is False
    assert {"sortino", "calmar", "omega", "profit_factor", "win_rate", "pending"} <= set(said)
    assert "bps" in said["assumptions"]["fee"]
    assert summary(result).equity is None
    events = result.events()
    fills = sum(1 if one.exit_bar is None else 2 for one in result.trades)
    assert len(events) == fills + len(result.outcome.pending)
    assert [one.bar for one in events] == sorted(one.bar for one in events)


def test_an_account_that_fees_ate_is_poor_and_not_ruined() -> None:
    bars = walk(8, 20_000, deviation=0.001)
    result = BacktestEngine(
        Cross({"fast": 1, "slow": 2}), data=bars, assumptions=Assumptions(fee_rate=0.003)
    ).run()
    assert 0.0 < result.final_equity < 1e-8
    assert result.outcome.insolvent_bar is None
    assert result.performance.ruined_bar is None
    assert result.performance.exposure is not None


def test_a_strategy_of_several_contracts_is_told_where_it_runs() -> None:
    with pytest.raises(RequestError, match="this takes 2, run it with"):
        BacktestEngine(FundingCarry(), data=walk(1, 100))


def test_a_run_of_signals_imports_no_drive_of_events() -> None:
    """A third of the time of a process that runs one back-test went into these modules."""
    code = (
        "import sys; from tests.backtest.drives import walk;"
        "from headwater.backtest.engine import BacktestEngine;"
        "from headwater.strategies.sma_cross import SmaCross;"
        "assert len(BacktestEngine(SmaCross(), data=walk(1, 100)).run().outcome.equity) == 100;"
        "spare = 'trading.paper backtest.event_run backtest.per_bar strategies.context '"
        "        'strategies.foreign_bars'.split();"
        "sys.exit(' '.join(one for one in spare if f'headwater.{one}' in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
