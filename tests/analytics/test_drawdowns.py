import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.arrays import FloatArray
from headwater.analytics.drawdowns import DrawdownFigures, drawdown_figures, max_drawdown


def _figures(equity: FloatArray, capital: float) -> DrawdownFigures:
    times = 1_000_000 + 60_000 * np.arange(equity.size)
    return drawdown_figures(equity, capital=capital, timestamps_ms=times, interval_ms=60_000)


def test_worked_by_hand() -> None:
    # Capital 100; bars 90 | 100 | 120 | 90 | 60 | 120 | 108. Periods: capital → bar 1 (10 %),
    # bar 2 → bar 5 with its trough at bar 4 (50 %), bar 5 → not recovered at bar 6 (10 %).
    equity = np.array([90.0, 100.0, 120.0, 90.0, 60.0, 120.0, 108.0])
    found = _figures(equity, 100.0)
    assert found.deepest == -0.5
    assert found.pain_index == pytest.approx((0.1 + 0.25 + 0.5 + 0.1) / 7)
    assert found.ulcer_index == pytest.approx(((0.01 + 0.0625 + 0.25 + 0.01) / 7) ** 0.5)
    assert found.periods == 3
    assert found.average_depth == pytest.approx(-0.7 / 3)
    assert (found.average_bars, found.longest_bars) == (2.0, 3)
    assert (found.average_ms, found.longest_ms) == (120_000.0, 180_000)
    deep, first, last = found.worst
    assert (deep.start_bar, deep.trough_bar, deep.recovery_bar) == (2, 4, 5)
    assert (deep.start_ms, deep.trough_ms, deep.recovery_ms) == (1_120_000, 1_240_000, 1_300_000)
    assert (first.start_bar, first.start_ms, first.recovery_bar) == (-1, 940_000, 1)
    assert (last.start_bar, last.recovery_bar, last.recovery_ms) == (5, None, None)
    assert last.depth == pytest.approx(-0.1)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 12), min_size=0, max_size=60), st.integers(1, 12))
def test_the_definition_bar_by_bar(values: list[int], capital: int) -> None:
    equity = np.array(values, np.float64)
    found = _figures(equity, float(capital))
    high = capital
    depths: list[float] = []
    starts: list[int] = []
    for bar, value in enumerate(values):
        if value < high and (bar == 0 or depths[-1] == 0.0):
            starts.append(bar - 1)
        high = max(high, value)
        depths.append(value / high - 1.0)
    assert found.deepest == pytest.approx(min(depths, default=0.0))
    assert max_drawdown(equity, capital=float(capital)) == found.deepest
    assert found.periods == len(starts)
    assert {period.start_bar for period in found.worst} <= set(starts)
    for period in found.worst:
        end = len(values) if period.recovery_bar is None else period.recovery_bar
        inside = depths[period.start_bar + 1 : end]
        assert all(depth < 0 for depth in inside)
        assert period.depth == pytest.approx(min(inside))
        assert period.trough_bar == period.start_bar + 1 + inside.index(min(inside))
        assert end == len(values) or depths[end] == 0.0
    assert list(found.worst) == sorted(found.worst, key=lambda p: (p.depth, p.start_bar))


def test_blocks_make_one_figure() -> None:
    equity = np.exp(np.cumsum(np.random.default_rng(1).normal(5e-5, 1e-3, 60_000)))
    found = _figures(equity, 1.0)
    depths = equity / np.maximum(np.maximum.accumulate(equity), 1.0) - 1.0
    assert found.deepest == depths.min() == max_drawdown(equity, capital=1.0)
    assert found.pain_index == pytest.approx(-depths.mean())
    assert found.ulcer_index == pytest.approx((depths**2).mean() ** 0.5)
    assert len(found.worst) == 10
    assert found.worst[0].depth == found.deepest


def test_an_account_that_only_rises_has_no_period() -> None:
    found = _figures(np.array([101.0, 101.0, 102.0]), 100.0)
    assert (found.deepest, found.periods, found.average_depth, found.worst) == (0.0, 0, None, ())
