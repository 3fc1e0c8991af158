"""When bars end: what is due before then falls into a bar, and what it says is known from then on.

A month's bar is as long as its own month, so its length is no property of the series.
"""

from typing import Final

import numpy as np

from headwater.analytics.arrays import IndexArray
from headwater.core.intervals import Interval
from headwater.strategies.bars import Bars

__all__ = ["bar_ends_ms"]

_DAY_MS: Final = 86_400_000
_MONTH_LENGTHS: Final = (
    (Interval.MONTH1, range(28 * _DAY_MS, 32 * _DAY_MS, _DAY_MS)),
    (Interval.MONTH3, range(90 * _DAY_MS, 93 * _DAY_MS, _DAY_MS)),
)
"""Lengths that differ from bar to bar, with the smallest distances that two of them can have."""


def bar_ends_ms(bars: Bars) -> IndexArray:
    """When each bar ends: at the next one's opening, or after its length where a hole follows.

    Args:
        bars: N bars.

    Returns:
        Shape (N,), ms. The length of a month's bar, or of three months', is that of its own.
    """
    times, interval_ms = bars.timestamp_ms, max(1, bars.interval_ms)
    ends = times + interval_ms
    follow = times[1:]
    near = follow - times[:-1] < 2 * interval_ms
    ends[:-1] = np.where(near, follow, ends[:-1])
    for month, lengths in _MONTH_LENGTHS:
        opened = times.tolist() if interval_ms in lengths else ()
        if opened and all(month.opens_at_ms(one) == one for one in opened):
            return np.array([month.closes_at_ms(one) for one in opened], dtype=np.int64)
    return ends
