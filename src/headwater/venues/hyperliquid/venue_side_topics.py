"""Hyperliquid's topics over a simulated market: from events to message texts.

Paces are those of the notes on Hyperliquid, section 3. Of the market's liquidations every second
one, as a hash of it decides, is shown as taken over by a liquidator vault; the others are ordinary
trades, as the venue's market-order liquidations are. Their trades carry ordinary addresses here.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from headwater.core.enums import PositionSide
from headwater.core.intervals import Interval
from headwater.core.records import (
    ALL_SYMBOLS,
    BookDelta,
    Candle,
    Liquidation,
    MarkPrice,
    Record,
    Trade,
)
from headwater.venues.hyperliquid.venue_side_accounts import trimmed
from headwater.venues.hyperliquid.venue_side_boards import (
    INTERVALS,
    RECENT,
    Boards,
    book_row,
    candle_row,
    context_of,
    digest_of,
    level_row,
    number_of,
    trade_row,
)
from headwater.venues.side import MarketView
from headwater.venues.side_desk import CandleStream, SymbolText, TopicStream

BOOK_MS: Final = 500
CONTEXT_MS: Final = 3000
CANDLE_MS: Final = 250
VAULTS: Final = (
    "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
    "0xb0a55f13d22f66e6d495ac98113841b2326e9540",
    "0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70",
    "0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308",
)
"""The liquidator vaults."""
PAST_FILLS: Final = 2_000
"""Fills that come with subscribing to an account's."""


