"""Stream messages → records. Pure functions of decoded rows, contract sizes and receive time.

Source: https://www.okx.com/docs-v5/en/#overview-websocket
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    Level,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.venues.messages import TradeRun
from headwater.venues.okx import wire, wire_rest
from headwater.venues.okx.symbols import EXCHANGE, MILLION, ROUNDER, Sizes

SIDES: Final[Mapping[str, Side]] = {"buy": Side.BUY, "sell": Side.SELL}
"""The taker's side of a trade, the closing order's of a liquidation."""
CLOSED: Final[Mapping[Side, PositionSide]] = {
    Side.SELL: PositionSide.LONG,
    Side.BUY: PositionSide.SHORT,
}
"""The position that a closing side ends; `posSide` says net in one-way accounts."""

_SNAPSHOT: Final = "snapshot"
CONFIRMED: Final = "1"


def trade_of(row: wire_rest.TradeRow, sizes: Sizes, received_ns: int) -> Trade:
    """Fills of one taker order at one price; the id is that of the last of them."""
    quantity = sizes.base(row.size, row.price)
    return Trade(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.traded_at_ms,
        received_ns=received_ns,
        side=row.side,
        price=row.price,
        quantity=quantity,
        value=row.price * quantity,
        trade_id=row.trade_id,
        sequence=None,
    )


def run_of(
    rows: Sequence[wire_rest.TradeRow], symbol: str, per_unit: float, received_ns: int
) -> TradeRun | None:
    """Trades of one message, made without a call for each; None if they are of several swaps.

    Args:
        rows: at least one, in the order of the message.
        symbol: of all of them.
        per_unit: `Sizes.per_unit` of the swap.
        received_ns: when they came.
    """
    native_symbol = rows[0].native_symbol
    run = TradeRun()
    for row in rows:
        if row.native_symbol != native_symbol:
            return None
        price = row.price
        quantity = (row.size * MILLION + ROUNDER - ROUNDER) / per_unit
        run.append(
            Trade(
                EXCHANGE,
                symbol,
                native_symbol,
                row.traded_at_ms,
                received_ns,
                row.side,
                price,
                quantity,
                price * quantity,
                row.trade_id,
            )
        )
    return run


def candle_of(
    row: wire_rest.CandleRow, interval: Interval, sizes: Sizes, received_ns: int
) -> Candle:
    """A candle; its volume is the one in base coin. The venue counts no trades."""
    return Candle(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=row.opened_at_ms,
        received_ns=received_ns,
        interval=interval,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        quote_volume=row.quote_volume,
        trades_count=None,
        is_closed=row.confirm == CONFIRMED,
    )


def levels_of(rows: Iterable[wire_rest.LevelRow], sizes: Sizes) -> tuple[Level, ...]:
    """Levels in base units."""
    per_unit = sizes.per_unit
    if per_unit is None:
        return tuple([(row.price, sizes.base(row.size, row.price)) for row in rows])
    return tuple([(row.price, (row.size * MILLION + ROUNDER - ROUNDER) / per_unit) for row in rows])


def book_of(
    data: wire.BookData, action: str, sizes: Sizes, received_ns: int
) -> BookSnapshot | BookDelta:
    """An image of the book, or a change of it."""
    if action == _SNAPSHOT:
        return BookSnapshot(
            exchange=EXCHANGE,
            symbol=sizes.symbol,
            native_symbol=sizes.native_symbol,
            timestamp_ms=data.ts,
            received_ns=received_ns,
            bids=levels_of((row for row in data.bids if row.size), sizes),
            asks=levels_of((row for row in data.asks if row.size), sizes),
            sequence=data.sequence,
        )
    return BookDelta(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=data.ts,
        received_ns=received_ns,
        bids=levels_of(data.bids, sizes),
        asks=levels_of(data.asks, sizes),
        sequence=data.sequence,
        first_sequence=data.sequence,
        previous_sequence=data.previous_sequence,
    )


def quote_of(data: wire.BookData, sizes: Sizes, received_ns: int) -> Ticker:
    """Best bid and ask; an empty side stays unknown."""
    bids, asks = levels_of(data.bids[:1], sizes), levels_of(data.asks[:1], sizes)
    bid, bid_quantity = bids[0] if bids else (None, None)
    ask, ask_quantity = asks[0] if asks else (None, None)
    return Ticker(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=data.ts,
        received_ns=received_ns,
        bid=bid,
        ask=ask,
        bid_quantity=bid_quantity,
        ask_quantity=ask_quantity,
    )


def ticker_of(row: wire_rest.TickerRow, sizes: Sizes, received_ns: int) -> Ticker:
    """24-hour figures and quotes; the venue gives no volume in quote currency.

    Raises:
        ValueError: a value is none that a market can have.
    """
    # A price of 0 says that there is none.
    bid, ask, last, opened = (
        number(text) or None for text in (row.bid, row.ask, row.last, row.open)
    )
    bid_size, ask_size = number(row.bid_size), number(row.ask_size)
    return Ticker(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=row.ts,
        received_ns=received_ns,
        bid=bid,
        ask=ask,
        last=last,
        volume_24h=number(row.volume),
        quote_volume_24h=None,
        change_24h=last / opened - 1 if last and opened else None,
        bid_quantity=sizes.base(bid_size, bid) if bid_size is not None and bid else None,
        ask_quantity=sizes.base(ask_size, ask) if ask_size is not None and ask else None,
    )


def interest_of(row: wire_rest.InterestRow, sizes: Sizes, received_ns: int) -> OpenInterest:
    """Open interest in coins and USD.

    Raises:
        ValueError: the value is none that a market can have.
    """
    return OpenInterest(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=row.ts,
        received_ns=received_ns,
        open_interest=row.coins,
        value=number(row.value),
    )


def liquidation_of(detail: wire.LiquidationDetail, sizes: Sizes, received_ns: int) -> Liquidation:
    """A forced close, at most one a second and contract: sums are a lower bound.

    Raises:
        KeyError: a side that is neither buy nor sell.
    """
    side = SIDES[detail.side]
    quantity = sizes.base(detail.size, detail.bankruptcy_price)
    return Liquidation(
        exchange=EXCHANGE,
        symbol=sizes.symbol,
        native_symbol=sizes.native_symbol,
        timestamp_ms=detail.closed_at_ms,
        received_ns=received_ns,
        side=side,
        position_side=CLOSED[side],
        price=detail.bankruptcy_price,
        quantity=quantity,
        value=detail.bankruptcy_price * quantity,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=True,
    )


class MarkState:
    """A symbol's mark, index and funding, which come in three topics.

    Args:
        sizes: names the symbol.
    """

    __slots__ = ("_at_ms", "_funding_rate", "_index", "_mark", "_next_funding_ms", "_sizes")

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._at_ms = 0
        self._mark: float | None = None
        self._index: float | None = None
        self._funding_rate: float | None = None
        self._next_funding_ms: int | None = None

    def on_mark(self, row: wire_rest.MarkRow) -> None:
        """Takes a mark price."""
        self._mark = row.mark

    def on_index(self, row: wire_rest.IndexRow) -> None:
        """Takes an index price."""
        self._index = row.index

    def on_funding(self, row: wire_rest.FundingRow) -> None:
        """Takes the running estimate.

        Raises:
            ValueError: it is no finite number.
        """
        self._funding_rate = number(row.rate, signed=True)
        self._next_funding_ms = row.settles_at_ms

    def record(self, timestamp_ms: int, received_ns: int) -> MarkPrice | None:
        """All of it, with the time of the newest part; None before the first mark price.

        Funding is told every half minute with a time of its own, older than that of the mark.
        """
        if self._mark is None:
            return None
        self._at_ms = max(self._at_ms, timestamp_ms)
        return MarkPrice(
            exchange=EXCHANGE,
            symbol=self._sizes.symbol,
            native_symbol=self._sizes.native_symbol,
            timestamp_ms=self._at_ms,
            received_ns=received_ns,
            mark=self._mark,
            index=self._index,
            funding_rate=self._funding_rate,
            next_funding_ms=self._next_funding_ms,
        )


def number(text: str, *, signed: bool = False) -> float | None:
    """A figure; None for the empty text.

    Args:
        text: as the venue writes it.
        signed: whether it may be below zero, as a rate.

    Raises:
        ValueError: it is no number, or one that no market has.
    """
    if not text:
        return None
    value = float(text)
    if not (-wire_rest.LIMIT if signed else 0.0) <= value < wire_rest.LIMIT:
        raise ValueError(f"{text[:40]} is no such figure")
    return value
