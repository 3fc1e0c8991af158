"""One connection to Bybit's public linear stream: subscribe messages out, frames in, events out.

Several of our channels share a topic (`tickers.{symbol}`): it is asked for once and given up with
its last user, and only records of channels that are wanted come out. Each message names its topic
first, so the busiest kind is told by the beginning of its bytes.

Source: https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from headwater.core.enums import Channel, Side
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Trade
from headwater.venues.base import MarketStream
from headwater.venues.bybit import market_events, wire
from headwater.venues.bybit.market_topics import TRADES, Topic, topic_of
from headwater.venues.bybit.symbols import EXCHANGE, is_linear, symbol_in
from headwater.venues.common import UNREADABLE
from headwater.venues.messages import (
    Ack,
    Ignored,
    StreamEvent,
    StreamRequest,
    Subscription,
)

TOPICS_PER_MESSAGE: Final = 100
"""Topics in one request; linear has no limit of its own, spot has 10."""
MESSAGE_CHARS_MAX: Final = 20_000
"""Longest request; all arguments of a connection may have 21,000 characters."""
TOPICS_MAX: Final = 20_000
"""Topics remembered by one connection."""

_TRADE_HEAD: Final = b'{"topic":"publicTrade.'
_BOOK_HEAD: Final = b'{"topic":"orderbook.200.'
_NS_PER_MS: Final = 1_000_000
_TEXT_CUT: Final = 200
_ACCOUNT: Final = frozenset(
    {"order", "execution", "execution.fast", "position", "wallet", "greeks", "dcp", "spread.order"}
)
_OLD: Final[Mapping[str, str]] = {
    "orderBookL2_25": "protocol v2, gone",
    "orderBook_200": "protocol v2, gone",
    "instrument_info": "protocol v2, gone",
    "trade": "protocol v2, gone",
    "klineV2": "protocol v2, gone",
    "candle": "protocol v2, gone",
}
# Looked up once: the short path below is measured in tens of nanoseconds.
_TAKER_BUYS: Final = wire.TakerSide.BUYS
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL

_decode_trades = msgspec.json.Decoder(wire.Trades, strict=False).decode
_decode_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_decode_klines = msgspec.json.Decoder(wire.Klines, strict=False).decode
_decode_ticker = msgspec.json.Decoder(wire.Ticker, strict=False).decode
_decode_liquidations = msgspec.json.Decoder(wire.Liquidations, strict=False).decode
_decode_old_liquidations = msgspec.json.Decoder(wire.OldLiquidations, strict=False).decode
_decode_control = msgspec.json.Decoder(wire.Control, strict=False).decode


class BybitStream(MarketStream):
    """The conversation of one connection.

    Args:
        table: names of the instruments; symbols that it lacks are named by rule.
        wants_all: whether topics that were never subscribed to are read too, as tapes need it.
    """

    def __init__(self, table: InstrumentTable, *, wants_all: bool = False) -> None:
        self._table = table
        self._wants_all = wants_all
        self._topics: dict[str, Topic] = {}
        self._trades_of: dict[str, Topic] = {}
        self._subscribed: dict[Subscription, Topic] = {}
        self._last_request_id = 0

    def subscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that ask for `subscriptions`.

        A topic that another subscription holds is not asked for; one that is named again is: the
        first request was refused or not answered. It is given up before, because the venue
        refuses a topic that it has.
        """
        named = {item: topic_of(item) for item in subscriptions}
        again = {name for item, name in named.items() if item in self._subscribed}
        asked: dict[str, list[Subscription]] = {
            name: [] for name in named.values() if name in again or name not in self._topics
        }
        for subscription, name in named.items():
            topic = self._topics.get(name)
            if topic is None:
                topic = self._remember(name)
            topic.channels.add(subscription.channel)
            self._subscribed[subscription] = topic
            if name in asked:
                asked[name].append(subscription)
        given_up = {name: items for name, items in asked.items() if name in again}
        return [*self._requests("unsubscribe", given_up), *self._requests("subscribe", asked)]

    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give up topics with their last user. Those not held are left out."""
        dropped: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            topic = self._subscribed.pop(subscription, None)
            if topic is None:
                continue
            topic.channels.discard(subscription.channel)
            topic.seen_ns.pop(subscription.channel, None)
            if not topic.channels:
                name = topic_of(subscription)
                self._topics.pop(name, None)
                if topic.prefix == TRADES:
                    self._trades_of.pop(topic.native_symbol, None)
                dropped[name] = [subscription]
        return self._requests("unsubscribe", dropped)

    def renew(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give the topics up and ask for them again, whoever else uses them."""
        names: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            if subscription in self._subscribed:
                names.setdefault(topic_of(subscription), []).append(subscription)
        return [*self._requests("unsubscribe", names), *self._requests("subscribe", names)]

    def heartbeat(self) -> str | None:
        """The ping that the venue wants every 20 s."""
        return '{"op":"ping"}'

    def last_data_ns(self, subscription: Subscription) -> int | None:
        """`received_ns` of the last data of a registered subscription, None before the first."""
        topic = self._subscribed.get(subscription)
        if topic is None:
            return None
        if topic.prefix == "tickers":
            return topic.seen_ns.get(subscription.channel)
        return topic.last_data_ns

    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Turns one text frame into events; see `MarketStream.feed`.

        The busiest message, one trade, is written out here.

        Raises:
            WireError: the frame does not mean what the documents say.
        """
        try:
            if frame.startswith(_TRADE_HEAD):
                rows = _decode_trades(frame).data
                if len(rows) != 1:
                    return self._several_trades(rows, received_ns)
                row = rows[0]
                try:
                    topic = self._trades_of[row.symbol]
                except KeyError:
                    return self._several_trades(rows, received_ns)
                topic.last_data_ns = received_ns
                price = row.price
                quantity = row.quantity
                trade = Trade(
                    EXCHANGE,
                    topic.symbol,
                    topic.native_symbol,
                    row.traded_at_ms,
                    received_ns,
                    _BUY if row.side is _TAKER_BUYS else _SELL,
                    price,
                    quantity,
                    price * quantity,
                    row.trade_id,
                )
            elif frame.startswith(_BOOK_HEAD):
                return self._book(frame, received_ns)
            else:
                return self._other(frame, received_ns)
        except UNREADABLE as error:
            problem = f"{type(error).__name__}: {error}"
            raise WireError(EXCHANGE, _channel_of(frame), problem[:_TEXT_CUT], frame) from error
        take = topic.take
        if take is None:
            return self._returned(topic, trade)
        take(trade)
        return ()

    def _trades(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        return self._several_trades(_decode_trades(frame).data, received_ns)

    def _several_trades(
        self, rows: Sequence[wire.TradeRow], received_ns: int
    ) -> Sequence[StreamEvent]:
        """A run of trades of one symbol; anything else by the long way."""
        topic = self._trades_of.get(rows[0].symbol) if rows else None
        if topic is not None:
            run = market_events.run_of(rows, topic.symbol, received_ns)
            if run is not None:
                topic.last_data_ns = received_ns
                return run
        return [self._unusual_trade(row, received_ns) for row in rows]

    def _unusual_trade(self, row: wire.TradeRow, received_ns: int) -> StreamEvent:
        """A trade that nobody asked for, or one of several symbols in a message."""
        name = f"{TRADES}.{row.symbol}"
        topic = self._topics.get(name) or self._unasked(name)
        if topic is None:
            return _unwanted(name)
        if not topic.is_linear:
            return _other_category(name)
        topic.last_data_ns = received_ns
        return market_events.trade_of(row, topic.symbol, received_ns)

    def _book(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_book(frame)
        topic = self._topics.get(message.topic) or self._unasked(message.topic)
        if topic is None:
            return (_unwanted(message.topic),)
        if not topic.is_linear:
            return (_other_category(message.topic),)
        topic.last_data_ns = received_ns
        if topic.prefix == "orderbook.1":
            return (market_events.quote_of(message, topic.symbol, received_ns),)
        return (market_events.book_of(message, topic.symbol, received_ns),)

    def _klines(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_klines(frame)
        topic = self._topics.get(message.topic) or self._unasked(message.topic)
        if topic is None:
            return (_unwanted(message.topic),)
        if not topic.is_linear:
            return (_other_category(message.topic),)
        topic.last_data_ns = received_ns
        return [
            market_events.candle_of(bar, topic.native_symbol, topic.symbol, received_ns)
            for bar in message.data
        ]

    def _ticker(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_ticker(frame)
        topic = self._topics.get(message.topic) or self._unasked(message.topic)
        if topic is None:
            return (_unwanted(message.topic),)
        if not topic.is_linear or message.data.symbol != topic.native_symbol:
            return (_other_category(message.topic),)
        fields = topic.ticker.merge(message)
        channels = topic.channels
        made: list[StreamEvent] = []
        for channel, make in _TICKER_PARTS:
            if channel in channels or self._wants_all:
                record = make(topic.ticker, fields, message, topic.symbol, received_ns)
                # A delta without this channel's fields still shows that the topic lives.
                topic.seen_ns[channel] = received_ns
                if record is not None:
                    made.append(record)
        return made

    def _liquidations(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_liquidations(frame)
        topic = self._topics.get(message.topic) or self._unasked(message.topic)
        if topic is None:
            return (_unwanted(message.topic),)
        if not topic.is_linear:
            return (_other_category(message.topic),)
        topic.last_data_ns = received_ns
        return [
            market_events.liquidation_of(row, symbol_in(self._table, row.symbol), received_ns)
            for row in message.data
        ]

    def _old_liquidations(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_old_liquidations(frame)
        row = message.data
        if not is_linear(row.symbol):
            return (_other_category(message.topic),)
        symbol = symbol_in(self._table, row.symbol)
        return (market_events.liquidation_of(row, symbol, received_ns),)

    def _other(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """A frame that is told by its topic or its answer, wherever they stand in it."""
        control = _decode_control(frame)
        topic = control.topic
        if not topic:
            return (_answer_of(control),)
        kind = topic.partition(".")[0]
        if topic in _ACCOUNT or kind in _ACCOUNT:
            return (Ignored(what=topic[:80], reason="account event, no market data"),)
        if kind in _OLD or (kind == "liquidation" and not _is_v5_liquidation(frame)):
            reason = _OLD.get(kind, "protocol v2, gone")
            return (Ignored(what=kind, reason=reason),)
        read = _READERS.get(kind)
        if read is None:
            return (Ignored(what=kind[:80], reason="topic of an unknown kind"),)
        return read(self, frame, received_ns)

    def _unasked(self, name: str) -> Topic | None:
        """A topic that is not subscribed to: read by tapes, left out on a live connection."""
        if not self._wants_all or len(self._topics) >= TOPICS_MAX:
            return None
        return self._remember(name)

    def _remember(self, name: str) -> Topic:
        topic = self._topics[name] = Topic(name, self._table)
        if topic.prefix == TRADES and topic.is_linear:
            self._trades_of[topic.native_symbol] = topic
        return topic

    def _requests(
        self, operation: str, names: Mapping[str, Sequence[Subscription]]
    ) -> list[StreamRequest]:
        """Requests of at most `TOPICS_PER_MESSAGE` topics and `MESSAGE_CHARS_MAX` characters."""
        requests: list[StreamRequest] = []
        batch: list[str] = []
        size = 0
        for name in names:
            full = len(batch) >= TOPICS_PER_MESSAGE or size + len(name) > MESSAGE_CHARS_MAX
            if batch and full:
                requests.append(self._request(operation, batch, names))
                batch, size = [], 0
            batch.append(name)
            size += len(name) + 3
        if batch:
            requests.append(self._request(operation, batch, names))
        return requests

    def _request(
        self, operation: str, batch: Sequence[str], names: Mapping[str, Sequence[Subscription]]
    ) -> StreamRequest:
        self._last_request_id += 1
        body = {"req_id": str(self._last_request_id), "op": operation, "args": batch}
        return StreamRequest(
            request_id=self._last_request_id,
            payload=msgspec.json.encode(body).decode(),
            subscriptions=tuple([one for name in batch for one in names[name]]),
            gives_up=operation == "unsubscribe",
        )


_TickerPart = Callable[
    [market_events.TickerState, frozenset[str], wire.Ticker, str, int], StreamEvent | None
]
_TICKER_PARTS: Final[Sequence[tuple[Channel, _TickerPart]]] = (
    (Channel.TICKERS, market_events.TickerState.ticker),
    (Channel.MARK_PRICES, market_events.TickerState.mark_price),
    (Channel.OPEN_INTEREST, market_events.TickerState.open_interest),
)

_Reader = Callable[[BybitStream, bytes, int], Sequence[StreamEvent]]
_READERS: Final[Mapping[str, _Reader]] = {
    TRADES: BybitStream._trades,  # noqa: SLF001 - the table of this class
    "orderbook": BybitStream._book,  # noqa: SLF001
    "kline": BybitStream._klines,  # noqa: SLF001
    "tickers": BybitStream._ticker,  # noqa: SLF001
    "allLiquidation": BybitStream._liquidations,  # noqa: SLF001
    "liquidation": BybitStream._old_liquidations,  # noqa: SLF001
}


def _answer_of(control: wire.Control) -> StreamEvent:
    """The answer to a request of ours; an object that is none is skipped with the reason."""
    given = control.request_id or ""
    request_id = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else None
    if control.operation in ("ping", "pong"):
        return Ack(request_id=None)
    if isinstance(control.order_request_id, str):
        return Ignored(what=control.operation[:80] or "order entry", reason="answer to an order")
    if control.operation in ("subscribe", "unsubscribe", "auth") or not control.operation:
        if control.success is True or control.code == 0:
            return Ack(request_id=request_id)
        if control.success is False:
            words = control.message[:_TEXT_CUT] or "refused without a reason"
            return Ack(request_id=request_id, error=words, may_be_partial=True)
    return Ignored(what=control.operation[:80] or "object", reason="no topic, no answer of ours")


def _is_v5_liquidation(frame: bytes) -> bool:
    """Whether a frame of `liquidation.…` has v5's fields."""
    return b'"updatedTime"' in frame


def _unwanted(topic: str) -> Ignored:
    return Ignored(what=topic[:80], reason="not subscribed to")


def _other_category(topic: str) -> Ignored:
    return Ignored(what=topic[:80], reason="spot, inverse or option: another market")


def _channel_of(frame: bytes) -> str:
    """The topic of a broken frame, as far as its beginning tells."""
    _, found, rest = frame[:200].partition(b'"topic":"')
    return rest.partition(b'"')[0].decode("utf-8", "replace")[:80] if found else "frame"
