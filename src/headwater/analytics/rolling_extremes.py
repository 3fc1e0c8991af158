"""Highest and lowest of the last `window` values: the channel of Donchian."""

from collections.abc import Callable
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray
from headwater.analytics.indicator_series import BLOCK, read_series, read_window, undefined_series
from headwater.analytics.rolling_sums import blocks


def rolling_max(values: npt.ArrayLike, window: SupportsIndex) -> FloatArray:
    """Highest of the window that ends at and includes each value.

    Args:
        values: shape (n,).
        window: number of values, ≥ 1.

    Returns:
        Shape (n,); NaN before the first full window.

    Raises:
        RequestError: see `indicator_series`.
    """
    return _rolled(values, read_window("window", window), np.maximum)


def rolling_min(values: npt.ArrayLike, window: SupportsIndex) -> FloatArray:
    """Lowest of the window that ends at and includes each value.

    Args:
        values: shape (n,).
        window: number of values, ≥ 1.

    Returns:
        Shape (n,); NaN before the first full window.

    Raises:
        RequestError: see `indicator_series`.
    """
    return _rolled(values, read_window("window", window), np.minimum)


def _rolled(values: npt.ArrayLike, window: int, choose: Callable[..., Any]) -> FloatArray:
    series, first = read_series("values", values)
    result = undefined_series(series.size, first + window - 1)
    room = min(max(BLOCK, 2 * window) + window, series.size)
    here, there = np.empty(room), np.empty(room)
    for start, end in blocks(first, series.size, window):
        power, size = series[start - window + 1 : end], 1
        while 2 * size < window:
            doubled = here[: power.size - size]
            choose(power[size:], power[:-size], out=doubled)
            power, size = doubled, 2 * size
            here, there = there, here
        # The last two overlap, which changes no extreme.
        choose(power[window - size :], power[: end - start], out=result[start:end])
    return result
