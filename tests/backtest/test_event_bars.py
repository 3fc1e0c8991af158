"""Event runs over bars: where all drives apply, they agree to the last trade."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import HOUR_MS, Answering, bars_of, halves, random_signals, some_of, walk

from headwater.backtest.asked import AskedStrategy
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.detail import Detail
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_bars import run_events_over_bars
from headwater.backtest.event_run import EventRun
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.outcome import ExitReason, Outcome
from headwater.backtest.sparse import run_sparse
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.openings import Bracket
from headwater.strategies.signals import Signals
from headwater.strategies.sma_cross import SmaCross


def _agree(fast: Outcome, events: Outcome) -> None:
    """Same trades; prices to one part in 10¹², money to one in 10⁹ (steps and ticks of 10⁻¹²)."""
    one, other = fast.trades, events.trades
    assert one.entry_bar.tolist() == other.entry_bar.tolist()
    assert one.exit_bar.tolist() == other.exit_bar.tolist()
    assert one.is_long.tolist() == other.is_long.tolist()
    assert one.exit_reason == other.exit_reason
    np.testing.assert_allclose(other.entry_price, one.entry_price, rtol=1e-12)
    np.testing.assert_allclose(other.exit_price, one.exit_price, rtol=1e-12)
    np.testing.assert_allclose(other.quantity, one.quantity, rtol=1e-9)
    np.testing.assert_allclose(other.entry_fee, one.entry_fee, rtol=1e-9)
    np.testing.assert_allclose(other.funding, one.funding, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(events.equity, fast.equity, rtol=1e-9)
    np.testing.assert_allclose(events.held, fast.held, rtol=1e-9)
    assert events.pending == fast.pending
    assert events.refused == fast.refused
    assert events.insolvent_bar == fast.insolvent_bar
    # A bar that opens beyond the stop is ambiguous for the fast drives alone.
    assert set(events.ambiguous_bars) <= set(fast.ambiguous_bars)


def test_the_stop_comes_first_also_where_a_bar_opens_beyond_the_target() -> None:
    # Long at 100, stop 90, target 110; the third bar opens at 120 and falls to 80.
    bars = bars_of(
        [100.0, 100.0, 120.0], [100.0, 100.0, 120.0], [100.0, 100.0, 80.0], [100.0, 100.0, 100.0]
    )
    signals = Signals(bars, enter_long=np.array([True, False, False]))
    bracket = Bracket(stop_loss=0.1, take_profit=0.1)
    asked = AskedStrategy(Answering(signals, bracket, reverses=False))
    events = run_events_over_bars(asked, bars, Assumptions().checked())
    assert events.trades.exit_price.tolist() == [90.0]
    assert events.trades.exit_reason == [ExitReason.STOP_LOSS]
    assert events.ambiguous_bars == (2,)
    fast = run_sparse(bars, signals, Assumptions().checked(), bracket=bracket)
    _agree(fast, events)


def test_a_take_profit_does_not_slip_and_a_gap_fills_it_at_the_open() -> None:
    """Bought at 100 × 1.01 = 101, target 111.1; the third bar opens at 120 and stays there."""
    still = [100.0, 100.0, 120.0]
    bars = bars_of(still, still, still, still)
    signals = Signals(bars, enter_long=np.array([True, False, False]))
    asked = AskedStrategy(
        Answering(signals, Bracket(stop_loss=0.1, take_profit=0.1), reverses=False)
    )
    events = run_events_over_bars(asked, bars, Assumptions(slippage_rate=0.01).checked())
    assert events.trades.entry_price.tolist() == [101.0]
    assert events.trades.exit_price.tolist() == [120.0]
    assert events.trades.exit_reason == [ExitReason.TAKE_PROFIT]


@given(
    seed=st.integers(0, 2**32),
    length=st.integers(2, 120),
    share=st.sampled_from([0.02, 0.1, 0.4]),
    fill=st.sampled_from(FillRule),
    reverses=st.booleans(),
    sides=st.sampled_from(["both", "long"]),
    stop=st.sampled_from([None, 0.01, 0.05]),
    target=st.sampled_from([None, 0.02, 0.08]),
    fee_rate=st.sampled_from([0.0, 0.001]),
    slippage_rate=st.sampled_from([0.0, 0.0005]),
    is_funded=st.booleans(),
    # Of the larger one many bars open or go beyond a stop or target, or beyond both.
    deviation=st.sampled_from([0.01, 0.05]),
)
@settings(max_examples=150, deadline=None)
def test_events_agree_with_the_sparse_drive(
    seed: int,
    length: int,
    share: float,
    fill: FillRule,
    reverses: bool,
    sides: str,
    stop: float | None,
    target: float | None,
    fee_rate: float,
    slippage_rate: float,
    is_funded: bool,
    deviation: float,
) -> None:
    bars = walk(seed, length, deviation=deviation)
    signals = random_signals(seed, bars, share=share, sides=sides)
    bracket = Bracket(stop_loss=stop, take_profit=target)
    rules = Assumptions(fee_rate=fee_rate, slippage_rate=slippage_rate, fill=fill).checked()
    funding = None
    if is_funded:
        chance = np.random.default_rng(seed)
        times = bars.timestamp_ms[0] + HOUR_MS // 2 * np.arange(1, 2 * length, 3)
        funding = FundingColumns.of(times, chance.normal(0.0, 0.001, len(times)))
    fast = run_sparse(
        bars,
        signals,
        rules,
        bracket=bracket,
        reverses=reverses,
        funding=None if funding is None else FundingBars.of(funding, bars),
    )
    asked = AskedStrategy(Answering(signals, bracket, reverses=reverses))
    _agree(fast, run_events_over_bars(asked, bars, rules, funding=funding))


def test_the_engine_runs_events_and_says_so() -> None:
    bars = walk(5, 400)
    rules = Assumptions(fee_rate=0.001)
    events = BacktestEngine(AskedStrategy(SmaCross()), data=bars, assumptions=rules).run()
    signals = BacktestEngine(SmaCross(), data=bars, assumptions=rules).run()
    assert events.drive == "events"
    assert "order of their times" in events.look_ahead.how
    assert len(events.trades) == len(signals.trades) > 3
    _agree(signals.outcome, events.outcome)
    assert events.total_return == pytest.approx(signals.total_return, rel=1e-9)


@given(
    seed=st.integers(0, 2**32),
    length=st.integers(2, 120),
    share=st.sampled_from([0.02, 0.1, 0.4]),
    fill=st.sampled_from(FillRule),
    reverses=st.booleans(),
    stop=st.sampled_from([None, 0.01, 0.05]),
    target=st.sampled_from([None, 0.02, 0.08]),
    deviation=st.sampled_from([0.01, 0.05]),
    missing=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=100, deadline=None)
def test_events_with_smaller_bars_agree_with_the_sparse_drive(
    seed: int,
    length: int,
    share: float,
    fill: FillRule,
    reverses: bool,
    stop: float | None,
    target: float | None,
    deviation: float,
    missing: float,
) -> None:
    bars = walk(seed, length, deviation=deviation)
    signals = random_signals(seed, bars, share=share)
    bracket = Bracket(stop_loss=stop, take_profit=target)
    rules = Assumptions(fee_rate=0.001, fill=fill).checked()
    smaller = halves(bars)
    is_there = np.random.default_rng(seed).random(length) >= missing
    smaller = some_of(smaller, np.repeat(is_there, 2))
    fast = run_sparse(
        bars, signals, rules, bracket=bracket, reverses=reverses, detail=Detail(smaller, bars)
    )
    asked = AskedStrategy(Answering(signals, bracket, reverses=reverses))
    events = run_events_over_bars(asked, bars, rules, detail=smaller)
    _agree(fast, events)


def test_a_gap_between_smaller_bars_fills_at_the_second_ones_open() -> None:
    """Bought at 100, stop 90: the hour's second half opens at 80, and the hour alone says 90."""
    bars = bars_of([100.0, 100.0], [100.0, 101.0], [100.0, 79.0], [100.0, 85.0])
    opened = bars.timestamp_ms
    smaller = Bars.from_columns(
        np.array([opened[0], opened[0] + HOUR_MS // 2, opened[1], opened[1] + HOUR_MS // 2]),
        {
            "open": [100.0, 100.0, 100.0, 80.0],
            "high": [100.0, 100.0, 101.0, 85.0],
            "low": [100.0, 100.0, 99.0, 79.0],
            "close": [100.0, 100.0, 100.0, 85.0],
            "volume": [1.0] * 4,
        },
    )
    signals = Signals(bars, enter_long=np.array([True, False]))
    asked = AskedStrategy(Answering(signals, Bracket(stop_loss=0.1), reverses=False))
    alone = BacktestEngine(asked, data=bars, assumptions=Assumptions()).run()
    assert [one.exit_price for one in alone.trades] == [90.0]
    known = BacktestEngine(asked, data=bars, detail=smaller, assumptions=Assumptions()).run()
    assert [(one.exit_bar, one.exit_price) for one in known.trades] == [(1, 80.0)]
    assert "smaller bars" in known.assumptions.detail


def test_smaller_bars_that_do_not_fit_are_refused() -> None:
    bars = walk(5, 60)
    engine = BacktestEngine(AskedStrategy(SmaCross()), data=bars, detail=bars)
    with pytest.raises(RequestError, match="detail"):
        engine.run()


class _Short(BaseStrategy):
    """Sells all in at the first close."""

    name = "short_once"

    def on_bar(self, context: Any) -> None:
        if len(context.bars) == 1:
            context.place(side="sell", quantity=context.equity / 100)


def test_ruin_ends_the_run_with_its_bar() -> None:
    # Short 100 at the open 100, 10,000 of cash: at 200 the whole margin is used up.
    flat = [100.0, 100.0, 100.0, 100.0]
    high = [100.0, 100.0, 250.0, 100.0]
    bars = bars_of(flat, high, flat, flat)
    outcome = run_events_over_bars(_Short(), bars, Assumptions().checked())
    assert outcome.insolvent_bar == 2
    assert len(outcome.equity) == 3
    assert outcome.equity[-1] == pytest.approx(0.0, abs=1e-6)
    assert outcome.trades.exit_price.tolist() == [pytest.approx(200.0)]


def test_a_bar_that_opens_in_ruin_is_the_bar_of_the_ruin() -> None:
    # Short 100 at the open 100, 10,000 of cash; the third bar opens at 250: closed at 200.
    opens, closes = [100.0, 100.0, 250.0, 250.0], [100.0, 100.0, 250.0, 250.0]
    outcome = run_events_over_bars(
        _Short(), bars_of(opens, opens, closes, closes), Assumptions().checked()
    )
    assert outcome.insolvent_bar == 2
    assert outcome.trades.exit_bar.tolist() == [2]
    # As long as the run, and its last value is what is left: not that of the bar before.
    assert outcome.equity.tolist() == [10_000.0, 10_000.0, pytest.approx(0.0, abs=1e-6)]


def test_what_is_ruined_is_not_played_on() -> None:
    opens = [100.0, 100.0, 250.0, 250.0, 250.0]
    bars = bars_of(opens, opens, opens, opens)
    terms = EventAccount.of(Assumptions().checked(), [("x", "BTCUSDT")])
    run = EventRun(_Short(), [MarketStreams("x", "BTCUSDT", bars=bars)], terms)
    first = run.run(until_ms=int(bars.timestamp_ms[4]))
    again = run.run()
    assert first.insolvent_ms == again.insolvent_ms == int(bars.timestamp_ms[2])
    assert first.equity.tolist() == again.equity.tolist()
    assert again.sample_ms.tolist() == (bars.timestamp_ms[:3] + HOUR_MS).tolist()
