"""Reads recordings of OKX: stream messages of any connection, and REST replies.

Sizes need the instruments: those of the table, and those that the recording itself lists. Books of
2022 carry a checksum and no numbers: the checksum is verified over the raw texts, and a verified
message continues the book. Account events, order entry and the protocol before v5 are skipped,
each with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.base import TapeReader
from headwater.venues.messages import Ignored, StreamEvent, TapeEvents
from headwater.venues.okx import market_replies as replies
from headwater.venues.okx import wire_rest
from headwater.venues.okx.book import checksum_of
from headwater.venues.okx.market_stream import OkxStream
from headwater.venues.okx.symbols import BARS, EXCHANGE

BOOKS_MAX: Final = 2_000
"""Books whose raw texts are kept to verify checksums."""

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError)


class _RawLevel(msgspec.Struct, frozen=True, array_like=True):
    """A level as the venue wrote it."""

    price: str
    size: str


class _RawData(msgspec.Struct, frozen=True, rename={"sequence": "seqId"}):
    """The parts of a book that the checksum is over."""

    asks: list[_RawLevel]
    bids: list[_RawLevel]
    checksum: int = 0
    sequence: int | None = None


class _RawArgument(msgspec.Struct, frozen=True, rename={"native_symbol": "instId"}):
    channel: str
    native_symbol: str = ""


class _RawBook(msgspec.Struct, frozen=True):
    arg: _RawArgument
    data: list[_RawData]
    action: str = ""


_decode_raw_book = msgspec.json.Decoder(_RawBook, strict=False).decode


class ChecksumBook:
    """One book as raw texts, to verify the checksum of each message.

    Attributes:
        messages: messages that continued it so far.
    """

    def __init__(self) -> None:
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self.messages = 0

    def verify(self, data: _RawData, *, is_image: bool) -> bool:
        """Applies a message; whether the book then has the checksum that the message names."""
        self.messages += 1
        if is_image:
            self._bids, self._asks = {}, {}
        for levels, rows in ((self._bids, data.bids), (self._asks, data.asks)):
            for row in rows:
                if float(row.size):
                    levels[row.price] = row.size
                else:
                    levels.pop(row.price, None)
        bids = sorted(self._bids.items(), key=_price, reverse=True)
        asks = sorted(self._asks.items(), key=_price)
        return checksum_of(bids, asks) == data.checksum


def _price(level: tuple[str, str]) -> float:
    return float(level[0])


_Reader = Callable[[bytes, "_Asked", InstrumentTable, int], Sequence[StreamEvent]]


class _Asked(msgspec.Struct, frozen=True):
    """What a reply answers: last part of its path, its instrument and candle length."""

    endpoint: str
    native_symbol: str
    interval: Interval


def _candles(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    sizes = replies.sizes_in(table, asked.native_symbol)
    if sizes is None:
        return (_unsized(asked.endpoint),)
    return replies.candles_of(body, asked.interval, sizes, received_ns)


def _mark_candles(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    sizes = replies.sizes_in(table, asked.native_symbol)
    if sizes is None:
        return (_unsized(asked.endpoint),)
    return replies.mark_candles_of(body, asked.interval, sizes, received_ns)


def _trades(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    rows = replies.rows_of(body, wire_rest.TradeRow, "trades")
    name = rows[0].native_symbol if rows else asked.native_symbol
    sizes = replies.sizes_in(table, name)
    return (_unsized(asked.endpoint),) if sizes is None else replies.trades_of(
        body, sizes, received_ns
    )  # fmt: skip


def _book(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    sizes = replies.sizes_in(table, asked.native_symbol)
    return (_unsized(asked.endpoint),) if sizes is None else (
        replies.book_of(body, sizes, received_ns),
    )  # fmt: skip


def _history(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    sizes = replies.sizes_in(table, asked.native_symbol)
    if sizes is None:
        return (_unsized(asked.endpoint),)
    return replies.interest_history_of(body, sizes, received_ns)


def _marks(
    body: bytes, _: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    return replies.mark_prices_of(replies.mark_rows_of(body), {}, table, received_ns)


_READERS: Final[Mapping[str, _Reader]] = {
    "candles": _candles,
    "history-candles": _candles,
    "mark-price-candles": _mark_candles,
    "history-mark-price-candles": _mark_candles,
    "trades": _trades,
    "history-trades": _trades,
    "books": _book,
    "tickers": lambda body, _, table, at_ns: replies.tickers_of(body, table, at_ns),
    "ticker": lambda body, _, table, at_ns: replies.tickers_of(body, table, at_ns),
    "open-interest": lambda body, _, table, at_ns: replies.interests_of(body, table, at_ns),
    "open-interest-history": _history,
    "funding-rate": lambda body, _, __, at_ns: replies.fundings_of(body, at_ns),
    "funding-rate-history": lambda body, _, __, at_ns: replies.fundings_of(body, at_ns),
    "mark-price": _marks,
    "instruments": lambda body, _, __, at_ns: replies.instruments_of(body, at_ns),
}
"""Readers by the last part of an endpoint's path."""

