import dataclasses
import pickle

import numpy as np
import pytest
from tests.backtest.drives import HOUR_MS, walk
from tests.backtest.swept import Crossing, Holding, Listening

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.funding import FundingColumns
from headwater.backtest.outcome import ExitReason
from headwater.backtest.sweep_columns import SweepBars
from headwater.backtest.sweep_tally import Figure
from headwater.backtest.sweep_task import SweepTask, resolved
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.sma_cross import SmaCross

COSTS = Assumptions(fee_rate=0.001, slippage_rate=0.0005)


def test_a_name_is_looked_up_and_a_class_is_itself() -> None:
    assert resolved("sma_cross") is SmaCross
    assert resolved(Crossing) is Crossing


@pytest.mark.parametrize("fill", list(FillRule))
@pytest.mark.parametrize("strategy", [Crossing, Holding])
def test_bars_before_the_first_trade_only_warm(
    strategy: type[Crossing | Holding], fill: FillRule
) -> None:
    """Nothing is done before `trade_from`; indicators know the past at once."""
    bars = walk(1, 400)
    costs = Assumptions(fee_rate=0.001, fill=fill)
    warm = SweepTask(strategy=strategy, bars=bars, assumptions=costs, trade_from=150)
    outcome = warm.outcome({})
    assert len(outcome.equity) == 250
    assert len(outcome.trades) > 5
    assert min(outcome.trades.entry_bar) >= (1 if fill is FillRule.NEXT_OPEN else 0)
    prices = bars.open if fill is FillRule.NEXT_OPEN else bars.close
    for at, price in zip(outcome.trades.entry_bar, outcome.trades.entry_price, strict=True):
        assert price == prices[150 + at]
    if strategy is Holding:
        # It wants to buy at every close, so it does at the first it may.
        assert outcome.trades.entry_bar[0] == (1 if fill is FillRule.NEXT_OPEN else 0)


def test_signals_of_the_warm_part_are_those_of_the_whole() -> None:
    """The same entries as of a run over all bars, from where both are flat."""
    bars = walk(2, 600)
    whole = SweepTask(strategy=Crossing, bars=bars, assumptions=COSTS).outcome({})
    late = SweepTask(strategy=Crossing, bars=bars, assumptions=COSTS, trade_from=300).outcome({})
    entries = [at for at in whole.trades.entry_bar if at > 300]
    assert [at + 300 for at in late.trades.entry_bar] == entries


def test_funding_is_paid_by_the_part_that_trades() -> None:
    bars = walk(3, 100)
    every_8_h = FundingColumns.of(bars.timestamp_ms[::8] + HOUR_MS // 2, np.full(13, 0.001), None)
    task = SweepTask(
        strategy=Crossing, bars=bars, assumptions=COSTS, funding=every_8_h, trade_from=40
    )
    assert sum(task.outcome({}).trades.funding) < 0.0


def test_smaller_bars_tell_the_part_that_trades_what_came_first() -> None:
    """Every hour reaches stop and target; its first half reaches the target alone."""
    count = 60
    hours = walk(8, count)
    columns = {name: hours.column(name).copy() for name in ("open", "close", "volume")}
    columns |= {"high": hours.high * 1.2, "low": hours.low * 0.8}
    bars = Bars(hours.timestamp_ms, columns, interval_ms=HOUR_MS)
    halves = {
        "open": np.repeat(bars.open, 2),
        "high": np.repeat(bars.high, 2),
        "low": np.where(np.arange(2 * count) % 2, np.repeat(bars.low, 2), np.repeat(bars.open, 2)),
        "close": np.repeat(bars.open, 2),
        "volume": np.ones(2 * count),
    }
    times = np.repeat(bars.timestamp_ms, 2) + np.tile([0, HOUR_MS // 2], count)
    detail = Bars(times, halves, interval_ms=HOUR_MS // 2)
    for start in (0, 20):
        task = SweepTask(
            strategy="sma_cross", bars=bars, assumptions=COSTS, trade_from=start, detail=detail
        )
        levels = {"fast": 2, "slow": 4, "stop_loss": 0.02, "take_profit": 0.02}
        outcome = pickle.loads(pickle.dumps(task.light())).outcome(levels)
        reasons = {one for one in outcome.trades.exit_reason if one is not None}
        assert reasons == {ExitReason.TAKE_PROFIT}
        assert outcome.ambiguous_bars == ()
        blind = dataclasses.replace(task, detail=None).outcome(levels)
        assert ExitReason.STOP_LOSS in blind.trades.exit_reason


def test_events_are_refused() -> None:
    task = SweepTask(strategy=Listening, bars=walk(4, 50), assumptions=COSTS)
    with pytest.raises(RequestError, match="events"):
        task.outcome({})


def test_a_task_travels_without_what_its_bars_have_kept() -> None:
    bars = SweepBars(walk(5, 20_000))
    bars.sma(10)
    task = SweepTask(strategy=Crossing, bars=bars, assumptions=COSTS, trade_from=10)
    sent = pickle.dumps(task.light())
    # Six columns of 8 bytes and hardly more.
    assert len(sent) < 20_000 * 8 * 6 + 5_000
    there: SweepTask = pickle.loads(sent)
    rows = [one.figures({"fast": 5, "slow": 20})[0] for one in (task, there)]
    assert rows[0].tolist() == rows[1].tolist()
    assert rows[0][Figure.CLOSED_TRADES] > 100


def test_a_year_of_bars() -> None:
    task = SweepTask(strategy=Crossing, bars=walk(6, 50), assumptions=COSTS, trade_from=20)
    assert task.bars_a_year == 8_760.0
    assert task.length == 30
