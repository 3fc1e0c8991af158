"""One symbol's book between its venue's rule and the order book: buffer, apply, invalidate. Pure.

A book is live or it is empty: the call that notices a gap also clears the levels, so that nothing
of a gapped book can be shown. While it is not live, deltas are buffered (bounded; the oldest goes
and the rule then finds the hole); a snapshot makes it live when the buffered deltas continue it.
"""

from collections import deque

from headwater.core.order_book import OrderBook
from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.base import BookRule
from headwater.venues.messages import Verdict

# Before Python 3.12 a member of an enum costs more than the comparison with it.
_ACCEPT = Verdict.ACCEPT
_GAP = Verdict.GAP


class KeptBook:
    """A book that is kept up to date.

    Attributes:
        symbol: canonical symbol.
        native_symbol: the venue's spelling.
        book: the levels; empty while not live.
        live: whether the levels are the venue's.
        streaming: whether the subscription is known to carry data; snapshots count only then.
        confirmed_at: monotonic time of the subscription's confirmation, None before it.
        gap_id: the open hole in the ledger, None when there is none.
        generation: rises with each invalidation, so that a snapshot asked for before is refused.
        last_received_ns: arrival of the newest change applied.

    Args:
        symbol: canonical symbol.
        native_symbol: the venue's spelling.
        rule: the venue's sequence rule, fresh.
        buffer_max: deltas buffered while not live.
    """

    __slots__ = (
        "_buffer",
        "_rule",
        "book",
        "confirmed_at",
        "gap_id",
        "generation",
        "last_received_ns",
        "live",
        "native_symbol",
        "streaming",
        "symbol",
    )

    def __init__(self, symbol: str, native_symbol: str, rule: BookRule, buffer_max: int) -> None:
        self.symbol = symbol
        self.native_symbol = native_symbol
        self.book = OrderBook()
        self.live = False
        self.streaming = False
        self.confirmed_at: float | None = None
        self.gap_id: int | None = None
        self.generation = 0
        self.last_received_ns = 0
        self._rule = rule
        self._buffer: deque[BookDelta] = deque(maxlen=buffer_max)

    def apply(self, delta: BookDelta) -> Verdict:
        """Applies a delta to the live book.

        Returns:
            ACCEPT: it is applied. IGNORE: it is older than the book. GAP: something is missing or
            the book would be crossed; the book is empty and not live now, and the delta buffered.
        """
        verdict = self._rule.on_delta(delta)
        if verdict is _ACCEPT:
            book = self.book
            book.apply(delta.bids, delta.asks, delta.sequence, delta.timestamp_ms)
            self.last_received_ns = delta.received_ns
            if not book.is_crossed:
                return verdict
            self.invalidate()
            return Verdict.GAP
        if verdict is _GAP:
            self.invalidate()
            self._buffer.append(delta)
        return verdict

    def buffer(self, delta: BookDelta) -> None:
        """Keeps a delta until a snapshot comes."""
        self._buffer.append(delta)

    def drop_buffer(self) -> None:
        """Forgets the deltas that wait for a snapshot."""
        self._buffer.clear()

    def invalidate(self) -> None:
        """Empties the book: nothing of it holds any more."""
        self.live = False
        self.generation += 1
        self.book.clear()
        self._buffer.clear()

    def fits(self, generation: int) -> bool:
        """Whether a snapshot asked for in `generation` is still wanted."""
        return not self.live and generation == self.generation

    def interrupt(self) -> None:
        """The stream ended: empties the book and waits for the stream to carry data again."""
        self.invalidate()
        self.streaming = False
        self.confirmed_at = None

    def take_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Starts from `snapshot` and applies what was buffered.

        Returns:
            Whether the book is live now. False when the snapshot is older than the first buffered
            delta, or a delta is missing after it: ask for a newer one.
        """
        self._rule.on_snapshot(snapshot)
        book = self.book
        book.replace(snapshot.bids, snapshot.asks, snapshot.sequence, snapshot.timestamp_ms)
        self.last_received_ns = snapshot.received_ns
        buffered = self._buffer
        while buffered:
            delta = buffered[0]
            verdict = self._rule.on_delta(delta)
            if verdict is _GAP:
                book.clear()
                self.live = False
                return False
            buffered.popleft()
            if verdict is _ACCEPT:
                book.apply(delta.bids, delta.asks, delta.sequence, delta.timestamp_ms)
                self.last_received_ns = delta.received_ns
        if book.is_crossed:
            book.clear()
            self.live = False
            return False
        self.live = True
        return True
