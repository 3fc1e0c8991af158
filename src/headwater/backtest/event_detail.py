"""Smaller bars that meet the orders of an event run in place of the bars they make up."""

from dataclasses import dataclass

import numpy as np

from headwater.analytics.arrays import IndexArray
from headwater.backtest.bar_ends import bar_ends_ms
from headwater.strategies.bars import COLUMNS, Bars

__all__ = ["MetBars", "met_bars"]


@dataclass(frozen=True, slots=True, eq=False)
class MetBars:
    """The bars that orders meet, of mixed lengths, oldest first.

    Attributes:
        bars: M bars.
        ends_ms: shape (M,): when each ends.
    """

    bars: Bars
    ends_ms: IndexArray


def met_bars(bars: Bars, detail: Bars) -> MetBars:
    """The smaller bars where they are all there, and the bar itself where one is missing.

    Args:
        bars: what a strategy is shown.
        detail: bars of an interval that fits into theirs.

    Returns:
        Bars that lie side by side like those that they replace: no time is met twice, and none is
        left out.
    """
    starts, ends = bars.timestamp_ms, bar_ends_ms(bars)
    first = detail.timestamp_ms.searchsorted(starts)
    count = detail.timestamp_ms.searchsorted(ends) - first
    is_whole = count * detail.interval_ms == ends - starts
    # As many may be there and lie across the ends of the bar, or not side by side.
    is_whole &= np.isin(starts, detail.timestamp_ms)
    is_whole &= np.isin(ends - detail.interval_ms, detail.timestamp_ms)
    # Row numbers of the smaller bars of the bars that they make up, one after the other.
    lengths = count[is_whole]
    before = np.cumsum(lengths) - lengths
    smaller = np.arange(lengths.sum()) + np.repeat(first[is_whole] - before, lengths)
    times = np.concatenate((starts[~is_whole], detail.timestamp_ms[smaller]))
    order = np.argsort(times, kind="stable")
    columns = {
        name: np.concatenate((getattr(bars, name)[~is_whole], getattr(detail, name)[smaller]))[
            order
        ]
        for name in COLUMNS
    }
    stops = np.concatenate(
        (ends[~is_whole], detail.timestamp_ms[smaller] + detail.interval_ms),
    )
    met = Bars(times[order], columns, symbol=bars.symbol, interval_ms=detail.interval_ms)
    return MetBars(met, stops[order])
