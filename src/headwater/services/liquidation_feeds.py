"""What each venue's liquidation feed brought in a span: how much, how complete, where it was cut.

Counts come from storage, holes from the stored gap ledger. How complete a feed can be at best is a
fact of the venue, which the caller knows; what was missed in a hole nobody knows.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.exact_arrays import UnitSums
from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapState
from headwater.core.records import ALL_SYMBOLS, Gap
from headwater.services.liquidation_history import Wanted
from headwater.storage import gaps, live_spells
from headwater.storage.base import Span
from headwater.storage.liquidation_days import portions
from headwater.storage.sessions import Snapshot
from headwater.storage.store import Store

HOLES_MAX: Final = 1_000
"""Newest holes of a venue's feed in a span that are looked at."""


class FeedStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's liquidations of a symbol in a span.

    Attributes:
        exchange: venue id.
        count: number of liquidations.
        value_usd: their sum, USD.
        first_ms: time of the first one, ms since the epoch; None without any.
        last_ms: time of the last one.
        floor_share: part of `count` that came by a throttled feed, 0 to 1; None without any.
        holes: interruptions of the feed that touch the span and were not repaired.
        missing_ms: how much of the span lies in them, counted once.
        heard_since_ms: when the platform heard the feed for the first time, of what is still
            known; what was earlier is in no hole, and nobody heard it. None for never.
    """

    exchange: str
    count: int
    value_usd: float
    first_ms: int | None
    last_ms: int | None
    floor_share: float | None
    holes: int
    missing_ms: int
    heard_since_ms: int | None


class LiquidationFeeds:
    """Answers what the feeds brought.

    Args:
        store: where liquidations and holes lie.
        clock: tells until when an open hole reaches.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def statistics(self, wanted: Wanted, exchanges: Sequence[str]) -> list[FeedStatistics]:
        """Statistics of each venue, in the order asked for.

        Args:
            wanted: symbol and span; its venues are not looked at.
            exchanges: venue ids.

        Raises:
            RequestError: too many liquidations.
            StorageError: the database does not answer.
        """
        await self._store.written()

        def gather(state: Snapshot) -> list["_Sums"]:
            return [_sums_of(state, wanted, exchange) for exchange in exchanges]

        sums = await self._store.study(gather)
        found = []
        for exchange, one in zip(exchanges, sums, strict=True):
            holes = await self._holes(wanted, exchange)
            heard_since_ms = await self._heard_since(exchange)
            found.append(one.statistics(exchange, len(holes), covered_ms(holes), heard_since_ms))
        return found

    async def _holes(self, wanted: Wanted, exchange: str) -> list[tuple[int, int]]:
        """Start and end of each hole that was not repaired, cut to the span."""
        span = (wanted.start_ms, wanted.end_ms)
        query = gaps.touching(exchange, wanted.symbol, Channel.LIQUIDATIONS, *span, HOLES_MAX)
        now_ms = self._clock.now_ms()
        found = []
        for gap in await self._store.fetch(query):
            start_ms = max(gap.timestamp_ms, wanted.start_ms)
            end_ms = min(_end_of(gap, now_ms), wanted.end_ms)
            if gap.state is not GapState.REPAIRED and start_ms < end_ms:
                found.append((start_ms, end_ms))
        return found

    async def _heard_since(self, exchange: str) -> int | None:
        """When the feed was live for the first time, ms; None for never."""
        query = live_spells.between(
            Span(limit=1), exchange=exchange, symbol=ALL_SYMBOLS, channel=Channel.LIQUIDATIONS
        )
        return next((one.since_ms for one in await self._store.fetch(query)), None)


def covered_ms(spans: Sequence[tuple[int, int]]) -> int:
    """How long spans of time are together, what lies in several counted once, ms."""
    total, reached = 0, None
    for start_ms, end_ms in sorted(spans):
        begin_ms = start_ms if reached is None else max(start_ms, reached)
        total += max(0, end_ms - begin_ms)
        reached = end_ms if reached is None else max(reached, end_ms)
    return total


def _end_of(gap: Gap, now_ms: int) -> int:
    return now_ms if gap.until_ms is None else gap.until_ms


class _Sums:
    """Running sums of one venue."""

    def __init__(self) -> None:
        self.usd = UnitSums(1)
        self.count = 0
        self.floors = 0
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def add(self, columns: LiquidationColumns) -> None:
        """Takes events in."""
        if not len(columns):
            return
        self.usd.add(np.zeros(len(columns), np.int64), columns.value)
        self.count += len(columns)
        self.floors += int(columns.is_floor.sum())
        first_ms, last_ms = int(columns.timestamp_ms[0]), int(columns.timestamp_ms[-1])
        self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)
        self.last_ms = last_ms if self.last_ms is None else max(self.last_ms, last_ms)

    def statistics(
        self, exchange: str, holes: int, missing_ms: int, heard_since_ms: int | None
    ) -> FeedStatistics:
        """The finished sums."""
        return FeedStatistics(
            exchange=exchange,
            count=self.count,
            value_usd=float(self.usd.values()[0]),
            first_ms=self.first_ms,
            last_ms=self.last_ms,
            floor_share=self.floors / self.count if self.count else None,
            holes=holes,
            missing_ms=missing_ms,
            heard_since_ms=heard_since_ms,
        )


def _sums_of(state: Snapshot, wanted: Wanted, exchange: str) -> _Sums:
    sums = _Sums()
    of_venue = msgspec.structs.replace(wanted, exchanges=frozenset({exchange}))
    for portion in portions(state, of_venue):
        assert isinstance(portion, LiquidationColumns), "no sums were asked for"
        sums.add(portion)
    return sums
