"""The law of all indicators: what is known at a bar does not change when the series goes on."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics import indicators
from headwater.analytics.arrays import FloatArray

COLUMNS: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "sma": indicators.sma,
    "rolling_sum": indicators.rolling_sum,
    "ema": indicators.ema,
    "wilder_average": indicators.wilder_average,
    "rolling_std": lambda x, w: indicators.rolling_std(x, w + 1),
    "zscore": lambda x, w: indicators.zscore(x, w + 1),
    "zscore_population": lambda x, w: indicators.zscore(x, w, 0),
    "rsi": indicators.rsi,
    "macd": lambda x, w: indicators.macd(x, w, 2 * w, 5).line,
    "macd_signal": lambda x, w: indicators.macd(x, w, w + 3, w).signal,
    "macd_histogram": lambda x, w: indicators.macd(x, w, w + 3, w).histogram,
    "bollinger": lambda x, w: indicators.bollinger(x, w, 1.5).upper,
    "atr": lambda x, w: indicators.atr(x + 1.0, x - 2.0, x, w),
    "rolling_max": indicators.rolling_max,
    "rolling_min": indicators.rolling_min,
}

PRICES = st.lists(
    st.one_of(st.integers(1, 4).map(float), st.floats(-1e6, 1e6), st.floats(1e-300, 1e-290)),
    min_size=1,
    max_size=300,
).map(np.array)


@pytest.mark.parametrize("name", sorted(COLUMNS))
@settings(max_examples=60, deadline=None)
@given(values=PRICES, window=st.integers(1, 40), cut=st.integers(0, 300))
def test_a_prefix_has_the_same_values(name: str, values: FloatArray, window: int, cut: int) -> None:
    whole = COLUMNS[name](values, window)
    part = COLUMNS[name](values[:cut], window)
    assert whole.shape == values.shape
    assert whole[:cut].tobytes() == part.tobytes()


@pytest.mark.parametrize("name", sorted(COLUMNS))
@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    window=st.sampled_from([2, 7, 14, 31, 200]),
    cut=st.integers(12_100, 69_999),
)
def test_a_prefix_of_several_blocks_has_the_same_values(
    name: str, seed: int, window: int, cut: int
) -> None:
    draw = np.random.default_rng(seed)
    values = 100.0 + np.cumsum(draw.normal(0.0, 0.01, 70_000))
    values[20_000:] += 5_000.0
    values[30_000:30_500] = values[30_000]
    whole, part = COLUMNS[name](values, window), COLUMNS[name](values[:cut], window)
    assert whole[:cut].tobytes() == part.tobytes()


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_the_input_stays_as_it_is_and_may_be_read_only(name: str) -> None:
    values = 50.0 + np.cumsum(np.random.default_rng(3).normal(0.0, 1.0, 500))
    before = values.copy()
    values.flags.writeable = False
    found = COLUMNS[name](values, 10)
    assert values.tobytes() == before.tobytes()
    assert np.isfinite(found[60:]).all()
    assert np.isnan(found[0])
    strided = np.repeat(before, 3)[::3]
    assert COLUMNS[name](strided, 10).tobytes() == found.tobytes()


@pytest.mark.parametrize("name", sorted(COLUMNS))
@pytest.mark.parametrize("length", [0, 1, 5])
def test_a_series_shorter_than_its_window_is_not_defined(name: str, length: int) -> None:
    found = COLUMNS[name](np.arange(1.0, length + 1.0), 9)
    assert found.shape == (length,)
    assert np.isnan(found).all()


@settings(max_examples=100, deadline=None)
@given(values=PRICES, level=st.integers(1, 4), cut=st.integers(0, 300))
def test_a_crossing_of_the_past_stays(values: FloatArray, level: int, cut: int) -> None:
    for crossed in (indicators.crossed_above, indicators.crossed_below):
        whole, part = crossed(values, float(level)), crossed(values[:cut], float(level))
        assert whole[:cut].tolist() == part.tolist()
