"""One connection to Hyperliquid: subscribe messages out, frames in, events out.

A request asks for one topic, and its answer echoes the topic and no number: answers are matched
with requests by what they name. The topic of contexts serves several of our channels; it is asked
for once and given up with its last user. The channel of liquidations is several topics: the fills
of each liquidator vault.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from headwater.core.enums import Channel, Side
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Trade
from headwater.venues.base import MarketStream
from headwater.venues.common import UNREADABLE
from headwater.venues.hyperliquid import market_events, wire
from headwater.venues.hyperliquid.book import is_older
from headwater.venues.hyperliquid.market_topics import (
    VAULTS,
    Key,
    Topic,
    body_of,
    channel_of,
    key_of,
    keys_of,
)
from headwater.venues.hyperliquid.symbols import EXCHANGE, INTERVALS, is_perpetual, symbol_in
from headwater.venues.messages import (
    Ack,
    Ignored,
    Past,
    StreamEvent,
    StreamRequest,
    Subscription,
)

TOPICS_MAX: Final = 20_000
"""Topics remembered by one connection."""

_TRADES_HEAD: Final = b'{"channel":"trades",'
_BOOK_HEAD: Final = b'{"channel":"l2Book",'
_TEXT_CUT: Final = 200
# Looked up once: the short path below is measured in tens of nanoseconds.
_TAKER_BUYS: Final = wire.TakerSide.BUYS
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_TIME_OF: Final = attrgetter("traded_at_ms")
_HARMLESS: Final = ("Already subscribed", "Already unsubscribed")
_OTHERS: Final[Mapping[str, str]] = {
    "post": "answer to a request over the socket: order entry or an account",
    "user": "fills and events of an account",
    "orderUpdates": "orders of an account",
    "notification": "message to an account",
    "activeSpotAssetCtx": "spot: another market",
    "allMids": "mid prices only; books and quotes say more",
    "allDexsAssetCtxs": "contexts by place, without the coins' names",
}

_decode_head = msgspec.json.Decoder(wire.Head).decode
_decode_trades = msgspec.json.Decoder(wire.Trades, strict=False).decode
_decode_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_decode_quote = msgspec.json.Decoder(wire.Quote, strict=False).decode
_decode_candle = msgspec.json.Decoder(wire.Candle, strict=False).decode
_decode_context = msgspec.json.Decoder(wire.ActiveContext, strict=False).decode
_decode_fills = msgspec.json.Decoder(wire.Fills, strict=False).decode
_decode_answer = msgspec.json.Decoder(wire.Answer).decode
_decode_refusal = msgspec.json.Decoder(wire.Refusal).decode
_decode_request = msgspec.json.Decoder(wire.Request).decode
_decode_asked = msgspec.json.Decoder(wire.Asked).decode


class HyperliquidStream(MarketStream):
    """The conversation of one connection.

    Args:
        table: names of the instruments; coins that it lacks are named by rule.
        wants_all: whether topics that were never subscribed to are read too, as tapes need it.
    """

    def __init__(self, table: InstrumentTable, *, wants_all: bool = False) -> None:
        self._table = table
        self._wants_all = wants_all
        self._topics: dict[Key, Topic] = {}
        self._trades_of: dict[str, Topic] = {}
        self._pending: dict[tuple[str, Key], int] = {}
        self._last_request_id = 0

    def subscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """A message per topic that is not held already.

        One that is named again is asked for again: it was refused or not answered.
        """
        named = {item: keys_of(item) for item in subscriptions}
        asked: dict[Key, list[Subscription]] = {}
        for subscription, keys in named.items():
            for key in keys:
                topic = self._topics.get(key)
                if topic is None:
                    topic = self._remember(key)
                if not topic.users or subscription in topic.users:
                    asked.setdefault(key, [])
                topic.users.add(subscription)
                topic.channels.add(subscription.channel)
                if key in asked:
                    asked[key].append(subscription)
        return [self._request("subscribe", key, wanted) for key, wanted in asked.items()]

    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """A message per topic whose last user goes. Those not held are left out."""
        requests: list[StreamRequest] = []
        for subscription in subscriptions:
            for key in keys_of(subscription):
                topic = self._topics.get(key)
                if topic is None or subscription not in topic.users:
                    continue
                topic.users.discard(subscription)
                topic.channels = {one.channel for one in topic.users}
                if not topic.users:
                    self._topics.pop(key, None)
                    if key[0] == "trades":
                        self._trades_of.pop(key[1], None)
                    requests.append(self._request("unsubscribe", key, [subscription]))
        return requests

    def renew(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give the topics up and ask for them again, whoever else uses them."""
        asked: dict[Key, list[Subscription]] = {}
        for subscription in subscriptions:
            for key in keys_of(subscription):
                topic = self._topics.get(key)
                if topic is not None and subscription in topic.users:
                    asked.setdefault(key, []).append(subscription)
        return [
            self._request(method, key, wanted)
            for key, wanted in asked.items()
            for method in ("unsubscribe", "subscribe")
        ]

    def heartbeat(self) -> str | None:
        """The ping; the venue closes a connection to which it sent nothing for 60 s."""
        return '{"method":"ping"}'

    def last_data_ns(self, subscription: Subscription) -> int | None:
        """`received_ns` of the last data of a registered subscription, None before the first."""
        seen = [
            topic.last_data_ns
            for key in keys_of(subscription)
            if (topic := self._topics.get(key)) is not None and subscription in topic.users
        ]
        return max((one for one in seen if one is not None), default=None)

    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Turns one text frame into events; see `MarketStream.feed`.

        The busiest message, one trade, is written out here.

        Raises:
            WireError: the frame does not mean what the documents say.
        """
        try:
            if frame.startswith(_TRADES_HEAD):
                rows = _decode_trades(frame).data
                if len(rows) != 1:
                    return self._several_trades(rows, received_ns)
                row = rows[0]
                try:
                    topic = self._trades_of[row.coin]
                except KeyError:
                    return self._several_trades(rows, received_ns)
                topic.last_data_ns = received_ns
                price = row.price
                quantity = row.quantity
                trade = Trade(
                    EXCHANGE,
                    topic.symbol,
                    topic.coin,
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
                channel = _decode_head(frame).channel
                read = _READERS.get(channel)
                if read is not None:
                    return read(self, frame, received_ns)
                reason = _OTHERS.get(channel, "no market data of ours")
                return (Ignored(what=channel[:80] or "object", reason=reason),)
        except UNREADABLE as error:
            problem = f"{type(error).__name__}: {error}"
            raise WireError(EXCHANGE, channel_of(frame), problem[:_TEXT_CUT], frame) from error
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
        """A run of trades of one coin; anything else by the long way."""
        # Blocks come in any order; within a block the order is that of the fills.
        rows = sorted(rows, key=_TIME_OF)
        topic = self._trades_of.get(rows[0].coin) if rows else None
        if topic is not None:
            run = market_events.run_of(rows, topic.symbol, received_ns)
            if run is not None:
                topic.last_data_ns = received_ns
                return run
        return [self._unusual_trade(row, received_ns) for row in rows]

    def _unusual_trade(self, row: wire.TradeRow, received_ns: int) -> StreamEvent:
        """A trade that nobody asked for, or one of several coins in a message."""
        topic = self._found(("trades", row.coin, ""), received_ns)
        if topic is None:
            return _unwanted("trades", row.coin)
        return market_events.trade_of(row, topic.symbol, received_ns)

    def _book(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        data = _decode_book(frame).data
        topic = self._found(("l2Book", data.coin, ""), received_ns)
        if topic is None:
            return (_unwanted("l2Book", data.coin),)
        if is_older(data.taken_at_ms, topic.taken_at_ms):
            return (Ignored(what="l2Book", reason="older than the image before it"),)
        topic.taken_at_ms = data.taken_at_ms
        return (market_events.book_of(data, topic.symbol, received_ns),)

    def _quote(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        data = _decode_quote(frame).data
        topic = self._found(("bbo", data.coin, ""), received_ns)
        if topic is None:
            return (_unwanted("bbo", data.coin),)
        return (market_events.quote_of(data, topic.symbol, received_ns),)

    def _candle(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """The bar; before it the one that it ends, closed. A late bar of the past is closed."""
        bar = _decode_candle(frame).data
        interval = INTERVALS.get(bar.interval)
        topic = self._found(("candle", bar.coin, bar.interval), received_ns)
        if topic is None or interval is None:
            return (_unwanted("candle", bar.coin),)
        made: list[StreamEvent] = []
        last = topic.bar
        if last is not None and bar.opened_at_ms > last.opened_at_ms:
            made.append(
                market_events.candle_of(last, interval, topic.symbol, received_ns, is_closed=True)
            )
        is_past = last is not None and bar.opened_at_ms < last.opened_at_ms
        if not is_past:
            topic.bar = bar
        made.append(
            market_events.candle_of(bar, interval, topic.symbol, received_ns, is_closed=is_past)
        )
        return made

    def _context(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        data = _decode_context(frame).data
        topic = self._found(("activeAssetCtx", data.coin, ""), received_ns)
        if topic is None:
            return (_unwanted("activeAssetCtx", data.coin),)
        made: list[StreamEvent] = []
        for channel, make in _CONTEXT_PARTS:
            if channel in topic.channels or self._wants_all:
                record = make(data.ctx, data.coin, topic.symbol, received_ns)
                if record is not None:
                    made.append(record)
        return made or (Ignored(what="activeAssetCtx", reason="without what is wanted of it"),)

    def _fills(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Take-overs by a vault; everything else that it does is its own business."""
        data = _decode_fills(frame).data
        user = data.user.lower()
        topic = self._topics.get(("userFills", user, ""))
        if topic is None and not (self._wants_all and user in VAULTS):
            return (Ignored(what="userFills", reason="fills of an account"),)
        if topic is not None:
            topic.last_data_ns = received_ns
        if data.is_snapshot and topic is None:
            return (Ignored(what="userFills", reason="history that comes with subscribing"),)
        made: list[StreamEvent] = []
        for fill in data.fills:
            if not market_events.is_backstop(fill, user):
                made.append(Ignored(what="userFills", reason="no take-over: the vault traded"))
            elif not is_perpetual(fill.coin):
                made.append(Ignored(what="userFills", reason="another market"))
            else:
                symbol = symbol_in(self._table, fill.coin)
                event = market_events.liquidation_of(fill, user, symbol, received_ns)
                made.append(Past(event) if data.is_snapshot else event)
        return made

    def _answer(self, frame: bytes, _: int) -> Sequence[StreamEvent]:
        request = _decode_answer(frame).data
        key = key_of(request.subscription)
        return (Ack(request_id=self._settled(request.method, key)),)

    def _refusal(self, frame: bytes, _: int) -> Sequence[StreamEvent]:
        """An error's words and the request that it echoes, with or without its method."""
        words = _decode_refusal(frame).data
        found, request_id = words.find("{"), None
        method = "unsubscribe" if words.startswith(_HARMLESS[1]) else "subscribe"
        if found >= 0:
            echo = words[found:].encode()
            try:
                request = _decode_request(echo)
                asked, method = request.subscription, request.method or method
            except msgspec.MsgspecError:
                try:
                    asked = _decode_asked(echo)
                except msgspec.MsgspecError:
                    asked = wire.Asked(type="")
            request_id = self._settled(method, key_of(asked))
        if words.startswith(_HARMLESS):
            return (Ack(request_id=request_id),)
        return (Ack(request_id=request_id, error=words[:_TEXT_CUT] or "refused"),)

    def _pong(self, _: bytes, __: int) -> Sequence[StreamEvent]:
        return (Ack(request_id=None),)

    def _found(self, key: Key, received_ns: int) -> Topic | None:
        topic = self._topics.get(key) or self._unasked(key)
        if topic is not None:
            topic.last_data_ns = received_ns
        return topic

    def _unasked(self, key: Key) -> Topic | None:
        """A topic that is not subscribed to: read by tapes, left out on a live connection."""
        if not self._wants_all or len(self._topics) >= TOPICS_MAX or not is_perpetual(key[1]):
            return None
        return self._remember(key)

    def _remember(self, key: Key) -> Topic:
        topic = self._topics[key] = Topic(key, self._table)
        if key[0] == "trades":
            self._trades_of[key[1]] = topic
        return topic

    def _settled(self, method: str, key: Key) -> int | None:
        """The newest unanswered request of this kind for a topic; older ones were given up."""
        return self._pending.pop((method, key), None)

    def _request(self, method: str, key: Key, wanted: Sequence[Subscription]) -> StreamRequest:
        self._last_request_id += 1
        self._pending[method, key] = self._last_request_id
        body = {"method": method, "subscription": body_of(key)}
        return StreamRequest(
            request_id=self._last_request_id,
            payload=msgspec.json.encode(body).decode(),
            subscriptions=tuple(wanted),
            gives_up=method == "unsubscribe",
        )


