"""Thinning for charts: extremes stay, lengths are bounded, candles are the bars' own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.outcome import Outcome, TradeLog
from headwater.backtest.report_series import (
    candle_series,
    drawdowns,
    equity_series,
    kept_points,
)
from headwater.strategies.bars import Bars

MINUTE_MS = 60_000


def bars_of(closes: list[float]) -> Bars:
    close = np.array(closes, dtype=np.float64)
    return Bars.from_columns(
        np.arange(len(close)) * MINUTE_MS,
        {"open": close, "high": close, "low": close, "close": close, "volume": close * 0},
    )


def test_drawdown_counts_from_the_capital_and_every_later_peak() -> None:
    # Peaks: 100, 100, 120, 120, 120; 90/100-1 = -0.1, 60/120-1 = -0.5.
    found = drawdowns(np.array([90.0, 100.0, 120.0, 60.0, 120.0]), 100.0)
    assert found.tolist() == pytest.approx([-0.1, 0.0, 0.0, -0.5, 0.0])


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400),
    most=st.integers(6, 50),
)
def test_thinning_keeps_first_last_and_both_extremes(values: list[float], most: int) -> None:
    column = np.array(values)
    kept = kept_points((column, -column), most)
    assert len(kept) <= max(most, 6)
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert {0, len(values) - 1} <= set(kept.tolist())
    assert column[kept].min() == column.min()
    assert column[kept].max() == column.max()


def test_a_short_series_is_kept_whole() -> None:
    assert kept_points((np.array([3.0, 1.0, 2.0]),)).tolist() == [0, 1, 2]


@given(closes=st.lists(st.floats(1.0, 1e5), min_size=1, max_size=300), most=st.integers(1, 40))
def test_candles_hold_every_bar_once(closes: list[float], most: int) -> None:
    bars = bars_of(closes)
    found = candle_series(bars, most)
    assert 1 <= len(found.time_s) <= most
    assert max(found.high) == pytest.approx(max(closes), rel=1e-6)
    assert min(found.low) == pytest.approx(min(closes), rel=1e-6)
    assert found.open[0] == pytest.approx(closes[0], rel=1e-6)
    assert found.close[-1] == pytest.approx(closes[-1], rel=1e-6)
    assert (len(found.time_s) - 1) * found.bars_each < len(closes)
    assert len(found.time_s) * found.bars_each >= len(closes)


def test_candles_of_two_bars_worked_by_hand() -> None:
    found = candle_series(bars_of([1.0, 3.0, 2.0, 5.0, 4.0]), most=3)
    assert found.bars_each == 2
    assert found.time_s == [0, 120, 240]
    assert found.open == [1.0, 2.0, 4.0]
    assert found.high == [3.0, 5.0, 4.0]
    assert found.low == [1.0, 2.0, 4.0]
    assert found.close == [3.0, 5.0, 4.0]


def test_exposure_is_notional_over_equity_and_nothing_where_nothing_is_left() -> None:
    # Half a unit at 100 over 100 of equity: 0.5; one sold short at 110 over 55: -2.
    outcome = Outcome(
        initial_capital=100.0,
        equity=np.array([100.0, 55.0, -5.0]),
        held=np.array([0.5, -1.0, -1.0]),
        trades=TradeLog().columns(),
        insolvent_bar=2,
    )
    found = equity_series(bars_of([100.0, 110.0, 170.0, 180.0]), outcome)
    assert found.exposure == [0.5, -2.0, 0.0]
    assert found.time_s == [0, 60, 120]
    assert found.drawdown == pytest.approx([0.0, -0.45, -1.05])


def test_nothing_run_is_nothing_drawn() -> None:
    nothing = Outcome(
        initial_capital=1.0, equity=np.array([]), held=np.array([]), trades=TradeLog().columns()
    )
    bars = bars_of([1.0])[:0]
    assert equity_series(bars, nothing).equity == []
    assert candle_series(bars).time_s == []
