"""Drawdowns: how far below its highest value an account was, for how long, and how painfully.

The drawdown of a bar is equity / highest so far − 1, ≤ 0; the capital counts as a value before the
first bar. A period begins at the bar of the high, has its trough at its lowest bar, and ends at the
first bar that is as high again; a period that has not ended lasts to the last bar. Sources: ulcer
index, Martin and McCann 1989; pain index and ratio, Becker 2006 (Zephyr).
"""

import math
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.analytics.equity_curve import read_equity
from headwater.analytics.indicator_series import BLOCK

WORST_PERIODS: Final = 10
"""Periods that are reported one by one, deepest first."""

BEFORE_FIRST_BAR: Final = -1
"""The start of a period that began with the first bar: its high is the capital."""


class DrawdownPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One stay below a high.

    Attributes:
        start_bar: bar of the high; −1 when it is the capital before the first bar.
        trough_bar: bar of the lowest value; the first if there are several.
        recovery_bar: first bar as high again; None when there was none until the end.
        start_ms: time of the start; one interval before the first bar for −1.
        trough_ms: time of the trough.
        recovery_ms: time of the recovery; None when there was none.
        depth: lowest / high − 1, a negative fraction.
    """

    start_bar: int
    trough_bar: int
    recovery_bar: int | None
    start_ms: int
    trough_ms: int
    recovery_ms: int | None
    depth: float


class DrawdownFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All drawdowns in numbers; fractions, bars and milliseconds.

    Attributes:
        deepest: least drawdown of any bar, ≤ 0.
        ulcer_index: sqrt(Σ drawdown² / n).
        pain_index: Σ |drawdown| / n.
        periods: number of periods.
        average_depth: mean depth of the periods; None without one.
        average_bars: mean length of the periods in bars; None without one.
        longest_bars: longest length in bars; 0 without a period.
        average_ms: mean length of the periods in time; None without one.
        longest_ms: longest length in time; 0 without a period.
        worst: the ten deepest periods, deepest first.
    """

    deepest: float
    ulcer_index: float
    pain_index: float
    periods: int
    average_depth: float | None
    average_bars: float | None
    longest_bars: int
    average_ms: float | None
    longest_ms: int
    worst: tuple[DrawdownPeriod, ...]


def max_drawdown(equity: npt.ArrayLike, *, capital: float) -> float:
    """The deepest drawdown: the least of equity / highest so far − 1.

    Args:
        equity: value at the close of each bar; shape (n,).
        capital: value before the first bar, > 0.

    Returns:
        A fraction, ≤ 0; below −1 when the account owed money at its ruin.

    Raises:
        RequestError: see `equity_curve`.
    """
    curve, _ = read_equity(equity, capital)
    high, deepest = capital, 0.0
    for start in range(0, curve.size, BLOCK):
        piece = curve[start : start + BLOCK]
        if piece.max() <= high:
            deepest = min(deepest, float(piece.min()) / high - 1.0)
            continue
        highs = _highs(piece, high)
        high = float(highs[-1])
        np.divide(piece, highs, out=highs)
        deepest = min(deepest, float(highs.min()) - 1.0)
    return deepest


def drawdown_figures(
    equity: FloatArray, *, capital: float, timestamps_ms: IndexArray, interval_ms: int
) -> DrawdownFigures:
    """Goes over the drawdowns once.

    Args:
        equity: a curve that `read_equity` let through; shape (n,).
        capital: value before the first bar, > 0.
        timestamps_ms: time of each bar, rising; shape (n,).
        interval_ms: length of a bar.
    """
    below = np.empty(equity.size, np.bool_)
    room = np.empty(min(BLOCK, equity.size))
    high, deepest = capital, 0.0
    sums, squares = [], []
    for start in range(0, equity.size, BLOCK):
        piece = equity[start : start + BLOCK]
        depths = room[: piece.size]
        # Most blocks of a long run set no new high, and a constant is cheaper than a running one.
        highs: FloatArray | float = high
        if piece.max() > high:
            running = _highs(piece, high)
            highs, high = running, float(running[-1])
        np.less(piece, highs, out=below[start : start + BLOCK])
        np.divide(piece, highs, out=depths)
        depths -= 1.0
        deepest = min(deepest, float(depths.min()))
        sums.append(-float(depths.sum()))
        np.square(depths, out=depths)
        squares.append(float(depths.sum()))
    bars = max(equity.size, 1)
    pain = math.fsum(sums) / bars
    ulcer = math.sqrt(math.fsum(squares) / bars)
    opened = _BarTimes(timestamps_ms, interval_ms)
    return _periods(equity, capital, below, opened, (deepest, ulcer, pain))


