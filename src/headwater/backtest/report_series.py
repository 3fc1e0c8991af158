"""What the charts of a report draw: columns of a few thousand points, however long the run was.

Thinning keeps the lowest and the highest value of each stretch, so that no spike, and not the
deepest point of a drawdown, is lost to it. Each candle of the price chart stands for a whole number
of bars. Knows nothing of HTML.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.outcome import Outcome
from headwater.strategies.bars import Bars

__all__ = [
    "POINTS_MAX",
    "POINTS_SHARED",
    "CandleSeries",
    "EquitySeries",
    "candle_series",
    "drawdowns",
    "equity_series",
    "kept_points",
    "points_each",
    "seconds_of",
    "shortened",
]

POINTS_MAX: Final = 5_000
"""Most points of a line and most candles; a screen has fewer columns."""

POINTS_SHARED: Final = 8 * POINTS_MAX
"""Most points of what a page draws once for each contract, all contracts together."""

_DIGITS: Final = 8
"""Significant digits that a drawing needs; the tables have more."""


class EquitySeries(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length, oldest point first.

    Attributes:
        time_s: opening time of the point's bar, seconds since the epoch.
        equity: quote currency, at the close of that bar.
        drawdown: fraction below the highest equity so far, ≤ 0.
        exposure: notional of the position over the equity, negative for short.
    """

    time_s: list[float]
    equity: list[float]
    drawdown: list[float]
    exposure: list[float]


class CandleSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length, oldest candle first.

    Attributes:
        bars_each: bars in a candle; the last may have fewer.
        time_s: opening time of a candle's first bar, seconds since the epoch.
        open: quote currency.
        high: likewise.
        low: likewise.
        close: likewise.
    """

    bars_each: int
    time_s: list[float]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]


def points_each(contracts: int) -> int:
    """Most points of one contract's line or candles where so many (> 0) share a page."""
    return min(POINTS_MAX, POINTS_SHARED // contracts)


def drawdowns(equity: FloatArray, initial_capital: float) -> FloatArray:
    """Shape as `equity`: equity / highest equity so far − 1, ≤ 0; the capital is the first peak.

    Args:
        equity: shape (N,), quote currency.
        initial_capital: quote currency, > 0.
    """
    peaks = np.maximum(np.maximum.accumulate(equity), initial_capital)
    below: FloatArray = equity / peaks - 1.0
    return below


def kept_points(columns: tuple[FloatArray, ...], most: int = POINTS_MAX) -> IndexArray:
    """Numbers of the points that a drawing keeps, rising: the first, the last, all extremes.

    The points are cut into stretches of equal length; of each stretch and column the lowest and the
    highest point are kept.

    Args:
        columns: each of shape (N,), finite.
        most: points to keep at most, at least 2 + 2 × columns.

    Returns:
        Shape (≤ most,); all numbers where there are not more than `most`.
    """
    length = len(columns[0])
    if length <= most:
        return np.arange(length, dtype=np.int64)
    stretches = (most - 2) // (2 * len(columns))
    size = -(-length // stretches)
    whole = length // size * size
    kept = [np.array([0, length - 1], dtype=np.int64)]
    for column in columns:
        rows = column[:whole].reshape(-1, size)
        starts = np.arange(len(rows), dtype=np.int64) * size
        kept.extend((starts + rows.argmin(axis=1), starts + rows.argmax(axis=1)))
        if whole < length:
            rest = column[whole:]
            kept.append(np.array([whole + rest.argmin(), whole + rest.argmax()], dtype=np.int64))
    found: IndexArray = np.unique(np.concatenate(kept))
    return found


def equity_series(bars: Bars, outcome: Outcome, most: int = POINTS_MAX) -> EquitySeries:
    """Equity, drawdown and exposure of a run.

    Args:
        bars: the bars of the run.
        outcome: what it came to; may be shorter than the bars.
        most: points at most.
    """
    equity = outcome.equity
    if not len(equity):
        return EquitySeries(time_s=[], equity=[], drawdown=[], exposure=[])
    below = drawdowns(equity, outcome.initial_capital)
    kept = kept_points((equity, below), most)
    notional = outcome.held[kept] * bars.close[kept]
    worth = equity[kept]
    # A ruined account has no equity that a position could be a multiple of.
    exposure = np.divide(notional, worth, out=np.zeros(len(kept)), where=worth > 0)
    return EquitySeries(
        time_s=seconds_of(bars.timestamp_ms[kept]),
        equity=shortened(worth),
        drawdown=shortened(below[kept]),
        exposure=shortened(exposure, digits=4),
    )


def candle_series(bars: Bars, most: int = POINTS_MAX) -> CandleSeries:
    """The price as candles, each of so many bars that there are not more than `most`.

    Args:
        bars: the bars of the run.
        most: candles at most, > 0.
    """
    length = len(bars)
    each = max(1, -(-length // most))
    starts = np.arange(0, length, each)
    ends = np.minimum(starts + each, length) - 1
    if not length:
        return CandleSeries(bars_each=each, time_s=[], open=[], high=[], low=[], close=[])
    return CandleSeries(
        bars_each=each,
        time_s=seconds_of(bars.timestamp_ms[starts]),
        open=shortened(bars.open[starts]),
        high=shortened(np.maximum.reduceat(bars.high, starts)),
        low=shortened(np.minimum.reduceat(bars.low, starts)),
        close=shortened(bars.close[ends]),
    )


def seconds_of(timestamp_ms: IndexArray) -> list[float]:
    """Times in seconds since the epoch, written without a fraction where they have none."""
    return [at // 1000 if at % 1000 == 0 else at / 1000 for at in timestamp_ms.tolist()]


def shortened(values: FloatArray, digits: int = _DIGITS) -> list[float]:
    """The values with as many digits as a drawing needs: half the bytes of the file."""
    return [float(f"{value:.{digits}g}") for value in values.tolist()]
