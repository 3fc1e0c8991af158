"""Where one line crosses another: the bars on which a strategy of two lines may act."""

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.core.errors import RequestError


def crossed_above(a: npt.ArrayLike, b: npt.ArrayLike) -> BoolArray:
    """Bars on which `a` stands above `b` and did not on the bar before.

    True at t where a[t − 1] ≤ b[t − 1] and a[t] > b[t], all four defined. A line that touched the
    other from above and left upwards again has crossed too, from "not above".

    Args:
        a: shape (n,); NaN where not defined.
        b: shape (n,), or one number for a level.

    Returns:
        Shape (n,); never true on the first bar.

    Raises:
        RequestError: lengths differ, or more than one axis.
    """
    left, right = _read_lines(a, b)
    return _crossed(left > right, left <= right)


def crossed_below(a: npt.ArrayLike, b: npt.ArrayLike) -> BoolArray:
    """Bars on which `a` stands below `b` and did not on the bar before.

    True at t where a[t − 1] ≥ b[t − 1] and a[t] < b[t], all four defined.

    Args:
        a: shape (n,); NaN where not defined.
        b: shape (n,), or one number for a level.

    Returns:
        Shape (n,); never true on the first bar.

    Raises:
        RequestError: lengths differ, or more than one axis.
    """
    left, right = _read_lines(a, b)
    return _crossed(left < right, left >= right)


def _crossed(beyond: BoolArray, not_beyond: BoolArray) -> BoolArray:
    # Two comparisons and not one: with NaN neither is true.
    crossed = np.zeros(beyond.size, np.bool_)
    np.logical_and(beyond[1:], not_beyond[:-1], out=crossed[1:])
    return crossed


def _read_lines(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if left.ndim != 1:
        raise RequestError("a", f"shape {left.shape}", "one axis of numbers")
    if right.ndim and right.shape != left.shape:
        raise RequestError("b", f"shape {right.shape}", f"one number, or shape {left.shape} as a")
    return left, right
