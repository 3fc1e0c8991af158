"""Reached cells as one table of shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.skill_samples import baselines_of, ones, window, windows_of

from headwater.analytics.skill_cells import HALF_SMOOTHING, tabulate


def test_shares_are_of_reached_cells_and_smoothed() -> None:
    """F = 3, 1 | 4 with the last cell not reached, b = 1, 1: p = 0.95·¾ + 0.05·½ = 0.7375.

    The ratio p / b is then 1.475, and of the other cell (0.95·¼ + 0.05·½) / ½ = 0.525. Half
    baseline, p is (¾ + ½) / 2 = 0.625.
    """
    one = window(
        [[3.0, 4.0], [1.0, 4.0]],
        [[10.0, 0.0], [0.0, 0.0]],
        reached=[[True, False], [True, False]],
        events=[[2, 0], [0, 0]],
    )
    table = tabulate([one], [np.ones((2, 2))])
    np.testing.assert_allclose(table.ratio, [1.475, 0.525], rtol=1e-12)
    np.testing.assert_allclose(table.share, [0.7375, 0.2625], rtol=1e-12)
    assert table.baseline.tolist() == [0.5, 0.5]
    half = tabulate([one], [np.ones((2, 2))], HALF_SMOOTHING)
    np.testing.assert_allclose(half.share, [0.625, 0.375], rtol=1e-12)
    assert (table.usd.tolist(), table.events.tolist()) == ([10.0, 0.0], [2, 0])


@given(st.data())
def test_shares_sum_to_one_in_every_window_that_reached_something(data: st.DataObject) -> None:
    windows = data.draw(windows_of())
    table = tabulate(windows, data.draw(baselines_of(windows)))
    some = [1.0 if one.reached.any() else 0.0 for one in windows]
    np.testing.assert_allclose(table.per_window(table.share), some, rtol=1e-9)
    np.testing.assert_allclose(table.per_window(table.baseline), some, rtol=1e-9)


def test_a_map_with_nothing_where_price_went_says_what_the_baseline_says() -> None:
    one = window([[0.0, 9.0], [0.0, 0.0]], [[5.0, 0.0], [0.0, 0.0]],
                 reached=[[True, False], [True, True]])  # fmt: skip
    table = tabulate([one], [np.array([[1.0, 2.0], [3.0, 4.0]])])
    assert table.ratio.tolist() == [1.0, 1.0, 1.0]


def test_what_cannot_be_scored_is_refused() -> None:
    one = window([[1.0], [1.0]], [[1.0], [1.0]])
    with pytest.raises(ValueError, match="0 horizons"):
        tabulate([], [])
    with pytest.raises(ValueError, match="2 horizons"):
        tabulate([one, window([[1.0], [1.0]], [[1.0], [1.0]], horizon_ms=1)], ones([one, one]))
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="baseline must be finite"):
            tabulate([one], [np.array([[1.0], [bad]])])
    with pytest.raises(ValueError, match="differ by more"):
        tabulate([one], [np.array([[1e-300], [1e300]])])
