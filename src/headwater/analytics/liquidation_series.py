"""Liquidated volume for a chart: past buckets, live ones and their moving average, by one code.

A series is seeded with past buckets and fed with single events, in any order and in portions of
any size, and tells which buckets changed since it was asked last. What it tells depends on what it
was given and on the time, never on where the past ended and the live events began. Who feeds it
gives it each event once.

The moving average is that of the last 50 closed buckets whose delta is not zero (requirement
O-S16): the bucket that still runs is not in it, so it enters once, when it closes (O-D9).
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from headwater.analytics.exact_sums import units_of, value_of
from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.core.enums import PositionSide
from headwater.core.external_liquidations import ExternalVolume
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

PERIODS: Final = 50
"""Closed buckets with a delta in the moving average (O-S16)."""


class SeriesBucket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Liquidations of one bucket of time, and the average so far.

    Attributes:
        opened_at_ms: beginning of the bucket, ms since the epoch, UTC.
        buy_usd: shorts closed, USD.
        sell_usd: longs closed, USD.
        count: number of events; None where the source does not tell it.
        is_floor: whether the sums are a lower bound.
        is_external: whether an external service told of it.
        average_usd: mean of |buy − sell| of the last `PERIODS` closed buckets in which it is not
            zero, this one included when it is closed, USD; None before the first one.
    """

    opened_at_ms: int
    buy_usd: float
    sell_usd: float
    count: int | None
    is_floor: bool
    is_external: bool
    average_usd: float | None


class _Sums:
    """Running sums of one bucket, in exact units."""

    __slots__ = ("buy", "count", "is_external", "is_floor", "sell")

    def __init__(self) -> None:
        self.buy = 0
        self.sell = 0
        self.count = 0
        self.is_floor = False
        self.is_external = False


