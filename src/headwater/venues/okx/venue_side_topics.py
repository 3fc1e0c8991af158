"""OKX's public topics over a simulated market: from events to message texts.

Speeds and payloads are those of the notes on OKX, sections 4 and 5. A book's levels are compared
with what was sent last, so that levels that come into view are told too.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final

import msgspec

from headwater.core.enums import PositionSide, Side
from headwater.core.records import (
    ALL_SYMBOLS,
    BookDelta,
    Candle,
    Level,
    Liquidation,
    MarkPrice,
    Record,
    Trade,
)
from headwater.venues.okx.venue_side_boards import BARS, Boards
from headwater.venues.okx.venue_side_rows import (
    candle_row,
    funding_row,
    index_of,
    index_row,
    interest_row,
    mark_row,
)
from headwater.venues.side import MarketView
from headwater.venues.side_desk import CandleStream, SymbolText, TopicStream

BUSINESS: Final = "business"
PUBLIC: Final = "public"
BOOK_LEVELS: Final = {"books": 400, "books5": 5, "bbo-tbt": 1}
BOOK_MS: Final = {"books": 100, "books5": 100, "bbo-tbt": 10}
QUIET_MS: Final = 60_000
CANDLE_MS: Final = 1000
FUNDING_MS: Final = 60_000
INTEREST_MS: Final = 3000
LIQUIDATION_MS: Final = 1000
PAST_MS: Final = 600_000
"""How far back the first push of liquidations goes; the venue does not say."""
_MARK_MS: Final = 200
_TICKER_MS: Final = 100
_SLOW_MS: Final = 10_000


class TradeTopic(TopicStream):
    """`trades`: fills of one taker order at one price; the id is that of the last of `count`."""

    hears: ClassVar[tuple[type[Record], ...]] = (Trade,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._waiting: list[Trade] = []

    def on_record(self, record: Record) -> None:
        """Keeps a print for the next tick."""
        if isinstance(record, Trade):
            self._waiting.append(record)

    def on_tick(self, now_ms: int) -> list[str]:  # noqa: ARG002 - as they come
        """One message per print; REST lists its fills one by one."""
        waiting, self._waiting = self._waiting, []
        text = self._text
        messages: list[str] = []
        for one in waiting:
            found = self._market.prints(text.symbol, limit=1, first_sequence=one.sequence)
            last_id = found[0].last_fill_id
            count = last_id - found[0].first_fill_id + 1
            messages.append(
                f'{{"arg":{{"channel":"trades","instId":"{text.native}"}},"data":[{{'
                f'"instId":"{text.native}","tradeId":"{last_id}",'
                f'"px":"{text.price(one.price)}","sz":"{text.size(one.quantity)}",'
                f'"side":"{one.side.value}","ts":"{one.timestamp_ms}","count":"{count}",'
                f'"source":"0","seqId":{one.sequence}}}]}}'
            )
        return messages


class BookTopic(TopicStream):
    """`books`: an image, then changes chained by number; `books5` and `bbo-tbt`: images."""

    hears: ClassVar[tuple[type[Record], ...]] = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText, channel: str) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._channel = channel
        self._changed = False
        self._sent_ms = market.now_ms()
        self._load()
        self._last = self._sequence

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002 - the image's own time
        """The image as it was last sent to the others."""
        if self._channel != "books":
            return [self._image()]
        return [self._message("snapshot", self._bids.items(), self._asks.items(), -1)]

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that the book changed."""
        self._changed = True

    def reset(self) -> list[str]:
        """Maintenance: the number falls while the chain still holds."""
        before, self._last = self._last, 3
        return [self._message("update", (), (), before)]

    def on_tick(self, now_ms: int) -> list[str]:
        """What changed since the last message; an empty update when it was quiet for long."""
        is_chained = self._channel == "books"
        if not self._changed:
            if is_chained and now_ms - self._sent_ms >= QUIET_MS:
                self._sent_ms = now_ms
                return [self._message("update", (), (), self._last)]
            return []
        self._changed = False
        speed_ms = BOOK_MS[self._channel]
        self.due_ms = (now_ms // speed_ms + 1) * speed_ms
        old_bids, old_asks = self._bids, self._asks
        self._load()
        bids, asks = _changes(old_bids, self._bids), _changes(old_asks, self._asks)
        if not bids and not asks:
            return []
        self._sent_ms = now_ms
        if not is_chained:
            return [self._image()]
        before, self._last = self._last, self._last + max(1, len(bids) + len(asks))
        return [self._message("update", bids, asks, before)]

    def _load(self) -> None:
        book = self._market.book(self.symbol, BOOK_LEVELS[self._channel])
        self._bids, self._asks = dict(book.bids), dict(book.asks)
        self._sequence = book.sequence or 0
        self._matched_ms = book.timestamp_ms

    def _image(self) -> str:
        text, tail = self._text, ',"0","1"'
        return (
            f'{{"arg":{{"channel":"{self._channel}","instId":"{text.native}"}},"data":[{{'
            f'"asks":[{text.levels(self._asks.items(), tail)}],'
            f'"bids":[{text.levels(self._bids.items(), tail)}],'
            f'"ts":"{self._matched_ms}","seqId":{self._sequence}}}]}}'
        )

    def _message(
        self, action: str, bids: Iterable[Level], asks: Iterable[Level], before: int
    ) -> str:
        text, tail = self._text, ',"0","1"'
        return (
            f'{{"arg":{{"channel":"books","instId":"{text.native}"}},"action":"{action}",'
            f'"data":[{{"asks":[{text.levels(asks, tail)}],"bids":[{text.levels(bids, tail)}],'
            f'"ts":"{self._matched_ms}","checksum":0,"prevSeqId":{before},'
            f'"seqId":{self._last}}}]}}'
        )


class CandleTopic(CandleStream):
    """`candle{bar}`: the forming candle when it changed, and once when it closed."""

    def __init__(self, market: MarketView, text: SymbolText, channel: str) -> None:
        interval = BARS[channel.removeprefix("candle")]
        super().__init__(market, text.symbol, interval, CANDLE_MS, is_told_at_once=True)
        self._text = text
        self._channel = channel

    def message(self, row: Candle, now_ms: int, *, is_closed: bool) -> str:  # noqa: ARG002
        """One row, as by REST; it says itself whether it is closed."""
        told = msgspec.json.encode(candle_row(self._text, row)).decode()
        native = self._text.native
        return f'{{"arg":{{"channel":"{self._channel}","instId":"{native}"}},"data":[{told}]}}'


class StateTopic(TopicStream):
    """A topic of one row: sent when it changed, at its own speed, and at least so often.

    Args:
        symbol: canonical symbol.
        channel: its name.
        name: the `instId` of its argument.
        row: makes the row.
        every_ms: its speed.
        at_least_ms: it is sent again after so long without a change.
    """

    hears: ClassVar[tuple[type[Record], ...]] = (Trade, BookDelta, MarkPrice)

    def __init__(
        self,
        symbol: str,
        channel: str,
        name: str,
        row: Callable[[], Mapping[str, str]],
        every_ms: int,
        at_least_ms: int,
    ) -> None:
        super().__init__(symbol)
        self._head = f'{{"arg":{{"channel":"{channel}","instId":"{name}"}},"data":['
        self._row = row
        self._every_ms = every_ms
        self._at_least_ms = at_least_ms
        self._changed = False
        self._sent: dict[str, str] = {}
        self._sent_ms = 0

    def first(self, now_ms: int) -> list[str]:
        """The row now."""
        return [self._message(dict(self._row()), now_ms)]

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that something happened."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The row, when it is due."""
        is_due = now_ms - self._sent_ms >= self._at_least_ms
        if not self._changed and not is_due:
            return []
        self._changed = False
        self.due_ms = (now_ms // self._every_ms + 1) * self._every_ms
        row = dict(self._row())
        if not is_due and row | {"ts": ""} == self._sent | {"ts": ""}:
            return []
        return [self._message(row, now_ms)]

    def _message(self, row: dict[str, str], now_ms: int) -> str:
        self._sent, self._sent_ms = row, now_ms
        return f"{self._head}{msgspec.json.encode(row).decode()}]}}"


class LiquidationTopic(TopicStream):
    """`liquidation-orders`: of each contract and second at most one; the rest is never told."""

    hears: ClassVar[tuple[type[Record], ...]] = (Liquidation,)

    def __init__(self, market: MarketView, texts: Mapping[str, SymbolText]) -> None:
        super().__init__(ALL_SYMBOLS)
        self._market = market
        self._texts = {text.symbol: text for text in texts.values()}
        self._waiting: list[Liquidation] = []
        self._second: dict[str, int] = {}

    def first(self, now_ms: int) -> list[str]:
        """One message with what was told, or would have been, of late."""
        told: list[Liquidation] = []
        seconds: set[tuple[str, int]] = set()
        for one in self._market.liquidations(since_ms=now_ms - PAST_MS):
            key = (one.symbol, one.timestamp_ms // LIQUIDATION_MS)
            if one.symbol in self._texts and key not in seconds:
                seconds.add(key)
                told.append(one)
        return [self._message(told)] if told else []

    def on_record(self, record: Record) -> None:
        """Takes the first forced close of a contract and second."""
        if not isinstance(record, Liquidation) or record.symbol not in self._texts:
            return
        second = record.timestamp_ms // LIQUIDATION_MS
        if self._second.get(record.symbol) == second:
            return
        self._second[record.symbol] = second
        self._waiting.append(record)

    def on_tick(self, now_ms: int) -> list[str]:  # noqa: ARG002 - throttled above
        """What was taken since the last tick."""
        waiting, self._waiting = self._waiting, []
        return [self._message([one]) for one in waiting]

    def _message(self, records: Iterable[Liquidation]) -> str:
        rows = ",".join(map(self._row, records))
        head = '{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":['
        return f"{head}{rows}]}}"

    def _row(self, record: Liquidation) -> str:
        text = self._texts[record.symbol]
        side = Side.SELL if record.position_side is PositionSide.LONG else Side.BUY
        price = record.price if record.order_price is None else record.order_price
        name = index_of(text)
        return (
            f'{{"instType":"SWAP","instFamily":"{name}","uly":"{name}","instId":"{text.native}",'
            f'"details":[{{"side":"{side.value}","posSide":"{record.position_side.value}",'
            f'"bkPx":"{text.price(price)}","sz":"{text.size(record.quantity)}","bkLoss":"0",'
            f'"ccy":"","ts":"{record.timestamp_ms}"}}]}}'
        )


def topic_of(
    market: MarketView, boards: Boards, texts: Mapping[str, SymbolText], key: str
) -> TopicStream | None:
    """The topic of `channel:instId` (or `channel:instType`), None when there is none."""
    channel, _, name = key.partition(":")
    if channel == "liquidation-orders":
        return LiquidationTopic(market, texts) if name == "SWAP" else None
    if channel == "index-tickers":
        text = next((one for one in texts.values() if index_of(one) == name), None)
        if text is None:
            return None
        row = text
        return StateTopic(
            row.symbol, channel, name, lambda: index_row(market, row), _TICKER_MS, 60_000
        )
    found = texts.get(name)
    if found is None:
        return None
    if channel == "trades":
        return TradeTopic(market, found)
    if channel in BOOK_LEVELS:
        return BookTopic(market, found, channel)
    if channel.startswith("candle"):
        known = channel.removeprefix("candle") in BARS
        return CandleTopic(market, found, channel) if known else None
    makers: Mapping[str, tuple[Callable[[], Mapping[str, str]], int, int]] = {
        "tickers": (lambda: boards.ticker(found), _TICKER_MS, _SLOW_MS * 6),
        "mark-price": (lambda: mark_row(market, found), _MARK_MS, _SLOW_MS),
        "funding-rate": (lambda: funding_row(market, found), FUNDING_MS, FUNDING_MS),
        "open-interest": (lambda: interest_row(market, found), INTEREST_MS, INTEREST_MS),
    }
    if channel not in makers:
        return None
    make, every_ms, at_least_ms = makers[channel]
    return StateTopic(found.symbol, channel, name, make, every_ms, at_least_ms)


def endpoint_of(channel: str) -> str:
    """The endpoint that serves a channel."""
    return BUSINESS if channel.startswith("candle") else PUBLIC


def _changes(old: Mapping[float, float], new: Mapping[float, float]) -> list[Level]:
    """Levels that differ: their new size, 0 for those that are gone from view."""
    changed = [(price, size) for price, size in new.items() if old.get(price) != size]
    return changed + [(price, 0.0) for price in old if price not in new]
