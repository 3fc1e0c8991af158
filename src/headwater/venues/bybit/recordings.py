"""Reads recordings of Bybit: stream messages of any connection, and REST replies.

A reply is recognised by the URL of its request, by the name the caller gives it, or by the fields
of its result. Replies and topics of accounts, of order entry, of other categories and of the
protocol before v5 are skipped, each with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.base import TapeReader
from headwater.venues.bybit import market_replies as replies
from headwater.venues.bybit.market_stream import BybitStream
from headwater.venues.bybit.symbols import INTERVALS, is_linear, symbol_in
from headwater.venues.messages import Ignored, StreamEvent, TapeEvents

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError)


class _Asked(msgspec.Struct, frozen=True):
    """What a reply answers, as far as the recording tells.

    Attributes:
        endpoint: last part of the path; key of `_READERS`, or another one.
        symbol: from the query or the result; may be empty.
        interval: of candles; one minute when nothing tells.
    """

    endpoint: str
    symbol: str
    interval: Interval


_Reader = Callable[[bytes, _Asked, InstrumentTable, int], Sequence[StreamEvent]]


def _contract(asked: _Asked, table: InstrumentTable) -> replies.Contract:
    return replies.Contract(symbol_in(table, asked.symbol), asked.symbol)


def _klines(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    if not is_linear(asked.symbol):
        return ()
    return replies.candles_of(
        body,
        _contract(asked, table),
        asked.interval,
        now_ms=received_ns // replies.NS_PER_MS,
        received_ns=received_ns,
    )


def _mark_klines(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    if not is_linear(asked.symbol):
        return ()
    return replies.mark_candles_of(
        body,
        _contract(asked, table),
        asked.interval,
        now_ms=received_ns // replies.NS_PER_MS,
        received_ns=received_ns,
    )


def _book(
    body: bytes,
    _: _Asked,
    table: InstrumentTable,
    received_ns: int,
) -> Sequence[StreamEvent]:
    book = replies.book_of(body, table, received_ns)
    return () if book is None else (book,)


def _tickers(
    body: bytes,
    _: _Asked,
    table: InstrumentTable,
    received_ns: int,
) -> Sequence[StreamEvent]:
    return [
        *replies.tickers_of(body, table, received_ns),
        *replies.mark_prices_of(body, table, received_ns),
        *replies.open_interests_now_of(body, table, received_ns),
        *replies.funding_now_of(body, table, received_ns),
    ]


def _interest(
    body: bytes, asked: _Asked, table: InstrumentTable, received_ns: int
) -> Sequence[StreamEvent]:
    if not is_linear(asked.symbol):
        return ()
    return replies.open_interests_of(body, _contract(asked, table), received_ns)


_READERS: Final[Mapping[str, _Reader]] = {
    "kline": _klines,
    "mark-price-kline": _mark_klines,
    "recent-trade": lambda body, _, table, at_ns: replies.trades_of(body, table, at_ns),
    "orderbook": _book,
    "tickers": _tickers,
    "open-interest": _interest,
    "history": lambda body, _, table, at_ns: replies.fundings_of(body, table, None, at_ns),
    "instruments-info": lambda body, _, __, at_ns: replies.instruments_in(body, at_ns)[0],
}
"""Readers by the last part of an endpoint's path (`funding/history` ends in `history`)."""

_ALIASES: Final[Mapping[str, str]] = {
    "candles": "kline",
    "klines": "kline",
    "ohlc": "kline",
    "mark_candles": "mark-price-kline",
    "mark_klines": "mark-price-kline",
    "trades": "recent-trade",
    "depth": "orderbook",
    "book": "orderbook",
    "order_book": "orderbook",
    "ticker": "tickers",
    "open_interest": "open-interest",
    "open_interest_history": "open-interest",
    "funding_history": "history",
    "funding_rate": "history",
    "funding/history": "history",
    "instruments": "instruments-info",
}
"""Other spellings of an endpoint that people use, lower case, without `rest_`."""

_ROW_SHAPES: Final[Sequence[tuple[frozenset[str], str]]] = (
    (frozenset({"fundingRate", "fundingRateTimestamp"}), "history"),
    (frozenset({"execId", "price", "size", "side", "time"}), "recent-trade"),
    (frozenset({"contractType", "lotSizeFilter", "priceFilter"}), "instruments-info"),
    (frozenset({"openInterest", "timestamp"}), "open-interest"),
    (frozenset({"lastPrice", "markPrice", "fundingRate"}), "tickers"),
)
"""Fields that only one endpoint's rows have together."""
_MARKETS: Final = frozenset({"", "linear"})


