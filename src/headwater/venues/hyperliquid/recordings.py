"""Reads recordings of Hyperliquid: stream messages of any connection, and replies of `/info`.

Everything has one path, so a reply is told by the request that stands beside it (a list of
`{request, response}`), by the name the caller gives, or by its own fields. Replies of accounts, of
order entry and of other markets are skipped, each with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from headwater.core.instruments import InstrumentTable
from headwater.venues.base import TapeReader
from headwater.venues.hyperliquid import market_events
from headwater.venues.hyperliquid import market_replies as replies
from headwater.venues.hyperliquid.market_stream import HyperliquidStream
from headwater.venues.hyperliquid.symbols import symbol_in
from headwater.venues.messages import Ignored, StreamEvent, TapeEvents

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_PRIVATE: Final = "a reply of an account, of order entry or without a record for it"

_Reader = Callable[[bytes, InstrumentTable, int], Sequence[StreamEvent]]


def _contexts(body: bytes, table: InstrumentTable, received_ns: int) -> Sequence[StreamEvent]:
    made: list[StreamEvent | None] = []
    for coin, one in replies.contexts_of(body):
        symbol = symbol_in(table, coin)
        made += [
            market_events.ticker_of(one, coin, symbol, received_ns),
            market_events.mark_price_of(one, coin, symbol, received_ns),
            market_events.open_interest_of(one, coin, symbol, received_ns),
        ]
    return [one for one in made if one is not None]


def _candles(body: bytes, table: InstrumentTable, received_ns: int) -> Sequence[StreamEvent]:
    now_ms = received_ns // market_events.NS_PER_MS
    return replies.candles_of(body, table, now_ms=now_ms, received_ns=received_ns)


def _book(body: bytes, table: InstrumentTable, received_ns: int) -> Sequence[StreamEvent]:
    book = replies.book_of(body, table, received_ns)
    return () if book is None else (book,)


_READERS: Final[Mapping[str, _Reader]] = {
    "meta": lambda body, _, at_ns: replies.instruments_of(body, at_ns),
    "allPerpMetas": lambda body, _, at_ns: replies.instruments_of(_rows_of(body)[0], at_ns),
    "metaAndAssetCtxs": _contexts,
    "candleSnapshot": _candles,
    "l2Book": _book,
    "recentTrades": replies.trades_of,
    "fundingHistory": replies.fundings_of,
    "predictedFundings": replies.predictions_of,
}
"""Readers by the type of the request; of all exchanges' metas the venue's own is the first."""

_SHAPES: Final[Sequence[tuple[frozenset[str], str]]] = (
    (frozenset({"universe", "marginTables"}), "meta"),
    (frozenset({"coin", "levels"}), "l2Book"),
    (frozenset({"coin", "fundingRate", "time"}), "fundingHistory"),
    (frozenset({"t", "T", "s", "i", "o", "c"}), "candleSnapshot"),
)
"""Fields of an object, or of a list's first row, that only one reply has together."""


class HyperliquidTapeReader(TapeReader):
    """Reads one recording from its beginning.

    Args:
        table: names of the instruments; may be empty.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table
        self._stream = HyperliquidStream(table, wants_all=True)

    def read(
        self,
        payload: bytes,
        received_ns: int,
        *,
        url: str | None = None,  # noqa: ARG002 - there is one path for all
        channel: str | None = None,
    ) -> TapeEvents:
        """Reads one recorded message; see `TapeReader.read`.

        Raises:
            WireError: the bytes do not mean what the documents say.
        """
        fields = _fields_of(payload)
        if "channel" in fields or (not fields and payload.lstrip()[:1] not in (b"[", b"{")):
            name = _text(fields.get("channel")) or "frame"
            events = tuple(self._stream.feed(payload, received_ns))
            return TapeEvents(channel=name, events=events or (_nothing(name),))
        rows = _rows_of(payload)
        pairs = [_fields_of(row) for row in rows]
        if pairs and all({"request", "response"} <= pair.keys() for pair in pairs):
            return self._exchanges(pairs, received_ns)
        kind = (channel or "").rpartition("/")[2].removeprefix("rest_").partition(":")[0]
        if kind not in _READERS:
            kind = _kind_by_shape(fields, rows)
        return TapeEvents(
            channel=f"rest_{kind or 'reply'}", events=self._reply(kind, payload, received_ns)
        )

    def _exchanges(
        self, pairs: Sequence[Mapping[str, msgspec.Raw]], received_ns: int
    ) -> TapeEvents:
        """Requests with their replies."""
        kinds: list[str] = []
        events: list[StreamEvent] = []
        for pair in pairs:
            kind = _type_of(bytes(pair["request"]))
            kinds.append(kind or "reply")
            events += self._reply(kind, bytes(pair["response"]), received_ns)
        return TapeEvents(channel=f"rest_{kinds[-1]}", events=tuple(events))

    def _reply(self, kind: str, body: bytes, received_ns: int) -> tuple[StreamEvent, ...]:
        name = f"rest_{kind or 'reply'}"
        reader = _READERS.get(kind)
        if reader is None:
            return (Ignored(what=name, reason=_PRIVATE),)
        return tuple(reader(body, self._table, received_ns)) or (_nothing(name),)


def _nothing(name: str) -> Ignored:
    return Ignored(what=name, reason="it lists nothing of this market")


def _fields_of(payload: bytes) -> Mapping[str, msgspec.Raw]:
    """Top-level fields; none when it is no object."""
    try:
        return _decode_fields(payload)
    except _BROKEN:
        return {}


def _rows_of(payload: bytes) -> list[bytes]:
    """Rows of a list; none when it is no list."""
    try:
        return [bytes(one) for one in _decode_rows(payload)]
    except _BROKEN:
        return []


def _text(raw: msgspec.Raw | bytes | None) -> str:
    """A JSON text; empty when it is none."""
    try:
        return "" if raw is None else msgspec.json.decode(raw, type=str)
    except _BROKEN:
        return ""


def _type_of(request: bytes) -> str:
    """The type of a recorded request, whose body is the request itself, a field or a text."""
    fields = _fields_of(request) or _fields_of(_text(request).encode())
    if "type" in fields:
        return _text(fields["type"])
    return _type_of(bytes(fields["body"])) if "body" in fields else ""


def _kind_by_shape(fields: Mapping[str, msgspec.Raw], rows: Sequence[bytes]) -> str:
    """The type of request that such a reply answers; empty when none is known."""
    if rows and "universe" in _fields_of(rows[0]):
        return "allPerpMetas" if _fields_of(rows[-1]) else "metaAndAssetCtxs"
    if set(fields) == {"universe"} or ("universe" in fields and "tokens" not in fields):
        return "meta"
    names = fields.keys() or (_fields_of(rows[0]).keys() if rows else set[str]())
    if {"coin", "side", "px", "sz", "tid"} <= names and "oid" not in names:
        return "recentTrades"
    return next((kind for needed, kind in _SHAPES if needed <= names), "")
