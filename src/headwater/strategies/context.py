"""What the event form of a strategy sees and acts through.

A contract: back-tests over tapes, paper runs on the simulated exchanges and live trading each hand
in an object of this shape. Nothing in it is later than `now_ms`. Where a method takes `symbol` and
`exchange`, those of the event are meant when they are left out.
"""

from decimal import Decimal
from typing import Any, Protocol

import msgspec

from headwater.core.enums import Side
from headwater.core.order_kinds import TimeInForce
from headwater.core.orders import BracketRequest, Order, OrderRequest, Position
from headwater.strategies.growing_bars import GrowingBars

__all__ = ["LiquidationSums", "OrderHandle", "StrategyContext"]

OrderHandle = Any
"""A live order as `quote` gives it: hand it back to `cancel`, read nothing of it but `state`."""


class LiquidationSums(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Forced closes of one contract within a window of time.

    Attributes:
        long_usd: value of the long positions that were closed, USD.
        short_usd: likewise of the short ones.
        count: how many closes.
    """

    long_usd: float
    short_usd: float
    count: int


class StrategyContext(Protocol):
    """The moment of an event: what is known now, and the account's orders.

    Attributes:
        now_ms: time of the event, ms since the epoch.
    """

    now_ms: int

    @property
    def exchange(self) -> str:
        """Venue of the event."""
        ...

    @property
    def symbol(self) -> str:
        """Canonical symbol of the event."""
        ...

    @property
    def event(self) -> Any:
        """The record that was heard; None for a bar's close and for the start."""
        ...

    # --- what is known ---------------------------------------------------------------------------

    @property
    def bars(self) -> GrowingBars:
        """The closed bars of the event's symbol on its venue."""
        ...

    def bars_of(self, symbol: str, exchange: str | None = None) -> GrowingBars:
        """The closed bars of any contract of the run."""
        ...

    def last_price(self, symbol: str | None = None, exchange: str | None = None) -> float | None:
        """Last traded price, quote currency; None before any."""
        ...

    def open_interest(self, symbol: str | None = None, exchange: str | None = None) -> float | None:
        """The newest open interest, base units; None before any."""
        ...

    def funding_rate(self, symbol: str | None = None, exchange: str | None = None) -> float | None:
        """The newest settled funding rate, fraction per interval; None before any."""
        ...

    def liquidations(
        self, window_ms: int, symbol: str | None = None, exchange: str | None = None
    ) -> LiquidationSums:
        """Forced closes of the last `window_ms`; venues throttle them: sums are lower bounds."""
        ...

    def heatmap(self, symbol: str | None = None, exchange: str | None = None) -> Any:
        """The newest liquidation map that was frozen at or before now; None without one."""
        ...

    # --- the account -----------------------------------------------------------------------------

    @property
    def equity(self) -> Decimal:
        """Cash and open positions at the last prices, quote currency."""
        ...

    @property
    def cash(self) -> Decimal:
        """Initial cash + realised profit − fees + funding, quote currency."""
        ...

    def position(self, symbol: str | None = None, exchange: str | None = None) -> Decimal:
        """Base units held, negative for short."""
        ...

    def position_record(self, symbol: str | None = None, exchange: str | None = None) -> Position:
        """The whole position: entry price, profit, margin, liquidation price."""
        ...

    def orders(self, symbol: str | None = None, exchange: str | None = None) -> list[Order]:
        """The orders that are not final, oldest first: of one contract, or of all."""
        ...

    # --- orders ----------------------------------------------------------------------------------

    def buy(
        self,
        quantity: Decimal | None = None,
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
        """Buys; what becomes of the order is told by `on_fill` and by `position`.

        Args:
            quantity: base units, > 0, rounded down to the contract's step.
            equity_fraction: instead of `quantity`, of market orders: sized at the fill so that
                notional and taker fee come to this share of the equity then.
            price: limit price; None takes what is there.
            trigger_price: last price at which a stop (with `price`: stop-limit) order awakes.
            stop_loss: fraction of the fill's price at which a stop closes what was bought.
            take_profit: likewise a take-profit; the one that fills cancels the other.
            symbol: canonical symbol.
            exchange: venue id.
            reduce_only: may only make a position smaller.
            post_only: refused rather than let take liquidity.
            time_in_force: how long it works.
            client_order_id: our name for it; the receiver chooses one when it is None.

        Returns:
            The order's client id.

        Raises:
            RequestError: no such contract, or an order that makes no sense; names the field.
        """
        ...

    def sell(
        self,
        quantity: Decimal | None = None,
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
        """Sells; arguments, answer and errors as of `buy`."""
        ...

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
        """The short form of `buy` and `sell`, by side.

        Raises:
            RequestError: no such contract, or a quantity or price that no order has.
        """
        ...

    def submit(self, request: OrderRequest, *, equity_fraction: Decimal | None = None) -> str:
        """Hands any order over; gives its client id.

        Raises:
            RequestError: no such contract, or an order that makes no sense.
        """
        ...

    def place_bracket(
        self, bracket: BracketRequest, *, equity_fraction: Decimal | None = None
    ) -> str:
        """Places an entry with its exits; gives the client id of the entry.

        Raises:
            RequestError: no such contract, or a bracket that makes no sense.
        """
        ...

    def cancel(self, order: str | OrderHandle) -> bool:
        """Cancels an order by client id or handle; False when it had ended already.

        Raises:
            RequestError: no order of that name.
        """
        ...

    def cancel_all(self, symbol: str | None = None, exchange: str | None = None) -> int:
        """Cancels the orders of one contract, or all when none is named; gives how many."""
        ...

    def amend(
        self,
        order: str | OrderHandle,
        *,
        price: Decimal | None = None,
        quantity: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> bool:
        """Changes a live order, all or nothing; False when it was refused and works on as it was.

        Raises:
            RequestError: no live order of that name, or a change that it cannot have.
        """
        ...

    def quote(
        self,
        is_buy: bool,
        ticks: int,
        lots: int,
        *,
        post_only: bool = False,
        contract: Any = None,
        instead_of: OrderHandle | None = None,
    ) -> OrderHandle:
        """Places a limit order in whole ticks and steps: the fast way, for quoting.

        Args:
            is_buy: side.
            ticks: limit price over the contract's tick, > 0.
            lots: quantity over the contract's step, > 0.
            post_only: refused rather than let take liquidity.
            contract: as `contract` gives it; None: that of the event.
            instead_of: handle of an order that is cancelled first, even if the new one is then
                refused; nothing is when it has ended already, or is None.

        Returns:
            A handle, for `cancel` and `instead_of`.
        """
        ...

    def contract(self, symbol: str | None = None, exchange: str | None = None) -> Any:
        """The handle of a contract for `quote`; its `scale.tick` and `scale.step` are its grid.

        Raises:
            RequestError: no such contract.
        """
        ...
