"""Reads recordings of Binance: stream messages of any connection, and REST replies.

A reply is recognised by the URL of its request, by the name the caller gives it, or by its
fields. Klines, trades and books do not name their symbol: it comes from the request, from the
name (`rest_depth:BTCUSDT`), or is the only one the recording has spoken of so far. Who names the
endpoint without a symbol gets records whose symbol is empty; otherwise it is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Record
from headwater.venues.base import TapeReader
from headwater.venues.binance import market_replies as replies
from headwater.venues.binance.market_stream import BinanceStream
from headwater.venues.binance.symbols import EXCHANGE, INTERVALS, symbol_in
from headwater.venues.messages import Ignored, StreamEvent, TapeEvents

SYMBOLS_MAX: Final = 20_000
"""Symbols remembered to tell whether a recording has only one."""

_UNNAMED: Final = "frame"
"""Channel of messages that name none."""

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Named(msgspec.Struct, frozen=True):
    """The names that a stream's message carries."""

    stream: str = ""
    e: str = ""


_decode_names = msgspec.json.Decoder(_Named).decode


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply answered, as far as it is known.

    Attributes:
        endpoint: last part of the path; the key of `_READERS`.
        native_symbol: from the query, the channel's name or the recording; may be empty.
        interval: of candles, None when unknown.
        received_ns: when the reply arrived.
        is_named: whether the caller said what the reply is.
    """

    endpoint: str
    native_symbol: str
    interval: Interval | None
    received_ns: int
    is_named: bool


_Reader = Callable[[bytes, _Request, InstrumentTable], Sequence[StreamEvent]]


def _contract(body: bytes, request: _Request, table: InstrumentTable) -> replies.Contract | None:
    """Both names of the contract that a reply is about; None for coin-margined ones.

    Raises:
        WireError: nothing tells which contract it is.
    """
    if not request.native_symbol:
        if request.is_named:
            return replies.Contract("", "")
        problem = "the reply names no symbol; name it as <channel>:<symbol>"
        raise WireError(EXCHANGE, f"rest_{request.endpoint}", problem, body)
    symbol = symbol_in(table, request.native_symbol)
    return None if symbol is None else replies.Contract(symbol, request.native_symbol)


def _klines(body: bytes, request: _Request, table: InstrumentTable) -> Sequence[StreamEvent]:
    contract = _contract(body, request, table)
    if contract is None:
        return ()
    now_ms = request.received_ns // 1_000_000
    return replies.candles_of(
        body, contract, request.interval, now_ms=now_ms, received_ns=request.received_ns
    )


def _mark_klines(body: bytes, request: _Request, table: InstrumentTable) -> Sequence[StreamEvent]:
    contract = _contract(body, request, table)
    if contract is None:
        return ()
    now_ms = request.received_ns // 1_000_000
    return replies.mark_candles_of(
        body, contract, request.interval, now_ms=now_ms, received_ns=request.received_ns
    )


def _agg_trades(body: bytes, request: _Request, table: InstrumentTable) -> Sequence[StreamEvent]:
    contract = _contract(body, request, table)
    return replies.trades_of(body, contract, request.received_ns) if contract else ()


def _fills(body: bytes, request: _Request, table: InstrumentTable) -> Sequence[StreamEvent]:
    contract = _contract(body, request, table)
    return replies.fills_of(body, contract, request.received_ns) if contract else ()


def _depth(body: bytes, request: _Request, table: InstrumentTable) -> Sequence[StreamEvent]:
    named = replies.symbol_of_book(body)
    if named:
        request = msgspec.structs.replace(request, native_symbol=named)
    contract = _contract(body, request, table)
    return (replies.book_of(body, contract, request.received_ns),) if contract else ()


def _open_interest(body: bytes, request: _Request, table: InstrumentTable) -> Sequence[StreamEvent]:
    found = replies.open_interest_of(body, table, None, request.received_ns)
    return () if found is None else (found,)


def _exchange_info(body: bytes, request: _Request, _: InstrumentTable) -> Sequence[StreamEvent]:
    return replies.instruments_in(body, None, request.received_ns)


def _time(body: bytes, request: _Request, _: InstrumentTable) -> Sequence[StreamEvent]:
    replies.server_time_of(body)
    return (Ignored(what=f"rest_{request.endpoint}", reason="the venue's clock, no record for it"),)


def _funding_info(body: bytes, request: _Request, _: InstrumentTable) -> Sequence[StreamEvent]:
    replies.funding_intervals_of(body)
    reason = "funding intervals are a part of the instruments"
    return (Ignored(what=f"rest_{request.endpoint}", reason=reason),)


_READERS: Final[Mapping[str, _Reader]] = {
    "klines": _klines,
    "markPriceKlines": _mark_klines,
    "aggTrades": _agg_trades,
    "trades": _fills,
    "historicalTrades": _fills,
    "depth": _depth,
    "24hr": lambda body, request, table: replies.tickers_of(body, table, request.received_ns),
    "bookTicker": lambda body, request, table: replies.quotes_of(body, table, request.received_ns),
    "premiumIndex": lambda body, request, table: replies.mark_prices_of(
        body, table, request.received_ns
    ),
    "fundingRate": lambda body, request, table: replies.fundings_of(
        body, table, None, request.received_ns
    ),
    "openInterest": _open_interest,
    "openInterestHist": lambda body, request, table: replies.open_interests_of(
        body, table, request.received_ns
    ),
    "exchangeInfo": _exchange_info,
    "time": _time,
    "fundingInfo": _funding_info,
}
"""Readers by the last part of an endpoint's path."""

