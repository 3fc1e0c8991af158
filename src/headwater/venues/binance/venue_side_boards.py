"""Binance's streams of figures: mark price, 24-hour tickers, liquidations; one symbol or all.

The all-market streams (`!…`) carry COIN-M contracts too since the merge of 2026 (`st` 2). The
liquidation stream pushes at most one order per symbol and second: the latest. Facts: the shared
notes on Binance, sections 1, 4 and 5.
"""

from collections.abc import Callable
from functools import partial

from headwater.core.enums import Side
from headwater.core.records import Liquidation, MarkPrice, Record, Trade
from headwater.venues.binance.venue_side_channels import WireStream, quote_message
from headwater.venues.binance.venue_side_text import ASSET_PLACES, CoinTwin, SymbolText, SymbolTexts
from headwater.venues.side import DayStats, MarketView

LIQUIDATION_WINDOW_MS = 1000
TICKER_MS = 2000
ALL_TICKERS_MS = 1000
ALL_QUOTES_MS = 5000

_Writer = Callable[[float], object]
_TickerText = Callable[[str, str, _Writer, _Writer, DayStats, int, int], str]


class BoardStream(WireStream):
    """A stream over one symbol or all of them.

    Args:
        market: what is going on.
        texts: the market's symbols.
        text: the symbol it is about; None for the whole market.
    """

    def __init__(self, market: MarketView, texts: SymbolTexts, text: SymbolText | None) -> None:
        super().__init__(market, text)
        self.texts = texts
        self.covered = list(texts) if text is None else [text]
        self.is_all = text is None


class MarkStream(BoardStream):
    """`@markPrice[@1s]` and `!markPrice@arr[@1s]`: every 3 s, or every second."""

    hears = (MarkPrice,)

    def __init__(
        self, market: MarketView, texts: SymbolTexts, text: SymbolText | None, every_ms: int
    ) -> None:
        super().__init__(market, texts, text)
        self._every_ms = every_ms
        self._marks: dict[str, MarkPrice] = {}
        self._window = market.now_ms() // every_ms

    def on_record(self, record: Record) -> list[str]:
        """Keeps the latest mark of each symbol."""
        if isinstance(record, MarkPrice):
            self._marks[record.symbol] = record
        return []

    def on_tick(self, now_ms: int) -> list[str]:
        """The marks of a window that is over."""
        window = now_ms // self._every_ms
        if window == self._window or not self._marks:
            return []
        self._window = window
        self.due_ms = (window + 1) * self._every_ms
        messages: list[str] = []
        for text in self.covered:
            mark = self._marks.get(text.symbol)
            if mark is None:
                continue
            messages.append(_mark(text.native, text.pair, mark, now_ms, 1))
            if self.is_all and text.twin is not None:
                messages.append(_mark(text.twin.native, text.twin.pair, mark, now_ms, 2))
        self._marks.clear()
        return [f"[{','.join(messages)}]"] if self.is_all else messages


class TickerStream(BoardStream):
    """`@ticker`, `@miniTicker` and their all-market forms: of symbols that traded since."""

    hears = (Trade,)

    def __init__(
        self,
        market: MarketView,
        texts: SymbolTexts,
        text: SymbolText | None,
        *,
        is_mini: bool,
    ) -> None:
        super().__init__(market, texts, text)
        self._encode: _TickerText = _mini_ticker if is_mini else _ticker
        self._every_ms = ALL_TICKERS_MS if text is None else TICKER_MS
        # New subscribers see the state first; from then on only what changed.
        self._changed = {covered.symbol for covered in self.covered}

    def on_record(self, record: Record) -> list[str]:
        """Notes that a symbol traded."""
        self._changed.add(record.symbol)
        return []

    def on_tick(self, now_ms: int) -> list[str]:
        """Figures of the symbols that traded."""
        if not self._changed:
            return []
        self.due_ms = now_ms + self._every_ms
        messages: list[str] = []
        for text in self.covered:
            if text.symbol not in self._changed:
                continue
            day = self.market.day_stats(text.symbol)
            messages.append(
                self._encode(text.native, text.pair, text.price, text.quantity, day, now_ms, 1)
            )
            twin = text.twin
            if self.is_all and twin is not None:
                contracts = partial(twin.contracts, day.last)
                messages.append(
                    self._encode(twin.native, twin.pair, twin.price, contracts, day, now_ms, 2)
                )
        self._changed.clear()
        return [f"[{','.join(messages)}]"] if self.is_all else messages


class LiquidationStream(BoardStream):
    """`@forceOrder` and `!forceOrder@arr`: of each symbol the latest in a second."""

    hears = (Liquidation,)

    def __init__(self, market: MarketView, texts: SymbolTexts, text: SymbolText | None) -> None:
        super().__init__(market, texts, text)
        self._latest: dict[str, Liquidation] = {}
        self._window = market.now_ms() // LIQUIDATION_WINDOW_MS

    def on_record(self, record: Record) -> list[str]:
        """Replaces what the window held for the symbol."""
        if isinstance(record, Liquidation):
            self._latest[record.symbol] = record
        return []

    def on_tick(self, now_ms: int) -> list[str]:
        """The window's liquidations, when it is over."""
        window = now_ms // LIQUIDATION_WINDOW_MS
        if window == self._window:
            return []
        self._window = window
        self.due_ms = (window + 1) * LIQUIDATION_WINDOW_MS
        messages: list[str] = []
        for symbol, liquidation in self._latest.items():
            text = self.texts.of(symbol)
            messages.append(_force_order(text, liquidation, now_ms))
            if self.is_all and text.twin is not None:
                messages.append(_twin_force_order(text.twin, liquidation, now_ms))
        self._latest.clear()
        return messages


