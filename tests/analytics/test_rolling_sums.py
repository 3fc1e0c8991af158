import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.rolling_sums import flat_windows, rolling_sum, sma
from headwater.core.errors import RequestError


def test_worked_by_hand() -> None:
    # (1 + 2 + 4) / 3 = 7/3, (2 + 4 + 8) / 3 = 14/3, (4 + 8 + 1) / 3 = 13/3.
    found = sma([1.0, 2.0, 4.0, 8.0, 1.0], 3)
    assert np.isnan(found[:2]).all()
    assert found[2:].tolist() == [7 / 3, 14 / 3, 13 / 3]
    assert rolling_sum([1.0, 2.0, 4.0, 8.0, 1.0], 3)[2:].tolist() == [7.0, 14.0, 13.0]


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), window=st.integers(1, 200))
def test_a_sum_is_within_a_few_roundings_of_the_exact_one(values: list[float], window: int) -> None:
    found = rolling_sum(values, window)
    roundings = math.ceil(math.log2(window)) + 2
    for at in range(window - 1, len(values)):
        part = values[at - window + 1 : at + 1]
        bound = roundings * 2.0**-53 * math.fsum(abs(value) for value in part)
        assert abs(found[at] - math.fsum(part)) <= bound


@given(ticks=st.lists(st.integers(0, 10**7), min_size=1, max_size=150), window=st.integers(1, 60))
def test_means_of_prices_on_a_grid_of_eighths_are_exact(ticks: list[int], window: int) -> None:
    prices = [tick / 8.0 for tick in ticks]
    found = sma(prices, window)
    for at in range(window - 1, len(ticks)):
        assert found[at] == sum(ticks[at - window + 1 : at + 1]) / 8.0 / window


@pytest.mark.parametrize("window", [1, 2, 3, 7, 10, 29, 30, 49, 98, 103, 107, 161, 500])
def test_equal_values_have_exactly_their_value_as_mean(window: int) -> None:
    """Two means over a flat stretch tie, whatever their windows."""
    draw = np.random.default_rng(11)
    values = 100.0 + np.cumsum(draw.normal(0.0, 1.0, 40_000))
    for start in (700, 11_800, 25_000):
        values[start : start + 1_100] = values[start] * 1.1
    found = sma(values, window)
    for start in (700, 11_800, 25_000):
        flat = found[start + window - 1 : start + 1_100]
        assert flat.size == 1_101 - window
        assert (flat == values[start]).all()


def test_a_million_bars_do_not_drift() -> None:
    draw = np.random.default_rng(5)
    values = np.round(60_000.0 + np.cumsum(draw.normal(0.0, 5.0, 1_000_000)), 1)
    found = sma(values, 30)
    for at in (29, 500_003, 999_999):
        exact = math.fsum(values[at - 29 : at + 1]) / 30
        assert abs(found[at] - exact) <= 4 * math.ulp(exact)


@given(values=st.lists(st.integers(0, 1), min_size=1, max_size=60), window=st.integers(1, 60))
def test_flat_windows_are_found(values: list[int], window: int) -> None:
    if len(values) < window:
        return
    found = flat_windows(np.array(values, np.float64), window)
    expected = [len(set(values[at : at + window])) == 1 for at in range(len(values) - window + 1)]
    assert (found.tolist() if found is not None else [False] * len(expected)) == expected


def test_a_window_of_no_bars_is_refused() -> None:
    with pytest.raises(RequestError, match="window"):
        sma([1.0, 2.0], 0)
