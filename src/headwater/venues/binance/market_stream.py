"""One connection to Binance's public streams: subscribe messages out, frames in, events out.

Uses combined mode (`/stream`), where each message names its stream; raw payloads are understood
too. A stream is resolved to a route once, when it is subscribed to or first seen; from then on a
message costs one look-up. What the events mean is in `market_events.py`, their shapes in `wire.py`.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from headwater.core.enums import Channel, Side
from headwater.core.errors import RequestError, WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Record, Trade
from headwater.venues.base import MarketStream, Taker
from headwater.venues.binance import market_events, wire, wire_rest
from headwater.venues.binance.symbols import EXCHANGE, stream_symbol, symbol_in
from headwater.venues.messages import Ack, Ignored, StreamEvent, StreamRequest, Subscription

TOPICS_PER_MESSAGE: Final = 100
"""Streams in one SUBSCRIBE."""
MESSAGE_BYTES_MAX: Final = 4096
"""Longest SUBSCRIBE; the server's own limit is not documented."""
ROUTES_MAX: Final = 20_000
"""Streams and symbols remembered, more than the venue has; beyond it they are resolved anew."""

ENDPOINTS: Final[Mapping[Channel, str]] = {
    Channel.TRADES: "market",
    Channel.CANDLES: "market",
    Channel.BOOK: "public",
    Channel.QUOTES: "public",
    Channel.TICKERS: "market",
    Channel.MARK_PRICES: "market",
    Channel.LIQUIDATIONS: "market",
}
"""Path that serves each channel since 2026-04-23; the other one stays silent."""
_SUFFIXES: Final[Mapping[Channel, str]] = {
    Channel.TRADES: "aggTrade",
    Channel.BOOK: "depth@100ms",
    Channel.QUOTES: "bookTicker",
    Channel.TICKERS: "ticker",
    Channel.MARK_PRICES: "markPrice@1s",
    Channel.LIQUIDATIONS: "forceOrder",
}
_ALL_MARKET: Final[Mapping[Channel, str]] = {
    Channel.QUOTES: "!bookTicker",
    Channel.TICKERS: "!ticker@arr",
    Channel.MARK_PRICES: "!markPrice@arr@1s",
    Channel.LIQUIDATIONS: "!forceOrder@arr",
}
_RAW_SUFFIXES: Final[Mapping[type[wire.Event], tuple[str, str]]] = {
    wire.AggTrade: ("aggTrade", ""),
    wire.DepthUpdate: ("depth@100ms", ""),
    wire.BookTicker: ("bookTicker", "!bookTicker"),
    wire.DayTicker: ("ticker", "!ticker@arr"),
    wire.MarkPriceUpdate: ("markPrice@1s", "!markPrice@arr@1s"),
    wire.ForceOrder: ("forceOrder", "!forceOrder@arr"),
}
"""Stream of a symbol and of the market that a raw payload, which names none, may belong to."""
_PARTIAL_BOOK: Final = re.compile(r"@depth(5|10|20)(@|$)")
_ID_LIMIT: Final = 2**63
_PROBLEM_CUT: Final = 200
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)

# Looked up once: the short path below is measured in tens of nanoseconds.
_AggTrade: Final = wire.AggTrade
_COIN_MARGINED: Final = wire.COIN_MARGINED
_READERS: Final = market_events.READERS
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL

_decode_event = msgspec.json.Decoder(wire.StreamMessage, strict=False).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_error = msgspec.json.Decoder(wire_rest.ErrorBody, strict=False).decode
_decode_control = msgspec.json.Decoder(wire_rest.Control, strict=False).decode


def stream_name(subscription: Subscription) -> str:
    """The venue's name of a stream: `btcusdt@kline_1m`, `!forceOrder@arr`.

    Raises:
        RequestError: the whole market of a channel that only exists per symbol, or candles
            without an interval.
    """
    channel, native_symbol = subscription.channel, subscription.native_symbol
    if native_symbol is None:
        name = _ALL_MARKET.get(channel)
        if name is None:
            raise RequestError("native_symbol", None, f"{channel} exist per symbol only")
        return name
    if channel is Channel.CANDLES:
        if subscription.interval is None:
            raise RequestError("interval", None, "candles need an interval")
        return f"{stream_symbol(native_symbol)}@kline_{subscription.interval}"
    return f"{stream_symbol(native_symbol)}@{_SUFFIXES[channel]}"


class _Route:
    """What is known of a stream: its symbol by both names, its kind of book, its last data."""

    __slots__ = ("is_partial_book", "last_data_ns", "native_symbol", "symbol", "take")

    def __init__(self, name: str, native_symbol: str, symbol: str | None) -> None:
        # An empty symbol is a coin-margined one or the whole market: never on the short path.
        self.native_symbol = native_symbol if symbol else None
        self.symbol = symbol or ""
        self.is_partial_book = _PARTIAL_BOOK.search(name) is not None
        self.last_data_ns: int | None = None
        self.take: Taker | None = None


