"""Deviations of the last `window` values: exact enough to compare, the same on any prefix.

The deviation comes from window × Σx² − (Σx)², with x reckoned from a value nearby; of prices on a
grid that is exact. Where a quiet window stands far from that value and digits cancel, and in very
short windows, neighbouring windows of 1, 2, 4, 8, ... values are joined by their sums and squared
deviations instead (Chan, Golub and LeVeque 1983), whose terms are never negative. Which way is
taken depends on the window's own values and its place only. The relative error is below 1e-9 and
mostly below 1e-12; a window of equal values has deviation exactly 0.
"""

from dataclasses import dataclass
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.indicator_series import (
    read_positive,
    read_series,
    read_window,
    undefined_series,
)
from headwater.analytics.rolling_sums import (
    blocks,
    flat_windows,
    sma,
    spare_rows,
    sum_windows,
)
from headwater.core.errors import RequestError

JOINED_WINDOW_MAX: Final = 8
"""Windows up to this length are always joined: three values may well be almost equal by chance."""

_CANCELLED: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class BollingerBands:
    """Bands around a moving average, in the unit of the values; each of shape (n,).

    Attributes:
        middle: the mean of the window.
        upper: the mean plus `width` deviations.
        lower: the mean less `width` deviations.
    """

    middle: FloatArray
    upper: FloatArray
    lower: FloatArray


def rolling_std(
    values: npt.ArrayLike, window: SupportsIndex, ddof: SupportsIndex = 1
) -> FloatArray:
    """Standard deviation sqrt(Σ(x − mean)² / (window − ddof)) of the window ending at each value.

    Args:
        values: shape (n,).
        window: number of values, > ddof.
        ddof: 1 for a sample, 0 for the whole population.

    Returns:
        Shape (n,); NaN before the first full window; exactly 0 where all values are equal.

    Raises:
        RequestError: see `indicator_series`; or the window is no longer than `ddof`.
    """
    length, less = _read_lengths(window, ddof)
    return _rolled(values, length, less, as_score=False)


def zscore(values: npt.ArrayLike, window: SupportsIndex, ddof: SupportsIndex = 1) -> FloatArray:
    """How many deviations each value is from the mean of the window that ends with it.

    z = (x − mean) / deviation, both over the window that ends at and includes x.

    Args:
        values: shape (n,).
        window: number of values, > ddof.
        ddof: 1 for a sample, 0 for the whole population.

    Returns:
        Shape (n,); NaN before the first full window and where the deviation is 0, so that no
        comparison with it is true and nobody acts on it.

    Raises:
        RequestError: see `indicator_series`; or the window is no longer than `ddof`.
    """
    length, less = _read_lengths(window, ddof)
    return _rolled(values, length, less, as_score=True)


def bollinger(
    values: npt.ArrayLike,
    window: SupportsIndex = 20,
    width: float = 2.0,
    ddof: SupportsIndex = 0,
) -> BollingerBands:
    """Bollinger bands: mean ± width × deviation of the window that ends at each value.

    Args:
        values: shape (n,).
        window: number of values, > ddof.
        width: deviations from the mean to each band, > 0.
        ddof: 0 as Bollinger has it (and TA-Lib), 1 for a sample.

    Returns:
        Three arrays of shape (n,); NaN before the first full window.

    Raises:
        RequestError: see `indicator_series`; `width` is not above 0; or the window is no longer
            than `ddof`.
    """
    length, less = _read_lengths(window, ddof)
    factor = read_positive("width", width)
    middle, reach = sma(values, length), _rolled(values, length, less, as_score=False)
    reach *= factor
    return BollingerBands(middle=middle, upper=middle + reach, lower=middle - reach)


def _read_lengths(window: SupportsIndex, ddof: SupportsIndex) -> tuple[int, int]:
    length, less = read_window("window", window), read_window("ddof", ddof, least=0)
    if length <= less:
        raise RequestError("window", length, f"more bars than ddof={less}")
    return length, less


def _rolled(values: npt.ArrayLike, window: int, ddof: int, *, as_score: bool) -> FloatArray:
    """Deviations or scores; shape (n,)."""
    series, first = read_series("values", values)
    result = undefined_series(series.size, first + window - 1)
    spare = spare_rows(7, series.size - first, window)
    for start, end in blocks(first, series.size, window):
        piece = series[start - window + 1 : end]
        into = result[start:end]
        if window <= JOINED_WINDOW_MAX:
            _join(piece, window, ddof, spare, into, as_score=as_score)
        else:
            doubtful = _square(piece, window, ddof, spare, into, as_score=as_score)
            if doubtful is not None:
                low, high = int(doubtful[0]), int(doubtful[-1]) + 1
                exact = np.empty(high - low)
                _join(piece[low : high + window - 1], window, ddof, spare, exact, as_score=as_score)
                into[doubtful] = exact[doubtful - low]
        flat = flat_windows(piece, window)
        if flat is not None:
            into[flat] = np.nan if as_score else 0.0
    return result


