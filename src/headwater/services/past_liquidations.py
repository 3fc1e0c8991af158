"""Past liquidations, our own and before them an external service's (requirements O-S9, O-S20).

The platform's own memory wins: of the external service only what lies before the first stored
liquidation of the symbol is used, and of buckets of time only those that end before its bucket
begins. So nothing is there twice, and no bucket is made of both. Nothing external is stored.

The service names no venue, so it is left out where venues are chosen, and its sums have no single
values, so they are left out where a least value is wanted.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.core.clock import Clock
from headwater.core.external_liquidations import ExternalOrders, ExternalVolume, ExternalVolumes
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.services.liquidation_history import LiquidationHistory, Wanted
from headwater.storage.base import LIMIT_MAX

EventKey: TypeAlias = tuple[str, str, int, str, float, float, str]
"""What tells a liquidation from others, in storage as everywhere (requirement A3)."""


class ExternalSource(Protocol):
    """An external service; a failure is an answer with a problem, never an error."""

    async def orders(self, symbol: str) -> ExternalOrders:
        """The newest liquidations of a canonical symbol."""
        ...

    async def volumes(
        self, symbol: str, interval: Interval, start_ms: int, end_ms: int
    ) -> ExternalVolumes:
        """Liquidated volume per bucket, from the beginning of one to the end of another."""
        ...


class FoundOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Single liquidations.

    Attributes:
        own: from storage, newest first.
        external: before them, newest first.
        missing: what could not be had and why; empty when nothing.
    """

    own: Sequence[Liquidation]
    external: Sequence[Liquidation] = ()
    missing: str = ""