_ContextPart = Callable[[wire.Context, str, str, int], StreamEvent | None]
_CONTEXT_PARTS: Final[Sequence[tuple[Channel, _ContextPart]]] = (
    (Channel.TICKERS, market_events.ticker_of),
    (Channel.MARK_PRICES, market_events.mark_price_of),
    (Channel.OPEN_INTEREST, market_events.open_interest_of),
)

_Reader = Callable[[HyperliquidStream, bytes, int], Sequence[StreamEvent]]
_READERS: Final[Mapping[str, _Reader]] = {
    "trades": HyperliquidStream._trades,  # noqa: SLF001 - the table of this class
    "l2Book": HyperliquidStream._book,  # noqa: SLF001
    "bbo": HyperliquidStream._quote,  # noqa: SLF001
    "candle": HyperliquidStream._candle,  # noqa: SLF001
    "activeAssetCtx": HyperliquidStream._context,  # noqa: SLF001
    "userFills": HyperliquidStream._fills,  # noqa: SLF001
    "subscriptionResponse": HyperliquidStream._answer,  # noqa: SLF001
    "error": HyperliquidStream._refusal,  # noqa: SLF001
    "pong": HyperliquidStream._pong,  # noqa: SLF001
}


def _unwanted(what: str, coin: str) -> Ignored:
    other = "not subscribed to" if is_perpetual(coin) else "spot or a builder's: another market"
    return Ignored(what=f"{what}:{coin}"[:80], reason=other)