class _BarTimes:
    """Times of bars by their numbers; −1 is the capital's, an interval before the first bar."""

    def __init__(self, timestamps_ms: IndexArray, interval_ms: int) -> None:
        self._times = timestamps_ms
        self._interval_ms = interval_ms

    def at(self, bar: int) -> int:
        """Of one bar."""
        return int(self._times[bar]) if bar >= 0 else int(self._times[0]) - self._interval_ms

    def of(self, bars: IndexArray) -> IndexArray:
        """Of each of the bars."""
        before = self._times[0] - self._interval_ms
        return np.where(bars < 0, before, self._times[np.maximum(bars, 0)])


def _highs(piece: FloatArray, high: float) -> FloatArray:
    """Highest value so far at each bar of a block."""
    highs: FloatArray = np.maximum.accumulate(piece)
    np.maximum(highs, high, out=highs)
    return highs


def _periods(
    equity: FloatArray,
    capital: float,
    below: BoolArray,
    times: _BarTimes,
    of_bars: tuple[float, float, float],
) -> DrawdownFigures:
    """Finds the periods."""
    deepest, ulcer, pain = of_bars
    turns = np.flatnonzero(below[1:] != below[:-1]) + 1
    if below[:1].any():
        turns = np.append(0, turns)
    if below[-1:].any():
        turns = np.append(turns, below.size)
    firsts, ends = turns[0::2], turns[1::2]
    if not firsts.size:
        return DrawdownFigures(
            deepest=deepest,
            ulcer_index=ulcer,
            pain_index=pain,
            periods=0,
            average_depth=None,
            average_bars=None,
            longest_bars=0,
            average_ms=None,
            longest_ms=0,
            worst=(),
        )
    starts = firsts - 1
    highs = np.where(starts < 0, capital, equity[np.maximum(starts, 0)])
    # The last turn may be the end of the curve, where there is nothing to reduce.
    edges = turns[:-1] if ends[-1] == equity.size else turns
    depths = np.minimum.reduceat(equity, edges)[0::2] / highs - 1.0
    last = np.minimum(ends, equity.size - 1)
    lengths, spans = last - starts, times.of(last) - times.of(starts)
    chosen = _deepest(depths)
    return DrawdownFigures(
        deepest=deepest,
        ulcer_index=ulcer,
        pain_index=pain,
        periods=firsts.size,
        average_depth=float(depths.mean()),
        average_bars=float(lengths.mean()),
        longest_bars=int(lengths.max()),
        average_ms=float(spans.mean()),
        longest_ms=int(spans.max()),
        worst=tuple(
            _period(equity, times, int(starts[at]), int(ends[at]), float(depths[at]))
            for at in chosen
        ),
    )


def _deepest(depths: FloatArray) -> list[int]:
    """Positions of the deepest periods, deepest first, the earlier first of equals."""
    if depths.size <= WORST_PERIODS:
        few = np.arange(depths.size)
    else:
        limit = np.partition(depths, WORST_PERIODS - 1)[WORST_PERIODS - 1]
        few = np.flatnonzero(depths <= limit)
    found: list[int] = few[np.argsort(depths[few], kind="stable")][:WORST_PERIODS].tolist()
    return found


def _period(
    equity: FloatArray, times: _BarTimes, start: int, end: int, depth: float
) -> DrawdownPeriod:
    trough = start + 1 + int(np.argmin(equity[start + 1 : end]))
    recovered = end < equity.size
    return DrawdownPeriod(
        start_bar=start,
        trough_bar=trough,
        recovery_bar=end if recovered else None,
        start_ms=times.at(start),
        trough_ms=times.at(trough),
        recovery_ms=times.at(end) if recovered else None,
        depth=depth,
    )
