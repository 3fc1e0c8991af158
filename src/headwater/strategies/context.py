"""What the event form of a strategy sees and acts through.

A contract: back-tests over tapes, paper runs on the simulated exchanges and live trading each hand
in an object of this shape.
"""

from decimal import Decimal
from typing import Any, Protocol

from headwater.core.enums import Side
from headwater.strategies.growing_bars import GrowingBars

__all__ = ["StrategyContext"]


class StrategyContext(Protocol):
    """The moment of an event: what is known now, and the account's orders.

    Attributes:
        now_ms: time of the event, ms since the epoch.
        exchange: venue of the event.
        symbol: canonical symbol of the event.
        event: the record that was heard; None for a bar's close.
    """

    now_ms: int
    exchange: str
    symbol: str
    event: Any

    @property
    def bars(self) -> GrowingBars:
        """The closed bars of the event's symbol on its venue."""
        ...

    @property
    def equity(self) -> Decimal:
        """Cash and open positions at the last prices, quote currency."""
        ...

    def position(self, symbol: str | None = None, exchange: str | None = None) -> Decimal:
        """Base units held, negative for short; of the event's contract when none is named."""
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
        """Hands an order over; what becomes of it is told by `on_fill` and by `position`.

        Args:
            side: buy or sell.
            quantity: base units, > 0; the receiver rounds it down to the contract's step.
            symbol: canonical symbol; the event's when it is not named.
            exchange: venue id; the event's when it is not named.
            price: limit, quote currency; None takes what is there.
            reduce_only: may only make a position smaller.

        Returns:
            The order's client id.

        Raises:
            RequestError: no such contract, or a quantity or price that no order has.
        """
        ...
