"""Binance's market streams: from market events to message texts, one object per stream.

Each object is shared by all connections that subscribed to it. Events arrive by `on_record`; what
the venue throttles waits for `on_tick`. Payloads and speeds: the shared notes on Binance,
sections 4 and 5, with the fields of the 2026 merge (`st` 1, `ps`).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from headwater.core.enums import Side
from headwater.core.intervals import Interval
from headwater.core.order_book import OrderBook
from headwater.core.records import ALL_SYMBOLS, BookDelta, Record, Trade
from headwater.venues.binance.venue_side_fills import fills_of, sequence_of
from headwater.venues.binance.venue_side_market import taker_bought
from headwater.venues.binance.venue_side_text import SymbolText
from headwater.venues.side import FillPrint, MarketView

KLINE_MS = 250
TRADES_MS = 100
WHOLE_BOOK = 100_000
"""Levels asked for to mirror a book: all of them."""


class WireStream(ABC):
    """One stream.

    Args:
        market: what is going on.
        text: the symbol it is about; None for the whole market.

    Attributes:
        endpoint: path of the host that serves it.
        hears: kinds of market event it wants.
        due_ms: `on_tick` is not called before.
        is_cold: its first `on_tick` may take long: the desk warms one such stream at a time.
    """

    endpoint: ClassVar[str] = "market"
    hears: ClassVar[tuple[type[Record], ...]] = ()

    def __init__(self, market: MarketView, text: SymbolText | None) -> None:
        self.market = market
        self.symbol = ALL_SYMBOLS if text is None else text.symbol
        self.due_ms = 0
        self.is_cold = False

    def on_record(self, record: Record) -> list[str]:  # noqa: ARG002 - not every stream hears
        """Takes an event; returns messages that go out at once."""
        return []

    @abstractmethod
    def on_tick(self, now_ms: int) -> list[str]:
        """Messages that are due, in order."""


class SymbolStream(WireStream):
    """A stream about one symbol."""

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(market, text)
        self.text = text


class PrintStream(SymbolStream):
    """`@aggTrade`: prints, gathered for up to 100 ms."""

    hears = (Trade,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(market, text)
        self._waiting: list[Trade] = []

    def on_record(self, record: Record) -> list[str]:
        """Keeps a print for the next batch."""
        if isinstance(record, Trade):
            self._waiting.append(record)
        return []

    def on_tick(self, now_ms: int) -> list[str]:
        """The batch gathered since the last one."""
        if not self._waiting:
            return []
        self.due_ms = now_ms + TRADES_MS
        first = self._waiting[0].sequence or 0
        count = (self._waiting[-1].sequence or 0) - first + 1
        prints = self.market.prints(self.symbol, limit=count, first_sequence=first)
        self._waiting.clear()
        return [message for found in prints for message in self.messages(found, now_ms)]

    def messages(self, found: FillPrint, now_ms: int) -> list[str]:
        """One message per print."""
        trade, text = found.trade, self.text
        quantity = text.quantity(trade.quantity)
        maker = "true" if trade.side is Side.SELL else "false"
        message = (
            f'{{"e":"aggTrade","E":{now_ms},"a":{sequence_of(found)},"s":"{text.native}",'
            f'"p":"{text.price(trade.price)}","q":"{quantity}","nq":"{quantity}",'
            f'"f":{found.first_fill_id},"l":{found.last_fill_id},"T":{trade.timestamp_ms},'
            f'"m":{maker},"st":1}}'
        )
        return [message]


class FillStream(PrintStream):
    """`@trade`: single fills. Undocumented; on `/public`, as its users say since August 2026."""

    endpoint = "public"

    def messages(self, found: FillPrint, now_ms: int) -> list[str]:
        """One message per fill."""
        text = self.text
        return [
            f'{{"e":"trade","E":{now_ms},"T":{fill.timestamp_ms},"s":"{text.native}",'
            f'"t":{fill.fill_id},"p":"{text.price(fill.price)}",'
            f'"q":"{text.quantity(fill.quantity)}","X":"MARKET",'
            f'"m":{"true" if fill.is_buyer_maker else "false"},"st":1}}'
            for fill in fills_of(text, found)
        ]


class KlineStream(SymbolStream):
    """`@kline_<interval>`: the forming candle when it changed, and once more when it closed.

    A candle without trades is never sent, not even as closed.
    """

    hears = (Trade,)

    def __init__(self, market: MarketView, text: SymbolText, interval: Interval) -> None:
        super().__init__(market, text)
        self.interval = interval
        self._open_ms: int | None = None
        self._last_sequence = 0
        self._changed = False
        # The market may have to fold its whole past into this interval first.
        self.is_cold = True

    def _warm(self) -> None:
        """Looks at the candle that is forming already."""
        self.is_cold = False
        forming = self.market.candles(self.symbol, self.interval, limit=1)
        if forming and forming[0].trades_count and not forming[0].is_closed:
            self._open_ms = forming[0].timestamp_ms
            newest = self.market.prints(self.symbol, limit=1)
            self._last_sequence = sequence_of(newest[0]) if newest else 0

    def on_record(self, record: Record) -> list[str]:
        """Notes a trade; the first of a new candle closes the one before."""
        if not isinstance(record, Trade):
            return []
        if self.is_cold:
            self._changed = True
            return []
        messages: list[str] = []
        if self._open_ms is None:
            self._open_ms = self.interval.opens_at_ms(record.timestamp_ms)
        elif record.timestamp_ms >= self.interval.closes_at_ms(self._open_ms):
            messages = self._closing(self.market.now_ms())
            self._open_ms = self.interval.opens_at_ms(record.timestamp_ms)
        self._last_sequence = record.sequence or 0
        self._changed = True
        return messages

    def on_tick(self, now_ms: int) -> list[str]:
        """The forming candle if it changed, or the closed one when its time is over."""
        if self.is_cold:
            self._warm()
        opened_ms = self._open_ms
        if opened_ms is None:
            return []
        if now_ms >= self.interval.closes_at_ms(opened_ms):
            return self._closing(now_ms)
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = now_ms + KLINE_MS
        return self._messages(opened_ms, now_ms, is_closed=False)

    def _closing(self, now_ms: int) -> list[str]:
        """The last message of the open candle."""
        opened_ms, self._open_ms, self._changed = self._open_ms, None, False
        if opened_ms is None:
            return []
        return self._messages(opened_ms, now_ms, is_closed=True)

    def _messages(self, opened_ms: int, now_ms: int, *, is_closed: bool) -> list[str]:
        found = self.market.candles(
            self.symbol, self.interval, limit=1, start_ms=opened_ms, end_ms=opened_ms
        )
        if not found:
            return []
        candle, text = found[0], self.text
        last = self.market.prints(self.symbol, limit=1, first_sequence=self._last_sequence)
        last_id = last[0].last_fill_id if last else 0
        count = candle.trades_count or 0
        bought, bought_quote = taker_bought(candle)
        body = (
            f'"i":"{self.interval}","f":{last_id - count + 1},"L":{last_id},'
            f'"o":"{text.price(candle.open)}","c":"{text.price(candle.close)}",'
            f'"h":"{text.price(candle.high)}","l":"{text.price(candle.low)}",'
            f'"v":"{text.quantity(candle.volume)}","n":{count},'
            f'"x":{"true" if is_closed else "false"},'
            f'"q":"{text.quote(candle.quote_volume or 0.0)}","V":"{text.quantity(bought)}",'
            f'"Q":"{text.quote(bought_quote)}","B":"0"}}'
        )
        closes_ms = self.interval.closes_at_ms(opened_ms) - 1
        return [self.framed(now_ms, f'"k":{{"t":{opened_ms},"T":{closes_ms},', body)]

    def framed(self, now_ms: int, opening: str, body: str) -> str:
        """The message around the candle."""
        native = self.text.native
        head = f'{{"e":"kline","E":{now_ms},"s":"{native}","ps":"{self.text.pair}","st":1,'
        return f'{head}{opening}"s":"{native}",{body}}}'


class ContinuousKlineStream(KlineStream):
    """`<pair>_perpetual@continuousKline_<interval>`: the same candle under the pair's name."""

    def framed(self, now_ms: int, opening: str, body: str) -> str:
        """The message around the candle; the candle itself names no symbol."""
        head = f'{{"e":"continuous_kline","E":{now_ms},"ps":"{self.text.pair}","ct":"PERPETUAL",'
        return f'{head}"st":1,{opening}{body}}}'


