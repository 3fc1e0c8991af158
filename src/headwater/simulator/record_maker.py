"""Turns what a simulated market did, in ticks and lots, into the platform's records.

`received_ns` of these records is the venue's time: nothing has travelled yet.
"""

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    Liquidation,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    Trade,
)
from headwater.simulator.candles import CandleRow
from headwater.simulator.ground_truth import ForcedClose, OpenPosition
from headwater.simulator.listings import Grid, Listing
from headwater.simulator.mark_bars import MarkRow
from headwater.simulator.marks import Settlement
from headwater.simulator.matching import Changes, Placement, Print
from headwater.simulator.positions import Position
from headwater.venues.side import FillPrint

_NS_PER_MS = 1_000_000
_PRICE_PLACES = 8  # of prices that are no whole ticks: marks, averages


class RecordMaker:
    """Writes the records of one symbol of one venue.

    Args:
        exchange: venue id.
        native_symbol: the venue's spelling.
        listing: the contract.
    """

    __slots__ = ("_exchange", "_grid", "_interval_h", "_native_symbol", "_symbol")

    def __init__(self, exchange: str, native_symbol: str, listing: Listing) -> None:
        self._exchange = exchange
        self._native_symbol = native_symbol
        self._symbol = listing.symbol
        self._interval_h = float(listing.funding_interval_h)
        self._grid = Grid(listing)

    def trade(self, sequence: int, made: Print) -> Trade:
        """A print as a trade; its id is its sequence number."""
        price = self._grid.price(made.price)
        quantity = self._grid.quantity(made.lots)
        return Trade(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=made.stamp_ms,
            received_ns=made.stamp_ms * _NS_PER_MS,
            side=Side.BUY if made.is_buy else Side.SELL,
            price=price,
            quantity=quantity,
            value=price * quantity,
            trade_id=sequence,
            sequence=sequence,
        )

    def fill_print(self, sequence: int, made: Print) -> FillPrint:
        """A print with the fills it contains."""
        return FillPrint(
            trade=self.trade(sequence, made),
            first_fill_id=made.first_fill_id,
            last_fill_id=made.last_fill_id,
        )

    def delta(self, now_ms: int, changes: Changes) -> BookDelta:
        """Changed levels of a step."""
        return BookDelta(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * _NS_PER_MS,
            bids=self._grid.levels(changes.bids),
            asks=self._grid.levels(changes.asks),
            sequence=changes.last,
            first_sequence=changes.first,
            previous_sequence=changes.previous,
        )

    def snapshot(
        self, now_ms: int, bids: tuple[Level, ...], asks: tuple[Level, ...], sequence: int
    ) -> BookSnapshot:
        """A book, best first."""
        return BookSnapshot(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * _NS_PER_MS,
            bids=bids,
            asks=asks,
            sequence=sequence,
        )

    def mark(
        self, now_ms: int, mark: float, index: float, rate: float, next_funding_ms: int
    ) -> MarkPrice:
        """A mark price; `mark` and `index` in ticks."""
        unit = self._grid.price(1)
        return MarkPrice(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * _NS_PER_MS,
            mark=round(mark * unit, _PRICE_PLACES),
            index=round(index * unit, _PRICE_PLACES),
            funding_rate=rate,
            next_funding_ms=next_funding_ms,
        )

    def mark_candle(self, interval: Interval, row: MarkRow, *, is_closed: bool) -> MarkCandle:
        """A bar of the mark price; its time is its opening time."""
        unit = self._grid.price(1)
        return MarkCandle(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=row.opened_at_ms,
            received_ns=row.opened_at_ms * _NS_PER_MS,
            interval=interval,
            open=round(row.open * unit, _PRICE_PLACES),
            high=round(row.high * unit, _PRICE_PLACES),
            low=round(row.low * unit, _PRICE_PLACES),
            close=round(row.close * unit, _PRICE_PLACES),
            is_closed=is_closed,
        )

    def funding(self, settled: Settlement) -> FundingRate:
        """A funding settlement."""
        return FundingRate(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=settled.funding_time_ms,
            received_ns=settled.funding_time_ms * _NS_PER_MS,
            rate=settled.rate,
            interval_h=self._interval_h,
            funding_time_ms=settled.funding_time_ms,
        )

    def forced_close(
        self, now_ms: int, position: Position, placed: Placement, unfilled_lots: int, mark: float
    ) -> ForcedClose:
        """A forced close of which something filled; `mark` in ticks."""
        grid = self._grid
        quantity = grid.quantity(placed.filled)
        price = round(grid.value(placed.cost) / quantity, _PRICE_PLACES)
        liquidation = Liquidation(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * _NS_PER_MS,
            side=Side.SELL if position.is_long else Side.BUY,
            position_side=PositionSide.LONG if position.is_long else PositionSide.SHORT,
            price=price,
            quantity=quantity,
            value=price * quantity,
            price_kind=PriceKind.AVERAGE,
            order_id=str(placed.order_id),
            is_floor=False,
            order_price=grid.price(position.bankruptcy),
        )
        unit = grid.price(1)
        return ForcedClose(
            liquidation=liquidation,
            position_id=position.position_id,
            leverage=position.leverage,
            entry=round(position.entry * unit, _PRICE_PLACES),
            mark=round(mark * unit, _PRICE_PLACES),
            unfilled=grid.quantity(unfilled_lots),
        )

    def open_position(self, position: Position) -> OpenPosition:
        """A position that is open now."""
        unit = self._grid.price(1)
        quantity = self._grid.quantity(position.lots)
        price = round(position.liquidation * unit, _PRICE_PLACES)
        return OpenPosition(
            position_id=position.position_id,
            position_side=PositionSide.LONG if position.is_long else PositionSide.SHORT,
            quantity=quantity,
            entry=round(position.entry * unit, _PRICE_PLACES),
            leverage=position.leverage,
            liquidation_price=price,
            liquidation_value=price * quantity,
        )

    def candle(self, interval: Interval, row: CandleRow, *, is_closed: bool) -> Candle:
        """A candle; its time is its opening time."""
        price, quantity = self._grid.price, self._grid.quantity
        return Candle(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=row.opened_at_ms,
            received_ns=row.opened_at_ms * _NS_PER_MS,
            interval=interval,
            open=price(row.open),
            high=price(row.high),
            low=price(row.low),
            close=price(row.close),
            volume=quantity(row.lots),
            quote_volume=self._grid.value(row.cost),
            trades_count=row.fills,
            is_closed=is_closed,
            taker_buy_volume=quantity(row.buy_lots),
        )

    def open_interest(self, now_ms: int, lots: int, price: float) -> OpenInterest:
        """Open interest at a time; `price` in USDT values it."""
        quantity = self._grid.quantity(lots)
        return OpenInterest(
            exchange=self._exchange,
            symbol=self._symbol,
            native_symbol=self._native_symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * _NS_PER_MS,
            open_interest=quantity,
            value=quantity * price,
        )