_ALIASES: Final[Mapping[str, str]] = {
    "klines": "candles",
    "ohlc": "candles",
    "mark_candles": "mark-price-candles",
    "book": "books",
    "order_book": "books",
    "depth": "books",
    "mark_prices": "mark-price",
    "mark_price": "mark-price",
    "open_interest": "open-interest",
    "open_interest_history": "open-interest-history",
    "funding_rate": "funding-rate",
    "funding_history": "funding-rate-history",
}
"""Other spellings of an endpoint that people use, without `rest_`."""

_SHAPES: Final[Sequence[tuple[frozenset[str], str]]] = (
    (frozenset({"ctVal", "tickSz", "instId"}), "instruments"),
    (frozenset({"tradeId", "px", "sz", "side"}), "trades"),
    (frozenset({"fundingRate", "fundingTime"}), "funding-rate"),
    (frozenset({"oi", "oiCcy", "instId"}), "open-interest"),
    (frozenset({"markPx", "instId"}), "mark-price"),
    (frozenset({"askPx", "bidPx", "last", "open24h"}), "tickers"),
)
"""Fields that only one endpoint's rows have together."""


class OkxTapeReader(TapeReader):
    """Reads one recording from its beginning.

    Args:
        table: the instruments that are known before.

    Attributes:
        verified: book messages whose checksum was right.
        failed: book messages whose checksum was wrong.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._known: dict[str, Instrument] = {one.native_symbol: one for one in table}
        self._table = table
        self._streams = self._new_stream()
        self._books: dict[str, ChecksumBook] = {}
        self.verified = 0
        self.failed = 0

    def read(
        self,
        payload: bytes,
        received_ns: int,
        *,
        url: str | None = None,
        channel: str | None = None,
    ) -> TapeEvents:
        """Reads one recorded message; see `TapeReader.read`.

        Raises:
            WireError: the bytes do not mean what the documents say.
        """
        if payload.lstrip()[:1] == b"[":
            reason = "rows without the message around them"
            return TapeEvents(channel="rows", events=(Ignored(what="rows", reason=reason),))
        fields = _fields_of(payload)
        if "table" in fields:
            name = _text(fields["table"])
            return TapeEvents(
                channel=name, events=(Ignored(what=name, reason="protocol v3, gone"),)
            )
        if _is_reply(fields) and (url is None or not url.startswith("ws")):
            asked = _asked(fields, url, channel)
            events = self._reply(payload, fields, asked, received_ns)
            return TapeEvents(channel=f"rest_{asked.endpoint or 'reply'}", events=events)
        name = _channel_name(fields)
        events = tuple(self._streams.feed(payload, received_ns))
        if name.startswith("books"):
            events = self._checked(payload, events)
        return TapeEvents(channel=name, events=events or (_nothing(name),))

    def _new_stream(self) -> OkxStream:
        # The endpoint matters for subscribing only, and a tape subscribes to nothing.
        return OkxStream("public", self._table, wants_all=True)

    def _checked(self, payload: bytes, events: tuple[StreamEvent, ...]) -> tuple[StreamEvent, ...]:
        """Verifies the checksum of an old book message and numbers what has no number."""
        try:
            raw = _decode_raw_book(payload)
        except _BROKEN:
            return events
        if not raw.action or not raw.data or not raw.data[0].checksum:
            return events
        name = raw.arg.native_symbol
        book, is_image = self._books.get(name), raw.action == "snapshot"
        if book is None:
            if not is_image or len(self._books) >= BOOKS_MAX:
                return events  # without its image a book cannot be verified
            book = self._books[name] = ChecksumBook()
        try:
            is_right = book.verify(raw.data[0], is_image=is_image)
        except _BROKEN:
            return events
        self.verified += is_right
        self.failed += not is_right
        words = "right" if is_right else "WRONG"
        return tuple([_numbered(event, book.messages, is_right, words) for event in events])

    def _reply(
        self,
        payload: bytes,
        fields: Mapping[str, msgspec.Raw],
        asked: _Asked,
        received_ns: int,
    ) -> tuple[StreamEvent, ...]:
        name = f"rest_{asked.endpoint or 'reply'}"
        code = bytes(fields["code"]).strip(b'"')
        if code != b"0":
            return (
                Ignored(what=name, reason=f"an error: code {code.decode('utf-8', 'replace')[:20]}"),
            )
        reader = _READERS.get(asked.endpoint)
        if reader is None:
            reason = "a reply of an account, of order entry or without a record for it"
            return (Ignored(what=name, reason=reason),)
        events = tuple(reader(payload, asked, self._table, received_ns))
        learned = [event for event in events if isinstance(event, Instrument)]
        if learned:
            self._known |= {one.native_symbol: one for one in learned}
            self._table = InstrumentTable(EXCHANGE, self._known.values())
            self._streams = self._new_stream()
        return events or (_nothing(name),)


def _numbered(event: StreamEvent, number: int, is_right: bool, words: str) -> StreamEvent:
    """A book's record with the place of its message; what is skipped says the checksum too."""
    if isinstance(event, Ignored):
        return Ignored(what=event.what, reason=f"{event.reason}; checksum {words}")
    if isinstance(event, BookSnapshot) and event.sequence is None:
        return msgspec.structs.replace(event, sequence=number)
    if isinstance(event, BookDelta) and event.sequence is None:
        before = number - 1 if is_right else None
        return msgspec.structs.replace(event, sequence=number, previous_sequence=before)
    return event