def _square(
    piece: FloatArray,
    window: int,
    ddof: int,
    spare: FloatArray,
    into: FloatArray,
    *,
    as_score: bool,
) -> IndexArray | None:
    """Deviations or scores from sums and sums of squares about a value of the block.

    Returns:
        The positions whose digits cancelled; None when there are none.
    """
    count = into.size
    near, squares = spare[0, : piece.size], spare[1, : piece.size]
    total, squared, limit = spare[2, :count], spare[3, :count], spare[4, :count]
    room = (spare[4], spare[5], spare[6])
    # The first bar that this block answers for: every longer prefix knows it too.
    np.subtract(piece, piece[window - 1], out=near)
    np.square(near, out=squares)
    sum_windows(near, window, room, total)
    sum_windows(squares, window, room, squared)
    squared *= window
    np.multiply(squared, _CANCELLED, out=limit)
    np.square(total, out=into)
    np.subtract(squared, into, out=squared)
    lost = np.less(squared, limit)
    doubtful = np.flatnonzero(lost) if lost.any() else None
    if doubtful is not None:
        squared[doubtful] = 1.0
    if as_score:
        squared *= window / (window - ddof)
        np.sqrt(squared, out=squared)
        np.multiply(near[window - 1 :], window, out=limit)
        limit -= total
        _divide(limit, squared, into)
    else:
        squared *= 1.0 / (window * (window - ddof))
        np.sqrt(squared, out=into)
    return doubtful


def _divide(distance: FloatArray, deviation: FloatArray, into: FloatArray) -> None:
    """Writes the scores; NaN where the deviation is 0."""
    if deviation.min() == 0.0:
        deviation[deviation == 0.0] = np.nan
    np.divide(distance, deviation, out=into)


def _join(
    piece: FloatArray,
    window: int,
    ddof: int,
    spare: FloatArray,
    into: FloatArray,
    *,
    as_score: bool,
) -> None:
    """Deviations or scores from neighbouring windows joined."""
    total = spare[5, : into.size]
    _join_windows(piece, window, spare, total, into)
    into *= 1.0 / (window - ddof)
    np.sqrt(into, out=into)
    if as_score:
        total *= -1.0 / window
        total += piece[window - 1 :]
        total -= piece[: into.size]
        _divide(total, into, into)


def _join_windows(
    piece: FloatArray, window: int, spare: FloatArray, total: FloatArray, spread: FloatArray
) -> None:
    """Writes what `piece[i : i + window]` sums to, less its first value each, and its spread.

    The spread is the sum of squared deviations. Two neighbouring windows of a and b values with
    sums A and B make one whose spread is that of both and (A × b / a − B)² × a / (b × (a + b)).
    Sums are of distances from the window's first value: they stay as small as the moves.
    """
    count = total.size
    sums, sums_next, spreads, spreads_next, moved_room = spare[:5]
    offsets: FloatArray | None = None
    power_spread: FloatArray | None = None
    size, done = 1, 0
    while True:
        if window & size:
            if done:
                moved = moved_room[:count]
                _move(piece, offsets, size, done, moved)
                _merge(total, spread, moved, done, size)
                if power_spread is not None:
                    spread += power_spread[done : done + count]
            else:
                total[:] = 0.0 if offsets is None else offsets[:count]
                spread[:] = 0.0 if power_spread is None else power_spread[:count]
            done += size
            if done == window:
                return
        left = piece.size - 2 * size + 1
        moved, doubled, joined = moved_room[:left], sums[:left], spreads[:left]
        _move(piece, offsets, size, size, moved)
        if offsets is None or power_spread is None:
            np.copyto(doubled, moved)
            np.square(moved, out=joined)
            joined *= 0.5
        else:
            np.add(moved, offsets[:left], out=doubled)
            np.subtract(moved, offsets[:left], out=moved)
            np.square(moved, out=moved)
            moved *= 0.5 / size
            np.add(power_spread[size:], power_spread[:left], out=joined)
            joined += moved
        offsets, power_spread, size = doubled, joined, 2 * size
        sums, sums_next = sums_next, sums
        spreads, spreads_next = spreads_next, spreads


def _move(
    piece: FloatArray, offsets: FloatArray | None, size: int, distance: int, into: FloatArray
) -> None:
    """Writes the sums of the windows `distance` further on, less the first value here each."""
    np.subtract(piece[distance : distance + into.size], piece[: into.size], out=into)
    if offsets is not None:
        into *= size
        into += offsets[distance : distance + into.size]


def _merge(total: FloatArray, spread: FloatArray, moved: FloatArray, done: int, size: int) -> None:
    """Joins windows of `size` values with sums `moved` to windows of `done` values, in place."""
    gap = total * (size / done)
    gap -= moved
    np.square(gap, out=gap)
    gap *= done / (size * (done + size))
    spread += gap
    total += moved
