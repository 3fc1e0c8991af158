"""Decoded messages, by stream or REST → records. Pure functions.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.venues.hyperliquid import wire
from headwater.venues.hyperliquid.symbols import EXCHANGE, FUNDING_INTERVAL_H
from headwater.venues.messages import TradeRun

_TAKER_BUYS: Final = wire.TakerSide.BUYS
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
SIDES: Final[Mapping[str, Side]] = {"B": Side.BUY, "A": Side.SELL}
"""Side by the venue's letter: of a trade the taker's, of a fill that of the address asked for."""
BACKSTOP: Final = "backstop"
"""Method of a liquidation in which a vault of the venue takes the position over."""
NS_PER_MS: Final = 1_000_000

_HOUR_MS: Final = 3_600_000
_OPPOSITE: Final[Mapping[Side, Side]] = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
_POSITIONS: Final[Mapping[Side, PositionSide]] = {
    Side.SELL: PositionSide.LONG,
    Side.BUY: PositionSide.SHORT,
}


def trade_of(row: wire.TradeRow, symbol: str, received_ns: int) -> Trade:
    """A fill; ids are hashes, so there is no sequence."""
    price, quantity = row.price, row.quantity
    return Trade(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=row.coin,
        timestamp_ms=row.traded_at_ms,
        received_ns=received_ns,
        side=_BUY if row.side is _TAKER_BUYS else _SELL,
        price=price,
        quantity=quantity,
        value=price * quantity,
        trade_id=row.trade_id,
        sequence=None,
    )


def run_of(rows: Sequence[wire.TradeRow], symbol: str, received_ns: int) -> TradeRun | None:
    """Trades of one message, made without a call for each; None when they are of several coins.

    Args:
        rows: at least one, in the order of the message.
        symbol: of all of them.
        received_ns: when they came.
    """
    native_symbol = rows[0].coin
    run = TradeRun()
    for row in rows:
        if row.coin != native_symbol:
            return None
        price = row.price
        quantity = row.quantity
        run.append(
            Trade(
                EXCHANGE,
                symbol,
                native_symbol,
                row.traded_at_ms,
                received_ns,
                _BUY if row.side is _TAKER_BUYS else _SELL,
                price,
                quantity,
                price * quantity,
                row.trade_id,
            )
        )
    return run


def book_of(data: wire.BookData, symbol: str, received_ns: int) -> BookSnapshot:
    """The whole book, best first; it has no number."""
    bids, asks = data.levels
    return BookSnapshot(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=data.coin,
        timestamp_ms=data.taken_at_ms,
        received_ns=received_ns,
        bids=tuple([(one.price, one.quantity) for one in bids]),
        asks=tuple([(one.price, one.quantity) for one in asks]),
        sequence=None,
    )


def quote_of(data: wire.QuoteData, symbol: str, received_ns: int) -> Ticker:
    """Best bid and ask; an empty side stays unknown."""
    bid, ask = (*data.bbo, None, None)[:2]
    return Ticker(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=data.coin,
        timestamp_ms=data.changed_at_ms,
        received_ns=received_ns,
        bid=None if bid is None else bid.price,
        ask=None if ask is None else ask.price,
        bid_quantity=None if bid is None else bid.quantity,
        ask_quantity=None if ask is None else ask.quantity,
    )


def candle_of(
    bar: wire.Bar, interval: Interval, symbol: str, received_ns: int, *, is_closed: bool
) -> Candle:
    """A candle; the caller knows whether it is closed, the venue does not say."""
    return Candle(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=bar.coin,
        timestamp_ms=bar.opened_at_ms,
        received_ns=received_ns,
        interval=interval,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        quote_volume=None,
        trades_count=bar.trades_count,
        is_closed=is_closed,
    )


def next_funding_ms(received_ns: int) -> int:
    """The coming settlement: the next full hour. Contexts carry no time of their own."""
    return (received_ns // NS_PER_MS // _HOUR_MS + 1) * _HOUR_MS


def ticker_of(context: wire.Context, coin: str, symbol: str, received_ns: int) -> Ticker:
    """24-hour figures. The venue tells no last trade in a context: `last` is the mark price."""
    ago = context.price_day_ago
    return Ticker(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=coin,
        timestamp_ms=received_ns // NS_PER_MS,
        received_ns=received_ns,
        last=context.mark,
        volume_24h=context.volume,
        quote_volume_24h=context.quote_volume,
        change_24h=context.mark / ago - 1.0 if ago else None,
    )


def mark_price_of(context: wire.Context, coin: str, symbol: str, received_ns: int) -> MarkPrice:
    """Mark and oracle price and the rate of the running hour.

    Raises:
        ValueError: the rate is not finite.
    """
    rate = context.funding_rate
    if rate is not None and not isfinite(rate):
        raise ValueError(f"funding is {rate}")
    return MarkPrice(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=coin,
        timestamp_ms=received_ns // NS_PER_MS,
        received_ns=received_ns,
        mark=context.mark,
        index=context.index,
        funding_rate=rate,
        next_funding_ms=next_funding_ms(received_ns),
    )


def open_interest_of(
    context: wire.Context, coin: str, symbol: str, received_ns: int
) -> OpenInterest | None:
    """Open interest of one side in coins, valued at the mark price; None where it is not told."""
    interest = context.open_interest
    if interest is None:
        return None
    return OpenInterest(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=coin,
        timestamp_ms=received_ns // NS_PER_MS,
        received_ns=received_ns,
        open_interest=interest,
        value=interest * context.mark,
    )


def funding_of(
    context: wire.Context, coin: str, symbol: str, received_ns: int
) -> FundingRate | None:
    """The running estimate for the coming hour."""
    rate = context.funding_rate
    if rate is None or not isfinite(rate):
        return None
    return FundingRate(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=coin,
        timestamp_ms=received_ns // NS_PER_MS,
        received_ns=received_ns,
        rate=rate,
        interval_h=FUNDING_INTERVAL_H,
        funding_time_ms=next_funding_ms(received_ns),
    )


def is_backstop(fill: wire.Fill, user: str) -> bool:
    """Whether `user` took a position over from somebody else in this fill."""
    forced = fill.liquidation
    if forced is None or forced.method != BACKSTOP or not forced.liquidated_user:
        return False
    return forced.liquidated_user.lower() != user.lower()


def liquidation_of(fill: wire.Fill, user: str, symbol: str, received_ns: int) -> Liquidation:
    """A forced close as `user`, one of its two parties, had it in its fills.

    The closing order is the liquidated user's: on that user's own row the letter is its side, on
    the other party's row it is the opposite. `price` is what was paid in the fill.

    Raises:
        KeyError: a side that is neither A nor B.
        ValueError: the row does not say who was liquidated.
    """
    forced = fill.liquidation
    if forced is None or not forced.liquidated_user:
        raise ValueError("the fill does not say who was liquidated")
    side = SIDES[fill.side]
    if forced.liquidated_user.lower() != user.lower():
        side = _OPPOSITE[side]
    return Liquidation(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=fill.coin,
        timestamp_ms=fill.traded_at_ms,
        received_ns=received_ns,
        side=side,
        position_side=_POSITIONS[side],
        price=fill.price,
        quantity=fill.quantity,
        value=fill.price * fill.quantity,
        price_kind=PriceKind.AVERAGE,
        order_id=str(fill.trade_id),
        is_floor=True,
    )