_ALIASES: Final[Mapping[str, str]] = {
    "exchangeinfo": "exchangeInfo",
    "exchange_info": "exchangeInfo",
    "instruments": "exchangeInfo",
    "candles": "klines",
    "ohlc": "klines",
    "mark_candles": "markPriceKlines",
    "mark_klines": "markPriceKlines",
    "markpriceklines": "markPriceKlines",
    "aggtrades": "aggTrades",
    "agg_trades": "aggTrades",
    "historical_trades": "historicalTrades",
    "book": "depth",
    "order_book": "depth",
    "ticker": "24hr",
    "tickers": "24hr",
    "ticker_24hr": "24hr",
    "book_ticker": "bookTicker",
    "bookticker": "bookTicker",
    "premium_index": "premiumIndex",
    "premiumindex": "premiumIndex",
    "mark_price": "premiumIndex",
    "mark_prices": "premiumIndex",
    "funding_rate": "fundingRate",
    "fundingrate": "fundingRate",
    "funding_history": "fundingRate",
    "open_interest": "openInterest",
    "openinterest": "openInterest",
    "open_interest_hist": "openInterestHist",
    "open_interest_history": "openInterestHist",
    "openinteresthist": "openInterestHist",
    "funding_info": "fundingInfo",
    "fundinginfo": "fundingInfo",
    "server_time": "time",
}
"""Other spellings of an endpoint that people use, lower case, without `rest_`."""

_SHAPES: Final[Sequence[tuple[frozenset[str], str]]] = (
    (frozenset({"lastUpdateId", "bids", "asks"}), "depth"),
    (frozenset({"symbols", "rateLimits"}), "exchangeInfo"),
    (frozenset({"openInterest", "symbol", "time"}), "openInterest"),
    (frozenset({"sumOpenInterest", "sumOpenInterestValue", "symbol"}), "openInterestHist"),
    (frozenset({"fundingIntervalHours", "symbol"}), "fundingInfo"),
    (frozenset({"fundingRate", "fundingTime", "symbol"}), "fundingRate"),
    (frozenset({"markPrice", "lastFundingRate", "symbol"}), "premiumIndex"),
    (frozenset({"lastPrice", "priceChangePercent", "symbol"}), "24hr"),
    (frozenset({"bidPrice", "bidQty", "askPrice", "askQty", "symbol"}), "bookTicker"),
    (frozenset({"a", "p", "q", "f", "l", "T", "m"}), "aggTrades"),
    (frozenset({"id", "price", "qty", "time", "isBuyerMaker"}), "trades"),
)
"""Fields that only one endpoint's reply has together."""


