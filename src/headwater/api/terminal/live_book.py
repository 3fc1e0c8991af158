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
from typing import Final

from headwater.analytics.book_ladder import LadderBook
from headwater.analytics.rounding_options import RoundingOptions, rounding_options
from headwater.api.schemas.terminal.order_book import BookState
from headwater.api.terminal.book_views import BookViews
from headwater.api.terminal.desk import FeedDesk, SharedFeed
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


class LiveBook(SharedFeed):
    """A book that somebody looks at.

    Attributes:
        views: how it is looked at.

    Args:
        desk: where it lives.
        contract: which book.

    Raises:
        PlatformError: the venue has no live book.
    """

    def __init__(self, desk: FeedDesk, contract: TerminalSymbol) -> None:
        super().__init__(desk, self.key_of(contract))
        self._contract = contract
        self._book = LadderBook(contract.format, contract.instrument.price_tick)
        self._state: BookState = "resyncing"
        self._told: BookState = "resyncing"
        self._timestamp_ms = 0
        self._rounding: RoundingOptions | None = None
        self.views = BookViews(self, self._book, self._head)
        filters = [TopicFilter(kind, contract.exchange, contract.symbol) for kind in _KINDS]
        self._reader = self.listen(filters, DELTAS_MAX)
        native = contract.instrument.native_symbol
        self.hold(contract.source, Subscription(channel=Channel.BOOK, native_symbol=native))

    @staticmethod
    def key_of(contract: TerminalSymbol) -> str:
        """Names it among all feeds."""
        return f"orderbook/{contract.name}"

    @property
    def default_rounding(self) -> Decimal:
        """That of viewers who name none; there is one once the feed `has_begun`."""
        assert self._rounding is not None, "the feed has begun"
        return self._rounding.default

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
        super().close()

    async def _start(self) -> None:
        """Begins with the source's book, and what came while it was asked for.

        Raises:
            PlatformError: the source has none.
        """
        self._reader.drain()  # whatever waits is in the answer, or made void by it
        contract = self._contract
        book = await contract.source.book(contract.instrument, depth=DEPTH_MAX)
        if not book.is_start and self.has_begun and self._state == "resyncing":
            return  # not live again yet: when it is, the bus tells
        self._book.replace(book.bids, book.asks)
        self._timestamp_ms = book.timestamp_ms
        best = book.bids or book.asks
        self._rounding = rounding_options(
            contract.format.price_places, best[0][0] if best else None
        )
        self._state = "live" if book.is_start else "snapshot"
        self._changed()
        if not self.has_begun:
            self.begin()
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
            exchange=self._contract.exchange,
            symbol=self._contract.symbol,
            state=self._state,
            options=() if self._rounding is None else self._rounding.options,
            raw_bids=raw_bids,
            raw_asks=raw_asks,
            timestamp_ms=self._timestamp_ms,
        )


def _is_after(record: Record, sequence: int | None) -> bool:
    """Whether a record is news to a book that has everything up to `sequence`."""
    if not isinstance(record, BookDelta) or record.sequence is None or sequence is None:
        return True
    return record.sequence > sequence