class FoundVolumes(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidated volume; both parts together have every bucket from the first to the last.

    Attributes:
        own: from storage, oldest first.
        external: before them, oldest first.
        missing: what could not be had and why; empty when nothing.
    """

    own: Sequence[LiquidationVolume]
    external: Sequence[ExternalVolume] = ()
    missing: str = ""


class FoundSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidated volume up to a time, and every liquidation since.

    Attributes:
        volumes: of what was before that time; its last bucket may be a part of one.
        events: of what came at that time or later, oldest first.
    """

    volumes: FoundVolumes
    events: Sequence[Liquidation]


class PastLiquidations:
    """Answers questions about past liquidations from storage and, before it, from the service.

    Args:
        history: what is stored.
        external: the service; None without one.
        clock: tells which buckets are over.
    """

    def __init__(
        self, history: LiquidationHistory, external: ExternalSource | None, clock: Clock
    ) -> None:
        self._history = history
        self._external = external
        self._clock = clock

    async def newest(
        self, wanted: Wanted, *, limit: int, value_min_usd: float = 0.0
    ) -> FoundOrders:
        """The newest liquidations.

        Args:
            wanted: which.
            limit: most of them, external ones included.
            value_min_usd: least value of each.

        Raises:
            StorageError: the database does not answer.
        """
        own = await self._history.newest(wanted, limit=limit, value_min_usd=value_min_usd)
        left = limit - len(own)
        if self._external is None or wanted.exchanges is not None or left <= 0:
            return FoundOrders(own=own)
        first_ms = await self._history.first_ms(wanted.symbol)
        end_ms = wanted.end_ms if first_ms is None else min(wanted.end_ms, first_ms)
        if wanted.start_ms >= end_ms:
            return FoundOrders(own=own)
        told = await self._external.orders(wanted.symbol)
        fitting = [
            one
            for one in told.rows
            if wanted.start_ms <= one.timestamp_ms < end_ms and one.value >= value_min_usd
        ]
        return FoundOrders(own=own, external=fitting[:left], missing=_words(told.problem))

    async def volumes(
        self, wanted: Wanted, interval: Interval, *, value_min_usd: float = 0.0
    ) -> FoundVolumes:
        """Liquidated volume per bucket of time, empty ones as zero.

        Args:
            wanted: which liquidations.
            interval: length of a bucket. External ones are there where the whole bucket is over
                and lies in the span: a part of one is not told.
            value_min_usd: least value of each liquidation that counts.

        Raises:
            RequestError: more than `BUCKETS_KEPT` buckets, or too many events that are not summed
                yet.
            StorageError: the database does not answer.
        """
        own = await self._history.volumes(wanted, interval, value_min_usd=value_min_usd)
        if value_min_usd > 0:
            return FoundVolumes(own=own)
        until_ms = own[0].opened_at_ms if own else None
        return await self._with_external(wanted, interval, own, until_ms)

    async def series(self, wanted: Wanted, interval: Interval, since_ms: int) -> FoundSeries:
        """What a series of volume that goes on live begins with.

        Single events are told of the last part, so that who hears them live too can tell which
        they have already; a sum does not say what is in it.

        Args:
            wanted: which liquidations.
            interval: length of a bucket.
            since_ms: from when on single ones are told, in the span; at most `LIMIT_MAX`, the
                newest.

        Raises:
            RequestError: more than `BUCKETS_KEPT` buckets, or too many events that are not summed
                yet.
            StorageError: the database does not answer.
        """
        before = msgspec.structs.replace(wanted, end_ms=since_ms)
        since = msgspec.structs.replace(wanted, start_ms=since_ms)
        own = await self._history.volumes(before, interval)
        newest_first = await self._history.newest(since, limit=LIMIT_MAX)
        events = newest_first[::-1]
        until_ms = None
        if own:
            until_ms = own[0].opened_at_ms
        elif events:
            until_ms = interval.opens_at_ms(events[0].timestamp_ms)
        volumes = await self._with_external(wanted, interval, own, until_ms)
        return FoundSeries(volumes=volumes, events=events)

    async def _with_external(
        self,
        wanted: Wanted,
        interval: Interval,
        own: Sequence[LiquidationVolume],
        until_ms: int | None,
    ) -> FoundVolumes:
        """Own buckets and those that the service tells before them.

        Args:
            wanted: which liquidations.
            interval: length of a bucket.
            own: of the platform itself.
            until_ms: where the first own bucket of the span begins; None without one.
        """
        if self._external is None or wanted.exchanges is not None:
            return FoundVolumes(own=own)
        now_ms = self._clock.now_ms()
        if wanted.start_ms >= now_ms:
            return FoundVolumes(own=own)
        start_ms = interval.opens_at_ms(wanted.start_ms)
        if start_ms < wanted.start_ms:
            start_ms = interval.closes_at_ms(start_ms)
        end_ms = interval.opens_at_ms(min(wanted.end_ms, now_ms))
        first_ms = await self._history.first_ms(wanted.symbol)
        if first_ms is not None:
            end_ms = min(end_ms, interval.opens_at_ms(first_ms))
        if start_ms >= end_ms:
            return FoundVolumes(own=own)
        told = await self._external.volumes(wanted.symbol, interval, start_ms, end_ms)
        rows = _without_holes(told.rows, interval, until_ms)
        return FoundVolumes(own=own, external=rows, missing=_words(told.problem))


def _without_holes(
    rows: Sequence[ExternalVolume], interval: Interval, until_ms: int | None
) -> Sequence[ExternalVolume]:
    """Every bucket from the first row to the last one, or to `until_ms` (exclusive)."""
    if not rows:
        return ()
    known = {one.opened_at_ms: one for one in rows}
    opened_ms = rows[0].opened_at_ms
    end_ms = interval.closes_at_ms(rows[-1].opened_at_ms) if until_ms is None else until_ms
    found = []
    while opened_ms < end_ms:
        row = known.get(opened_ms)
        found.append(row or ExternalVolume(opened_at_ms=opened_ms, buy_usd=0.0, sell_usd=0.0))
        opened_ms = interval.closes_at_ms(opened_ms)
    return found


def _words(problem: str) -> str:
    """What is missing, for people; empty when nothing is."""
    if not problem:
        return ""
    return f"what the external service knows of before our own first liquidation: {problem}"


def key_of_event(event: Liquidation) -> EventKey:
    """What the database knows an event by: two with the same key are one there."""
    return (
        event.exchange,
        event.symbol,
        event.timestamp_ms,
        event.side.value,
        event.price,
        event.quantity,
        event.order_id or "",
    )
