"""What `headwater wire parse` says of a recording: lines in, report lines out, without any I/O.

Reads the tape, hands each message to the venue's `TapeReader` and counts. With a check it also
keeps every symbol's book by the venue's own rule and watches that it is never crossed. An error
concerns its line only.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from headwater.core.clock import Clock
from headwater.core.errors import PlatformError, WireError
from headwater.core.order_book import OrderBook
from headwater.core.records import BookDelta, BookSnapshot, Record, Trade
from headwater.feeds.tape_format import TapeLine, read_tape
from headwater.venues.base import BookRule, TapeReader, Venue
from headwater.venues.messages import Ack, Closing, Ignored, Past, StreamEvent, Verdict

BOOKS_MAX: Final = 10_000
"""Symbols whose books are kept; a recording with more is counted, but their books are not kept."""
PENDING_MAX: Final = 20_000
"""Changes of a symbol kept for a snapshot that comes later; the oldest are dropped beyond it."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not be read.

    Attributes:
        reason: what is wrong with it.
        channel: stream, endpoint or layout, as far as it could be told.
    """

    reason: str
    channel: str


class BookCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one symbol's book.

    Attributes:
        snapshots: snapshots seen.
        deltas: changes seen.
        sequence_breaks: changes that do not continue the one before.
        crossed: times the book was crossed after a change.
        synced: whether a snapshot was joined with the changes by the venue's rule.
        best_bid: price and quantity at the end, None where there is none.
        best_ask: the same of the other side.
        bid_levels: bid levels at the end.
        ask_levels: ask levels at the end.
    """

    snapshots: int
    deltas: int
    sequence_breaks: int
    crossed: int
    synced: bool
    best_bid: tuple[float, float] | None
    best_ask: tuple[float, float] | None
    bid_levels: int
    ask_levels: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole recording.

    Attributes:
        messages: messages read, those of the client and broken ones included.
        counts: report lines by kind.
        native_channels: messages by the venue's own channel.
        sequence_breaks: changes of books that do not continue the one before, all symbols.
        trade_sequence_breaks: trades whose number does not follow the one before.
        crossed: times a book was crossed.
        books: each symbol's book.
    """

    messages: int
    counts: dict[str, int]
    native_channels: dict[str, int]
    sequence_breaks: int
    trade_sequence_breaks: int
    crossed: int
    books: dict[str, BookCheck]


ReportBody = Record | Ack | Closing | Ignored | Past | Failure | Summary


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of output.

    Attributes:
        kind: the record's name, or `ack`, `ignored`, `error`, `summary`.
        line: 1-based line of the input; 0 for the summary.
        body: the rest.
        native: the venue's payload, None when it is not wanted.
    """

    kind: str
    line: int
    body: ReportBody
    native: bytes | None = None