class BinanceStream(MarketStream):
    """The conversation of one connection.

    Args:
        endpoint: `public` or `market`. Subscriptions that the other one serves are refused,
            because the venue would acknowledge them and stay silent.
        table: names of the instruments; symbols that it lacks are named by rule.
    """

    def __init__(self, endpoint: str, table: InstrumentTable) -> None:
        self._endpoint = endpoint
        self._table = table
        self._decode = msgspec.json.Decoder(wire.Envelope, strict=False).decode
        self._routes: dict[str, _Route] = {}
        self._symbols: dict[str, str | None] = {}
        self._subscribed: dict[Subscription, _Route] = {}
        self._last_request_id = 0

    def subscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that ask for `subscriptions`, split by the venue's limits; registers them.

        Raises:
            RequestError: a channel that another endpoint serves, or a stream that does not exist.
        """
        named = {item: stream_name(item) for item in subscriptions}
        for subscription in named:
            served_by = ENDPOINTS[subscription.channel]
            if served_by != self._endpoint:
                raise RequestError("channel", subscription.channel, f"served by /{served_by}")
        for subscription, name in named.items():
            native_symbol = subscription.native_symbol or ""
            route = _Route(name, native_symbol, native_symbol and self._symbol_of(native_symbol))
            self._routes[name] = self._subscribed[subscription] = route
        return self._requests("SUBSCRIBE", named)

    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give `subscriptions` up; forgets them. Those not held are left out."""
        named = {item: stream_name(item) for item in subscriptions if item in self._subscribed}
        for subscription, name in named.items():
            del self._subscribed[subscription]
            self._routes.pop(name, None)
        return self._requests("UNSUBSCRIBE", named)

    def heartbeat(self) -> str | None:
        """None: the server pings, and answering is the WebSocket client's business."""
        return None

    def last_data_ns(self, subscription: Subscription) -> int | None:
        """`received_ns` of the last data of a registered subscription, None before the first."""
        route = self._subscribed.get(subscription)
        return None if route is None else route.last_data_ns

    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Turns one text frame into events; see `MarketStream.feed`.

        The busiest kind is written out here, the others go through the table of readers.

        Raises:
            WireError: the frame does not mean what the documents say.
        """
        try:
            decode = self._decode  # in 3.11 a call through an attribute is looked up anew each time
            message = decode(frame)
            event = message.data
            if type(event) is _AggTrade:
                route = self._routes.get(message.stream)
                trade_id = event.trade_id
                if (
                    route is None
                    or event.symbol != route.native_symbol
                    or trade_id is None
                    or event.market == _COIN_MARGINED
                ):
                    return (self._read(message.stream, event, received_ns),)
                route.last_data_ns = received_ns
                price = event.price
                quantity = event.quantity
                trade = Trade(
                    EXCHANGE,
                    route.symbol,
                    route.native_symbol,
                    event.traded_at_ms,
                    received_ns,
                    _SELL if event.buyer_is_maker else _BUY,
                    price,
                    quantity,
                    price * quantity,
                    trade_id,
                    trade_id,
                )
            else:
                return self._feed_other(message, frame, received_ns)
        except _UNREADABLE:
            return self._feed_unusual(frame, received_ns)
        take = route.take
        if take is None:
            return self._returned(route, trade)
        take(trade)
        return ()

    def _feed_other(
        self, message: wire.Envelope, frame: bytes, received_ns: int
    ) -> Sequence[StreamEvent]:
        """An envelope with anything but a trade."""
        event = message.data
        if isinstance(event, list):
            return self._feed_list(message.stream, event, received_ns)
        if isinstance(event, msgspec.UnsetType):
            return self._feed_unusual(frame, received_ns)
        route = self._routes.get(message.stream)
        if (
            route is None
            or event.symbol != route.native_symbol
            or route.is_partial_book
            or event.market == _COIN_MARGINED
        ):
            return (self._read(message.stream, event, received_ns),)
        route.last_data_ns = received_ns
        return (_READERS[type(event)](event, route.symbol, received_ns),)

    def _feed_list(
        self, stream: str, events: list[wire.StreamMessage], received_ns: int
    ) -> Sequence[StreamEvent]:
        """An all-market message. Not in `feed`: before 3.12 a comprehension boxes its locals."""
        return _condensed([self._read(stream, event, received_ns) for event in events])

    def _read(self, stream: str, event: wire.StreamMessage, received_ns: int) -> StreamEvent:
        """One event of any kind, from a stream that may be new or unnamed."""
        route = self._route_of(stream, event)
        route.last_data_ns = received_ns
        symbol = self._symbol_of(event.symbol)
        if symbol is None or event.market == wire.COIN_MARGINED:
            what = str(event.__struct_config__.tag)
            return Ignored(what=what, reason=market_events.COIN_MARGINED_REASON)
        if isinstance(event, wire.DepthUpdate) and route.is_partial_book:
            return market_events.top_of(event, symbol, received_ns)
        return _READERS[type(event)](event, symbol, received_ns)

    def _route_of(self, stream: str, event: wire.StreamMessage) -> _Route:
        """The route of a stream, made when it is new."""
        if not stream:
            suffix, all_market = _RAW_SUFFIXES.get(type(event), ("", ""))
            if isinstance(event, wire.Kline):
                suffix = f"kline_{event.bar.interval}"
            stream = f"{stream_symbol(event.symbol)}@{suffix}"
            if stream not in self._routes and all_market in self._routes:
                stream = all_market
        route = self._routes.get(stream)
        if route is None:
            native_symbol = "" if stream.startswith("!") else event.symbol
            route = _Route(stream, native_symbol, native_symbol and self._symbol_of(native_symbol))
            if len(self._routes) < ROUTES_MAX:
                self._routes[stream] = route
        return route

    def _symbol_of(self, native_symbol: str) -> str | None:
        """Our name of a symbol, remembered; None for coin-margined ones."""
        try:
            return self._symbols[native_symbol]
        except KeyError:
            symbol = symbol_in(self._table, native_symbol)
            if len(self._symbols) < ROUTES_MAX:
                self._symbols[native_symbol] = symbol
            return symbol

    def _feed_unusual(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """A frame that is no known event in combined mode: raw, an answer, unknown or broken."""
        channel = "frame"
        try:
            if frame.lstrip()[:1] == b"[":
                return self._raw_list("", frame, received_ns)
            control = _decode_control(frame)
            channel = control.stream or "frame"
            if isinstance(control.data, msgspec.Raw):
                payload = bytes(control.data)
                if payload[:1] == b"[":
                    return self._raw_list(control.stream, payload, received_ns)
                return (self._raw(control.stream, payload, received_ns),)
            if isinstance(control.event, str):
                channel = control.event
                return (self._raw("", frame, received_ns),)
            return (_answer_of(control),)
        except _UNREADABLE as error:
            raise WireError(EXCHANGE, channel[:80], str(error), frame) from error

    def _raw_list(self, stream: str, payload: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """A list of events as raw JSON, some of which may not be known."""
        items = _decode_list(payload)
        return _condensed([self._raw(stream, bytes(item), received_ns) for item in items])

    def _raw(self, stream: str, payload: bytes, received_ns: int) -> StreamEvent:
        """One event as raw JSON, of a kind that may not be known."""
        name = _decode_control(payload).event
        if not isinstance(name, str):
            return Ignored(what=stream[:80] or "object", reason="names no event")
        if name not in _KNOWN_EVENTS:
            reason = market_events.NOT_READ.get(name, market_events.UNKNOWN_EVENT)
            return Ignored(what=name[:80], reason=reason)
        return self._read(stream, _decode_event(payload), received_ns)

    def _requests(self, method: str, named: Mapping[Subscription, str]) -> list[StreamRequest]:
        """Requests of at most `TOPICS_PER_MESSAGE` streams and `MESSAGE_BYTES_MAX` bytes."""
        requests: list[StreamRequest] = []
        batch: list[Subscription] = []
        size = 0
        for subscription, name in named.items():
            cost = len(name.encode()) + 3
            full = len(batch) >= TOPICS_PER_MESSAGE or size + cost > MESSAGE_BYTES_MAX - 80
            if batch and full:
                requests.append(self._request(method, batch, named))
                batch, size = [], 0
            batch.append(subscription)
            size += cost
        if batch:
            requests.append(self._request(method, batch, named))
        return requests

    def _request(
        self, method: str, batch: Sequence[Subscription], named: Mapping[Subscription, str]
    ) -> StreamRequest:
        self._last_request_id += 1
        body = {
            "method": method,
            "params": [named[item] for item in batch],
            "id": self._last_request_id,
        }
        return StreamRequest(
            request_id=self._last_request_id,
            payload=msgspec.json.encode(body).decode(),
            subscriptions=tuple(batch),
            gives_up=method == "UNSUBSCRIBE",
        )


def _condensed(events: list[StreamEvent]) -> Sequence[StreamEvent]:
    """The records of a list; of one without any, what its first item is skipped for."""
    records = [event for event in events if isinstance(event, Record)]
    return records or events[:1]


def _answer_of(control: wire_rest.Control) -> StreamEvent:
    """The answer to a request of ours; an object that is none is skipped with the reason."""
    request_id: int | None = None
    if isinstance(control.request_id, msgspec.Raw):
        # Other programs use texts as ids; ours are numbers.
        given = msgspec.json.decode(control.request_id)
        request_id = given if type(given) is int and 0 <= given < _ID_LIMIT else None
    if isinstance(control.error, msgspec.Raw):
        return Ack(request_id=request_id, error=_problem_of(_decode_error(control.error)))
    if isinstance(control.code, msgspec.Raw) and isinstance(control.msg, msgspec.Raw):
        code, msg = bytes(control.code), bytes(control.msg)
        problem = _decode_error(b'{"code":' + code + b',"msg":' + msg + b"}")
        return Ack(request_id=request_id, error=_problem_of(problem))
    if isinstance(control.result, msgspec.Raw):
        return Ack(request_id=request_id)
    return Ignored(what="object", reason="names no event and answers no request")


def _problem_of(error: wire_rest.ErrorBody) -> str:
    return f"{error.code}: {error.msg}"[:_PROBLEM_CUT]


_KNOWN_EVENTS: Final = frozenset(str(kind.__struct_config__.tag) for kind in _READERS)
