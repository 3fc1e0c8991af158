"""Stream events → records: one function per kind of event, found through one table.

Each takes the decoded event, our symbol and the receive time. What is understood but says nothing
about the market comes back as `Ignored` with the reason.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    Liquidation,
    MarkPrice,
    Ticker,
    Trade,
)
from headwater.venues.binance import wire
from headwater.venues.binance.symbols import EXCHANGE, INTERVALS
from headwater.venues.messages import Ignored, StreamEvent

COIN_MARGINED_REASON: Final = "COIN-M: its quantities are contracts, another market"
_ACCOUNT_REASON: Final = "account event, no market data"
NOT_READ: Final[Mapping[str, str]] = {
    "contractInfo": "changes of contracts are read from exchangeInfo",
    "compositeIndex": "parts of an index, no record for it",
    "assetIndexUpdate": "index of a margin asset, no record for it",
    "continuous_kline": "candle of a pair, not of one contract",
    "indexPriceKline": "candle of an index, not of trades",
    "markPriceKline": "candle of mark prices, not of trades",
    "tradingSession": "opening hours of TradFi contracts, no record for it",
    "rpiDepthUpdate": "book with retail orders, which the kept book leaves out",
    "ORDER_TRADE_UPDATE": _ACCOUNT_REASON,
    "ACCOUNT_UPDATE": _ACCOUNT_REASON,
    "ACCOUNT_CONFIG_UPDATE": _ACCOUNT_REASON,
    "MARGIN_CALL": _ACCOUNT_REASON,
    "TRADE_LITE": _ACCOUNT_REASON,
    "ALGO_UPDATE": _ACCOUNT_REASON,
    "CONDITIONAL_ORDER_TRIGGER_REJECT": _ACCOUNT_REASON,
    "STRATEGY_UPDATE": _ACCOUNT_REASON,
    "GRID_UPDATE": _ACCOUNT_REASON,
    "listenKeyExpired": _ACCOUNT_REASON,
    "balanceUpdate": _ACCOUNT_REASON,
    "outboundAccountPosition": _ACCOUNT_REASON,
    "liabilityChange": _ACCOUNT_REASON,
}
"""Events that are known and skipped, with the reason."""
UNKNOWN_EVENT: Final = "event of an unknown kind"


def trade_of(event: wire.AggTrade, symbol: str, received_ns: int) -> StreamEvent:
    """A trade. Without an id of its own (2019) it takes that of its last fill and no sequence."""
    trade_id = event.trade_id if event.trade_id is not None else event.last_fill_id
    return Trade(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=event.traded_at_ms,
        received_ns=received_ns,
        side=Side.SELL if event.buyer_is_maker else Side.BUY,
        price=event.price,
        quantity=event.quantity,
        value=event.price * event.quantity,
        trade_id="" if trade_id is None else trade_id,
        sequence=event.trade_id,
    )


def single_trade_of(event: wire.SingleTrade, symbol: str, received_ns: int) -> StreamEvent:
    """A trade; its ids are shared with fills that are no trades, so it has no sequence."""
    if event.origin != "MARKET":
        return Ignored(what="trade", reason=f"fill of {event.origin[:40]}, not of the market")
    if event.price <= 0 or event.quantity <= 0:
        return Ignored(what="trade", reason="fill without price or quantity")
    return Trade(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=event.traded_at_ms,
        received_ns=received_ns,
        side=Side.SELL if event.buyer_is_maker else Side.BUY,
        price=event.price,
        quantity=event.quantity,
        value=event.price * event.quantity,
        trade_id=event.trade_id,
        sequence=None,
    )


def candle_of(event: wire.Kline, symbol: str, received_ns: int) -> StreamEvent:
    """A candle of any interval that REST knows too."""
    bar = event.bar
    interval = INTERVALS.get(bar.interval)
    if interval is None:
        return Ignored(what="kline", reason=f"interval {bar.interval[:20]!r} is not offered")
    return Candle(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=bar.opened_at_ms,
        received_ns=received_ns,
        interval=interval,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        quote_volume=bar.quote_volume,
        trades_count=bar.trades_count,
        is_closed=bar.is_closed,
        taker_buy_volume=bar.taker_buy_volume,
    )


def delta_of(event: wire.DepthUpdate, symbol: str, received_ns: int) -> StreamEvent:
    """A change of the book."""
    return BookDelta(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=_time_of(event.matched_at_ms, event.sent_at_ms, received_ns),
        received_ns=received_ns,
        bids=event.bids,
        asks=event.asks,
        sequence=event.last_update_id,
        first_sequence=event.first_update_id,
        previous_sequence=event.previous_update_id,
    )


def top_of(event: wire.DepthUpdate, symbol: str, received_ns: int) -> StreamEvent:
    """The top of the book as a whole, from a `@depth5|10|20` stream."""
    return BookSnapshot(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=_time_of(event.matched_at_ms, event.sent_at_ms, received_ns),
        received_ns=received_ns,
        bids=event.bids,
        asks=event.asks,
        sequence=event.last_update_id,
    )


def quote_of(event: wire.BookTicker, symbol: str, received_ns: int) -> StreamEvent:
    """Best bid and ask; an empty side is None."""
    return Ticker(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=_time_of(event.matched_at_ms, event.sent_at_ms, received_ns),
        received_ns=received_ns,
        bid=event.bid or None,
        ask=event.ask or None,
        bid_quantity=event.bid_quantity,
        ask_quantity=event.ask_quantity,
    )


def ticker_of(event: wire.DayTicker, symbol: str, received_ns: int) -> StreamEvent:
    """24-hour figures; a contract that never traded has no last price."""
    return Ticker(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=event.sent_at_ms,
        received_ns=received_ns,
        last=event.last or None,
        volume_24h=event.volume,
        quote_volume_24h=event.quote_volume,
        change_24h=event.change_percent / 100,
    )


def mini_ticker_of(event: wire.DayMiniTicker, symbol: str, received_ns: int) -> StreamEvent:
    """24-hour figures of the short form; the change is worked out from open and last."""
    change = event.last / event.open - 1 if event.open and event.last else None
    return Ticker(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=event.sent_at_ms,
        received_ns=received_ns,
        last=event.last or None,
        volume_24h=event.volume,
        quote_volume_24h=event.quote_volume,
        change_24h=change if change is not None and isfinite(change) else None,
    )


def mark_price_of(event: wire.MarkPriceUpdate, symbol: str, received_ns: int) -> StreamEvent:
    """Mark and index price; on dated contracts (`T` 0) there is no funding.

    Raises:
        ValueError: the funding rate is no finite number.
    """
    if event.mark <= 0:
        return Ignored(what="markPriceUpdate", reason="mark price 0: not trading")
    has_funding = event.next_funding_ms > 0
    return MarkPrice(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=event.symbol,
        timestamp_ms=event.sent_at_ms,
        received_ns=received_ns,
        mark=event.mark,
        index=event.index or None,
        funding_rate=rate_of(event.funding_rate) if has_funding else None,
        next_funding_ms=event.next_funding_ms if has_funding else None,
    )


def liquidation_of(event: wire.ForceOrder, symbol: str, received_ns: int) -> StreamEvent:
    """A forced close. `S` is the side of the closing order: SELL closes a long.

    The average price counts; where nothing is filled yet it is 0 and the order's limit price
    (set at the bankruptcy price) stands in, marked as such. The documents do not agree whether
    `st` sits in the event or in its order: the caller looks at the one, this at the other.
    """
    order = event.order
    if order.market == wire.COIN_MARGINED:
        return Ignored(what="forceOrder", reason=COIN_MARGINED_REASON)
    price, price_kind = order.average_price, PriceKind.AVERAGE
    if price <= 0:
        price, price_kind = order.order_price, PriceKind.ORDER
    quantity = order.filled or order.quantity
    if price <= 0 or quantity <= 0:
        return Ignored(what="forceOrder", reason="liquidation without price or quantity")
    sells = order.side == "SELL"
    return Liquidation(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=order.symbol,
        timestamp_ms=order.traded_at_ms,
        received_ns=received_ns,
        side=Side.SELL if sells else Side.BUY,
        position_side=PositionSide.LONG if sells else PositionSide.SHORT,
        price=price,
        quantity=quantity,
        value=price * quantity,
        price_kind=price_kind,
        order_id=None,
        is_floor=True,
        order_price=order.order_price or None,
    )


def rate_of(text: str) -> float | None:
    """A funding rate as a fraction; None when the text is empty.

    Raises:
        ValueError: no finite number.
    """
    if not text:
        return None
    rate = float(text)
    if not isfinite(rate):
        raise ValueError(f"funding rate {text[:40]!r} is not finite")
    return rate


def _time_of(matched_at_ms: int, sent_at_ms: int, received_ns: int) -> int:
    """Matching time, else sending time, else (before 2020 some had neither) our receive time."""
    return matched_at_ms or sent_at_ms or received_ns // 1_000_000


Reader = Callable[[Any, str, int], StreamEvent]
"""Event, our symbol and receive time → what it means. The table pairs it with the event's type."""

READERS: Final[Mapping[type[wire.Event], Reader]] = {
    wire.AggTrade: trade_of,
    wire.SingleTrade: single_trade_of,
    wire.Kline: candle_of,
    wire.DepthUpdate: delta_of,
    wire.BookTicker: quote_of,
    wire.DayTicker: ticker_of,
    wire.DayMiniTicker: mini_ticker_of,
    wire.MarkPriceUpdate: mark_price_of,
    wire.ForceOrder: liquidation_of,
}
"""What reads each kind of event."""
