"""Bars of open interest and volume in step: keyed by their end, without doubles, oldest first.

Knows nothing of scores nor of where records come from. A bar is made of a candle that the venue
calls closed and of the open interest at its end; the forming candle never becomes one.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self

import msgspec

from headwater.core.intervals import Interval
from headwater.core.records import Candle, OpenInterest

SAMPLE_AGE_MAX_MS: Final = 60_000
"""A reading of open interest stands for a bar's end when it is at most this much older."""


class OiVolumeBar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Volume of one closed bar and, where known, the open interest at its end.

    Attributes:
        ended_at_ms: first millisecond after the bar.
        volume_usd: quote volume, USD.
        open_interest: base units, None where it is not known (yet).
        open_interest_usd: the same in USD, None likewise.
    """

    ended_at_ms: int
    volume_usd: float
    open_interest: float | None = None
    open_interest_usd: float | None = None


class OiVolumeSeries:
    """The newest bars of one instrument and interval.

    Args:
        interval: length of the bars.
        capacity: most bars kept; the oldest go first.
    """

    def __init__(self, interval: Interval, capacity: int) -> None:
        self.interval: Final = interval
        self._capacity = capacity
        self._ends: list[int] = []
        self._bars: dict[int, OiVolumeBar] = {}

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def newest_ms(self) -> int | None:
        """End of the newest bar, None when there is none."""
        return self._ends[-1] if self._ends else None

    def at(self, ended_at_ms: int) -> OiVolumeBar | None:
        """The bar that ended then, or None."""
        return self._bars.get(ended_at_ms)

    def complete_after(self, ended_at_ms: int) -> list[OiVolumeBar]:
        """Bars with open interest that ended later than `ended_at_ms`, oldest first."""
        later = self._ends[bisect_left(self._ends, ended_at_ms + 1) :]
        bars = (self._bars[end] for end in later)
        return [bar for bar in bars if bar.open_interest is not None]

    def add(self, bar: OiVolumeBar) -> bool:
        """Takes a bar into its place, whatever order bars come in.

        A bar that is already there changes nothing, whatever it says now, except that one without
        open interest is completed once. A bar older than all of a full series is refused.

        Returns:
            Whether anything changed.
        """
        known = self._bars.get(bar.ended_at_ms)
        if known is not None:
            if known.open_interest is not None or bar.open_interest is None:
                return False
            self._bars[bar.ended_at_ms] = msgspec.structs.replace(
                known,
                open_interest=bar.open_interest,
                open_interest_usd=bar.open_interest_usd,
            )
            return True
        if len(self._ends) >= self._capacity:
            if bar.ended_at_ms < self._ends[0]:
                return False
            del self._bars[self._ends.pop(0)]
        insort(self._ends, bar.ended_at_ms)
        self._bars[bar.ended_at_ms] = bar
        return True

    def before(
        self, ended_at_ms: int, count: int, read: Callable[[Self, OiVolumeBar], float | None]
    ) -> list[float]:
        """The newest readings of bars that ended before `ended_at_ms`.

        Args:
            ended_at_ms: end of the tested bar; it and later bars are left out.
            count: most readings wanted.
            read: what is read of a bar; None skips the bar.

        Returns:
            At most `count` readings, oldest first.
        """
        found: list[float] = []
        for index in range(bisect_left(self._ends, ended_at_ms) - 1, -1, -1):
            if len(found) >= count:
                break
            value = read(self, self._bars[self._ends[index]])
            if value is not None:
                found.append(value)
        found.reverse()
        return found


def reading_at(
    readings: Mapping[int, OpenInterest], ended_at_ms: int, candle: Candle
) -> tuple[float, float] | None:
    """Open interest at a bar's end in base units and USD, None where there is none.

    Args:
        readings: by the whole minute that they stand for, see `by_minute`.
        ended_at_ms: the bar's end.
        candle: the bar; its close values a reading that comes without a value.
    """
    found = readings.get(ended_at_ms)
    if found is None:
        return None
    value = found.open_interest * candle.close if found.value is None else found.value
    if not (_is_amount(found.open_interest) and _is_amount(value)):
        return None
    return found.open_interest, value


def minute_of(reading: OpenInterest) -> int:
    """The whole minute (ms) that a reading can stand for: the first one at or after its time."""
    return -(-reading.timestamp_ms // SAMPLE_AGE_MAX_MS) * SAMPLE_AGE_MAX_MS


def by_minute(readings: Iterable[OpenInterest]) -> dict[int, OpenInterest]:
    """For each whole minute the newest reading at or before it, at most a minute old."""
    found: dict[int, OpenInterest] = {}
    for reading in readings:
        minute = minute_of(reading)
        known = found.get(minute)
        if known is None or reading.timestamp_ms >= known.timestamp_ms:
            found[minute] = reading
    return found


def bars_of(
    candles: Iterable[Candle], readings: Mapping[int, OpenInterest], now_ms: int
) -> list[OiVolumeBar]:
    """Bars of all candles that are over, in the candles' order.

    Args:
        candles: of one instrument and interval. One that the venue does not call closed, or that
            ends after `now_ms`, is left out, and so is one whose volume is no amount.
        readings: open interest by whole minute, see `by_minute`; a bar without one comes without
            open interest.
        now_ms: venue time now, ms.

    Returns:
        The bars. Where a venue does not tell the quote volume it is base volume × (high + low +
        close) / 3, an estimate.
    """
    bars = []
    for candle in candles:
        ended_at_ms = candle.interval.closes_at_ms(candle.timestamp_ms)
        if not candle.is_closed or ended_at_ms > now_ms:
            continue
        volume = candle.quote_volume
        if volume is None:
            volume = candle.volume * (candle.high + candle.low + candle.close) / 3.0
        if not _is_amount(volume):
            continue
        interest = reading_at(readings, ended_at_ms, candle)
        bars.append(
            OiVolumeBar(
                ended_at_ms=ended_at_ms,
                volume_usd=volume,
                open_interest=None if interest is None else interest[0],
                open_interest_usd=None if interest is None else interest[1],
            )
        )
    return bars


def _is_amount(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0
