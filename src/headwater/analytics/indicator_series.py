"""What every indicator asks of its input: one axis of numbers that is defined once it has begun.

An indicator of an indicator begins with NaN; such a beginning is taken as "not there yet". NaN or
infinity after the first number is an error: a mean over it would be undefined for good.
"""

import math
from operator import index
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray
from headwater.core.errors import RequestError

MAGNITUDE_MAX: Final = 1e150
"""Largest absolute value of an input: its square and the sum of such squares stay finite."""

BLOCK: Final = 12_000
"""Values worked on at once: few enough to stay in the processor's cache."""


def read_series(field: str, values: npt.ArrayLike) -> tuple[FloatArray, int]:
    """Checks an input; copies it only when it is not yet an array of doubles.

    Args:
        field: the parameter's name, for the error.
        values: one axis, oldest first; a run of NaN at the beginning is allowed.

    Returns:
        The values, and the position of the first that is a number (the length if there is none).

    Raises:
        RequestError: more or fewer than one axis; NaN after the first number; infinity, or a value
            beyond ±1e150. The error names the position.
    """
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise RequestError(field, type(values).__name__, "one axis of numbers") from None
    if series.ndim != 1:
        raise RequestError(field, f"shape {series.shape}", "one axis of numbers")
    if not series.size:
        return series, 0
    if series.min() >= -MAGNITUDE_MAX and series.max() <= MAGNITUDE_MAX:
        return series, 0
    undefined = np.isnan(series)
    first = int(np.argmin(undefined)) if not undefined.all() else series.size
    bad = np.flatnonzero(~(np.abs(series[first:]) <= MAGNITUDE_MAX))
    if bad.size:
        at = first + int(bad[0])
        allowed = "numbers between -1e150 and 1e150, without NaN after the first"
        raise RequestError(f"{field}[{at}]", float(series[at]), allowed)
    return series, first


def read_window(field: str, window: SupportsIndex, least: int = 1) -> int:
    """Checks a length in bars.

    Args:
        field: the parameter's name, for the error.
        window: the length.
        least: the smallest allowed.

    Raises:
        RequestError: not a whole number, or smaller than `least`.
    """
    try:
        length = index(window)
    except TypeError:
        length = least - 1
    if length < least or isinstance(window, bool):
        raise RequestError(field, window, f"a whole number of bars of at least {least}")
    return length


def read_positive(field: str, number: float) -> float:
    """Checks a factor that must be finite and above zero.

    Raises:
        RequestError: it is not.
    """
    if not (math.isfinite(number) and number > 0):
        raise RequestError(field, number, "a finite number above 0")
    return float(number)


def require_same_length(**series: FloatArray) -> None:
    """Checks that columns belong together.

    Raises:
        RequestError: one has another length than the first.
    """
    (name, first), *others = series.items()
    for field, column in others:
        if column.size != first.size:
            raise RequestError(field, f"{column.size} values", f"as many as {name}: {first.size}")


def undefined_series(length: int, defined_from: int) -> FloatArray:
    """Room for a result that begins with NaN.

    Args:
        length: of the result.
        defined_from: position of the first value, which the caller fills like all after it.

    Returns:
        Shape (length,).
    """
    result = np.empty(length)
    result[:defined_from] = np.nan
    return result
