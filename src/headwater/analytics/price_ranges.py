"""True range and its average (Wilder 1978): how far a bar moved, gaps included."""

from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray
from headwater.analytics.indicator_series import read_series, read_window, require_same_length
from headwater.analytics.smoothing import smoothed
from headwater.core.errors import RequestError


def true_range(high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike) -> FloatArray:
    """Distance from the lower of low and last close to the higher of high and last close.

    max(high, close before) − min(low, close before); the first bar has no close before it, so its
    range is high − low.

    Args:
        high: of each bar; shape (n,).
        low: of each bar, ≤ high; shape (n,).
        close: of each bar; shape (n,).

    Returns:
        Shape (n,), ≥ 0, in the unit of price.

    Raises:
        RequestError: see `indicator_series`; lengths differ; a low is above its high; a value is
            NaN, at the beginning too.
    """
    tops, bottoms, closes = (
        _read_prices(field, values)
        for field, values in (("high", high), ("low", low), ("close", close))
    )
    require_same_length(high=tops, low=bottoms, close=closes)
    if (tops < bottoms).any():
        at = int(np.argmax(tops < bottoms))
        raise RequestError(f"low[{at}]", float(bottoms[at]), f"at most the high, {tops[at]}")
    result, floor = np.empty(tops.size), np.empty(tops.size)
    result[:1], floor[:1] = tops[:1], bottoms[:1]
    np.maximum(tops[1:], closes[:-1], out=result[1:])
    np.minimum(bottoms[1:], closes[:-1], out=floor[1:])
    result -= floor
    return result


def atr(
    high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike, window: SupportsIndex = 14
) -> FloatArray:
    """Average true range, smoothed as Wilder has it.

    The first average, at the `window`-th bar, is the plain mean of the first `window` true ranges,
    the first bar's high − low among them.

    Args:
        high: of each bar; shape (n,).
        low: of each bar, ≤ high; shape (n,).
        close: of each bar; shape (n,).
        window: number of bars, ≥ 1.

    Returns:
        Shape (n,), in the unit of price; NaN before the `window`-th bar.

    Raises:
        RequestError: see `true_range`.
    """
    length = read_window("window", window)
    return smoothed("high", true_range(high, low, close), length, 1.0 / length)


def _read_prices(field: str, values: npt.ArrayLike) -> FloatArray:
    series, first = read_series(field, values)
    if first:
        raise RequestError(f"{field}[0]", float(series[0]), "a number for every bar")
    return series
