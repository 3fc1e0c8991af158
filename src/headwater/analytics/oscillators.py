"""RSI and MACD: how fast prices move, from exponential averages (`smoothing`)."""

from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray
from headwater.analytics.indicator_series import read_series, read_window, undefined_series
from headwater.analytics.rolling_sums import sma
from headwater.analytics.smoothing import DecayingSum, ema
from headwater.core.errors import RequestError


@dataclass(frozen=True, slots=True, eq=False)
class Macd:
    """Moving average convergence and divergence, in the unit of the values; each of shape (n,).

    Attributes:
        line: fast less slow exponential average; NaN before the `slow`-th value.
        signal: exponential average of the line; NaN before the `slow + signal − 1`-th value.
        histogram: line less signal; NaN where the signal is.
    """

    line: FloatArray
    signal: FloatArray
    histogram: FloatArray


def rsi(values: npt.ArrayLike, window: SupportsIndex = 14) -> FloatArray:
    """Relative strength index: 100 × rises / (rises + falls), smoothed as Wilder has it.

    Rises and falls are the changes from value to value; the first averages are the plain means of
    the first `window` changes, so the first index is at value `window` + 1 (Wilder 1978).

    Args:
        values: shape (n,).
        window: number of changes, ≥ 1.

    Returns:
        Shape (n,), in [0, 100]; NaN before it is defined; 50, which is neither side's, where there
        was neither rise nor fall.

    Raises:
        RequestError: see `indicator_series`.
    """
    length = read_window("window", window)
    series, first = read_series("values", values)
    start = first + length
    result = undefined_series(series.size, start)
    if start >= series.size:
        return result
    weight = 1.0 / length
    seed = np.diff(series[first : start + 1])
    rising = DecayingSum(series.size - start, 1.0 - weight)
    moving = DecayingSum(series.size - start, 1.0 - weight)
    rises, moves = rising.empty_piece(), moving.empty_piece()
    for begin in range(start, series.size, rises.size):
        end = min(begin + rises.size, series.size)
        rise, move = rises[: end - begin], moves[: end - begin]
        np.subtract(series[begin:end], series[begin - 1 : end - 1], out=move)
        np.maximum(move, 0.0, out=rise)
        np.absolute(move, out=move)
        rise *= weight
        move *= weight
        if begin == start:
            rise[0] = sma(np.maximum(seed, 0.0), length)[-1]
            move[0] = sma(np.absolute(seed), length)[-1]
        rising.solve(rises)
        moving.solve(moves)
        _share(rise, move, result[begin:end])
    return result


def _share(rise: FloatArray, move: FloatArray, into: FloatArray) -> None:
    """Writes 100 × rise / move, at most 100, and 50 where nothing moved."""
    still = None
    if move.min() == 0.0:
        still = move == 0.0
        move[still] = 1.0
    np.divide(rise, move, out=into)
    into *= 100.0
    np.minimum(into, 100.0, out=into)
    if still is not None:
        into[still] = 50.0


def macd(
    values: npt.ArrayLike,
    fast: SupportsIndex = 12,
    slow: SupportsIndex = 26,
    signal: SupportsIndex = 9,
) -> Macd:
    """Difference of a fast and a slow exponential average, and its own average (Appel 1979).

    Each average begins with a plain mean as `ema` says; the fast one begins at its own `fast`-th
    value. (TA-Lib starts the fast one later, at the slow one's first; that difference fades.)

    Args:
        values: shape (n,).
        fast: span of the fast average, ≥ 1.
        slow: span of the slow average, > fast.
        signal: span of the signal, ≥ 1.

    Returns:
        Three arrays of shape (n,).

    Raises:
        RequestError: see `indicator_series`; or `slow` is not above `fast`.
    """
    shorter, longer = read_window("fast", fast), read_window("slow", slow)
    if longer <= shorter:
        raise RequestError("slow", longer, f"more bars than fast={shorter}")
    span = read_window("signal", signal)
    series, _ = read_series("values", values)
    line = ema(series, shorter)
    line -= ema(series, longer)
    average = ema(line, span)
    return Macd(line=line, signal=average, histogram=line - average)
