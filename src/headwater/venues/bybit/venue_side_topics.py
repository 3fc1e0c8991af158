"""Bybit's public topics over a simulated market: from events to message texts.

Speeds, first snapshots and deltas are those of the notes on Bybit, sections 4 and 5. A book's
levels are compared with what was sent last, so that levels that come into view are told too.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from headwater.core.enums import PositionSide
from headwater.core.records import BookDelta, Candle, Level, Liquidation, MarkPrice, Record, Trade
from headwater.venues.bybit.venue_side_boards import INTERVALS, exec_id
from headwater.venues.bybit.venue_side_rows import ticker_fields
from headwater.venues.side import MarketView
from headwater.venues.side_desk import CandleStream, SymbolText, TopicStream

BOOK_SPEEDS_MS: Final[Mapping[int, int]] = {1: 10, 50: 20, 200: 100, 1000: 200}
TICKER_MS: Final = 100
KLINE_MS: Final = 1000
LIQUIDATION_MS: Final = 500
QUIET_MS: Final = 3000
"""After so long without a change the book of one level is sent again."""
TRADES_PER_MESSAGE: Final = 1024


class TradeTopic(TopicStream):
    """`publicTrade.{symbol}`: fills as they come."""

    hears: ClassVar[tuple[type[Record], ...]] = (Trade,)

    def __init__(self, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._text = text
        self._rows: list[str] = []

    def on_record(self, record: Record) -> None:
        """Keeps a fill for the next message."""
        if isinstance(record, Trade):
            text = self._text
            self._rows.append(
                f'{{"T":{record.timestamp_ms},"s":"{text.native}",'
                f'"S":"{record.side.value.capitalize()}","v":"{text.size(record.quantity)}",'
                f'"p":"{text.price(record.price)}","L":"PlusTick","i":"{exec_id(record)}",'
                f'"BT":false,"RPI":false,"seq":{record.sequence}}}'
            )

    def on_tick(self, now_ms: int) -> list[str]:
        """The fills since the last message."""
        rows, self._rows = self._rows, []
        return [
            f'{{"topic":"publicTrade.{self._text.native}","type":"snapshot","ts":{now_ms},'
            f'"data":[{",".join(rows[start : start + TRADES_PER_MESSAGE])}]}}'
            for start in range(0, len(rows), TRADES_PER_MESSAGE)
        ]


class BookTopic(TopicStream):
    """`orderbook.{depth}.{symbol}`: an image, then what changed of it, counted by `u`."""

    hears: ClassVar[tuple[type[Record], ...]] = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText, depth: int) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._depth = depth
        self._speed_ms = BOOK_SPEEDS_MS[depth]
        self._changed = False
        self._sent_ms = 0
        self._load()
        self._count = 1000 + self._sequence % 1_000_000

    def first(self, now_ms: int) -> list[str]:
        """The image as it was last sent to the others."""
        return [self._message("snapshot", now_ms, self._bids.items(), self._asks.items())]

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that the book changed."""
        self._changed = True

    def restart(self, now_ms: int) -> list[str]:
        """The service begins anew: an image whose number is 1."""
        self._load()
        self._count = 1
        return [self._message("delta", now_ms, self._bids.items(), self._asks.items())]

    def on_tick(self, now_ms: int) -> list[str]:
        """What changed since the last message; of one level the image, also when it is quiet."""
        if not self._changed:
            if self._depth == 1 and now_ms - self._sent_ms >= QUIET_MS:
                return self.first(now_ms)
            return []
        self._changed = False
        self.due_ms = (now_ms // self._speed_ms + 1) * self._speed_ms
        old_bids, old_asks = self._bids, self._asks
        self._load()
        if self._depth == 1:
            if (old_bids, old_asks) == (self._bids, self._asks):
                return []
            self._count += 1
            return self.first(now_ms)
        bids, asks = _changes(old_bids, self._bids), _changes(old_asks, self._asks)
        if not bids and not asks:
            return []
        self._count += 1
        return [self._message("delta", now_ms, bids, asks)]

    def _load(self) -> None:
        book = self._market.book(self.symbol, self._depth)
        self._bids, self._asks = dict(book.bids), dict(book.asks)
        self._sequence = book.sequence or 0
        self._matched_ms = book.timestamp_ms

    def _message(self, kind: str, now_ms: int, bids: Iterable[Level], asks: Iterable[Level]) -> str:
        self._sent_ms = now_ms
        text = self._text
        return (
            f'{{"topic":"orderbook.{self._depth}.{text.native}","type":"{kind}","ts":{now_ms},'
            f'"data":{{"s":"{text.native}","b":[{text.levels(bids)}],"a":[{text.levels(asks)}],'
            f'"u":{self._count},"seq":{self._sequence}}},"cts":{self._matched_ms}}}'
        )


class KlineTopic(CandleStream):
    """`kline.{interval}.{symbol}`: the forming candle when it changed, and once when it closed."""

    def __init__(self, market: MarketView, text: SymbolText, name: str) -> None:
        super().__init__(market, text.symbol, INTERVALS[name], KLINE_MS, is_told_at_once=True)
        self._text = text
        self._name = name

    def message(self, row: Candle, now_ms: int, *, is_closed: bool) -> str:
        """One row, with the time of the message."""
        text, opened_ms = self._text, row.timestamp_ms
        return (
            f'{{"topic":"kline.{self._name}.{text.native}","type":"snapshot","ts":{now_ms},'
            f'"data":[{{"start":{opened_ms},"end":{self.interval.closes_at_ms(opened_ms) - 1},'
            f'"interval":"{self._name}","open":"{text.price(row.open)}",'
            f'"close":"{text.price(row.close)}","high":"{text.price(row.high)}",'
            f'"low":"{text.price(row.low)}","volume":"{text.size(row.volume)}",'
            f'"turnover":"{row.quote_volume or 0.0:.4f}",'
            f'"confirm":{"true" if is_closed else "false"},"timestamp":{now_ms}}}]}}'
        )


class TickerTopic(TopicStream):
    """`tickers.{symbol}`: everything first, then only fields that changed."""

    hears: ClassVar[tuple[type[Record], ...]] = (Trade, BookDelta, MarkPrice)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._sent = ticker_fields(market, text)
        self._count = 0
        self._changed = False

    def first(self, now_ms: int) -> list[str]:
        """All fields as they were last sent to the others."""
        return [self._message("snapshot", now_ms, self._sent)]

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that something happened."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The fields that changed."""
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = (now_ms // TICKER_MS + 1) * TICKER_MS
        fields = ticker_fields(self._market, self._text)
        changed = {name: value for name, value in fields.items() if self._sent[name] != value}
        self._sent = fields
        return [self._message("delta", now_ms, changed)] if changed else []

    def _message(self, kind: str, now_ms: int, fields: Mapping[str, str]) -> str:
        self._count += 1
        native = self._text.native
        body = "".join(f',"{name}":"{value}"' for name, value in fields.items())
        return (
            f'{{"topic":"tickers.{native}","type":"{kind}","data":{{"symbol":"{native}"{body}}},'
            f'"cs":{self._count},"ts":{now_ms}}}'
        )


class LiquidationTopic(TopicStream):
    """`allLiquidation.{symbol}`: every forced close, gathered for half a second.

    `S` is the side of the position that was closed, `p` its bankruptcy price.
    """

    hears: ClassVar[tuple[type[Record], ...]] = (Liquidation,)

    def __init__(self, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._text = text
        self._rows: list[str] = []

    def on_record(self, record: Record) -> None:
        """Keeps a forced close for the next message."""
        if isinstance(record, Liquidation):
            text = self._text
            word = "Buy" if record.position_side is PositionSide.LONG else "Sell"
            price = record.price if record.order_price is None else record.order_price
            self._rows.append(
                f'{{"T":{record.timestamp_ms},"s":"{text.native}","S":"{word}",'
                f'"v":"{text.size(record.quantity)}","p":"{text.price(price)}"}}'
            )

    def on_tick(self, now_ms: int) -> list[str]:
        """The forced closes since the last message."""
        if not self._rows:
            return []
        self.due_ms = (now_ms // LIQUIDATION_MS + 1) * LIQUIDATION_MS
        rows, self._rows = self._rows, []
        return [
            (
                f'{{"topic":"allLiquidation.{self._text.native}","type":"snapshot","ts":{now_ms},'
                f'"data":[{",".join(rows)}]}}'
            )
        ]


def topic_of(market: MarketView, texts: Mapping[str, SymbolText], key: str) -> TopicStream | None:
    """The topic of a name, None when there is none."""
    kind, _, rest = key.partition(".")
    middle, _, native = rest.rpartition(".")
    text = texts.get(native)
    if text is None:
        return None
    if kind == "orderbook":
        depth = int(middle) if middle.isdigit() and len(middle) < 6 else 0
        return BookTopic(market, text, depth) if depth in BOOK_SPEEDS_MS else None
    if kind == "kline":
        return KlineTopic(market, text, middle) if middle in INTERVALS else None
    if middle:
        return None
    if kind == "publicTrade":
        return TradeTopic(text)
    if kind == "tickers":
        return TickerTopic(market, text)
    return LiquidationTopic(text) if kind == "allLiquidation" else None


def _changes(old: Mapping[float, float], new: Mapping[float, float]) -> list[Level]:
    """Levels that differ: their new size, 0 for those that are gone from view."""
    changed = [(price, size) for price, size in new.items() if old.get(price) != size]
    return changed + [(price, 0.0) for price in old if price not in new]
