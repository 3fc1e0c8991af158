"""Past liquidations: single ones, their volume by time, and the realised heat map.

What the platform heard lies in storage; what still waits for the writer is written before a
question is answered, so that history and the running bucket are one series from one source. Sums
are made by `analytics`, which does not care in what portions events come, and off the event loop.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from headwater.analytics.liquidation_heatmap import COLUMNS_KEPT, LiquidationHeatmap
from headwater.analytics.liquidation_volume import (
    BUCKETS_KEPT,
    LiquidationVolume,
    LiquidationVolumes,
)
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.clock import Clock
from headwater.core.errors import RequestError, StorageError
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.storage import liquidations
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.store import Store

EVENTS_MAX: Final = 1_000_000
"""Most liquidations that one answer is made of; a longer span is refused."""

GRACE_MS: Final = 10_000
"""A bar's column is frozen so long after its end. What was received later is late: it is told, and
changes no cell. Venues gather liquidations for a second at most before they send them."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which liquidations.

    Attributes:
        symbol: canonical symbol.
        start_ms: earliest time, inclusive.
        end_ms: first time that is not wanted any more.
        exchanges: venue ids, None for all.
    """

    symbol: str
    start_ms: int
    end_ms: int
    exchanges: frozenset[str] | None = None

    @property
    def chosen(self) -> list[str] | None:
        """Venue ids in one order, None for all."""
        return None if self.exchanges is None else sorted(self.exchanges)


class LiquidationHistory:
    """Answers questions about past liquidations.

    Args:
        store: where they lie.
        clock: tells which bars have ended.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def newest(
        self, wanted: Wanted, *, limit: int, value_min_usd: float = 0.0
    ) -> Sequence[Liquidation]:
        """The newest liquidations, newest first.

        Args:
            wanted: which.
            limit: most of them.
            value_min_usd: least value of each.

        Raises:
            StorageError: the database does not answer.
        """
        await self._written()
        span = Span(start_ms=wanted.start_ms, end_ms=wanted.end_ms, limit=limit, newest_first=True)
        query = liquidations.between(
            span, symbol=wanted.symbol, exchanges=wanted.chosen, value_min_usd=value_min_usd
        )
        return await self._store.fetch(query)

    async def volumes(
        self, wanted: Wanted, interval: Interval, *, value_min_usd: float = 0.0
    ) -> Sequence[LiquidationVolume]:
        """Liquidated volume per bucket of time, oldest first, empty ones as zero.

        Args:
            wanted: which liquidations.
            interval: length of a bucket.
            value_min_usd: least value of each liquidation that counts.

        Raises:
            RequestError: more than `BUCKETS_KEPT` buckets, or more than `EVENTS_MAX` events.
            StorageError: the database does not answer.
        """
        _demand_columns(wanted, interval, BUCKETS_KEPT)
        found = await self._all(wanted, value_min_usd)
        return await asyncio.to_thread(_volumes, wanted.symbol, interval, found)

    async def heatmap(
        self, wanted: Wanted, interval: Interval, buckets: PriceBuckets
    ) -> LiquidationHeatmap:
        """The realised map of a span: a column per bar that had a liquidation.

        Args:
            wanted: which liquidations.
            interval: length of a bar.
            buckets: of the price.

        Raises:
            RequestError: more than `COLUMNS_KEPT` bars, more than `EVENTS_MAX` events, or buckets
                too fine for a price.
            StorageError: the database does not answer.
        """
        _demand_columns(wanted, interval, COLUMNS_KEPT)
        found = await self._all(wanted)
        heatmap = LiquidationHeatmap(wanted.symbol, interval, buckets)
        closed_ms = self._clock.now_ms() - GRACE_MS
        try:
            await asyncio.to_thread(_fill, heatmap, found, closed_ms)
        except ValueError as error:
            allowed = "a height at which the edges of the buckets are exact"
            raise RequestError("price_bin_size", buckets.width, allowed) from error
        return heatmap

    async def _all(self, wanted: Wanted, value_min_usd: float = 0.0) -> Sequence[Liquidation]:
        """All of them, oldest first."""
        await self._written()
        found: list[Liquidation] = []
        start_ms = wanted.start_ms
        while True:
            span = Span(start_ms=start_ms, end_ms=wanted.end_ms, limit=LIMIT_MAX)
            query = liquidations.between(
                span,
                symbol=wanted.symbol,
                exchanges=wanted.chosen,
                value_min_usd=value_min_usd,
            )
            page = await self._store.fetch(query)
            found += page
            if len(page) < LIMIT_MAX:
                return found
            # The page may end within an instant: that instant is asked for again, whole.
            start_ms = page[-1].timestamp_ms
            if start_ms == page[0].timestamp_ms or len(found) > EVENTS_MAX:
                raise RequestError(
                    "start_time", wanted.start_ms, f"a span of at most {EVENTS_MAX} liquidations"
                )
            while found[-1].timestamp_ms == start_ms:
                found.pop()

    async def _written(self) -> None:
        """Waits until what was heard is stored; while that fails, what is stored must do."""
        try:
            await self._store.flush()
        except StorageError:
            # Writing goes on when it can, health tells of it, and reading need not wait for it.
            return


# Both take seconds for a million liquidations: in a thread, streams go on meanwhile.


def _volumes(
    symbol: str, interval: Interval, events: Sequence[Liquidation]
) -> Sequence[LiquidationVolume]:
    volumes = LiquidationVolumes(symbol, interval)
    volumes.add(events)
    return volumes.buckets()


def _fill(heatmap: LiquidationHeatmap, events: Sequence[Liquidation], closed_ms: int) -> None:
    on_time: list[Liquidation] = []
    late: list[Liquidation] = []
    for event in events:
        (late if _is_late(event, heatmap.interval) else on_time).append(event)
    heatmap.add(on_time)
    heatmap.close_until(closed_ms)
    heatmap.add(late)


def _is_late(event: Liquidation, interval: Interval) -> bool:
    closed_ms = interval.closes_at_ms(interval.opens_at_ms(event.timestamp_ms))
    return event.received_ns // 1_000_000 > closed_ms + GRACE_MS


def _demand_columns(wanted: Wanted, interval: Interval, most: int) -> None:
    columns = (wanted.end_ms - interval.opens_at_ms(wanted.start_ms)) / interval.nominal_ms
    if columns > most:
        raise RequestError(
            "interval", interval.value, f"a length of which the span has at most {most}"
        )