class BybitTapeReader(TapeReader):
    """Reads one recording from its beginning.

    Args:
        table: names of the instruments; may be empty.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table
        self._stream = BybitStream(table, wants_all=True)

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
        fields = _fields_of(payload)
        if not _is_reply(fields) and (url is None or url.startswith("ws")):
            name = _topic_kind(fields)
            events = tuple(self._stream.feed(payload, received_ns))
            return TapeEvents(channel=name, events=events or (_nothing(name),))
        asked, category = _asked(fields, url, channel)
        name = f"rest_{asked.endpoint or 'reply'}"
        return TapeEvents(
            channel=name, events=self._reply(payload, fields, asked, category, received_ns)
        )

    def _reply(
        self,
        payload: bytes,
        fields: Mapping[str, msgspec.Raw],
        asked: _Asked,
        category: str,
        received_ns: int,
    ) -> tuple[StreamEvent, ...]:
        name = f"rest_{asked.endpoint or 'reply'}"
        code = bytes(fields.get("retCode", b"0"))
        if code != b"0":
            return (
                Ignored(what=name, reason=f"an error: code {code.decode('utf-8', 'replace')[:20]}"),
            )
        if category not in _MARKETS:
            return (Ignored(what=name, reason=f"category {category[:20]}: another market"),)
        reader = _READERS.get(asked.endpoint)
        if reader is None:
            reason = "a reply of an account, of order entry or without a record for it"
            return (Ignored(what=name, reason=reason),)
        events = tuple(reader(payload, asked, self._table, received_ns))
        return events or (_nothing(name),)


def _nothing(name: str) -> Ignored:
    return Ignored(what=name, reason="it lists nothing of this market")


def _fields_of(payload: bytes) -> Mapping[str, msgspec.Raw]:
    """Top-level fields; none when it is no object."""
    try:
        return _decode_fields(payload)
    except _BROKEN:
        return {}


def _is_reply(fields: Mapping[str, msgspec.Raw]) -> bool:
    return "retCode" in fields and "result" in fields and "topic" not in fields


def _topic_kind(fields: Mapping[str, msgspec.Raw]) -> str:
    """The topic without its symbol (`orderbook.200`), or what kind of answer it is."""
    topic = _text(fields.get("topic"))
    if topic:
        return topic.rpartition(".")[0] or topic
    return _text(fields.get("op")) or "frame"


def _text(raw: msgspec.Raw | None) -> str:
    """A JSON text; empty when it is none."""
    if raw is None:
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except _BROKEN:
        return ""


def _asked(
    fields: Mapping[str, msgspec.Raw], url: str | None, channel: str | None
) -> tuple[_Asked, str]:
    """What a reply answers and of which category, by name, URL or its own fields."""
    endpoint, symbol, query = "", "", dict[str, str]()
    if channel:
        text, _, symbol = channel.partition(":")
        name = text.rstrip("/").rpartition("/")[2].removeprefix("rest_")
        endpoint = name if name in _READERS else _ALIASES.get(text.lower(), name)
    elif url is not None:
        parts = urlsplit(url)
        path = parts.path.rstrip("/")
        endpoint = path.rpartition("/")[2] if "/market/" in f"{path}/" else "private"
        query = dict(parse_qsl(parts.query))
    result = _fields_of(bytes(fields.get("result", b"{}")))
    category = query.get("category") or _text(result.get("category"))
    rows = _rows_of(result)
    return (
        _Asked(
            endpoint or _endpoint_by_shape(result, rows),
            symbol or query.get("symbol", "") or _text(result.get("symbol")),
            INTERVALS.get(query.get("interval", ""), Interval.M1),
        ),
        category,
    )


def _rows_of(result: Mapping[str, msgspec.Raw]) -> list[msgspec.Raw]:
    try:
        return _decode_rows(result.get("list", b"[]"))
    except _BROKEN:
        return []


def _endpoint_by_shape(result: Mapping[str, msgspec.Raw], rows: Sequence[msgspec.Raw]) -> str:
    """The endpoint whose result has these fields; empty when none is known."""
    if {"s", "b", "a", "u"} <= result.keys():
        return "orderbook"
    if not rows:
        return ""
    if bytes(rows[0])[:1] == b"[":
        return "kline"
    names = _fields_of(bytes(rows[0])).keys()
    return next((endpoint for needed, endpoint in _ROW_SHAPES if needed <= names), "")
