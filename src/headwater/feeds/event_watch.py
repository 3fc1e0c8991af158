"""Liquidations and other events that no venue can replay: doubles dropped, outages in the ledger.

Two connections overlap while one replaces the other, so the same event may come twice; it is
recognised by the venue's id, or else by its content, for ten minutes (requirements A3). While the
stream is interrupted nothing can be asked for again: the hole is unrecoverable from the start, and
settled with its end when the stream carries on. It begins before the interruption was noticed: what
was on its way then, or still waited at the venue to be sent with others, is lost too. Where a venue
tells of the past with a new subscription (`VenueFacts.tells_past`), what lies in the hole goes out
and is counted in it; a process that has just begun has no hole, so the past is not news to it.
State records (tickers, mark prices, funding, open interest) need no repair: the next one supersedes
what was missed.
"""

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Final, TypeVar

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.records import ALL_SYMBOLS, Liquidation, Record
from headwater.feeds.gaps import GapLedger
from headwater.venues.messages import Past, Subscription

RecordT = TypeVar("RecordT", bound=Record)

REMEMBERED_NS: Final = 600 * 1_000_000_000
"""How long an event is recognised when it comes again."""

UNREADABLE_EVERY_S: Final = 1.0
"""Shortest time between two notes of unreadable frames."""

_NOT_REPLAYED: Final = frozenset({Channel.LIQUIDATIONS})

ON_ITS_WAY_MS: Final = 1_000
"""How long after it happened an event may still be on its way to us, or wait to be read."""

REMEMBERED_MAX: Final = 50_000
"""Most events remembered; then the older half is forgotten at once. To take the oldest one out of
a dictionary each time makes it walk over all its holes, and grow and move now and then."""


PAST_WAIT_S: Final = 5.0
"""How long after a stream carries on its first data, which tell of the past, are waited for."""


class _Hole:
    """An interruption of one stream; `until_ms` is its end, known when the stream carries on."""

    __slots__ = ("gap_id", "recovered", "settle_at", "start_ms", "until_ms")

    def __init__(self, gap_id: int, start_ms: int) -> None:
        self.gap_id = gap_id
        self.start_ms = start_ms
        self.until_ms: int | None = None
        self.settle_at = 0.0
        self.recovered = 0

    def holds(self, moment_ms: int) -> bool:
        """Whether a venue time lies in it."""
        return self.start_ms <= moment_ms and (self.until_ms is None or moment_ms <= self.until_ms)


