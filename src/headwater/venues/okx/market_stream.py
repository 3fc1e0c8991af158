"""One connection to OKX's public or business stream: messages out, frames in, events out.

One of our channels may need several topics (mark price: mark, index and funding), and each topic
is asked for once. Sizes need the instrument: what the table does not know cannot be sized and is
skipped with that reason.

Source: https://www.okx.com/docs-v5/en/#overview-websocket
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from headwater.core.enums import Channel
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Trade
from headwater.venues.base import MarketStream
from headwater.venues.common import UNREADABLE
from headwater.venues.messages import (
    Ack,
    Ignored,
    Past,
    StreamEvent,
    StreamRequest,
    Subscription,
)
from headwater.venues.okx import market_events, wire, wire_rest
from headwater.venues.okx.market_answers import Answers
from headwater.venues.okx.market_topics import (
    ACCOUNT,
    BOOKS,
    INDEX,
    SKIPPED,
    TRADES,
    KnownSizes,
    Topic,
    channel_of,
    demand_endpoint,
    topics_of,
    unwanted,
    written,
)
from headwater.venues.okx.symbols import BARS, EXCHANGE, MILLION, ROUNDER, Sizes, index_of

TOPICS_PER_MESSAGE: Final = 50
"""Subscriptions in one request; its arguments may have 64 KB, far more than these need."""
PAST_MS: Final = 10_000
"""A liquidation of the first push that is older than this happened before we subscribed."""

_TRADE_HEAD: Final = b'{"arg":{"channel":"trades"'
_BOOK_HEAD: Final = b'{"arg":{"channel":"books"'
_NS_PER_MS: Final = 1_000_000
_TEXT_CUT: Final = 200

_decode_trades = msgspec.json.Decoder(wire.Trades, strict=False).decode
_decode_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_decode_candles = msgspec.json.Decoder(wire.Candles, strict=False).decode
_decode_tickers = msgspec.json.Decoder(wire.Tickers, strict=False).decode
_decode_marks = msgspec.json.Decoder(wire.Marks, strict=False).decode
_decode_indexes = msgspec.json.Decoder(wire.Indexes, strict=False).decode
_decode_fundings = msgspec.json.Decoder(wire.Fundings, strict=False).decode
_decode_interests = msgspec.json.Decoder(wire.Interests, strict=False).decode
_decode_liquidations = msgspec.json.Decoder(wire.Liquidations, strict=False).decode
_decode_control = msgspec.json.Decoder(wire.Control, strict=False).decode

_Make = Callable[[Any, Sizes, int], StreamEvent]
_Take = Callable[[market_events.MarkState, Any], None]


class OkxStream(MarketStream):
    """The conversation of one connection.

    Args:
        endpoint: `public` or `business`. Subscriptions that the other one serves are refused.
        table: the instruments, which give sizes their meaning.
        wants_all: whether topics that were never subscribed to are read too, as tapes need it.
    """

    def __init__(self, endpoint: str, table: InstrumentTable, *, wants_all: bool = False) -> None:
        self._endpoint = endpoint
        self._wants_all = wants_all
        self._topics: dict[str, Topic] = {}
        self._trades_of: dict[str, Topic] = {}
        self._subscribed: dict[Subscription, tuple[Topic, ...]] = {}
        self._sizes = KnownSizes(table)
        self._marks: dict[str, market_events.MarkState] = {}
        self._by_index: dict[str, str] = {}
        self._answers = Answers()
        self._last_request_id = 0

    def subscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that ask for `subscriptions`.

        A topic that another subscription holds is not asked for; one that is named again is: the
        first request was refused or not answered.

        Raises:
            RequestError: a channel that another endpoint serves, or a topic that does not exist.
        """
        wanted = {item: topics_of(item) for item in subscriptions}
        for item in wanted:
            demand_endpoint(item, self._endpoint)
        asked: dict[Subscription, list[wire.Argument]] = {}
        for item, arguments in wanted.items():
            topics = []
            for argument in arguments:
                topic = self._topics.get(argument.key)
                if topic is None or item in self._subscribed:
                    topic = self._topics.setdefault(argument.key, Topic(argument))
                    asked.setdefault(item, []).append(argument)
                topic.subscriptions.add(item)
                topics.append(topic)
            self._subscribed[item] = tuple(topics)
            if item.native_symbol is not None:
                self._by_index[index_of(item.native_symbol)] = item.native_symbol
        return self._requests("subscribe", asked)

    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give up topics with their last user. Those not held are left out."""
        dropped: dict[Subscription, list[wire.Argument]] = {}
        for item in subscriptions:
            if item.channel is Channel.MARK_PRICES and item in self._subscribed:
                # What it knew would be old when it is wanted again.
                self._marks.pop(item.native_symbol or "", None)
            for topic in self._subscribed.pop(item, ()):
                topic.subscriptions.discard(item)
                if not topic.subscriptions:
                    self._topics.pop(topic.argument.key, None)
                    if topic.argument.channel == TRADES:
                        self._trades_of.pop(topic.argument.native_symbol, None)
                    dropped.setdefault(item, []).append(topic.argument)
        return self._requests("unsubscribe", dropped)

    def renew(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give the topics up and ask for them again, whoever else uses them."""
        again: dict[Subscription, list[wire.Argument]] = {}
        for item in subscriptions:
            topics = self._subscribed.get(item)
            if topics:
                again[item] = [topic.argument for topic in topics]
                for topic in topics:
                    topic.is_fresh = True
        return [*self._requests("unsubscribe", again), *self._requests("subscribe", again)]

    def heartbeat(self) -> str | None:
        """The text that keeps a quiet connection: the venue cuts after 30 s without data."""
        return "ping"

    def last_data_ns(self, subscription: Subscription) -> int | None:
        """`received_ns` of the last data of a registered subscription, None before the first."""
        topics = self._subscribed.get(subscription)
        # Of several topics the first is the one without which there is no record.
        return topics[0].last_data_ns if topics else None

    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Turns one text frame into events; see `MarketStream.feed`.

        The busiest message, one trade of a linear swap, is written out here.

        Raises:
            WireError: the frame does not mean what the documents say.
        """
        try:
            if frame.startswith(_TRADE_HEAD):
                rows = _decode_trades(frame).data
                try:
                    (row,) = rows
                    topic = self._trades_of[row.native_symbol]
                except (KeyError, ValueError):
                    return self._several_trades(rows, received_ns)
                topic.last_data_ns = received_ns
                price = row.price
                quantity = (row.size * MILLION + ROUNDER - ROUNDER) / topic.per_unit
                trade = Trade(
                    EXCHANGE,
                    topic.symbol,
                    row.native_symbol,
                    row.traded_at_ms,
                    received_ns,
                    row.side,
                    price,
                    quantity,
                    price * quantity,
                    row.trade_id,
                )
            elif frame.startswith(_BOOK_HEAD):
                return self._book(frame, received_ns)
            elif frame == b"pong":
                return (Ack(request_id=None),)
            else:
                return self._other(frame, received_ns)
        except UNREADABLE as error:
            problem = f"{type(error).__name__}: {error}"
            raise WireError(EXCHANGE, channel_of(frame), problem[:_TEXT_CUT], frame) from error
        take = topic.take
        if take is None:
            return self._returned(topic, trade)
        take(trade)
        return ()

    def _several_trades(
        self, rows: Sequence[wire_rest.TradeRow], received_ns: int
    ) -> Sequence[StreamEvent]:
        """A run of trades of one linear swap; anything else by the long way."""
        topic = self._trades_of.get(rows[0].native_symbol) if rows else None
        if topic is not None:
            run = market_events.run_of(rows, topic.symbol, topic.per_unit, received_ns)
            if run is not None:
                topic.last_data_ns = received_ns
                return run
        return [self._unusual_trade(row, received_ns) for row in rows]

    def _unusual_trade(self, row: wire_rest.TradeRow, received_ns: int) -> StreamEvent:
        """The first trade of a swap, one of an inverse swap, or one that nobody asked for."""
        arg = wire.Argument(channel=TRADES, native_symbol=row.native_symbol)
        sizes = self._begun(arg, received_ns)
        if isinstance(sizes, Ignored):
            return sizes
        topic = self._topics.get(arg.key)
        if topic is not None and sizes.per_unit is not None:
            topic.symbol, topic.per_unit = sizes.symbol, sizes.per_unit
            self._trades_of[row.native_symbol] = topic
        return market_events.trade_of(row, sizes, received_ns)

    def _book(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_book(frame)
        arg = message.arg
        sizes = self._begun(arg, received_ns)
        if isinstance(sizes, Ignored):
            return (sizes,)
        if arg.channel == "bbo-tbt":
            return [market_events.quote_of(data, sizes, received_ns) for data in message.data]
        return [
            market_events.book_of(data, message.action, sizes, received_ns) for data in message.data
        ]

    def _candles(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_candles(frame)
        interval = BARS.get(message.arg.channel.removeprefix("candle"))
        if interval is None:
            what = message.arg.channel[:80]
            return (Ignored(what=what, reason="a length or an alignment that is not offered"),)
        sizes = self._begun(message.arg, received_ns)
        if isinstance(sizes, Ignored):
            return (sizes,)
        return [market_events.candle_of(row, interval, sizes, received_ns) for row in message.data]

    def _rows(
        self, decode: Callable[[bytes], Any], make: _Make, frame: bytes, received_ns: int
    ) -> Sequence[StreamEvent]:
        """A message whose rows become one record each."""
        message = decode(frame)
        sizes = self._begun(message.arg, received_ns)
        if isinstance(sizes, Ignored):
            return (sizes,)
        return [make(row, sizes, received_ns) for row in message.data]

    def _mark_part(
        self, decode: Callable[[bytes], Any], take: _Take, frame: bytes, received_ns: int
    ) -> Sequence[StreamEvent]:
        """A message with a part of the mark price: mark, index or funding."""
        message = decode(frame)
        name = message.arg.native_symbol
        if message.arg.channel == INDEX:
            name = self._by_index.get(name, f"{name}-SWAP")
        sizes = self._begun(message.arg, received_ns, name)
        if isinstance(sizes, Ignored):
            return (sizes,)
        state = self._marks.get(name)
        if state is None:
            state = self._marks[name] = market_events.MarkState(sizes)
        at_ms = received_ns // _NS_PER_MS
        for row in message.data:
            take(state, row)
            at_ms = int(row.ts or at_ms)
        record = state.record(at_ms, received_ns)
        if record is None:
            return (Ignored(what="mark-price", reason="waits for the first mark price"),)
        return (record,)

    def _liquidations(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        message = _decode_liquidations(frame)
        topic = self._topics.get(message.arg.key)
        if topic is None and not self._wants_all:
            return (unwanted(message.arg),)
        oldest_ms = 0
        if topic is not None:
            oldest_ms = received_ns // _NS_PER_MS - PAST_MS if topic.is_fresh else 0
            topic.is_fresh = False
            topic.last_data_ns = received_ns
        made: list[StreamEvent] = []
        for row in message.data:
            sizes = self._sizes.of(row.native_symbol)
            if isinstance(sizes, Ignored):
                made.append(sizes)
                continue
            for detail in row.details:
                event = market_events.liquidation_of(detail, sizes, received_ns)
                made.append(Past(event) if detail.closed_at_ms < oldest_ms else event)
        return made

    def _begun(
        self, arg: wire.Argument, received_ns: int, native_symbol: str | None = None
    ) -> Sizes | Ignored:
        """Notes that a topic brought data; its instrument, or why it is skipped."""
        topic = self._topics.get(arg.key)
        if topic is not None:
            topic.last_data_ns = received_ns
        elif not self._wants_all:
            return unwanted(arg)
        return self._sizes.of(native_symbol or arg.native_symbol)

    def _other(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """A frame that is told by its channel or its answer, wherever they stand in it."""
        control = _decode_control(frame)
        if control.event:
            return (self._answers.event_of(control),)
        if control.operation:
            return (Ignored(what=control.operation[:80], reason="answer to an order"),)
        if control.arg is None or not isinstance(control.data, msgspec.Raw):
            return (Ignored(what="object", reason="no channel, no answer of ours"),)
        channel = control.arg.channel
        if channel in ACCOUNT:
            return (Ignored(what=channel, reason="account event, no market data"),)
        if channel in SKIPPED:
            return (Ignored(what=channel, reason=SKIPPED[channel]),)
        kind = "candle" if channel.startswith("candle") else channel
        read = _READERS.get(kind)
        if read is None:
            return (Ignored(what=channel[:80], reason="channel of an unknown kind"),)
        return read(self, frame, received_ns)

    def _requests(
        self, operation: str, wanted: Mapping[Subscription, Sequence[wire.Argument]]
    ) -> list[StreamRequest]:
        items = list(wanted)
        return [
            self._request(operation, items[start : start + TOPICS_PER_MESSAGE], wanted)
            for start in range(0, len(items), TOPICS_PER_MESSAGE)
        ]

    def _request(
        self,
        operation: str,
        batch: Sequence[Subscription],
        wanted: Mapping[Subscription, Sequence[wire.Argument]],
    ) -> StreamRequest:
        self._last_request_id += 1
        arguments = {one.key: one for item in batch for one in wanted[item]}
        self._answers.expect(self._last_request_id, arguments)
        body = {
            "id": str(self._last_request_id),
            "op": operation,
            "args": [written(one) for one in arguments.values()],
        }
        return StreamRequest(
            request_id=self._last_request_id,
            payload=msgspec.json.encode(body).decode(),
            subscriptions=tuple(batch),
            gives_up=operation == "unsubscribe",
        )


_Reader = Callable[[OkxStream, bytes, int], Sequence[StreamEvent]]


def _rows_reader(decode: Callable[[bytes], Any], make: _Make) -> _Reader:
    return lambda stream, frame, at_ns: stream._rows(decode, make, frame, at_ns)  # noqa: SLF001


def _mark_reader(decode: Callable[[bytes], Any], take: _Take) -> _Reader:
    return lambda stream, frame, at_ns: stream._mark_part(decode, take, frame, at_ns)  # noqa: SLF001


_READERS: Final[Mapping[str, _Reader]] = {
    TRADES: lambda stream, frame, at_ns: stream._several_trades(_decode_trades(frame).data, at_ns),  # noqa: SLF001
    "candle": OkxStream._candles,  # noqa: SLF001 - the table of this class
    "liquidation-orders": OkxStream._liquidations,  # noqa: SLF001
    "tickers": _rows_reader(_decode_tickers, market_events.ticker_of),
    "open-interest": _rows_reader(_decode_interests, market_events.interest_of),
    "mark-price": _mark_reader(_decode_marks, market_events.MarkState.on_mark),
    "index-tickers": _mark_reader(_decode_indexes, market_events.MarkState.on_index),
    "funding-rate": _mark_reader(_decode_fundings, market_events.MarkState.on_funding),
} | dict.fromkeys(BOOKS, OkxStream._book)  # noqa: SLF001
