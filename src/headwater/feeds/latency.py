"""How late messages are: a histogram of the last minute, of fixed size. Pure; times are passed in.

Latencies fall into bins that widen by a fixed ratio, so that a percentile is right to within 4.5 %
from one millisecond to two minutes, whatever the number of readings. The minute is made of slices;
the oldest is dropped whole.
"""

import math
from typing import Final

import msgspec

from headwater.core.enums import Channel

SLICES: Final = 6
"""Slices of the window."""
SLICE_S: Final = 10.0
"""Length of a slice: the window covers the last 50 to 60 seconds."""
STEPS: Final = 8
"""Bins of each doubling: 2^(1/16) − 1 = 4.4 % is the greatest error of a bin's middle."""
DOUBLINGS: Final = 17
"""From 1 ms to 131 s; what is later falls into the last bin."""

_BINS: Final = 1 + STEPS * DOUBLINGS


class ChannelLatency(msgspec.Struct, frozen=True, kw_only=True):
    """How late the messages of one channel of a venue were in the last minute.

    Attributes:
        channel: kind of data.
        p50_ms: half were at most so late, ms from the venue's time to our receiving.
        p95_ms: of twenty nineteen were.
        readings: messages that were looked at, not all that came.
    """

    channel: Channel
    p50_ms: float
    p95_ms: float
    readings: int


class LatencyWindow:
    """Latencies of the last minute."""

    def __init__(self) -> None:
        self._slices = [[0] * _BINS for _ in range(SLICES)]
        self._numbers = [-1] * SLICES

    def add(self, latency_ms: float, now_s: float) -> None:
        """Takes a reading.

        Args:
            latency_ms: below zero (the clocks disagree) counts as zero.
            now_s: time by a clock that never goes back.
        """
        number = int(now_s // SLICE_S)
        place = number % SLICES
        if self._numbers[place] != number:
            self._numbers[place] = number
            self._slices[place] = [0] * _BINS
        self._slices[place][_bin_of(latency_ms)] += 1

    def percentiles(self, now_s: float, *shares: float) -> tuple[int, list[float]]:
        """Readings of the window, and the latency below which each share of them lies.

        Args:
            now_s: as in `add`.
            shares: from 0 to 1.

        Returns:
            The number of readings, and a latency in ms for each share: the middle of its bin,
            one decimal; empty without readings.
        """
        newest = int(now_s // SLICE_S)
        kept = [
            counts
            for number, counts in zip(self._numbers, self._slices, strict=True)
            if newest - SLICES < number <= newest
        ]
        summed = [sum(column) for column in zip(*kept, strict=True)]
        total = sum(summed)
        if not total:
            return 0, []
        return total, [_at(summed, share * total) for share in shares]


def _bin_of(latency_ms: float) -> int:
    if latency_ms < 1.0:
        return 0
    return min(1 + int(math.log2(latency_ms) * STEPS), _BINS - 1)


def _at(counts: list[int], rank: float) -> float:
    """The middle of the bin in which the reading of a rank lies, ms."""
    passed = 0
    found = _BINS - 1
    for place, count in enumerate(counts):
        passed += count
        if count and passed >= rank:
            found = place
            break
    if found == 0:
        return 0.5
    return round(math.pow(2.0, (found - 0.5) / STEPS), 1)