class EventWatch:
    """Events of one venue that cannot be replayed.

    Args:
        bus: hears each event once.
        ledger: hears interruptions.
        clock: stamps them.
        symbol_of: canonical symbol of a native one.
        gathered_s: how long the venue gathers events of a channel (`VenueFacts.gathered_s`).
        tells_past: channels of which a new subscription tells the past (`VenueFacts.tells_past`).

    Attributes:
        duplicates: events that came again.
        recovered: events of an interruption that came with the new subscription.
        newest: the live event that was told last, None before the first.
    """

    def __init__(
        self,
        bus: Bus,
        ledger: GapLedger,
        clock: Clock,
        symbol_of: Callable[[str], str],
        gathered_s: Mapping[Channel, float],
        tells_past: Collection[Channel] = frozenset(),
    ) -> None:
        self._publish = bus.outlet(Liquidation, ledger.exchange)
        self._ledger = ledger
        self._clock = clock
        self._symbol_of = symbol_of
        self._gathered_s = gathered_s
        self._tells_past = tells_past
        self._seen: dict[Hashable, int] = {}
        self._seen_before: dict[Hashable, int] = {}
        self._open: dict[Subscription, _Hole] = {}
        self._wake = asyncio.Event()
        self._unreadable_at = float("-inf")
        self.duplicates = 0
        self.recovered = 0
        self.newest: Liquidation | None = None

    def on_liquidation(self, event: Liquidation) -> None:
        """Takes a live liquidation."""
        key = _key_of(event)
        seen_ns = self._seen_ns(key)
        if seen_ns is not None and event.received_ns - seen_ns < REMEMBERED_NS:
            self.duplicates += 1
            return
        self.newest = event
        self._tell(key, event)

    def on_past(self, past: Past) -> None:
        """Takes an event of before a subscription: it is news if it lies in a hole.

        A moment of the past is told once however long ago it was heard of.
        """
        event = past.record
        if not self._holes_of(event):
            return
        key = _key_of(event)
        if self._seen_ns(key) is not None:
            self.duplicates += 1
            return
        self._tell(key, event)

    def interrupted(
        self,
        subscription: Subscription,
        cause: GapCause,
        reason: str,
        last_data_ns: int | None = None,
    ) -> None:
        """A live stream ended: what had not been sent at its last data is lost.

        Args:
            subscription: the stream.
            cause: for the ledger.
            reason: in words.
            last_data_ns: when its connection last brought anything; None when that is now.
        """
        channel = subscription.channel
        if channel not in _NOT_REPLAYED:
            return
        hole = self._open.get(subscription)
        if hole is not None:
            hole.until_ms = None  # lost again before the past was told: it is still the same hole
            return
        native = subscription.native_symbol
        seen_ms = self._clock.now_ms() if last_data_ns is None else last_data_ns // 1_000_000
        unsent_ms = round(self._gathered_s.get(channel, 0.0) * 1000)
        start_ms = seen_ms - unsent_ms - ON_ITS_WAY_MS
        gap_id = self._ledger.open(
            channel,
            ALL_SYMBOLS if native is None else self._symbol_of(native),
            ALL_SYMBOLS if native is None else native,
            cause,
            start_ms=start_ms,
            detail=f"{reason}; the venue does not replay {channel}",
        )
        self._open[subscription] = _Hole(gap_id, start_ms)

    def unreadable(self, live: Iterable[Subscription]) -> None:
        """A frame could not be read: it may have held an event of any of these streams.

        Noted at most once a second, so that a broken stream does not fill the ledger.
        """
        now = self._clock.monotonic()
        if now - self._unreadable_at < UNREADABLE_EVERY_S:
            return
        self._unreadable_at = now
        now_ms = self._clock.now_ms()
        reason = "a frame could not be read, which may have held one"
        for subscription in live:
            if subscription.channel not in _NOT_REPLAYED:
                continue
            hole = self._open.get(subscription)
            if hole is None:
                self.interrupted(subscription, GapCause.WIRE_ERROR, reason)
                self._settle(subscription)
            elif hole.until_ms is not None:
                hole.until_ms = now_ms  # the hole waits for the past, and goes on to here

    def resumed(self, subscription: Subscription) -> None:
        """The stream carries on: its hole ends here, and is settled when the past was told."""
        hole = self._open.get(subscription)
        if hole is None or hole.until_ms is not None:
            return
        hole.until_ms = self._clock.now_ms()
        if subscription.channel not in self._tells_past:
            self._settle(subscription)
            return
        hole.settle_at = self._clock.monotonic() + PAST_WAIT_S
        self._wake.set()

    def forget(self, subscription: Subscription) -> None:
        """Nobody wants the stream any more."""
        self._settle(subscription)

    async def run(self) -> None:
        """Settles for ever the holes whose past was waited for."""
        while True:
            if not any(hole.until_ms is not None for hole in self._open.values()):
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(PAST_WAIT_S / 5)
            self.sweep()

    def sweep(self) -> None:
        """Looks once: holes whose wait has ended are settled."""
        now = self._clock.monotonic()
        for subscription, hole in list(self._open.items()):
            if hole.until_ms is not None and now >= hole.settle_at:
                self._settle(subscription)

    def _seen_ns(self, key: Hashable) -> int | None:
        """When an event was last told, None when it is not remembered."""
        seen_ns = self._seen.get(key)
        return self._seen_before.get(key) if seen_ns is None else seen_ns

    def _tell(self, key: Hashable, event: Liquidation) -> None:
        self._seen[key] = event.received_ns
        if len(self._seen) >= REMEMBERED_MAX // 2:
            self._seen_before, self._seen = self._seen, {}
        holes = self._holes_of(event) if self._open else ()
        for hole in holes:
            hole.recovered += 1
        self.recovered += bool(holes)
        self._publish(event)

    def _holes_of(self, event: Liquidation) -> list[_Hole]:
        """The holes in which an event happened."""
        return [
            hole
            for subscription, hole in self._open.items()
            if subscription.native_symbol in (None, event.native_symbol)
            and hole.holds(event.timestamp_ms)
        ]

    def _settle(self, subscription: Subscription) -> None:
        hole = self._open.pop(subscription, None)
        if hole is None:
            return
        gap = self._ledger.get(hole.gap_id)
        detail = "" if gap is None else gap.detail
        if hole.recovered:
            told = f"{hole.recovered} of them came with the new subscription"
            detail = f"{detail}; {told}, which need not be all"
        self._ledger.settle(
            hole.gap_id,
            GapState.UNRECOVERABLE,
            until_ms=hole.until_ms,
            recovered=hole.recovered,
            detail=detail,
        )


def _key_of(event: Liquidation) -> Hashable:
    """What tells an event from others: the venue's id, or its content."""
    if event.order_id is not None:
        return (event.symbol, event.order_id, event.timestamp_ms, event.quantity)
    return (event.symbol, event.timestamp_ms, event.side, event.price, event.quantity)


class StateKeeper:
    """Newest state record of each kind and symbol of one venue.

    Args:
        bus: hears every one.
    """

    def __init__(self, bus: Bus) -> None:
        self._publish = bus.publish
        self._newest: dict[tuple[type[Record], str], Record] = {}

    def on_state(self, record: Record) -> None:
        """Takes a state record."""
        self._newest[record.__class__, record.symbol] = record
        self._publish(record)

    def newest(self, kind: type[RecordT], symbol: str) -> RecordT | None:
        """The newest record of `kind`, None before the first or after `forget`."""
        record = self._newest.get((kind, symbol))
        return record if isinstance(record, kind) else None

    def all_of(self, kind: type[RecordT]) -> list[RecordT]:
        """The newest record of `kind` of every symbol that has one."""
        return [record for record in self._newest.values() if isinstance(record, kind)]

    def forget(self, kind: type[Record], symbol: str) -> None:
        """Forgets a symbol's state, so that what is stale is not shown as current."""
        self._newest.pop((kind, symbol), None)