class BinanceTapeReader(TapeReader):
    """Reads one recording from its beginning.

    Args:
        table: names of the instruments; may be empty.
    """

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table
        # The endpoint matters for subscribing only, and a tape subscribes to nothing.
        self._stream = BinanceStream("market", table)
        self._symbols: set[str] = set()

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
        request = self._request_of(payload, received_ns, url, channel)
        if request is None:
            name = _native_channel(payload)
            events = tuple(self._stream.feed(payload, received_ns))
        else:
            name = f"rest_{request.endpoint}"
            events = self._reply(payload, request)
        if not events:
            reason = "the reply lists nothing of this market"
            events = (Ignored(what=name, reason=reason),)
        if len(self._symbols) < SYMBOLS_MAX:
            self._symbols.update(
                event.native_symbol
                for event in events
                if isinstance(event, Record) and event.native_symbol
            )
        return TapeEvents(channel=name, events=events)

    def _reply(self, payload: bytes, request: _Request) -> tuple[StreamEvent, ...]:
        reader = _READERS.get(request.endpoint)
        if reader is not None:
            if _is_error_body(payload):
                return tuple(self._stream.feed(payload, request.received_ns))
            return tuple(reader(payload, request, self._table))
        try:
            _decode_raw(payload)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise WireError(EXCHANGE, f"rest_{request.endpoint}", str(error), payload) from error
        what = f"rest_{request.endpoint}"
        return (Ignored(what=what, reason="reply of an endpoint that no record is made of"),)

    def _request_of(
        self, payload: bytes, received_ns: int, url: str | None, channel: str | None
    ) -> _Request | None:
        """What the payload answered; None when it is a stream's message."""
        query: Mapping[str, str] = {}
        endpoint, symbol, is_named = "", "", False
        if channel is not None and _native_channel(payload) == _UNNAMED:
            text, _, symbol = channel.partition(":")
            endpoint = _endpoint_named(text)
        is_named = bool(endpoint)
        if not endpoint and url is not None and not url.startswith("ws"):
            parts = urlsplit(url)
            endpoint = parts.path.rstrip("/").rpartition("/")[2]
            query = dict(parse_qsl(parts.query))
        if not endpoint and url is None:
            endpoint = _endpoint_by_shape(payload)
        if not endpoint:
            return None
        symbol = symbol or query.get("symbol", "")
        if not symbol and len(self._symbols) == 1:
            symbol = next(iter(self._symbols))
        return _Request(
            endpoint=endpoint,
            native_symbol=symbol,
            interval=INTERVALS.get(query.get("interval", "")),
            received_ns=received_ns,
            is_named=is_named,
        )


def _endpoint_named(text: str) -> str:
    """The endpoint that a channel name stands for; empty when it is a stream's."""
    name = text.rstrip("/").rpartition("/")[2]
    is_rest = name.startswith("rest_") or name != text
    name = name.removeprefix("rest_")
    known = name if name in _READERS else _ALIASES.get(name.lower(), "")
    if is_rest:
        return known or name
    return known


def _endpoint_by_shape(payload: bytes) -> str:
    """The endpoint whose reply has these fields; empty when it is none or unreadable."""
    try:
        body = payload.lstrip()
        if body[:1] == b"[":
            rows = _decode_list(body)
            if not rows:
                return ""
            body = bytes(rows[0])
            if body[:1] == b"[":
                return "klines"
        fields = _decode_fields(body).keys()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    if "e" in fields or "stream" in fields:
        return ""
    if fields == {"serverTime"}:
        return "time"
    return next((endpoint for needed, endpoint in _SHAPES if needed <= fields), "")


def _is_error_body(payload: bytes) -> bool:
    """Whether a reply is `{"code":…,"msg":…}` instead of what was asked for."""
    try:
        return _decode_fields(payload).keys() == {"code", "msg"}
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _native_channel(payload: bytes) -> str:
    """The stream's name without its symbol (`depth@100ms`), or the event's name."""
    try:
        named = _decode_names(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _UNNAMED
    stream = named.stream
    if stream.startswith("!"):
        return stream
    return stream.partition("@")[2] or stream or named.e or _UNNAMED