class KeptBook:
    """One symbol's book as a recording builds it. Before a snapshot it holds what changes told."""

    def __init__(self, rule: BookRule) -> None:
        self._rule = rule
        self._book = OrderBook()
        self._pending: deque[BookDelta] = deque(maxlen=PENDING_MAX)
        self._last: int | None = None
        self._synced = False
        self._snapshots = 0
        self._deltas = 0
        self._breaks = 0
        self._crossed = 0

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Starts again from a snapshot and applies what was kept for it."""
        self._snapshots += 1
        self._rule.on_snapshot(snapshot)
        self._book.replace(snapshot.bids, snapshot.asks, snapshot.sequence, snapshot.timestamp_ms)
        self._synced = True
        kept, self._pending = self._pending, deque(maxlen=PENDING_MAX)
        for delta in kept:
            self._follow(delta)
        self._crossed += self._book.is_crossed

    def on_delta(self, delta: BookDelta) -> None:
        """Counts a change, and applies it when it continues the book."""
        self._deltas += 1
        if self._last is not None and delta.previous_sequence not in (None, self._last):
            self._breaks += 1
        self._last = delta.sequence
        if self._synced:
            self._follow(delta)
        else:
            self._pending.append(delta)
            self._apply(delta)
        self._crossed += self._book.is_crossed

    def check(self) -> BookCheck:
        """The state now."""
        bid_levels, ask_levels = self._book.depth
        return BookCheck(
            snapshots=self._snapshots,
            deltas=self._deltas,
            sequence_breaks=self._breaks,
            crossed=self._crossed,
            synced=self._synced,
            best_bid=self._book.best_bid,
            best_ask=self._book.best_ask,
            bid_levels=bid_levels,
            ask_levels=ask_levels,
        )

    @property
    def book(self) -> OrderBook:
        """The book itself."""
        return self._book

    def _follow(self, delta: BookDelta) -> None:
        verdict = self._rule.on_delta(delta)
        if verdict is Verdict.ACCEPT:
            self._apply(delta)
        elif verdict is Verdict.GAP:
            # What was known is no longer true: wait for the next snapshot.
            self._synced = False
            self._book.clear()
            self._pending.append(delta)
            self._apply(delta)

    def _apply(self, delta: BookDelta) -> None:
        self._book.apply(delta.bids, delta.asks, delta.sequence, delta.timestamp_ms)


class WireReport:
    """Reads one recording and counts what was in it.

    Args:
        venue: whose messages they are.
        reader: the venue's reader, new.
        clock: stamps messages of layouts that have no receive time.
        channel: what to read messages as that do not tell it themselves.
        native: whether report lines carry the venue's payload.
    """

    def __init__(
        self,
        venue: Venue,
        reader: TapeReader,
        clock: Clock,
        *,
        channel: str | None = None,
        native: bool = False,
    ) -> None:
        self._venue = venue
        self._reader = reader
        self._clock = clock
        self._channel = channel
        self._native = native
        self._messages = 0
        self._counts: Counter[str] = Counter()
        self._channels: Counter[str] = Counter()
        self._books: dict[str, KeptBook] = {}
        self._last_trades: dict[str, int] = {}
        self._trade_breaks = 0

    def read(self, lines: Iterable[bytes]) -> Iterator[ReportLine]:
        """Report lines in the order of the input; at least one for each message."""
        for item in read_tape(lines):
            self._messages += 1
            yield from self._error_of(item) if isinstance(item, WireError) else self._message(item)

    @property
    def errors(self) -> int:
        """Lines that could not be read so far."""
        return self._counts["error"]

    def book(self, symbol: str) -> OrderBook | None:
        """The kept book of a canonical symbol, None when there was none."""
        kept = self._books.get(symbol)
        return None if kept is None else kept.book

    def summary(self) -> ReportLine:
        """What was counted so far."""
        books = {symbol: kept.check() for symbol, kept in sorted(self._books.items())}
        body = Summary(
            messages=self._messages,
            counts=dict(sorted(self._counts.items())),
            native_channels=dict(sorted(self._channels.items())),
            sequence_breaks=sum(book.sequence_breaks for book in books.values()),
            trade_sequence_breaks=self._trade_breaks,
            crossed=sum(book.crossed for book in books.values()),
            books=books,
        )
        return ReportLine(kind="summary", line=0, body=body)

    def _message(self, line: TapeLine) -> Iterator[ReportLine]:
        native = line.payload if self._native else None
        if line.note:
            self._channels[line.note] += 1
            yield self._line(line.number, Ignored(what="recording", reason=line.note), native)
            return
        received_ns = self._clock.now_ns() if line.received_ns is None else line.received_ns
        try:
            read = self._reader.read(line.payload, received_ns, url=line.url, channel=self._channel)
        except PlatformError as error:
            yield from self._failure(line.number, error, native)
            return
        self._channels[read.channel] += 1
        for event in read.events:
            self._follow(event)
            yield self._line(line.number, event, native)

    def _error_of(self, error: WireError) -> Iterator[ReportLine]:
        number = int(error.channel.rpartition(" ")[2])
        native = error.payload_cut.encode() if self._native else None
        yield from self._failure(number, error, native)

    def _failure(
        self, number: int, error: PlatformError, native: bytes | None
    ) -> Iterator[ReportLine]:
        channel = error.channel if isinstance(error, WireError) else ""
        problem = error.problem if isinstance(error, WireError) else str(error)
        self._channels["unreadable"] += 1
        yield self._line(number, Failure(reason=problem, channel=channel), native)

    def _line(self, number: int, body: StreamEvent | Failure, native: bytes | None) -> ReportLine:
        kind = _kind_of(body)
        self._counts[kind] += 1
        return ReportLine(kind=kind, line=number, body=body, native=native)

    def _follow(self, event: StreamEvent) -> None:
        """Keeps books and the numbers of trades."""
        if isinstance(event, BookDelta):
            kept = self._kept(event.symbol)
            if kept is not None:
                kept.on_delta(event)
        elif isinstance(event, BookSnapshot):
            kept = self._kept(event.symbol)
            if kept is not None:
                kept.on_snapshot(event)
        elif isinstance(event, Trade) and event.sequence is not None:
            last = self._last_trades.get(event.symbol)
            if last is not None and event.sequence != last + 1:
                self._trade_breaks += 1
            if last is not None or len(self._last_trades) < BOOKS_MAX:
                self._last_trades[event.symbol] = event.sequence

    def _kept(self, symbol: str) -> KeptBook | None:
        kept = self._books.get(symbol)
        if kept is None and len(self._books) < BOOKS_MAX:
            kept = self._books[symbol] = KeptBook(self._venue.book_rule())
        return kept


def encode_report_line(line: ReportLine) -> bytes:
    """One line of NDJSON with its line feed: `kind`, `line`, then the body's fields, `native` last.

    A native payload that is no JSON is written as text.
    """
    head = msgspec.json.encode({"kind": line.kind, "line": line.line})
    if line.kind == "summary":
        head = msgspec.json.encode({"kind": line.kind})
    body = msgspec.json.encode(line.body)
    parts = [head[:-1], body[1:-1]]
    if line.native is not None:
        parts.append(b'"native":' + _as_json(line.native))
    return b",".join(part for part in parts if part) + b"}\n"


def _as_json(payload: bytes) -> bytes:
    """A payload as a JSON value on one line."""
    try:
        return msgspec.json.format(msgspec.json.encode(msgspec.json.decode(payload)), indent=-1)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return msgspec.json.encode(payload.decode("utf-8", "replace"))


def _kind_of(body: StreamEvent | Failure) -> str:
    if isinstance(body, Record):
        return body.kind
    if isinstance(body, Ack):
        return "ack"
    if isinstance(body, Past | Closing):
        return type(body).__name__.lower()
    return "ignored" if isinstance(body, Ignored) else "error"
