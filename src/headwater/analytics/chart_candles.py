"""The newest candles of a chart: as many as its width shows, merged of history and stream. Pure.

One telling of a candle takes the place of another by `is_news`: a closed one that of a forming one,
a correction that of what it corrects, and of two equal ones the later. Nothing goes back.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final

from headwater.analytics.candles import same_values
from headwater.core.intervals import Interval
from headwater.core.records import Candle

COUNT_MIN: Final = 200
"""Fewest candles of a chart."""

COUNT_MAX: Final = 1000
"""Most candles of a chart."""

PIXELS_PER_CANDLE: Final = 6
"""Width of a candle with its gap."""

SCREENS: Final = 3
"""A chart begins with so many times what it shows at once, so that one can scroll back."""


def candle_count(width_px: int) -> int:
    """How many candles a chart begins with (requirement O-S13).

    Args:
        width_px: width of its container, ≥ 0.

    Returns:
        min(max((width / 6) × 3, 200), 1000), rounded down at the end: 400 for 800 pixels.
    """
    return min(max(width_px * SCREENS // PIXELS_PER_CANDLE, COUNT_MIN), COUNT_MAX)


class ChartCandles:
    """A bounded series of candles of one contract and length.

    Args:
        interval: length of a candle.
        capacity: most candles kept, ≥ 1; the oldest go.
    """

    def __init__(self, interval: Interval, capacity: int = COUNT_MAX) -> None:
        self._interval = interval
        self._capacity = capacity
        self._openings: list[int] = []
        self._candles: dict[int, Candle] = {}
        self._settled_ms = 0

    def __len__(self) -> int:
        return len(self._openings)

    def newest(self, count: int) -> list[Candle]:
        """At most the newest `count` (≥ 1), oldest first."""
        return [self._candles[at_ms] for at_ms in self._openings[-count:]]

    def take(self, candle: Candle) -> bool:
        """Takes a candle; whether it is news.

        One older than all of a full series is only news as a correction, and is not kept: who has
        it on the screen by way of paging is to see it.
        """
        at_ms = candle.timestamp_ms
        known = self._candles.get(at_ms)
        if known is not None:
            if is_news(candle, known):
                self._candles[at_ms] = candle
                return True
            return False
        if len(self._openings) >= self._capacity and at_ms < self._openings[0]:
            return candle.revision > 0
        self._candles[at_ms] = candle
        insort(self._openings, at_ms)
        if at_ms < self._settled_ms:
            self._settled_ms = 0  # perhaps it does not continue what comes after it
        if len(self._openings) > self._capacity:
            del self._candles[self._openings.pop(0)]
        return True

    def take_all(self, candles: Iterable[Candle]) -> list[Candle]:
        """Takes candles; returns those that are news, oldest first."""
        return sorted(filter(self.take, candles), key=lambda one: one.timestamp_ms)

    def holds(self, candle: Candle) -> bool:
        """Whether this very telling of a candle is kept."""
        return self._candles.get(candle.timestamp_ms) is candle

    def unsettled_ms(self, since_ms: int = 0) -> int | None:
        """Opening time of the first candle to be asked for again; None when there is none.

        It is the first that lacks, or that is not closed although a later one is there.

        Args:
            since_ms: candles that open before are not looked at.
        """
        first_ms = max(since_ms, self._settled_ms)
        at = bisect_left(self._openings, first_ms)
        due_ms = self._openings[at] if at < len(self._openings) else 0
        for at_ms in self._openings[at:]:
            if at_ms > due_ms:
                return due_ms
            due_ms = self._interval.closes_at_ms(at_ms)
            if not self._candles[at_ms].is_closed and at_ms < self._openings[-1]:
                return at_ms
            if first_ms == self._settled_ms:
                first_ms = self._settled_ms = at_ms  # the next look begins here
        return None


def is_news(candle: Candle, known: Candle) -> bool:
    """Whether a telling of a candle takes the place of the known one."""
    weight, known_weight = (
        (candle.is_closed, candle.revision),
        (known.is_closed, known.revision),
    )
    if weight != known_weight:
        return weight > known_weight
    return candle.received_ns >= known.received_ns and not same_values(candle, known)