class AllQuotesStream(BoardStream):
    """`!bookTicker`: every symbol's best quotes, every 5 s."""

    endpoint = "public"

    def on_tick(self, now_ms: int) -> list[str]:
        """One message per symbol."""
        self.due_ms = now_ms + ALL_QUOTES_MS
        messages: list[str] = []
        for text in self.covered:
            book = self.market.book(text.symbol, 1)
            if not book.bids or not book.asks:
                continue
            bid, ask = book.bids[0], book.asks[0]
            sequence = book.sequence or 0
            messages.append(quote_message(text, sequence, now_ms, book.timestamp_ms, bid, ask))
            if text.twin is not None:
                messages.append(_twin_quote(text.twin, sequence, now_ms, bid, ask))
        return messages


class SilentStream(WireStream):
    """A stream that exists and never sends here (`!contractInfo`, `tradingSession`, …)."""

    def on_tick(self, now_ms: int) -> list[str]:
        """Nothing."""
        self.due_ms = now_ms + 60_000
        return []


def _mark(native: str, pair: str, mark: MarkPrice, now_ms: int, market_type: int) -> str:
    """A `markPriceUpdate`; contracts without funding have an empty rate and time 0."""
    index = mark.mark if mark.index is None else mark.index
    rate = "" if mark.funding_rate is None else f"{mark.funding_rate:.{ASSET_PLACES}f}"
    return (
        f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{native}","ps":"{pair}",'
        f'"p":"{mark.mark:.{ASSET_PLACES}f}","ap":"{mark.mark:.{ASSET_PLACES}f}",'
        f'"P":"{index:.{ASSET_PLACES}f}","i":"{index:.{ASSET_PLACES}f}","r":"{rate}",'
        f'"T":{mark.next_funding_ms or 0},"st":{market_type}}}'
    )


def _ticker(
    native: str,
    pair: str,
    price: _Writer,
    quantity: _Writer,
    day: DayStats,
    now_ms: int,
    market_type: int,
) -> str:
    """A `24hrTicker`."""
    change = day.last - day.open
    percent = 100 * change / day.open if day.open else 0.0
    average = day.quote_volume / day.volume if day.volume else day.last
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{native}","ps":"{pair}","p":"{price(change)}",'
        f'"P":"{percent:.3f}","w":"{price(average)}","c":"{price(day.last)}",'
        f'"Q":"{quantity(day.last_quantity)}","o":"{price(day.open)}","h":"{price(day.high)}",'
        f'"l":"{price(day.low)}","v":"{quantity(day.volume)}","q":"{day.quote_volume:.2f}",'
        f'"O":{day.opened_at_ms},"C":{day.closed_at_ms},"F":{day.first_trade_id},'
        f'"L":{day.last_trade_id},"n":{day.trades_count},"st":{market_type}}}'
    )


def _mini_ticker(
    native: str,
    pair: str,
    price: _Writer,
    quantity: _Writer,
    day: DayStats,
    now_ms: int,
    market_type: int,
) -> str:
    """A `24hrMiniTicker`."""
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{native}","ps":"{pair}",'
        f'"c":"{price(day.last)}","o":"{price(day.open)}","h":"{price(day.high)}",'
        f'"l":"{price(day.low)}","v":"{quantity(day.volume)}","q":"{day.quote_volume:.2f}",'
        f'"st":{market_type}}}'
    )


def _force_order(text: SymbolText, liquidation: Liquidation, now_ms: int) -> str:
    """A `forceOrder`: `p` is the order's limit at the bankruptcy price, `ap` the average fill."""
    limit = liquidation.price if liquidation.order_price is None else liquidation.order_price
    return _order(
        (text.native, text.pair),
        liquidation,
        text.quantity(liquidation.quantity),
        (text.price(limit), text.price(liquidation.price)),
        now_ms,
        1,
    )


def _twin_force_order(twin: CoinTwin, liquidation: Liquidation, now_ms: int) -> str:
    """The same forced order on the COIN-M contract, in contracts."""
    limit = liquidation.price if liquidation.order_price is None else liquidation.order_price
    contracts = twin.contracts(liquidation.price, liquidation.quantity)
    prices = (twin.price(limit), twin.price(liquidation.price))
    return _order((twin.native, twin.pair), liquidation, str(contracts), prices, now_ms, 2)


def _order(
    names: tuple[str, str],
    liquidation: Liquidation,
    quantity: str,
    prices: tuple[str, str],
    now_ms: int,
    market_type: int,
) -> str:
    side = "SELL" if liquidation.side is Side.SELL else "BUY"
    return (
        f'{{"e":"forceOrder","E":{now_ms},"o":{{"s":"{names[0]}","ps":"{names[1]}","S":"{side}",'
        f'"o":"LIMIT","f":"IOC","q":"{quantity}","p":"{prices[0]}","ap":"{prices[1]}",'
        f'"X":"FILLED","l":"{quantity}","z":"{quantity}","T":{liquidation.timestamp_ms}}},'
        f'"st":{market_type}}}'
    )


def _twin_quote(
    twin: CoinTwin, sequence: int, now_ms: int, bid: tuple[float, float], ask: tuple[float, float]
) -> str:
    """A `bookTicker` of the COIN-M contract."""
    return (
        f'{{"e":"bookTicker","u":{sequence},"s":"{twin.native}","ps":"{twin.pair}",'
        f'"b":"{twin.price(bid[0])}","B":"{twin.contracts(*bid)}",'
        f'"a":"{twin.price(ask[0])}","A":"{twin.contracts(*ask)}",'
        f'"T":{now_ms},"E":{now_ms},"st":2}}'
    )
