"""Where orders from outside enter the simulated exchange: checks, matching, single fills.

The desk knows owners by name only. Balances, margin and fees belong to whoever keeps accounts; it
asks them before it hands a ticket in.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.simulator.market import Market
from headwater.simulator.matching import MAX_OPEN_ORDERS_PER_OWNER, Placement, TooManyOrders
from headwater.simulator.orders import (
    BACKGROUND_OWNERS,
    Execution,
    OrderAnswer,
    OrderState,
    Ticket,
)

MAX_EXECUTIONS_PER_OWNER = 10_000
"""Single fills that wait for an owner to take them; the oldest are dropped and counted."""

MAX_OWNERS = 1_000
"""Owners whose fills are kept; tickets of further ones are refused."""

MAX_NOTIONAL = 50_000_000
"""Largest order, USDT at its price (a market order: at the last price)."""

PRICE_BAND = Decimal("0.10")
"""How far beyond the mark price a limit order may buy dearer or sell cheaper, a fraction."""

_MAX_STEPS: Final = 10**15


class OrderDesk:
    """Takes tickets, gives answers and keeps the fills of owners until they take them.

    Attributes:
        dropped: executions dropped because their owner did not take them in time.
    """

    def __init__(self) -> None:
        self._executions: dict[str, deque[Execution]] = {}
        self.dropped = 0

    def submit(self, market: Market, ticket: Ticket, now_ms: int) -> OrderAnswer:
        """Checks a ticket, matches it at once and tells what became of it.

        Args:
            market: the symbol's market.
            ticket: the order.
            now_ms: venue time; prints carry it and go out with the next step.

        Raises:
            RequestError: quantity or price off the grid, notional out of bounds, a price beyond
                the band, a reserved owner, too many open orders or owners.
        """
        if not ticket.owner or ticket.owner in BACKGROUND_OWNERS:
            raise RequestError("owner", ticket.owner, "a name that is not reserved")
        if ticket.owner not in self._executions:
            if len(self._executions) >= MAX_OWNERS:
                raise RequestError("owner", ticket.owner, f"at most {MAX_OWNERS} owners")
            self._executions[ticket.owner] = deque()
        listing = market.listing
        lots = _whole("quantity", ticket.quantity, listing.quantity_step)
        price = None if ticket.price is None else _whole("price", ticket.price, listing.price_tick)
        _check_worth(market, ticket)
        engine = market.engine
        engine.now_ms = max(engine.now_ms, now_ms)
        already = len(engine.executions)
        try:
            placed = engine.submit(
                ticket.owner, ticket.side is Side.BUY, lots, price, ticket.time_in_force
            )
        except TooManyOrders as error:
            raise RequestError(
                "owner", ticket.owner, f"at most {MAX_OPEN_ORDERS_PER_OWNER} open orders"
            ) from error
        executions = tuple(engine.executions[already:])
        market.collect()
        self.gather([market])
        quantity = market.grid.quantity(placed.filled)
        return OrderAnswer(
            order_id=placed.order_id,
            state=_state_of(placed, lots),
            filled=placed.filled * listing.quantity_step,
            average_price=market.grid.value(placed.cost) / quantity if placed.filled else None,
            executions=executions,
        )

    def cancel(self, market: Market, order_id: int, owner: str) -> bool:
        """Takes an owner's resting order back; False when it has none of that number."""
        order = market.engine.orders.get(order_id)
        if order is None or order.owner != owner:
            return False
        return market.engine.cancel(order_id) > 0

    def gather(self, markets: Iterable[Market]) -> None:
        """Sorts the engines' executions by owner."""
        for market in markets:
            executions = market.engine.executions
            for execution in executions:
                for owner in {execution.taker_owner, execution.maker_owner}:
                    kept = self._executions.get(owner)
                    if kept is None:
                        continue
                    kept.append(execution)
                    if len(kept) > MAX_EXECUTIONS_PER_OWNER:
                        kept.popleft()
                        self.dropped += 1
            executions.clear()

    def take(self, owner: str) -> list[Execution]:
        """Hands over and forgets an owner's executions, in order per symbol."""
        kept = self._executions.get(owner)
        if not kept:
            return []
        taken = list(kept)
        kept.clear()
        return taken


def _whole(field: str, value: Decimal, step: Decimal) -> int:
    """How many steps a value is.

    Raises:
        RequestError: not a positive whole number of steps.
    """
    count = value / step if value.is_finite() else Decimal(0)
    if count <= 0 or count != count.to_integral_value() or count > _MAX_STEPS:
        raise RequestError(field, value, f"a positive multiple of {step}")
    return int(count)


def _check_worth(market: Market, ticket: Ticket) -> None:
    """Holds an order's notional and price against the bounds.

    Raises:
        RequestError: too small, too large, or priced beyond the band.
    """
    listing = market.listing
    last = Decimal(market.last_ticks) * listing.price_tick
    notional = (last if ticket.price is None else ticket.price) * ticket.quantity
    if not listing.min_notional <= notional <= MAX_NOTIONAL:
        allowed = f"worth {listing.min_notional} to {MAX_NOTIONAL}"
        raise RequestError("quantity", ticket.quantity, allowed)
    if ticket.price is None:
        return
    mark = Decimal(round(market.pricer.mark)) * listing.price_tick
    if ticket.side is Side.BUY and ticket.price > mark * (1 + PRICE_BAND):
        raise RequestError("price", ticket.price, f"at most {mark * (1 + PRICE_BAND)}")
    if ticket.side is Side.SELL and ticket.price < mark * (1 - PRICE_BAND):
        raise RequestError("price", ticket.price, f"at least {mark * (1 - PRICE_BAND)}")


def _state_of(placed: Placement, lots: int) -> OrderState:
    """State of an order after arrival."""
    if placed.filled == lots:
        return OrderState.FILLED
    if placed.resting:
        return OrderState.PARTIALLY_FILLED if placed.filled else OrderState.OPEN
    return OrderState.EXPIRED