class TradeTopic(TopicStream):
    """`trades`: fills as they come, history first."""

    hears: ClassVar[tuple[type[Record], ...]] = (Trade,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._rows: list[str] = []
        newest = market.prints(text.symbol, limit=1)
        self._sent = (newest[-1].trade.sequence or 0) if newest else 0
        self._heard = self._sent

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """The newest fills that the others had already."""
        prints = self._market.prints(self.symbol, limit=RECENT)
        rows = [
            trade_row(one.trade, self._text)
            for one in prints
            if (one.trade.sequence or 0) <= self._sent
        ]
        return [f'{{"channel":"trades","data":[{",".join(rows)}]}}'] if rows else []

    def on_record(self, record: Record) -> None:
        """Keeps a fill for the next message."""
        if isinstance(record, Trade) and (record.sequence or 0) > self._heard:
            self._heard = record.sequence or 0
            self._rows.append(trade_row(record, self._text))

    def on_tick(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """The fills since the last message."""
        self._sent = self._heard
        if not self._rows:
            return []
        rows, self._rows = self._rows, []
        return [f'{{"channel":"trades","data":[{",".join(rows)}]}}']


class BookTopic(TopicStream):
    """`l2Book`: the whole book, when a block changed it and half a second passed."""

    hears: ClassVar[tuple[type[Record], ...]] = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._changed = False

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """The book now."""
        return [f'{{"channel":"l2Book","data":{book_row(self._market, self._text)}}}']

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that the book changed."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The book, when it changed."""
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = now_ms + BOOK_MS
        return self.first(now_ms)


class QuoteTopic(TopicStream):
    """`bbo`: the best levels, when they changed."""

    hears: ClassVar[tuple[type[Record], ...]] = (BookDelta,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._changed = False
        self._sent = self._best()

    def first(self, now_ms: int) -> list[str]:
        """The levels as the others had them last."""
        data = f'{{"coin":"{self._text.native}","time":{now_ms},"bbo":[{self._sent}]}}'
        return [f'{{"channel":"bbo","data":{data}}}']

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that the book changed."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The levels, when they differ."""
        if not self._changed:
            return []
        self._changed = False
        best = self._best()
        if best == self._sent:
            return []
        self._sent = best
        return self.first(now_ms)

    def _best(self) -> str:
        book = self._market.book(self.symbol, 1)
        return ",".join(
            [level_row(one[0], self._text) if one else "null" for one in (book.bids, book.asks)]
        )


class CandleTopic(CandleStream):
    """`candle`: the forming candle when it changed; the last word on one before the next begins."""

    def __init__(self, market: MarketView, text: SymbolText, interval: Interval) -> None:
        super().__init__(market, text.symbol, interval, CANDLE_MS, is_told_at_once=False)
        self._text = text

    def first(self, now_ms: int) -> list[str]:
        """The candle now."""
        return self.tell(now_ms, is_closed=False)

    def message(self, row: Candle, now_ms: int, *, is_closed: bool) -> str:  # noqa: ARG002
        """One row; nothing in it says whether it is closed."""
        return f'{{"channel":"candle","data":{candle_row(row, self._text)}}}'


class ContextTopic(TopicStream):
    """`activeAssetCtx`: mark, oracle, funding, interest, about every three seconds."""

    hears: ClassVar[tuple[type[Record], ...]] = (MarkPrice,)

    def __init__(self, market: MarketView, text: SymbolText) -> None:
        super().__init__(text.symbol)
        self._market = market
        self._text = text
        self._changed = False

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """The context now."""
        context = msgspec.json.encode(context_of(self._market, self._text)).decode()
        return [
            f'{{"channel":"activeAssetCtx","data":{{"coin":"{self._text.native}","ctx":{context}}}}}'
        ]

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that there is a new mark price."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The context."""
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = now_ms + CONTEXT_MS
        return self.first(now_ms)


class MidsTopic(TopicStream):
    """`allMids`: the middle prices of all coins; the pace of `l2Book` is assumed."""

    hears: ClassVar[tuple[type[Record], ...]] = (BookDelta,)

    def __init__(self, market: MarketView, texts: Mapping[str, SymbolText]) -> None:
        super().__init__(ALL_SYMBOLS)
        self._boards = Boards(market, texts)
        self._changed = False

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """The prices now."""
        mids = msgspec.json.encode(self._boards.mids()).decode()
        return [f'{{"channel":"allMids","data":{{"mids":{mids}}}}}']

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that a book changed."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The prices, when a book changed."""
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = now_ms + BOOK_MS
        return self.first(now_ms)


class OverviewTopic(TopicStream):
    """`webData2` of an address: what the venue's own pages show; the public part of it."""

    hears: ClassVar[tuple[type[Record], ...]] = (MarkPrice,)

    def __init__(self, market: MarketView, texts: Mapping[str, SymbolText], user: str) -> None:
        super().__init__(ALL_SYMBOLS)
        self._boards = Boards(market, texts)
        self._market = market
        self._user = user
        self._changed = False

    def first(self, now_ms: int) -> list[str]:
        """All coins and their contexts now."""
        both = self._boards.reply({"type": "metaAndAssetCtxs"})[0]
        meta, contexts = msgspec.json.decode(both)
        data = {
            "meta": meta,
            "assetCtxs": contexts,
            "serverTime": now_ms,
            "user": self._user,
            "spotAssetCtxs": [],
        }
        return [msgspec.json.encode({"channel": "webData2", "data": data}).decode()]

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that there is a new mark price."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """The same again, when anything changed."""
        if not self._changed:
            return []
        self._changed = False
        self.due_ms = now_ms + CONTEXT_MS
        return self.first(now_ms)


class FillsTopic(TopicStream):
    """`userFills` of an address: nothing of an ordinary one, of a vault what it took over."""

    hears: ClassVar[tuple[type[Record], ...]] = (Liquidation,)

    def __init__(self, market: MarketView, texts: Mapping[str, SymbolText], user: str) -> None:
        super().__init__(ALL_SYMBOLS)
        self._market = market
        self._texts = {text.symbol: text for text in texts.values()}
        self._user = user
        self._rows: list[str] = []

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """History: the newest take-overs, newest first."""
        past = [one for one in self._market.liquidations(since_ms=0) if self._is_own(one)]
        rows = ",".join(
            takeover_row(one, self._texts[one.symbol]) for one in reversed(past[-PAST_FILLS:])
        )
        head = f'{{"channel":"userFills","data":{{"isSnapshot":true,"user":"{self._user}",'
        return [f'{head}"fills":[{rows}]}}}}']

    def on_record(self, record: Record) -> None:
        """Keeps a take-over of this vault for the next message."""
        if isinstance(record, Liquidation) and self._is_own(record):
            self._rows.append(takeover_row(record, self._texts[record.symbol]))

    def on_tick(self, now_ms: int) -> list[str]:  # noqa: ARG002
        """The fills since the last message."""
        if not self._rows:
            return []
        rows, self._rows = self._rows, []
        return [
            f'{{"channel":"userFills","data":{{"user":"{self._user}","fills":[{",".join(rows)}]}}}}'
        ]

    def _is_own(self, record: Liquidation) -> bool:
        return record.symbol in self._texts and vault_of(record) == self._user


def _digest_of(record: Liquidation) -> bytes:
    return digest_of(
        record.symbol, record.timestamp_ms, record.price, record.quantity, record.position_side
    )


def vault_of(record: Liquidation) -> str | None:
    """The vault that takes a position over; None for one that is closed in the market."""
    digest = _digest_of(record)
    return VAULTS[digest[1] % len(VAULTS)] if digest[0] % 2 == 0 else None


def takeover_row(record: Liquidation, text: SymbolText) -> str:
    """The vault's fill: it buys what a liquidated long must sell."""
    digest = _digest_of(record)
    is_long = record.position_side is PositionSide.LONG
    price = trimmed(record.price, text.price_places + 2)
    return (
        f'{{"coin":"{text.native}","px":"{price}",'
        f'"sz":"{trimmed(record.quantity, text.size_places)}","side":"{"B" if is_long else "A"}",'
        f'"time":{record.timestamp_ms},"startPosition":"0.0",'
        f'"dir":"{"Open Long" if is_long else "Open Short"}","closedPnl":"0.0",'
        f'"hash":"0x{digest.hex()}","oid":{number_of(digest) >> 12},"crossed":false,"fee":"0.0",'
        f'"tid":{number_of(digest)},"liquidation":{{"liquidatedUser":"0x{digest[-20:].hex()}",'
        f'"markPx":"{price}","method":"backstop"}},"feeToken":"USDC","twapId":null}}'
    )


def topic_of(market: MarketView, texts: Mapping[str, SymbolText], key: str) -> TopicStream | None:
    """The topic of a key (`type:coin:interval`, `userFills:user:`), None when there is none."""
    kind, _, rest = key.partition(":")
    name, _, interval = rest.rpartition(":")
    if kind == "userFills":
        is_address = name.startswith("0x") and len(name) == 42
        return FillsTopic(market, texts, name) if is_address else None
    if kind == "webData2":
        return OverviewTopic(market, texts, name)
    if kind == "allMids":
        return MidsTopic(market, texts)
    text = texts.get(name)
    if text is None:
        return None
    if kind == "candle":
        return CandleTopic(market, text, INTERVALS[interval]) if interval in INTERVALS else None
    if kind == "trades":
        return TradeTopic(market, text)
    if kind == "l2Book":
        return BookTopic(market, text)
    if kind == "bbo":
        return QuoteTopic(market, text)
    return ContextTopic(market, text) if kind == "activeAssetCtx" else None