def _nothing(name: str) -> Ignored:
    return Ignored(what=name, reason="it lists nothing of this market")


def _unsized(endpoint: str) -> Ignored:
    return Ignored(what=f"rest_{endpoint}", reason="the contract size is not known")


def _fields_of(payload: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return _decode_fields(payload)
    except _BROKEN:
        return {}


def _is_reply(fields: Mapping[str, msgspec.Raw]) -> bool:
    return "code" in fields and "data" in fields and not {"arg", "op", "event"} & fields.keys()


def _text(raw: msgspec.Raw) -> str:
    """A JSON text, cut; `frame` when it is none."""
    try:
        return msgspec.json.decode(raw, type=str)[:80] or "frame"
    except _BROKEN:
        return "frame"


def _channel_name(fields: Mapping[str, msgspec.Raw]) -> str:
    """The venue's channel, or the kind of answer."""
    try:
        if "arg" in fields and "event" not in fields:
            return msgspec.json.decode(fields["arg"], type=_RawArgument).channel[:80] or "frame"
        name = fields.get("event") or fields.get("op")
    except _BROKEN:
        return "frame"
    return "frame" if name is None else _text(name)


def _asked(fields: Mapping[str, msgspec.Raw], url: str | None, channel: str | None) -> _Asked:
    """What a reply answers, by name, URL or its own rows."""
    endpoint, symbol, query = "", "", dict[str, str]()
    if channel:
        text, _, symbol = channel.partition(":")
        name = text.rstrip("/").rpartition("/")[2].removeprefix("rest_")
        endpoint = name if name in _READERS else _ALIASES.get(name.lower(), name)
    elif url is not None:
        parts = urlsplit(url)
        endpoint = parts.path.rstrip("/").rpartition("/")[2]
        query = dict(parse_qsl(parts.query))
    symbol = symbol or query.get("instId", "")
    interval = BARS.get(query.get("bar", ""), Interval.M1)
    return _Asked(endpoint or _endpoint_by_shape(fields), symbol, interval)


def _endpoint_by_shape(fields: Mapping[str, msgspec.Raw]) -> str:
    """The endpoint whose rows have these fields; empty when none is known."""
    try:
        rows = _decode_rows(fields["data"])
    except _BROKEN:
        return ""
    if not rows:
        return ""
    if bytes(rows[0])[:1] == b"[":
        return "candles"
    names = _fields_of(bytes(rows[0])).keys()
    if names & {"ordId", "posId"}:
        return ""  # an order, a fill or a position of an account
    return next((endpoint for needed, endpoint in _SHAPES if needed <= names), "")
