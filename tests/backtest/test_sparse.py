"""The drive for signals: by hand, and equal to the last digit to the drive that asks every bar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import HOUR_MS, Answering, bars_of, halves, random_signals, walk

from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.backtest.detail import Detail
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.outcome import ExitReason, Outcome, Pending
from headwater.backtest.per_bar import run_per_bar
from headwater.backtest.sparse import run_sparse
from headwater.core.margin_tiers import MarginTier
from headwater.strategies.bars import Bars
from headwater.strategies.openings import Bracket
from headwater.strategies.signals import Signals

TIERS = (
    MarginTier(
        notional_floor=0.0,
        notional_cap=20_000.0,
        maintenance_rate=0.005,
        maintenance_deduction=0.0,
        leverage_max=50.0,
    ),
    MarginTier(
        notional_floor=20_000.0,
        notional_cap=float("inf"),
        maintenance_rate=0.01,
        maintenance_deduction=100.0,
        leverage_max=20.0,
    ),
)


def _same(one: Outcome, other: Outcome) -> None:
    """Equal in every digit."""
    assert list(one.trades.records()) == list(other.trades.records())
    assert np.array_equal(one.equity, other.equity)
    assert np.array_equal(one.held, other.held)
    assert one.pending == other.pending
    assert one.refused == other.refused
    assert one.ambiguous_bars == other.ambiguous_bars
    assert one.insolvent_bar == other.insolvent_bar


def _marks(bars: Bars, **at: list[int]) -> Signals:
    """Signals at the bars named."""
    columns = {}
    for name, numbers in at.items():
        column = np.zeros(len(bars), dtype=np.bool_)
        column[numbers] = True
        columns[name] = column
    return Signals(bars, **columns)


@given(
    seed=st.integers(0, 2**32),
    length=st.integers(1, 300),
    share=st.sampled_from([0.02, 0.2, 0.6]),
    sides=st.sampled_from(["long", "both"]),
    fill=st.sampled_from(list(FillRule)),
    fee=st.sampled_from([0.0, 0.001, -0.0002]),
    slippage=st.sampled_from([0.0, 0.0005]),
    stop=st.sampled_from([None, 0.01, 0.2]),
    target=st.sampled_from([None, 0.01, 0.3]),
    reverses=st.booleans(),
    deviation=st.sampled_from([0.002, 0.02, 0.4]),
    leverage=st.sampled_from([1.0, 5.0]),
    is_perpetual=st.booleans(),
    mode=st.sampled_from(list(MarginMode)),
    step=st.sampled_from([0.0, 0.5]),
    is_funded=st.booleans(),
    is_detailed=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_both_drives_agree_to_the_last_digit(
    seed: int,
    length: int,
    share: float,
    sides: str,
    fill: FillRule,
    fee: float,
    slippage: float,
    stop: float | None,
    target: float | None,
    reverses: bool,
    deviation: float,
    leverage: float,
    is_perpetual: bool,
    mode: MarginMode,
    step: float,
    is_funded: bool,
    is_detailed: bool,
) -> None:
    bars = walk(seed, length, deviation=deviation, tick=0.5 if seed % 2 else 0.0)
    signals = random_signals(seed + 1, bars, share=share, sides=sides)
    bracket = Bracket(stop_loss=stop, take_profit=target)
    rules = Assumptions(
        fee_rate=fee,
        slippage_rate=slippage,
        fill=fill,
        leverage=leverage,
        tiers=TIERS if is_perpetual else (),
        margin_mode=mode,
        quantity_step=step,
        min_notional=10.0 if step else 0.0,
        liquidation_fee_rate=0.001,
    ).checked()
    funding = _funding(seed, bars) if is_funded else None
    detail = Detail(halves(bars), bars) if is_detailed and length > 1 else Detail()
    sparse = run_sparse(
        bars, signals, rules, bracket=bracket, reverses=reverses, funding=funding, detail=detail
    )
    asked = run_per_bar(
        Answering(signals, bracket, reverses=reverses), bars, rules, funding=funding, detail=detail
    )
    _same(sparse, asked)


def _funding(seed: int, bars: Bars) -> FundingBars:
    chance = np.random.default_rng(seed)
    first, last = int(bars.timestamp_ms[0]), int(bars.timestamp_ms[-1])
    times = np.sort(chance.integers(first - HOUR_MS, last + 2 * HOUR_MS, 1 + len(bars) // 4))
    times[::2] = times[::2] // HOUR_MS * HOUR_MS
    times.sort()
    return FundingBars.of(FundingColumns.of(times, chance.normal(0.0, 0.01, len(times))), bars)


def test_one_trade_by_hand() -> None:
    # Bought at the open of bar 2 (102 + 1 % = 103.02), sold at the open of bar 4 (110 − 1 %).
    bars = bars_of([100, 101, 102, 103, 110], [120] * 5, [90] * 5, [101, 102, 103, 104, 111])
    rules = Assumptions(initial_capital=1000.0, fee_rate=0.002, slippage_rate=0.01).checked()
    outcome = run_sparse(bars, _marks(bars, enter_long=[1], exit_long=[3]), rules)
    (trade,) = outcome.trades.records()
    quantity = 1000 / (103.02 * 1.002)
    assert trade.side == "long"
    assert (trade.entry_bar, trade.exit_bar) == (2, 4)
    assert trade.entry_price == pytest.approx(103.02, rel=1e-15)
    assert trade.exit_price == pytest.approx(108.9, rel=1e-15)
    assert trade.quantity == pytest.approx(quantity, rel=1e-15)
    final = quantity * 108.9 * 0.998
    assert outcome.final_equity == pytest.approx(final, rel=1e-14)
    assert trade.pnl == pytest.approx(final - 1000, rel=1e-12)
    assert outcome.equity == pytest.approx([1000, 1000, quantity * 103, quantity * 104, final])


def test_a_short_by_hand_at_the_same_close() -> None:
    bars = bars_of([10, 10, 10, 10], [13] * 4, [7] * 4, [10, 10, 8, 9])
    rules = Assumptions(initial_capital=100.0, fee_rate=0.01, fill=FillRule.CLOSE).checked()
    outcome = run_sparse(bars, _marks(bars, enter_short=[1], exit_short=[2]), rules)
    # 100 / (10 × 1.01) sold at 10, bought back at 8, 1 % of each value is the fee.
    quantity = 100 / 10.1
    assert outcome.equity == pytest.approx(
        [100, 100 - quantity * 0.1, 100 + quantity * (2 - 0.1 - 0.08), 100 + quantity * 1.82]
    )


@pytest.mark.parametrize(
    ("high", "low", "open_", "reason", "price"),
    [
        (104, 98, 100, ExitReason.STOP_LOSS, 98.0),
        (112, 99, 100, ExitReason.TAKE_PROFIT, 110.0),
        (112, 97, 100, ExitReason.STOP_LOSS, 98.0),  # both: the stop first
        (96, 90, 95, ExitReason.STOP_LOSS, 95.0),  # opens below the stop
        (120, 111, 115, ExitReason.TAKE_PROFIT, 115.0),  # opens above the target
    ],
)
def test_stop_and_target(
    high: float, low: float, open_: float, reason: ExitReason, price: float
) -> None:
    close = (high + low) / 2
    bars = bars_of(
        [100, 100, open_, close],
        [101, 101, high, high],
        [99, 99, low, low],
        [100, 100, close, close],
    )
    outcome = run_sparse(
        bars,
        _marks(bars, enter_long=[0]),
        Assumptions(initial_capital=100.0).checked(),
        bracket=Bracket(stop_loss=0.02, take_profit=0.1),
    )
    (trade,) = outcome.trades.records()
    assert (trade.exit_bar, trade.exit_reason) == (2, reason)
    assert trade.exit_price == pytest.approx(price)
    assert outcome.ambiguous_bars == ((2,) if (high, low) == (112, 97) else ())


def test_smaller_bars_tell_which_came_first() -> None:
    bars = bars_of([100, 100, 100, 100], [101, 101, 112, 101], [99, 99, 97, 99], [100] * 4)
    outcome = run_sparse(
        bars,
        _marks(bars, enter_long=[0]),
        Assumptions(initial_capital=100.0).checked(),
        bracket=Bracket(stop_loss=0.02, take_profit=0.1),
        detail=Detail(halves(bars), bars),
    )
    (trade,) = outcome.trades.records()
    assert trade.exit_reason is ExitReason.TAKE_PROFIT
    assert outcome.ambiguous_bars == ()


def test_the_bar_of_the_entry_counts() -> None:
    bars = bars_of([100, 100, 100], [100, 101, 101], [100, 97, 99], [100, 100, 100])
    rules = Assumptions(initial_capital=100.0)
    stop = Bracket(stop_loss=0.02)
    signals = _marks(bars, enter_long=[0])
    (trade,) = run_sparse(bars, signals, rules.checked(), bracket=stop).trades.records()
    assert (trade.entry_bar, trade.exit_bar) == (1, 1)
    assert trade.exit_price == pytest.approx(98.0)


def test_a_decision_on_the_last_bar_is_pending() -> None:
    bars = bars_of([10] * 3, [11] * 3, [9] * 3, [10] * 3)
    rules = Assumptions().checked()
    entry = run_sparse(bars, _marks(bars, enter_long=[2]), rules)
    assert entry.pending == (Pending(bar=2, action="enter_long"),)
    assert len(entry.trades) == 0
    leave = run_sparse(bars, _marks(bars, enter_long=[0], exit_long=[2]), rules)
    assert leave.pending == (Pending(bar=2, action="exit"),)
    (trade,) = leave.trades.records()
    assert (trade.exit_bar, trade.exit_price, trade.pnl) == (None, None, None)
    turn = run_sparse(bars, _marks(bars, enter_long=[0], enter_short=[2]), rules, reverses=True)
    assert turn.pending == (Pending(bar=2, action="reverse_short"),)


def test_a_ruined_account_stops_the_run() -> None:
    bars = bars_of([10, 10, 15, 25, 30, 5], [40] * 6, [4] * 6, [10, 12, 18, 26, 31, 5])
    rules = Assumptions(initial_capital=100.0).checked()
    outcome = run_sparse(bars, _marks(bars, enter_short=[0], exit_short=[4]), rules)
    # 10 sold at 10: at 26 the equity is 200 − 260.
    assert outcome.insolvent_bar == 3
    assert outcome.equity.tolist() == [100, 80, 20, -60]


def test_liquidation_of_an_isolated_position_by_hand() -> None:
    # 10 ×: 1000 buys 10,000 worth at 100: 100 units, margin 1000. Liquidated at p with
    # 1000 + 100 (p − 100) = 100 p × 0.005, p = 9000 / 99.5 = 90.4522.
    bars = bars_of([100, 100, 95, 95], [101, 101, 96, 96], [99, 99, 90, 94], [100, 100, 95, 95])
    rules = Assumptions(
        initial_capital=1000.0, leverage=10.0, tiers=TIERS, margin_mode=MarginMode.ISOLATED
    ).checked()
    outcome = run_sparse(bars, _marks(bars, enter_long=[0]), rules)
    (trade,) = outcome.trades.records()
    assert trade.exit_reason is ExitReason.LIQUIDATION
    assert trade.exit_price == pytest.approx(9000 / 99.5)
    assert outcome.final_equity == pytest.approx(1000 + 100 * (9000 / 99.5 - 100))


def test_a_gap_beyond_bankruptcy_costs_the_margin_and_no_more() -> None:
    bars = bars_of([100, 100, 50, 50], [101, 101, 51, 51], [99, 99, 49, 49], [100, 100, 50, 50])
    rules = Assumptions(initial_capital=1000.0, leverage=10.0, tiers=TIERS, fee_rate=0.001)
    outcome = run_sparse(bars, _marks(bars, enter_long=[0]), rules.checked())
    assert outcome.final_equity == pytest.approx(0.0, abs=1e-9)
    assert outcome.insolvent_bar == 2


def test_funding_by_hand() -> None:
    bars = bars_of([100] * 4, [101] * 4, [99] * 4, [100] * 4)
    times = bars.timestamp_ms
    # Due at the opening of bar 1 (before the fill: unpaid), within bar 1, at the opening of bar 3.
    funding = FundingBars.of(
        FundingColumns.of([times[1], times[1] + 5, times[3]], [0.5, 0.01, -0.02], [100, 100, 110]),
        bars,
    )
    rules = Assumptions(initial_capital=1000.0).checked()
    outcome = run_sparse(bars, _marks(bars, enter_long=[0], exit_long=[2]), rules, funding=funding)
    (trade,) = outcome.trades.records()
    # 10 units: −10 × 100 × 0.01 + 10 × 110 × 0.02 = −10 + 22.
    assert trade.funding == pytest.approx(12.0)
    assert outcome.equity.tolist() == pytest.approx([1000, 990, 990, 1012])


def test_an_order_below_the_least_value_is_refused_with_its_figures() -> None:
    bars = bars_of([10] * 3, [11] * 3, [9] * 3, [10] * 3)
    rules = Assumptions(initial_capital=4.0, min_notional=5.0).checked()
    outcome = run_sparse(bars, _marks(bars, enter_long=[0]), rules)
    (refused,) = outcome.refused
    assert (refused.bar, refused.action) == (1, "enter_long")
    assert refused.reason == "value 4 is below the least, 5"
