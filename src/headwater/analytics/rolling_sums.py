"""Sums and means of the last `window` values, the same to the last bit on any prefix of a series.

A running total drifts and then breaks ties between equal means. Here every window is summed by
itself: sums of 2, 4, 8, ... neighbours are made by adding two sums of half the length, and joined
to the length of the window. One value costs about 2 × log2(window)
additions, done for thousands of values at once; how a window is summed depends on nothing but the
window. The error is at most log2(window) + 1 roundings, and a window of equal values has exactly
that value as its mean.
"""

from collections.abc import Iterator
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.indicator_series import (
    BLOCK,
    read_series,
    read_window,
    undefined_series,
)


def rolling_sum(values: npt.ArrayLike, window: SupportsIndex) -> FloatArray:
    """Sum of the window that ends at and includes each value.

    Args:
        values: shape (n,).
        window: number of values, ≥ 1.

    Returns:
        Shape (n,); NaN before the first full window.

    Raises:
        RequestError: see `indicator_series`.
    """
    return _rolled(values, read_window("window", window), mean=False)


def sma(values: npt.ArrayLike, window: SupportsIndex) -> FloatArray:
    """Simple moving average: the mean of the window that ends at and includes each value.

    Args:
        values: shape (n,).
        window: number of values, ≥ 1.

    Returns:
        Shape (n,); NaN before the first full window. A window of equal values gives that value.

    Raises:
        RequestError: see `indicator_series`.
    """
    return _rolled(values, read_window("window", window), mean=True)


def blocks(first: int, length: int, window: int) -> Iterator[tuple[int, int]]:
    """Cuts the full windows of a series into runs that fit the processor's cache.

    Args:
        first: position of the first number.
        length: of the series.
        window: number of values.

    Yields:
        Start and end (exclusive) of the positions at which windows end.
    """
    step = max(BLOCK, 2 * window)
    for start in range(first + window - 1, length, step):
        yield start, min(start + step, length)


def flat_windows(piece: FloatArray, window: int) -> BoolArray | None:
    """Which windows hold nothing but equal values.

    Args:
        piece: the values of the windows; shape (m + window - 1,).
        window: number of values.

    Returns:
        Shape (m,), by the window's first value; None when there is no such window.
    """
    if window == 1:
        return np.ones(piece.size, np.bool_)
    # Every flat window holds one of the pairs that are window − 1 apart: mostly they settle it.
    apart = window - 1
    if not (piece[1::apart] == piece[:-1:apart]).any():
        return None
    same: BoolArray = piece[1:] == piece[:-1]
    size = 1
    while same.any():
        if size == window - 1:
            return same
        # Two runs that overlap make one as well as two that touch.
        grown = min(2 * size, window - 1)
        same = same[grown - size :] & same[: same.size - (grown - size)]
        size = grown
    return None


def spare_rows(count: int, length: int, window: int) -> FloatArray:
    """Room for the steps of one block.

    Args:
        count: number of rows.
        length: of the series from its first number.
        window: number of values.

    Returns:
        Shape (count, room); room for a block and the values that its first window reaches back.
    """
    room = min(max(BLOCK, 2 * window) + window, max(length, 0))
    # Rows a power of two apart would share the same few lines of the processor's cache.
    return np.empty((count, room + 40 - room % 16))[:, :room]


def sum_windows(
    piece: FloatArray,
    window: int,
    spare: tuple[FloatArray, FloatArray, FloatArray],
    into: FloatArray,
) -> None:
    """Sums every window of a piece.

    A window is odd × 2^k values long: sums over the odd part are joined from sums over powers of
    two, then doubled k times.

    Args:
        piece: the values of the windows; shape (m + window - 1,).
        window: number of values.
        spare: three rows of room, each at least as long as the piece.
        into: gets the sum of `piece[i : i + window]` at i; shape (m,).
    """
    here, there, room = spare
    odd = window // (window & -window)
    power, size = piece, 1
    total, done = piece, 1
    while done < odd:
        doubled = here[: power.size - size]
        np.add(power[size:], power[:-size], out=doubled)
        power, size = doubled, 2 * size
        here, there = there, here
        if odd & size:
            count = total.size - size
            joined = into if done + size == window else room[:count]
            np.add(total[:count], power[done : done + count], out=joined)
            total, done = joined, done + size
    while done < window:
        doubled = into if 2 * done == window else here[: total.size - done]
        np.add(total[done:], total[:-done], out=doubled)
        total, done = doubled, 2 * done
        here, there = there, here
    if window == 1:
        np.copyto(into, piece)


def _rolled(values: npt.ArrayLike, window: int, *, mean: bool) -> FloatArray:
    series, first = read_series("values", values)
    result = undefined_series(series.size, first + window - 1)
    spare = spare_rows(3, series.size - first, window)
    for start, end in blocks(first, series.size, window):
        piece = series[start - window + 1 : end]
        into = result[start:end]
        sum_windows(piece, window, (spare[0], spare[1], spare[2]), into)
        if mean:
            into /= window
            flat = flat_windows(piece, window)
            if flat is not None:
                np.copyto(into, piece[window - 1 :], where=flat)
    return result
