import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.rolling_extremes import rolling_max, rolling_min
from headwater.core.errors import RequestError


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=150), window=st.integers(1, 150))
def test_extremes_are_those_of_each_window(values: list[float], window: int) -> None:
    highest, lowest = rolling_max(values, window), rolling_min(values, window)
    assert np.isnan(highest[: window - 1]).all()
    for at in range(window - 1, len(values)):
        part = values[at - window + 1 : at + 1]
        assert (lowest[at], highest[at]) == (min(part), max(part))


def test_extremes_across_blocks() -> None:
    values = np.random.default_rng(6).normal(0.0, 1.0, 40_000)
    windows = np.lib.stride_tricks.sliding_window_view(values, 37)
    assert rolling_max(values, 37)[36:].tobytes() == windows.max(axis=1).tobytes()
    assert rolling_min(values, 37)[36:].tobytes() == windows.min(axis=1).tobytes()


def test_a_window_of_no_bars_is_refused() -> None:
    with pytest.raises(RequestError, match="window"):
        rolling_max([1.0], 0)