class DepthStream(SymbolStream):
    """`@depth@…`: changes of the book gathered over a window, chained by `pu`."""

    endpoint = "public"
    hears = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText, speed_ms: int) -> None:
        super().__init__(market, text)
        self._speed_ms = speed_ms
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._first: int | None = None
        self._last = 0
        self._changed_ms = 0
        # A subscriber joins a stream that has been running: what went before ends here.
        self._previous = market.book(self.symbol, 1).sequence or 0

    def on_record(self, record: Record) -> list[str]:
        """Adds a change to the window; the last quantity of a level wins."""
        if not isinstance(record, BookDelta) or (record.sequence or 0) <= self._previous:
            return []
        if self._first is None:
            self._first = record.first_sequence or record.sequence
        self._bids.update(record.bids)
        self._asks.update(record.asks)
        self._last = record.sequence or 0
        self._changed_ms = record.timestamp_ms
        return []

    def on_tick(self, now_ms: int) -> list[str]:
        """The window's changes as one event; nothing when there was none."""
        if self._first is None:
            return []
        self.due_ms = (now_ms // self._speed_ms + 1) * self._speed_ms
        text = self.text
        message = depth_message(
            text,
            now_ms,
            self._changed_ms,
            (self._first, self._last, self._previous),
            text.levels(self._bids.items()),
            text.levels(self._asks.items()),
        )
        self._bids.clear()
        self._asks.clear()
        self._previous, self._first = self._last, None
        return [message]


class TopStream(SymbolStream):
    """`@depth<levels>`: the top of the book as a whole, when it changed."""

    endpoint = "public"
    hears = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText, levels: int, speed_ms: int) -> None:
        super().__init__(market, text)
        self._levels = levels
        self._speed_ms = speed_ms
        self._previous = market.book(self.symbol, 1).sequence or 0
        self._changed = True

    def on_record(self, record: Record) -> list[str]:  # noqa: ARG002 - that it came is enough
        """Notes that the book changed."""
        self._changed = True
        return []

    def on_tick(self, now_ms: int) -> list[str]:
        """The image, if the book changed since the last one."""
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = (now_ms // self._speed_ms + 1) * self._speed_ms
        book, text = self.market.book(self.symbol, self._levels), self.text
        last = book.sequence or 0
        message = depth_message(
            text,
            now_ms,
            book.timestamp_ms,
            (min(self._previous + 1, last), last, self._previous),
            text.levels(book.bids),
            text.levels(book.asks),
        )
        self._previous = last
        return [message]


class QuoteStream(SymbolStream):
    """`@bookTicker`: every change of the best bid or ask, from a mirror of the book."""

    endpoint = "public"
    hears = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(market, text)
        self._mirror = OrderBook()
        self._reload()
        # A subscriber hears of the next change, not of the state.
        self._best = (self._mirror.best_bid, self._mirror.best_ask)

    def on_record(self, record: Record) -> list[str]:
        """Applies a change; says so when it moved the best quotes."""
        if not isinstance(record, BookDelta):
            return []
        mirror = self._mirror
        sequence, known = record.sequence or 0, mirror.sequence or 0
        if sequence <= known:
            return []
        if record.previous_sequence is not None and record.previous_sequence > known:
            self._reload()
        else:
            mirror.apply(record.bids, record.asks, sequence, record.timestamp_ms)
        bid, ask = mirror.best_bid, mirror.best_ask
        if (bid, ask) == self._best or bid is None or ask is None:
            return []
        self._best = (bid, ask)
        return [
            quote_message(
                self.text, mirror.sequence or 0, self.market.now_ms(), record.timestamp_ms, bid, ask
            )
        ]

    def on_tick(self, now_ms: int) -> list[str]:
        """Nothing: quotes do not wait."""
        self.due_ms = now_ms + 1000
        return []

    def _reload(self) -> None:
        """Mirrors the book as it is now."""
        book = self.market.book(self.symbol, WHOLE_BOOK)
        self._mirror.replace(book.bids, book.asks, book.sequence, book.timestamp_ms)


def depth_message(
    text: SymbolText,
    now_ms: int,
    changed_ms: int,
    chain: tuple[int, int, int],
    bids: str,
    asks: str,
) -> str:
    """A `depthUpdate`; `chain` is first id, last id, last id of the event before."""
    first, last, previous = chain
    return (
        f'{{"e":"depthUpdate","E":{now_ms},"T":{changed_ms},"s":"{text.native}",'
        f'"ps":"{text.pair}","U":{first},"u":{last},"pu":{previous},'
        f'"b":[{bids}],"a":[{asks}],"st":1}}'
    )


def quote_message(
    text: SymbolText,
    sequence: int,
    now_ms: int,
    changed_ms: int,
    bid: tuple[float, float],
    ask: tuple[float, float],
) -> str:
    """A `bookTicker`."""
    return (
        f'{{"e":"bookTicker","u":{sequence},"s":"{text.native}","ps":"{text.pair}",'
        f'"b":"{text.price(bid[0])}","B":"{text.quantity(bid[1])}",'
        f'"a":"{text.price(ask[0])}","A":"{text.quantity(ask[1])}",'
        f'"T":{changed_ms},"E":{now_ms},"st":1}}'
    )
