"""Returns of an account and the ratios made of them: volatility, Sharpe, Sortino, omega, CAGR.

The return of a bar is equity[t] / equity[t − 1] − 1, the first one's on the capital. Years have 365
days; the risk-free rate is zero. Where a ratio has no denominator it is None, never infinite.
"""

import math
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.equity_curve import (
    DAY_MS,
    YEAR_MS,
    bars_per_year,
    read_equity,
)
from headwater.analytics.indicator_series import BLOCK

DEVIATION_MIN: Final = 1e-15
"""A deviation of returns that is no larger is the rounding of equal returns: it counts as zero."""


class ReturnFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the returns of all bars, as fractions.

    Attributes:
        bars: number of returns n.
        mean: arithmetic mean.
        deviation: sqrt(Σ(r − mean)² / (n − 1)); None for fewer than two bars.
        downside: sqrt(Σ min(r, 0)² / n), over all bars.
        gains: Σ max(r, 0).
        losses: Σ max(−r, 0).
    """

    bars: int
    mean: float
    deviation: float | None
    downside: float
    gains: float
    losses: float

    def sharpe(self, periods_per_year: float) -> float | None:
        """The mean / deviation × sqrt(periods_per_year); None without deviation."""
        if self.deviation is None or self.deviation <= DEVIATION_MIN:
            return None
        return self.mean / self.deviation * math.sqrt(periods_per_year)

    def sortino(self, periods_per_year: float) -> float | None:
        """The mean × sqrt(periods_per_year) / downside; None when no bar lost."""
        if self.downside == 0.0:
            return None
        return self.mean * math.sqrt(periods_per_year) / self.downside

    def omega(self) -> float | None:
        """The gains / losses, threshold 0; None when no bar lost."""
        return self.gains / self.losses if self.losses > 0.0 else None


def return_figures(equity: FloatArray, before: float) -> ReturnFigures:
    """Goes over the returns once.

    Args:
        equity: a curve that `read_equity` let through; shape (n,).
        before: value before its first bar, > 0.
    """
    room = np.empty((2, min(BLOCK, equity.size)))
    means, spreads, sizes, gains, losses, squares = [], [], [], [], [], []
    for start in range(0, equity.size, BLOCK):
        piece = equity[start : start + BLOCK]
        returns, part = room[0, : piece.size], room[1, : piece.size]
        returns[0] = piece[0] / (equity[start - 1] if start else before)
        np.divide(piece[1:], piece[:-1], out=returns[1:])
        returns -= 1.0
        mean = float(returns.sum()) / piece.size
        np.subtract(returns, mean, out=part)
        np.square(part, out=part)
        spreads.append(float(part.sum()))
        np.maximum(returns, 0.0, out=part)
        gains.append(float(part.sum()))
        np.minimum(returns, 0.0, out=returns)
        losses.append(-float(returns.sum()))
        np.square(returns, out=returns)
        squares.append(float(returns.sum()))
        means.append(mean)
        sizes.append(piece.size)
    bars = equity.size
    if not bars:
        return ReturnFigures(bars=0, mean=0.0, deviation=None, downside=0.0, gains=0.0, losses=0.0)
    mean = math.fsum(size * part for size, part in zip(sizes, means, strict=True)) / bars
    between = (size * (part - mean) ** 2 for size, part in zip(sizes, means, strict=True))
    spread = math.fsum(spreads) + math.fsum(between)
    return ReturnFigures(
        bars=bars,
        mean=mean,
        deviation=math.sqrt(spread / (bars - 1)) if bars > 1 else None,
        downside=math.sqrt(math.fsum(squares) / bars),
        gains=math.fsum(gains),
        losses=math.fsum(losses),
    )


def daily_closes(equity: FloatArray, timestamps_ms: IndexArray) -> FloatArray:
    """The last value of each UTC day that has a bar.

    Args:
        equity: shape (n,).
        timestamps_ms: time of each bar, rising; shape (n,). A bar belongs to the day of its time.

    Returns:
        Shape (days,).
    """
    if not equity.size:
        return equity
    first_day, last_day = int(timestamps_ms[0]) // DAY_MS, int(timestamps_ms[-1]) // DAY_MS
    if last_day - first_day < equity.size:
        midnights = np.arange(first_day + 1, last_day + 1, dtype=np.int64) * DAY_MS
        last = np.searchsorted(timestamps_ms, midnights) - 1
        # A day without a bar would repeat the one before.
        last = last[np.diff(last, prepend=-1) > 0]
    else:
        days = timestamps_ms // DAY_MS
        last = np.flatnonzero(days[1:] != days[:-1])
    closes: FloatArray = equity[np.append(last, equity.size - 1)]
    return closes


def daily_figures(equity: FloatArray, timestamps_ms: IndexArray) -> ReturnFigures:
    """Figures of the returns from each UTC day's last value to the next day's that has one.

    The first day has no day before it and gives no return; neither does the capital.

    Args:
        equity: shape (n,).
        timestamps_ms: time of each bar, rising; shape (n,).
    """
    closes = daily_closes(equity, timestamps_ms)
    return return_figures(closes[1:], float(closes[0]) if closes.size else 1.0)


def annual_growth(growth: float, bars: int, interval_ms: int) -> float | None:
    """Growth a year: growth^(365 days / (bars × interval)) − 1.

    Args:
        growth: final over initial value.
        bars: number of bars n.
        interval_ms: length of a bar.

    Returns:
        A fraction; −1 when nothing is left; None without bars, when less than nothing is left, or
        when a short run's growth a year is beyond the largest float.
    """
    if not bars or growth < 0.0:
        return None
    try:
        return math.pow(growth, YEAR_MS / (bars * interval_ms)) - 1.0
    except OverflowError:
        return None


def sharpe_bar(equity: npt.ArrayLike, *, capital: float, interval_ms: int) -> float | None:
    """Sharpe ratio of bar returns: mean / std(ddof = 1) × sqrt(bars in 365 days).

    Args:
        equity: value at the close of each bar; shape (n,).
        capital: value before the first bar, > 0.
        interval_ms: length of a bar, ≥ 1.

    Returns:
        None for fewer than two bars and for equal returns.

    Raises:
        RequestError: see `equity_curve`.
    """
    curve, _ = read_equity(equity, capital)
    return return_figures(curve, capital).sharpe(bars_per_year(interval_ms))
