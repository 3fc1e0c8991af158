"""The compiled account against the single run, and one case by hand."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.arrays import BoolArray
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.outcome import Outcome
from headwater.backtest.sparse import run_sparse
from headwater.backtest.sweep_kernel import RULES, pack_signals, simulate
from headwater.backtest.sweep_tally import BLOCKS, Figure, block_edges, tally_of
from headwater.strategies.bars import Bars
from headwater.strategies.openings import Bracket
from headwater.strategies.signals import Signals

LOGGED = 1_000


def rules_of(assumptions: Assumptions, bracket: Bracket) -> np.ndarray:
    stop, target = bracket.stop_loss, bracket.take_profit
    numbers = [
        assumptions.initial_capital,
        assumptions.fee_rate,
        1.0 + assumptions.slippage_rate,
        1.0 - assumptions.slippage_rate,
        math.nan if stop is None else stop,
        math.nan if target is None else target,
        float(assumptions.fill is FillRule.NEXT_OPEN),
    ]
    assert len(numbers) == RULES
    return np.array(numbers)


def compiled_run(
    signals: Signals, assumptions: Assumptions, bracket: Bracket, *, reverses: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bars = signals.bars
    row, blocks = np.zeros(Figure.COUNT), np.zeros((BLOCKS, 2))
    log = np.zeros((LOGGED, 6))
    simulate(
        pack_signals(signals),
        (bars.open, bars.high, bars.low, bars.close),
        rules_of(assumptions, bracket),
        reverses,
        block_edges(len(bars)),
        row,
        blocks,
        log,
    )
    return row, blocks, log


def bars_of(moves: list[tuple[float, float, float, float]]) -> Bars:
    """Bars from (gap, body, wick up, wick down), each a fraction of the price before."""
    rows: dict[str, list[float]] = {"open": [], "high": [], "low": [], "close": [], "volume": []}
    price = 100.0
    for gap, body, above, below in moves:
        opened = price * (1.0 + gap)
        price = opened * (1.0 + body)
        rows["open"].append(opened)
        rows["close"].append(price)
        rows["high"].append(max(opened, price) * (1.0 + above))
        rows["low"].append(min(opened, price) * (1.0 - below))
        rows["volume"].append(1.0)
    return Bars.from_columns(np.arange(len(moves)) * 60_000, rows)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Signals, Assumptions, Bracket, bool]:
    """Bars, wishes and rules; moves may be so large that shorts are ruined."""
    length = draw(st.integers(1, 60))
    large = draw(st.sampled_from([0.01, 0.1, 0.7]))
    move = st.floats(-large, large, allow_nan=False)
    wick = st.floats(0.0, large / 2, allow_nan=False)
    bars = bars_of(
        draw(st.lists(st.tuples(move, move, wick, wick), min_size=length, max_size=length))
    )
    codes = np.array(draw(st.lists(st.integers(0, 15), min_size=length, max_size=length)))
    columns: Mapping[str, BoolArray] = {
        "enter_long": codes & 1 != 0,
        "exit_long": codes & 2 != 0,
        # Nobody may enter both sides at one close.
        "enter_short": (codes & 4 != 0) & (codes & 1 == 0),
        "exit_short": codes & 8 != 0,
    }
    distance = st.none() | st.floats(0.001, 0.9)
    bracket = Bracket(stop_loss=draw(distance), take_profit=draw(distance))
    assumptions = Assumptions(
        initial_capital=draw(st.sampled_from([10_000.0, 1.0, 12_345.67])),
        fee_rate=draw(st.sampled_from([0.0, 0.001, 0.01, -0.0005])),
        slippage_rate=draw(st.sampled_from([0.0, 0.0005, 0.05])),
        fill=draw(st.sampled_from(list(FillRule))),
    )
    return Signals(bars, **columns), assumptions, bracket, draw(st.booleans())


def assert_same_trades(log: np.ndarray, outcome: Outcome) -> None:
    trades = [one for one in outcome.trades.records() if one.exit_bar is not None]
    for logged, one in zip(log, trades, strict=False):
        held = one.quantity if one.side == "long" else -one.quantity
        assert logged.tolist() == [
            one.entry_bar, one.exit_bar, one.entry_price, one.exit_price, held, one.pnl,
        ]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(cases())
def test_the_compiled_account_is_the_single_run(
    case: tuple[Signals, Assumptions, Bracket, bool],
) -> None:
    signals, assumptions, bracket, reverses = case
    outcome = run_sparse(signals.bars, signals, assumptions, bracket=bracket, reverses=reverses)
    expected, expected_blocks = tally_of(outcome, len(signals.bars))
    row, blocks, log = compiled_run(signals, assumptions, bracket, reverses=reverses)
    # Counts and money are equal to the last bit; sums only but for the order of their addition.
    for figure in (
        Figure.FINAL_EQUITY,
        Figure.BARS_RUN,
        Figure.CLOSED_TRADES,
        Figure.WINS,
        Figure.BARS_EXPOSED,
        Figure.AMBIGUOUS_BARS,
        Figure.OPEN_TRADES,
        Figure.PENDING,
        Figure.INSOLVENT_BAR,
    ):
        assert row[figure] == expected[figure], figure.name
    assert_same_trades(log, outcome)
    assert row[Figure.MAX_DRAWDOWN] == pytest.approx(
        expected[Figure.MAX_DRAWDOWN], rel=1e-12, abs=1e-15
    )
    scale = float(np.sqrt(expected_blocks[:, 1].sum() * len(signals.bars))) + 1e-300
    assert np.abs(blocks[:, 0] - expected_blocks[:, 0]).max() <= 1e-12 * scale
    assert blocks[:, 1] == pytest.approx(expected_blocks[:, 1], rel=1e-12)
    for figure in (Figure.GROSS_PROFIT, Figure.GROSS_LOSS):
        assert row[figure] == pytest.approx(expected[figure], rel=1e-12)


def test_one_trade_by_hand() -> None:
    """Bought at the open of bar 1, sold at that of bar 3, 1 % fee, no slippage.

    quantity = 1000 / (10 × 1.01) = 99.0099…; then cash is 1000 − 990.099… − 9.90099… = 0.
    Marks at the closes of bars 1 and 2 (11 and 12): 99.0099… × 11 = 1089.10…, × 12 = 1188.11….
    Sold at 12: 1188.1188… − 1 % = 1176.2376….
    """
    bars = Bars.from_columns(
        [0, 1, 2, 3],
        {
            "open": [10.0, 10.0, 11.0, 12.0],
            "high": [10.0, 11.0, 12.0, 12.0],
            "low": [10.0, 10.0, 11.0, 12.0],
            "close": [10.0, 11.0, 12.0, 12.0],
            "volume": [1.0] * 4,
        },
    )
    yes = np.eye(4, dtype=np.bool_)
    row, _, log = compiled_run(
        Signals(bars, enter_long=yes[0], exit_long=yes[2]),
        Assumptions(initial_capital=1_000.0, fee_rate=0.01),
        Bracket(),
        reverses=False,
    )
    assert row[Figure.FINAL_EQUITY] == pytest.approx(1_000 / 10.1 * 12 * 0.99)
    assert row[Figure.CLOSED_TRADES] == row[Figure.WINS] == 1
    assert row[Figure.BARS_EXPOSED] == 2
    # From the mark of bar 2 down to the exit with its fee.
    assert row[Figure.MAX_DRAWDOWN] == pytest.approx(-0.01)
    assert row[Figure.RETURN_SUM] == pytest.approx(11 / 10.1 - 1 + 12 / 11 - 1 + 0.99 - 1)
    assert log[0, :4].tolist() == [1.0, 3.0, 10.0, 12.0]


def test_codes_hold_the_four_columns() -> None:
    bars = bars_of([(0.0, 0.0, 0.0, 0.0)] * 4)
    yes = np.eye(4, dtype=np.bool_)
    signals = Signals(
        bars, enter_long=yes[0], exit_long=yes[1], enter_short=yes[2], exit_short=yes[3]
    )
    assert pack_signals(signals).tolist() == [1, 2, 4, 8]