class LiquidationSeries:
    """Buckets of one symbol, the newest `kept`, counted back from the newest with an event.

    Sums are exact: of the same events, seeded as events or added later, they are the same to the
    last digit. A past bucket that comes as a rounded sum carries its rounding, of one part in
    2^53, with it.

    Args:
        interval: length of a bucket.
        kept: most buckets. Older ones are forgotten, and events of theirs are counted in
            `dropped_count`; what they did to averages stays.
    """

    def __init__(self, interval: Interval, kept: int) -> None:
        self.interval: Final = interval
        self.dropped_count = 0
        self._kept = kept
        self._sums: dict[int, _Sums] = {}
        self._told: dict[int, SeriesBucket] = {}
        self._first_ms: int | None = None
        self._last_ms = 0
        self._changed_ms: int | None = None
        self._now_ms: int | None = None

    def seed(
        self, own: Iterable[LiquidationVolume], external: Iterable[ExternalVolume] = ()
    ) -> None:
        """Takes past buckets in; a part of one may be given, whose rest comes as events.

        Args:
            own: of the platform itself; they are added to what is there.
            external: of an external service, of buckets of which nothing else is known.

        Raises:
            ValueError: a number is not finite.
        """
        for row in external:
            sums = self._sums_of(row.opened_at_ms)
            if sums is not None:
                sums.buy, sums.sell = units_of(row.buy_usd), units_of(row.sell_usd)
                sums.is_external = sums.is_floor = True
        for part in own:
            sums = self._sums_of(part.opened_at_ms)
            if sums is not None:
                sums.buy += units_of(part.buy_usd)
                sums.sell += units_of(part.sell_usd)
                sums.count += part.buy_count + part.sell_count
                sums.is_floor = sums.is_floor or part.is_floor

    def add(self, events: Iterable[Liquidation]) -> None:
        """Takes events in, each of which is counted.

        Raises:
            ValueError: a value is not finite.
        """
        for event in events:
            value = units_of(event.value)
            sums = self._sums_of(self.interval.opens_at_ms(event.timestamp_ms))
            if sums is None:
                self.dropped_count += 1
                continue
            if sums.is_external:
                # No bucket is made of both: what the platform heard itself takes its place.
                sums.buy = sums.sell = 0
                sums.is_external = sums.is_floor = False
            if event.position_side is PositionSide.SHORT:
                sums.buy += value
            else:
                sums.sell += value
            sums.count += 1
            sums.is_floor = sums.is_floor or event.is_floor

    def settle(self, now_ms: int) -> list[SeriesBucket]:
        """Buckets that are new or changed since the last call, oldest first.

        From the first bucket with an event to the last one every bucket is told, empty ones as
        zero; a bucket whose average alone changed is told again.

        Args:
            now_ms: wall time, ms since the epoch: what ended before is closed. Time that goes back
                opens nothing again.
        """
        self._note_time(now_ms)
        if self._first_ms is None or self._changed_ms is None:
            return []
        opened_ms = max(self._changed_ms, self._first_ms)
        self._changed_ms = None
        found = []
        window, total = self._window_before(opened_ms)
        while opened_ms <= self._last_ms:
            sums = self._sums.get(opened_ms)
            if sums is not None and sums.buy != sums.sell and self._is_closed(opened_ms):
                size = abs(sums.buy - sums.sell)
                window.append(size)
                total += size
                if len(window) > PERIODS:
                    total -= window.popleft()
            average = value_of(total) / len(window) if window else None
            bucket = _bucket_of(opened_ms, sums, average)
            if self._told.get(opened_ms) != bucket:
                self._told[opened_ms] = bucket
                found.append(bucket)
            opened_ms = self.interval.closes_at_ms(opened_ms)
        return found

    def buckets(self) -> list[SeriesBucket]:
        """Every bucket as it was at the last `settle`, oldest first."""
        return [self._told[opened_ms] for opened_ms in sorted(self._told)]

    def next_close_ms(self) -> int | None:
        """When the next bucket with a delta closes, ms since the epoch; None when none runs."""
        ends = (
            self.interval.closes_at_ms(opened_ms)
            for opened_ms, sums in self._sums.items()
            if sums.buy != sums.sell and not self._is_closed(opened_ms)
        )
        return min(ends, default=None)

    def _is_closed(self, opened_ms: int) -> bool:
        return self._now_ms is not None and self.interval.closes_at_ms(opened_ms) <= self._now_ms

    def _note_time(self, now_ms: int) -> None:
        """Marks the buckets that have closed since the last time."""
        before_ms = self._now_ms
        if before_ms is not None and now_ms <= before_ms:
            return
        for opened_ms in self._sums:
            closes_ms = self.interval.closes_at_ms(opened_ms)
            if closes_ms <= now_ms and (before_ms is None or before_ms < closes_ms):
                self._mark(opened_ms)
        self._now_ms = now_ms

    def _window_before(self, opened_ms: int) -> tuple[deque[int], int]:
        """Sizes of the last deltas before a bucket that are in its average, and their sum."""
        assert self._first_ms is not None
        sizes: list[int] = []
        earlier_ms = self.interval.opens_at_ms(opened_ms - 1)
        while earlier_ms >= self._first_ms and len(sizes) < PERIODS:
            sums = self._sums.get(earlier_ms)
            if sums is not None and sums.buy != sums.sell and self._is_closed(earlier_ms):
                sizes.append(abs(sums.buy - sums.sell))
            earlier_ms = self.interval.opens_at_ms(earlier_ms - 1)
        return deque(reversed(sizes)), sum(sizes)

    def _sums_of(self, opened_ms: int) -> _Sums | None:
        """The sums of a bucket, which are about to change; None when it is too old."""
        if self._first_ms is None:
            self._first_ms = self._last_ms = opened_ms
        elif opened_ms > self._last_ms:
            self._mark(self.interval.closes_at_ms(self._last_ms))
            self._last_ms = opened_ms
            self._forget()
        elif opened_ms < self._first_ms:
            if opened_ms < self._oldest_ms():
                return None
            self._first_ms = opened_ms
        self._mark(opened_ms)
        return self._sums.setdefault(opened_ms, _Sums())

    def _oldest_ms(self) -> int:
        """Opening of the oldest bucket that may be kept."""
        span_ms = (self._kept - 1) * self.interval.nominal_ms
        return self.interval.opens_at_ms(self._last_ms - span_ms)

    def _forget(self) -> None:
        """Forgets the buckets that have become too old."""
        oldest_ms = self._oldest_ms()
        assert self._first_ms is not None
        if oldest_ms <= self._first_ms:
            return
        self._first_ms = oldest_ms
        for opened_ms in [one for one in self._sums if one < oldest_ms]:
            del self._sums[opened_ms]
        for opened_ms in [one for one in self._told if one < oldest_ms]:
            del self._told[opened_ms]

    def _mark(self, opened_ms: int) -> None:
        """Notes that a bucket changes, and with it perhaps the averages of all later ones."""
        if self._changed_ms is None or opened_ms < self._changed_ms:
            self._changed_ms = opened_ms


def _bucket_of(opened_ms: int, sums: _Sums | None, average: float | None) -> SeriesBucket:
    if sums is None:
        sums = _Sums()
    return SeriesBucket(
        opened_at_ms=opened_ms,
        buy_usd=value_of(sums.buy),
        sell_usd=value_of(sums.sell),
        count=None if sums.is_external else sums.count,
        is_floor=sums.is_floor,
        is_external=sums.is_external,
        average_usd=average,
    )
