"""Liquidations and other events that no venue can replay: doubles dropped, outages in the ledger.

Two connections overlap while one replaces the other, so the same event may come twice; it is
recognised by the venue's id, or else by its content, for ten minutes (requirements A3). While the
stream is interrupted nothing can be brought back: the hole is unrecoverable from the start, and
settled with its end when the stream carries on. It begins before the interruption was noticed: what
was on its way then, or still waited at the venue to be sent with others, is lost too. State records
(tickers, mark prices, funding, open interest) need no repair: the next one supersedes what was
missed.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, TypeVar

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.records import ALL_SYMBOLS, Liquidation, Record
from headwater.feeds.gaps import GapLedger
from headwater.venues.messages import Subscription

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


class EventWatch:
    """Events of one venue that cannot be replayed.

    Args:
        bus: hears each event once.
        ledger: hears interruptions.
        clock: stamps them.
        symbol_of: canonical symbol of a native one.
        gathered_s: how long the venue gathers events of a channel (`VenueFacts.gathered_s`).
    """

    def __init__(
        self,
        bus: Bus,
        ledger: GapLedger,
        clock: Clock,
        symbol_of: Callable[[str], str],
        gathered_s: Mapping[Channel, float],
    ) -> None:
        self._publish = bus.outlet(Liquidation, ledger.exchange)
        self._ledger = ledger
        self._clock = clock
        self._symbol_of = symbol_of
        self._gathered_s = gathered_s
        self._seen: dict[Hashable, int] = {}
        self._seen_before: dict[Hashable, int] = {}
        self._open: dict[Subscription, int] = {}
        self._unreadable_at = float("-inf")
        self.duplicates = 0

    def on_liquidation(self, event: Liquidation) -> None:
        """Takes a live liquidation."""
        key: Hashable
        if event.order_id is not None:
            key = (event.symbol, event.order_id, event.timestamp_ms, event.quantity)
        else:
            key = (event.symbol, event.timestamp_ms, event.side, event.price, event.quantity)
        seen_ns = self._seen.get(key)
        if seen_ns is None:
            seen_ns = self._seen_before.get(key)
        if seen_ns is not None and event.received_ns - seen_ns < REMEMBERED_NS:
            self.duplicates += 1
            return
        self._seen[key] = event.received_ns
        if len(self._seen) >= REMEMBERED_MAX // 2:
            self._seen_before, self._seen = self._seen, {}
        self._publish(event)

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
        if channel not in _NOT_REPLAYED or subscription in self._open:
            return
        native = subscription.native_symbol
        seen_ms = self._clock.now_ms() if last_data_ns is None else last_data_ns // 1_000_000
        unsent_ms = round(self._gathered_s.get(channel, 0.0) * 1000)
        self._open[subscription] = self._ledger.open(
            channel,
            ALL_SYMBOLS if native is None else self._symbol_of(native),
            ALL_SYMBOLS if native is None else native,
            cause,
            start_ms=seen_ms - unsent_ms - ON_ITS_WAY_MS,
            detail=f"{reason}; the venue does not replay {channel}",
        )

    def unreadable(self, live: Iterable[Subscription]) -> None:
        """A frame could not be read: it may have held an event of any of these streams.

        Noted at most once a second, so that a broken stream does not fill the ledger.
        """
        now = self._clock.monotonic()
        if now - self._unreadable_at < UNREADABLE_EVERY_S:
            return
        self._unreadable_at = now
        reason = "a frame could not be read, which may have held one"
        for subscription in live:
            if subscription.channel in _NOT_REPLAYED and subscription not in self._open:
                self.interrupted(subscription, GapCause.WIRE_ERROR, reason)
                self.resumed(subscription)

    def resumed(self, subscription: Subscription) -> None:
        """The stream carries on."""
        gap_id = self._open.pop(subscription, None)
        if gap_id is not None:
            self._ledger.settle(gap_id, GapState.UNRECOVERABLE)

    def forget(self, subscription: Subscription) -> None:
        """Nobody wants the stream any more."""
        self.resumed(subscription)


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
