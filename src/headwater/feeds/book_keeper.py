"""Keeps every wanted book of one venue: applies deltas, resynchronises after a gap, publishes.

The venue's `BookRule` says whether a delta continues the book. On a gap the book is invalid in the
same call: state `resyncing` is published, the ledger notes the hole, and a snapshot is fetched
(one at a time per symbol, from the venue's shared budget). Applied deltas are published as they
come; snapshots of the top levels at most every `snapshot_interval_s` and only when changed, from
one timer for all books; after a resync, and when an image replaces a live book, the whole book at
once, marked as a start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState, GapCause, GapState
from headwater.core.errors import PlatformError, RequestError, VenueRejected
from headwater.core.instruments import Instrument
from headwater.core.records import BookDelta, BookSnapshot
from headwater.feeds.gaps import GapLedger
from headwater.feeds.kept_book import KeptBook
from headwater.feeds.repairs import RepairCrew, retry_after_s
from headwater.feeds.settings import BookSettings
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import BookRule
from headwater.venues.messages import Verdict

FetchBook = Callable[[str], Awaitable[BookSnapshot]]
"""(native symbol) → a snapshot of its book."""

TellState = Callable[[str, FeedState, str], None]
"""(native symbol, state, reason): the state of a book as such."""

# Before Python 3.12 a member of an enum costs more than the comparison with it.
_ACCEPT = Verdict.ACCEPT
_GAP = Verdict.GAP


class BookKeeper:
    """The books of one venue.

    Args:
        exchange: venue id.
        bus: hears deltas and snapshots.
        ledger: hears gaps.
        crew: runs snapshot fetches.
        clock: measures silence.
        rule: makes a fresh sequence rule.
        fetch: brings a snapshot; None where the stream brings it, or where there is nobody to
            ask (a tape).
        renew: makes the stream send the image of a native symbol again; None where that is of no
            use.
        backoff: makes the delays between fetches of one book.
        tell_state: hears `live`, `resyncing` and `down` of single books.
        settings: depths, bounds and intervals.
    """

    def __init__(
        self,
        exchange: str,
        bus: Bus,
        ledger: GapLedger,
        crew: RepairCrew,
        clock: Clock,
        rule: Callable[[], BookRule],
        fetch: FetchBook | None,
        renew: Callable[[str], None] | None,
        backoff: Callable[[], FullJitterBackoff],
        tell_state: TellState,
        settings: BookSettings,
    ) -> None:
        self._exchange = exchange
        self._publish = bus.outlet(BookSnapshot, exchange)
        self._publish_delta = bus.outlet(BookDelta, exchange)
        self._ledger = ledger
        self._crew = crew
        self._clock = clock
        self._rule = rule
        self._fetch = fetch
        self._renew = renew
        self._backoff = backoff
        self._tell_state = tell_state
        self._settings = settings
        self._books: dict[str, KeptBook] = {}
        self._by_native: dict[str, KeptBook] = {}
        self._changed: dict[str, KeptBook] = {}
        self.resyncs = 0
        self.ignored = 0

    def want(self, instrument: Instrument) -> None:
        """Keeps the book of `instrument` from now on."""
        if instrument.symbol not in self._books:
            kept = KeptBook(
                instrument.symbol,
                instrument.native_symbol,
                self._rule(),
                self._settings.buffer_max,
            )
            self._books[kept.symbol] = kept
            self._by_native[kept.native_symbol] = kept

    def forget(self, symbol: str) -> None:
        """Keeps the book of `symbol` no longer."""
        kept = self._books.pop(symbol, None)
        if kept is not None:
            self._by_native.pop(kept.native_symbol, None)
            self._changed.pop(symbol, None)
            self._close_gap(kept, GapState.UNRECOVERABLE, "nobody wants the book any more")

    def on_delta(self, delta: BookDelta) -> None:
        """Takes a live delta."""
        kept = self._books.get(delta.symbol)
        if kept is None:
            return
        if kept.live:
            verdict = kept.apply(delta)
            if verdict is _ACCEPT:
                self._publish_delta(delta)
                self._changed[kept.symbol] = kept
            elif verdict is _GAP:
                self._gap(kept, GapCause.SEQUENCE_BREAK, "a change is missing or contradicts")
                self._resync(kept)
            else:
                self.ignored += 1
            return
        kept.buffer(delta)
        if not kept.streaming:
            kept.streaming = True
            self._resync(kept)

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Takes a snapshot that came by itself: from a stream or a tape."""
        kept = self._books.get(snapshot.symbol)
        if kept is None or (kept.live and snapshot.received_ns < kept.last_received_ns):
            return
        kept.streaming = True
        was_live = kept.live
        if self._renew is not None:
            kept.drop_buffer()  # image and changes come in one order: what came before is in it
        if not kept.take_snapshot(snapshot):
            self._gap(kept, GapCause.SEQUENCE_BREAK, "snapshot does not fit what came before")
        elif was_live:
            self._publish(self._snapshot_of(kept, None, is_start=True))
        else:
            self._came_alive(kept)

    def confirmed(self, native_symbols: Iterable[str]) -> None:
        """The venue acknowledged these subscriptions; a quiet one is started from REST alone."""
        now = self._clock.monotonic()
        for native_symbol in native_symbols:
            kept = self._by_native.get(native_symbol)
            if kept is not None and not kept.streaming:
                kept.confirmed_at = now

    def interrupted(self, native_symbols: Iterable[str], reason: str) -> None:
        """The streams of these books ended: the books are invalid at once."""
        for native_symbol in native_symbols:
            kept = self._by_native.get(native_symbol)
            if kept is None:
                continue
            was_live = kept.live
            start_ms = kept.book.timestamp_ms
            kept.interrupt()
            if was_live:
                self._gap(kept, GapCause.DISCONNECT, reason, start_ms)

    def book(self, symbol: str, depth: int | None) -> BookSnapshot | None:
        """The live book's best `depth` levels a side (None: all); None when it is not live.

        It is a start for readers of deltas when all levels are in it.
        """
        kept = self._books.get(symbol)
        if kept is None or not kept.live:
            return None
        is_start = depth is None or max(kept.book.depth) <= depth
        return self._snapshot_of(kept, depth, is_start=is_start)

    def kept(self, symbol: str) -> KeptBook | None:
        """The kept book itself, for checks; None when it is not wanted."""
        return self._books.get(symbol)

    async def run(self) -> None:
        """Publishes changed books for ever, from one timer."""
        while True:
            await asyncio.sleep(self._settings.snapshot_interval_s)
            self.flush()

    def flush(self) -> None:
        """Publishes the books that changed since the last call; starts quiet ones."""
        changed, self._changed = self._changed, {}
        for kept in changed.values():
            if kept.live:
                self._publish(self._snapshot_of(kept, self._settings.levels, is_start=False))
        start_before = self._clock.monotonic() - self._settings.quiet_start_s
        for kept in self._books.values():
            if kept.confirmed_at is not None and kept.confirmed_at <= start_before:
                kept.confirmed_at = None
                if not kept.streaming:
                    kept.streaming = True
                    self._resync(kept)

    def _gap(self, kept: KeptBook, cause: GapCause, reason: str, start_ms: int = 0) -> None:
        """Says at once that a book no longer holds."""
        self._changed.pop(kept.symbol, None)
        if kept.gap_id is None:
            self.resyncs += 1
            kept.gap_id = self._ledger.open(
                Channel.BOOK,
                kept.symbol,
                kept.native_symbol,
                cause,
                start_ms=start_ms or self._clock.now_ms(),
                detail=reason,
            )
        self._tell_state(kept.native_symbol, FeedState.RESYNCING, reason)

    def _resync(self, kept: KeptBook) -> None:
        if self._fetch is not None:
            work = partial(self._fetch_snapshots, kept, self._fetch)
            if not self._crew.submit(("book", kept.symbol), work):
                kept.streaming = False
                self._tell_state(kept.native_symbol, FeedState.DOWN, "too many books resynchronise")
        elif self._renew is not None:
            work = partial(self._renew_images, kept, self._renew)
            if not self._crew.submit(("book", kept.symbol), work):
                kept.streaming = False
                self._tell_state(kept.native_symbol, FeedState.DOWN, "too many books resynchronise")

    async def _renew_images(self, kept: KeptBook, renew: Callable[[str], None]) -> None:
        """Asks the stream for its image until the book is live, unwanted or without a stream."""
        backoff = self._backoff()
        while self._books.get(kept.symbol) is kept and kept.streaming and not kept.live:
            renew(kept.native_symbol)
            await asyncio.sleep(self._settings.image_wait_s + backoff.next_delay(0.0))

    async def _fetch_snapshots(self, kept: KeptBook, fetch: FetchBook) -> None:
        """Asks for snapshots until the book is live, unwanted or without a stream."""
        backoff = self._backoff()
        while self._books.get(kept.symbol) is kept and kept.streaming and not kept.live:
            generation = kept.generation
            not_before_s = 0.0
            try:
                snapshot = await fetch(kept.native_symbol)
            except (RequestError, VenueRejected) as error:
                self._tell_state(kept.native_symbol, FeedState.DOWN, str(error))
                not_before_s = self._settings.retry_ceiling_s
            except PlatformError as error:
                self._tell_state(kept.native_symbol, FeedState.RESYNCING, str(error))
                not_before_s = retry_after_s(error)
            else:
                if kept.fits(generation) and kept.take_snapshot(snapshot):
                    self._came_alive(kept)
                    return
            await asyncio.sleep(backoff.next_delay(not_before_s))

    def _came_alive(self, kept: KeptBook) -> None:
        self._publish(self._snapshot_of(kept, None, is_start=True))
        self._close_gap(kept, GapState.REPAIRED, "")
        self._tell_state(kept.native_symbol, FeedState.LIVE, "")

    def _close_gap(self, kept: KeptBook, state: GapState, detail: str) -> None:
        if kept.gap_id is not None:
            self._ledger.settle(kept.gap_id, state, detail=detail)
            kept.gap_id = None

    def _snapshot_of(self, kept: KeptBook, depth: int | None, *, is_start: bool) -> BookSnapshot:
        book = kept.book
        return BookSnapshot(
            exchange=self._exchange,
            symbol=kept.symbol,
            native_symbol=kept.native_symbol,
            timestamp_ms=book.timestamp_ms,
            received_ns=kept.last_received_ns,
            bids=book.bids(depth),
            asks=book.asks(depth),
            sequence=book.sequence,
            is_start=is_start,
        )
