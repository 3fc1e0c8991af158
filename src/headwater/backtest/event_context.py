"""The context of event strategies over the paper venue: `strategies/context.py` made real.

One object serves a whole run; the drive moves it from event to event. Records are made when a
strategy looks at `event`, not before.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from headwater.backtest.event_lane import Lane
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderType, TimeInForce
from headwater.core.orders import BracketRequest, Order, OrderRequest, Position
from headwater.strategies.context import LiquidationSums
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder

__all__ = ["EventContext"]


class EventContext:
    """What a strategy sees and acts through; see `strategies.context.StrategyContext`.

    Args:
        venue: the account.
        lanes: one for each contract.

    Attributes:
        now_ms: time of the event.
        lane: contract of the event; the drive's own.
        made: record of the event, if it was given; the drive's own.
        make: makes it otherwise; None for events without a record.
    """

    __slots__ = (
        "_by_name", "_lanes", "_place_limit", "_replace_limit", "_venue", "lane", "made", "make",
        "now_ms",
    )  # fmt: skip

    def __init__(self, venue: PaperVenue, lanes: Sequence[Lane]) -> None:
        self._venue = venue
        self._lanes = tuple(lanes)
        self._by_name: Mapping[tuple[str, str], Lane] = {
            (one.exchange, one.symbol): one for one in lanes
        }
        self._place_limit = venue.place_limit
        self._replace_limit = venue.replace_limit
        self.lane = self._lanes[0]
        self.now_ms = 0
        self.made: Any = None
        self.make: Callable[..., Any] | None = None

    @property
    def exchange(self) -> str:
        """Venue of the event."""
        return self.lane.exchange

    @property
    def symbol(self) -> str:
        """Canonical symbol of the event."""
        return self.lane.symbol

    @property
    def event(self) -> Any:
        """The record that was heard; None for a bar's close and for the start."""
        if self.made is not None or self.make is None:
            return self.made
        return self.make()

    def _named(self, symbol: str | None, exchange: str | None) -> Lane:
        """The lane of a contract.

        Raises:
            RequestError: the run has no such contract.
        """
        if symbol is None and exchange is None:
            return self.lane
        key = (exchange or self.lane.exchange, symbol or self.lane.symbol)
        found = self._by_name.get(key)
        if found is None:
            listed = ", ".join(f"{one}:{other}" for one, other in self._by_name)
            raise RequestError("symbol", f"{key[0]}:{key[1]}", f"one of {listed}")
        return found

    # --- what is known ---------------------------------------------------------------------------

    @property
    def bars(self) -> GrowingBars:
        """The closed bars of the event's contract."""
        return self.lane.bars

    def bars_of(self, symbol: str, exchange: str | None = None) -> GrowingBars:
        """The closed bars of any contract of the run."""
        return self._named(symbol, exchange).bars

    def last_price(self, symbol: str | None = None, exchange: str | None = None) -> float | None:
        """Last traded price; None before any."""
        is_own = symbol is None and exchange is None  # asked at every event: without a call
        lane = self.lane if is_own else self._named(symbol, exchange)
        return lane.market.last or None

    def open_interest(self, symbol: str | None = None, exchange: str | None = None) -> float | None:
        """The newest open interest, base units."""
        return self._named(symbol, exchange).open_interest

    def funding_rate(self, symbol: str | None = None, exchange: str | None = None) -> float | None:
        """The newest settled funding rate."""
        return self._named(symbol, exchange).funding_rate

    def liquidations(
        self, window_ms: int, symbol: str | None = None, exchange: str | None = None
    ) -> LiquidationSums:
        """Forced closes of the last `window_ms`, now included."""
        return self._named(symbol, exchange).liquidations(self.now_ms - window_ms)

    def heatmap(self, symbol: str | None = None, exchange: str | None = None) -> Any:
        """The newest liquidation map that was frozen at or before now."""
        return self._named(symbol, exchange).heatmap(self.now_ms)

    # --- the account -----------------------------------------------------------------------------

    @property
    def equity(self) -> Decimal:
        """Cash and open positions at the last prices."""
        return self._venue.equity

    @property
    def cash(self) -> Decimal:
        """Initial cash + realised profit − fees + funding."""
        return self._venue.cash

    def position(self, symbol: str | None = None, exchange: str | None = None) -> Decimal:
        """Base units held, negative for short."""
        market = self._named(symbol, exchange).market
        return market.scale.quantity(market.pos)

    def position_record(self, symbol: str | None = None, exchange: str | None = None) -> Position:
        """The whole position."""
        return self._venue.position(self._named(symbol, exchange).market)

    def orders(self, symbol: str | None = None, exchange: str | None = None) -> list[Order]:
        """The orders that are not final, oldest first."""
        pending = self._venue.pending()
        if symbol is None and exchange is None:
            return pending
        lane = self._named(symbol, exchange)
        return [
            one
            for one in pending
            if (one.request.exchange, one.request.symbol) == (lane.exchange, lane.symbol)
        ]

    # --- orders ----------------------------------------------------------------------------------

    def buy(self, quantity: Decimal | None = None, **how: Any) -> str:
        """Buys; arguments as of the contract."""
        return self._order(Side.BUY, quantity, **how)

    def sell(self, quantity: Decimal | None = None, **how: Any) -> str:
        """Sells; arguments as of the contract."""
        return self._order(Side.SELL, quantity, **how)

    def place(
        self,
        side: Side,
        quantity: Decimal,
        *,
        symbol: str | None = None,
        exchange: str | None = None,
        price: Decimal | None = None,
        reduce_only: bool = False,
    ) -> str:
        """The short form of `buy` and `sell`, by side."""
        return self._order(
            side, quantity, symbol=symbol, exchange=exchange, price=price, reduce_only=reduce_only
        )

    def _order(
        self,
        side: Side,
        quantity: Decimal | None,
        *,
        equity_fraction: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        stop_loss: Decimal | None = None,
        take_profit: Decimal | None = None,
        symbol: str | None = None,
        exchange: str | None = None,
        reduce_only: bool = False,
        post_only: bool = False,
        time_in_force: TimeInForce = TimeInForce.GTC,
        client_order_id: str | None = None,
    ) -> str:
        lane = self._named(symbol, exchange)
        if trigger_price is None:
            kind = OrderType.MARKET if price is None else OrderType.LIMIT
        else:
            kind = OrderType.STOP if price is None else OrderType.STOP_LIMIT
        request = OrderRequest(
            exchange=lane.exchange,
            symbol=lane.symbol,
            side=_side(side),
            order_type=kind,
            quantity=quantity,
            price=price,
            trigger_price=trigger_price,
            reduce_only=reduce_only,
            post_only=post_only,
            time_in_force=time_in_force,
            client_order_id=client_order_id,
        )
        if stop_loss is None and take_profit is None:
            return self.submit(request, equity_fraction=equity_fraction)
        return self.place_bracket(
            bracket_of(request, stop_loss, take_profit), equity_fraction=equity_fraction
        )

    def submit(self, request: OrderRequest, *, equity_fraction: Decimal | None = None) -> str:
        """Hands any order over; gives its client id."""
        return self._venue.submit(request, equity_fraction=equity_fraction).client_order_id

    def place_bracket(
        self, bracket: BracketRequest, *, equity_fraction: Decimal | None = None
    ) -> str:
        """Places an entry with its exits; gives the client id of the entry."""
        entry, _, _ = self._venue.submit_bracket(bracket, equity_fraction=equity_fraction)
        return entry.client_order_id

    def cancel(self, order: str | WorkingOrder) -> bool:
        """Cancels an order by client id or handle."""
        return self._venue.cancel(order)

    def cancel_all(self, symbol: str | None = None, exchange: str | None = None) -> int:
        """Cancels the orders of one contract, or all when none is named."""
        if symbol is None and exchange is None:
            return self._venue.cancel_all()
        return self._venue.cancel_all(self._named(symbol, exchange).market)

    def amend(
        self,
        order: str | WorkingOrder,
        *,
        price: Decimal | None = None,
        quantity: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> bool:
        """Changes a live order, all or nothing."""
        return self._venue.amend(order, price=price, quantity=quantity, trigger_price=trigger_price)

    def quote(
        self,
        is_buy: bool,
        ticks: int,
        lots: int,
        *,
        post_only: bool = False,
        contract: PaperMarket | None = None,
        instead_of: WorkingOrder | None = None,
    ) -> WorkingOrder:
        """Places a limit order in whole ticks and steps, in place of another one that waits."""
        market = contract or self.lane.market
        if instead_of is None:
            return self._place_limit(market, is_buy, ticks, lots, post_only)
        return self._replace_limit(instead_of, market, is_buy, ticks, lots, post_only)

    def contract(self, symbol: str | None = None, exchange: str | None = None) -> PaperMarket:
        """The handle of a contract for `quote`."""
        return self._named(symbol, exchange).market


def _side(given: Side | str) -> Side:
    """The side, also by its word.

    Raises:
        RequestError: another word.
    """
    try:
        return Side(given)
    except ValueError:
        raise RequestError("side", given, "buy or sell") from None


def bracket_of(
    entry: OrderRequest, stop_loss: Decimal | None, take_profit: Decimal | None
) -> BracketRequest:
    """An entry with exits at fractions of its first fill's price.

    Args:
        entry: opens the position.
        stop_loss: distance of a stop; None for none.
        take_profit: distance of a take-profit, which fills at the market once it is reached.
    """
    away = Side.SELL if entry.side is Side.BUY else Side.BUY

    def exit_of(kind: OrderType, distance: Decimal | None) -> OrderRequest | None:
        if distance is None:
            return None
        return OrderRequest(
            exchange=entry.exchange, symbol=entry.symbol, side=away, order_type=kind
        )

    return BracketRequest(
        entry=entry,
        stop=exit_of(OrderType.STOP, stop_loss),
        target=exit_of(OrderType.TAKE_PROFIT, take_profit),
        stop_fraction=stop_loss,
        target_fraction=take_profit,
    )
