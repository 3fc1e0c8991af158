"""The order book of one symbol as viewers of the terminal see it, kept from what the bus tells.

A start is the source's book; accepted deltas continue it. Whatever makes the kept book invalid
(resync, silence, loss of the connection) empties the shown one in the same turn: viewers are told
once, and again when it is live. A reader that was too slow begins anew.

The source answers from its own kept book, without waiting, while that is live; so nothing can come
between dropping what waits to be read and the answer that has all of it.
"""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from headwater.analytics.book_ladder import LadderBook
from headwater.analytics.rounding_options import RoundingOptions, rounding_options
from headwater.api.schemas.terminal.order_book import BookState
from headwater.api.terminal.book_views import BookViews
from headwater.api.terminal.desk import FeedDesk, SharedFeed, Viewer
from headwater.api.terminal.order_book_text import BookHead
from headwater.api.terminal.symbols import TerminalSymbol
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Channel, FeedState
from headwater.core.errors import PlatformError
from headwater.core.records import BookDelta, BookSnapshot, ConnectionState, Record
from headwater.venues.messages import Subscription

DELTAS_MAX: Final = 4_096
"""Changes of one book that may wait to be read; when there are more it begins anew."""

DEPTH_MAX: Final = 100_000
"""Levels a side that a start is asked for: more than any venue's kept book has."""

_KINDS: Final[tuple[type[Record], ...]] = (BookDelta, BookSnapshot, ConnectionState)

_logger = logging.getLogger(__name__)


class BookViewer(Viewer, Protocol):
    """A client of a live book."""

    def book_is_there(self) -> None:
        """The first book has come: it can be looked at now."""


class LiveBook(SharedFeed):
    """A book that somebody looks at.

    Attributes:
        views: how it is looked at.

    Args:
        desk: where it lives.
        symbol: which book.

    Raises:
        PlatformError: the venue has no live book.
    """

    def __init__(self, desk: FeedDesk, symbol: TerminalSymbol) -> None:
        super().__init__(desk, key_of(symbol))
        self._symbol = symbol
        self._book = LadderBook(symbol.format, symbol.instrument.price_tick)
        self._state: BookState = "resyncing"
        self._told: BookState = "resyncing"
        self._timestamp_ms = 0
        self._rounding: RoundingOptions | None = None
        self._waiting: dict[BookViewer, None] = {}
        self.views = BookViews(self, self._book, self._head)
        filters = [TopicFilter(kind, symbol.exchange, symbol.symbol) for kind in _KINDS]
        self._reader = self.listen(filters, DELTAS_MAX)
        native = symbol.instrument.native_symbol
        self.hold(symbol.source, Subscription(channel=Channel.BOOK, native_symbol=native))

    @property
    def is_there(self) -> bool:
        """Whether a first book has come."""
        return self._rounding is not None

    @property
    def default_rounding(self) -> Decimal:
        """That of viewers who name none; there is one once the book `is_there`."""
        assert self._rounding is not None, "the book is there"
        return self._rounding.default

    def wait(self, viewer: BookViewer) -> None:
        """Has a viewer told when the book `is_there`."""
        self._waiting[viewer] = None

    def wait_no_more(self, viewer: BookViewer) -> None:
        """Forgets a viewer that waits; harmless when it does not."""
        self._waiting.pop(viewer, None)

    async def run(self) -> None:
        """Keeps the book and publishes it, until it is cancelled.

        Raises:
            PlatformError: there is no first book.
        """
        await self._start()
        while True:
            await self._take(await self._reader.next_batch())

    def close(self) -> None:
        """Gives back all that it holds; harmless when repeated."""
        self.views.close()
        self._waiting.clear()
        super().close()

    async def _start(self) -> None:
        """Begins with the source's book, and what came while it was asked for.

        Raises:
            PlatformError: the source has none.
        """
        self._reader.drain()  # whatever waits is in the answer, or made void by it
        symbol = self._symbol
        book = await symbol.source.book(symbol.instrument, depth=DEPTH_MAX)
        if not book.is_start and self.is_there and self._state == "resyncing":
            return  # not live again yet: when it is, the bus tells
        self._book.replace(book.bids, book.asks)
        self._timestamp_ms = book.timestamp_ms
        best = book.bids or book.asks
        self._rounding = rounding_options(symbol.format.price_places, best[0][0] if best else None)
        self._state = "live" if book.is_start else "snapshot"
        self._changed()
        waiting, self._waiting = self._waiting, {}
        for viewer in waiting:
            viewer.book_is_there()
        missed = self._reader.drain()
        if missed:
            await self._take([one for one in missed if _is_after(one, book.sequence)])

    async def _start_again(self) -> None:
        """As `_start`; when there is no live book, what is shown is invalid until there is one."""
        was_live = self._state == "live"
        if was_live:
            self._state = "resyncing"  # told to nobody when the answer is there at once
        try:
            await self._start()
        except PlatformError as error:
            _logger.warning("no book of %s to begin anew with: %s", self.key, error)
        if was_live and self._state == "resyncing":
            self._empty()

    async def _take(self, batch: Sequence[Record]) -> None:
        """Does what a batch says."""
        begins = len(batch) >= DELTAS_MAX  # then some may have been dropped
        changed = False
        for record in batch:
            if isinstance(record, BookDelta):
                if self._state == "live" and not begins:
                    changed |= self._book.apply(record.bids, record.asks)
                    self._timestamp_ms = record.timestamp_ms
            elif isinstance(record, BookSnapshot):
                begins |= record.is_start
            elif isinstance(record, ConnectionState) and record.channel is Channel.BOOK:
                begins, changed = self._hear(record.state, begins=begins, changed=changed)
        if begins:
            await self._start_again()
        elif changed:
            self._changed()

    def _hear(self, state: FeedState, *, begins: bool, changed: bool) -> tuple[bool, bool]:
        """Takes the state of the venue's stream.

        Returns:
            Whether the book begins anew and whether a change is to be shown, after it.
        """
        if state is FeedState.LIVE:
            return begins or self._state != "live", changed
        if state is FeedState.CONNECTING and self._state == "snapshot":
            return begins, changed
        if self._state != "resyncing":
            self._state = "resyncing"
            self._empty()
        return False, False

    def _empty(self) -> None:
        """Shows nothing of the book any more."""
        self._book.replace((), ())
        self._changed()

    def _changed(self) -> None:
        """Shows what is different; another state at once, whatever the pace."""
        at_once = self._state != self._told
        self._told = self._state
        self.views.changed(at_once=at_once)

    def _head(self) -> BookHead:
        raw_bids, raw_asks = self._book.depth
        return BookHead(
            exchange=self._symbol.exchange,
            symbol=self._symbol.symbol,
            state=self._state,
            options=() if self._rounding is None else self._rounding.options,
            raw_bids=raw_bids,
            raw_asks=raw_asks,
            timestamp_ms=self._timestamp_ms,
        )


def key_of(symbol: TerminalSymbol) -> str:
    """Names the book among all feeds."""
    return f"orderbook/{symbol.exchange}:{symbol.instrument.native_symbol}"


def _is_after(record: Record, sequence: int | None) -> bool:
    """Whether a record is news to a book that has everything up to `sequence`."""
    if not isinstance(record, BookDelta) or record.sequence is None or sequence is None:
        return True
    return record.sequence > sequence
