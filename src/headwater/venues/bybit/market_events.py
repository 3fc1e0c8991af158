"""Stream messages → records. Pure functions of a decoded message, our symbol and the receive time.

Source: https://bybit-exchange.github.io/docs/v5/ws/connect and the pages of each topic
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.venues.bybit import wire
from headwater.venues.bybit.symbols import EXCHANGE, INTERVALS
from headwater.venues.messages import Ignored, StreamEvent, TradeRun

_TAKER_BUYS: Final = wire.TakerSide.BUYS
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
SIDES: Final[Mapping[str, Side]] = {"Buy": Side.BUY, "Sell": Side.SELL}
"""The taker's side of a trade by the venue's word."""
CLOSED: Final[Mapping[str, tuple[Side, PositionSide]]] = {
    "Buy": (Side.SELL, PositionSide.LONG),
    "Sell": (Side.BUY, PositionSide.SHORT),
}
"""Closing side and position of a liquidation by the venue's word, which names the position."""

_SNAPSHOT: Final = "snapshot"
_RESTARTED: Final = 1
_TICKER_FIELDS: Final = frozenset(
    {"last", "change", "turnover", "volume", "bid", "bid_quantity", "ask", "ask_quantity"}
)
_SIGNED_FIELDS: Final = frozenset({"change", "funding_rate"})
_PRICE_FIELDS: Final = frozenset({"bid", "ask", "last", "mark", "index"})
"""Fields in which 0 says that there is none."""
_MARK_FIELDS: Final = frozenset({"mark", "index", "funding_rate", "next_funding_ms"})
_INTEREST_FIELDS: Final = frozenset(
    {"open_interest", "open_interest_value", "single_open_interest", "single_open_interest_value"}
)


def trade_of(row: wire.TradeRow, symbol: str, received_ns: int) -> Trade:
    """A fill; ids are texts without an order, so there is no sequence."""
    price, quantity = row.price, row.quantity
    return Trade(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=row.symbol,
        timestamp_ms=row.traded_at_ms,
        received_ns=received_ns,
        side=_BUY if row.side is _TAKER_BUYS else _SELL,
        price=price,
        quantity=quantity,
        value=price * quantity,
        trade_id=row.trade_id,
    )


def run_of(rows: Sequence[wire.TradeRow], symbol: str, received_ns: int) -> TradeRun | None:
    """Trades of one message, made without a call for each; None when they are of several symbols.

    Args:
        rows: at least one, in the order of the message.
        symbol: of all of them.
        received_ns: when they came.
    """
    native_symbol = rows[0].symbol
    run = TradeRun()
    for row in rows:
        if row.symbol != native_symbol:
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


def candle_of(bar: wire.Bar, native_symbol: str, symbol: str, received_ns: int) -> StreamEvent:
    """A candle; the venue counts no trades in it."""
    interval = INTERVALS.get(bar.interval)
    if interval is None:
        return Ignored(what="kline", reason=f"interval {bar.interval[:20]!r} is not offered")
    return Candle(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=native_symbol,
        timestamp_ms=bar.opened_at_ms,
        received_ns=received_ns,
        interval=interval,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        quote_volume=bar.turnover,
        trades_count=None,
        is_closed=bar.is_closed,
    )


def book_of(message: wire.Book, symbol: str, received_ns: int) -> BookSnapshot | BookDelta:
    """An image of the book, or a change of it; a count that begins anew is an image."""
    data = message.data
    timestamp_ms = message.matched_at_ms or message.sent_at_ms
    if message.kind == _SNAPSHOT or data.update_id == _RESTARTED:
        return BookSnapshot(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=data.symbol,
            timestamp_ms=timestamp_ms,
            received_ns=received_ns,
            bids=tuple([level for level in data.bids if level[1]]),
            asks=tuple([level for level in data.asks if level[1]]),
            sequence=data.update_id,
        )
    return BookDelta(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=data.symbol,
        timestamp_ms=timestamp_ms,
        received_ns=received_ns,
        bids=tuple(data.bids),
        asks=tuple(data.asks),
        sequence=data.update_id,
        first_sequence=data.update_id,
        previous_sequence=data.update_id - 1,
    )


def quote_of(message: wire.Book, symbol: str, received_ns: int) -> Ticker:
    """Best bid and ask from a book of one level; an empty side stays unknown."""
    data = message.data
    bids = [level for level in data.bids if level[1]]
    asks = [level for level in data.asks if level[1]]
    bid, bid_quantity = bids[0] if bids else (None, None)
    ask, ask_quantity = asks[0] if asks else (None, None)
    return Ticker(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=data.symbol,
        timestamp_ms=message.matched_at_ms or message.sent_at_ms,
        received_ns=received_ns,
        bid=bid,
        ask=ask,
        bid_quantity=bid_quantity,
        ask_quantity=ask_quantity,
    )


