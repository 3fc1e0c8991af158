"""Curves of few points: the ends are kept, times are those of the closes."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.equity_curve import CURVE_POINTS_MAX, curve_of


def test_few_closes_are_all_there() -> None:
    times = np.array([0, 60, 120, 180], dtype=np.int64)
    assert curve_of(times, np.array([1.0, 2.0, 3.0]), 60) == [(60, 1.0), (120, 2.0), (180, 3.0)]
    assert curve_of(times, np.array([]), 60) == []


@given(st.integers(1, 10_000))
def test_first_and_last_are_kept_and_no_more_than_may_be(count: int) -> None:
    equity = np.arange(count, dtype=np.float64)
    curve = curve_of(np.arange(count, dtype=np.int64) * 10, equity, 10)
    assert len(curve) == min(count, CURVE_POINTS_MAX)
    assert curve[0] == (10, 0.0)
    assert curve[-1] == (count * 10, count - 1.0)
    assert all(before < after for before, after in pairwise(curve))