def liquidation_of(
    row: wire.LiquidationRow | wire.OldLiquidation, symbol: str, received_ns: int
) -> Liquidation:
    """A forced close, at the price at which the position was bankrupt.

    All are published; the topic before 2025 was throttled, so that its sums are a lower bound.

    Raises:
        KeyError: a side that is neither Buy nor Sell.
    """
    side, position_side = CLOSED[row.position]
    return Liquidation(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=row.symbol,
        timestamp_ms=row.closed_at_ms,
        received_ns=received_ns,
        side=side,
        position_side=position_side,
        price=row.bankruptcy_price,
        quantity=row.quantity,
        value=row.bankruptcy_price * row.quantity,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=isinstance(row, wire.OldLiquidation),
    )


def figure(text: str, *, signed: bool = False) -> float | None:
    """A number of a ticker; None for the empty text.

    Args:
        text: as the venue writes it.
        signed: whether it may be below zero, as a change or a rate.

    Raises:
        ValueError: it is no number, or one that no market has.
    """
    if not text:
        return None
    number = float(text)
    if not (-wire.LIMIT if signed else 0.0) <= number < wire.LIMIT:
        raise ValueError(f"{text[:40]} is no such figure")
    return number


class TickerState:
    """A symbol's ticker as its snapshot and deltas build it."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, float | None] = {}

    def merge(self, message: wire.Ticker) -> frozenset[str]:
        """Takes a message in.

        Returns:
            Names of the fields that it carries.

        Raises:
            ValueError: a value is no number that a market can have.
        """
        told: dict[str, float | None] = {}
        data = message.data
        for name in data.__struct_fields__:
            value = getattr(data, name)
            if name == "symbol" or value is UNSET:
                continue
            number = figure(value, signed=name in _SIGNED_FIELDS)
            told[name] = None if number == 0 and name in _PRICE_FIELDS else number
        if message.kind == _SNAPSHOT:
            self._values = told
        else:
            self._values.update(told)
        return frozenset(told)

    def ticker(
        self, fields: frozenset[str], message: wire.Ticker, symbol: str, received_ns: int
    ) -> Ticker | None:
        """Quotes and 24-hour figures, when the message carried any."""
        if not fields & _TICKER_FIELDS:
            return None
        get = self._values.get
        return Ticker(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=message.data.symbol,
            timestamp_ms=message.sent_at_ms,
            received_ns=received_ns,
            bid=get("bid"),
            ask=get("ask"),
            last=get("last"),
            volume_24h=get("volume"),
            quote_volume_24h=get("turnover"),
            change_24h=get("change"),
            bid_quantity=get("bid_quantity"),
            ask_quantity=get("ask_quantity"),
        )

    def mark_price(
        self, fields: frozenset[str], message: wire.Ticker, symbol: str, received_ns: int
    ) -> MarkPrice | None:
        """Mark, index and coming funding, when the message carried any and the mark is known."""
        get = self._values.get
        mark = get("mark")
        if mark is None or not fields & _MARK_FIELDS:
            return None
        settles_ms = get("next_funding_ms")
        return MarkPrice(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=message.data.symbol,
            timestamp_ms=message.sent_at_ms,
            received_ns=received_ns,
            mark=mark,
            index=get("index"),
            funding_rate=get("funding_rate"),
            next_funding_ms=int(settles_ms) if settles_ms else None,
        )

    def open_interest(
        self, fields: frozenset[str], message: wire.Ticker, symbol: str, received_ns: int
    ) -> OpenInterest | None:
        """Open interest of one side, when the message carried any.

        `openInterest` counts both sides; before `singleOpenInterest` was added (2026-06) nothing
        said so, and the value of such recordings is passed on as it stands.
        """
        if not fields & _INTEREST_FIELDS:
            return None
        get = self._values.get
        single = get("single_open_interest")
        interest = get("open_interest") if single is None else single
        value = get("open_interest_value" if single is None else "single_open_interest_value")
        if interest is None:
            return None
        mark = get("mark")
        if value is None and mark is not None:
            value = interest * mark
        return OpenInterest(
            exchange=EXCHANGE,
            symbol=symbol,
            native_symbol=message.data.symbol,
            timestamp_ms=message.sent_at_ms,
            received_ns=received_ns,
            open_interest=interest,
            value=value,
        )
