"""Orders as the simulated exchange takes them, and what it answers.

Prices and quantities at this border are decimals (they are money); `market.py` turns them into
whole ticks and lots. Knows no account, balance or fee: whoever owns accounts checks those first.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from headwater.core.enums import Side

MAKERS = "makers"
"""Owner of the market makers' resting orders."""

CROWD = "crowd"
"""Owner of the background traders' taker orders."""

LIQUIDATOR = "liquidator"
"""Owner of forced closing orders."""

BACKGROUND_OWNERS = frozenset({MAKERS, CROWD, LIQUIDATOR})
"""Owners whose single fills are not kept: only prints tell of them."""


class TimeInForce(StrEnum):
    """What happens to the part of a limit order that does not fill at once."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class OrderState(StrEnum):
    """State of an order after the exchange has looked at it; unknown states do not exist here.

    `expired` is an order that ended without resting: IOC and market remainders, a fill-or-kill
    that could not fill, a post-only order that would have taken.
    """

    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    EXPIRED = "expired"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be placed.

    Attributes:
        symbol: canonical symbol.
        owner: who places it, any text outside `BACKGROUND_OWNERS`.
        side: buy or sell.
        quantity: base units, a positive multiple of the quantity step.
        price: limit price, a positive multiple of the tick; None for a market order.
        time_in_force: rule for the remainder of a limit order (a market order never rests).
    """

    symbol: str
    owner: str
    side: Side
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC


class Execution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One single fill in which an owner outside the background took part.

    Attributes:
        fill_id: counted without holes per symbol.
        symbol: canonical symbol.
        timestamp_ms: venue time.
        price_ticks: price in whole ticks (the maker's price).
        lots: quantity in whole lots.
        taker_side: side of the taker.
        taker_order_id: order that took.
        taker_owner: its owner.
        maker_order_id: order that rested.
        maker_owner: its owner.
    """

    fill_id: int
    symbol: str
    timestamp_ms: int
    price_ticks: int
    lots: int
    taker_side: Side
    taker_order_id: int
    taker_owner: str
    maker_order_id: int
    maker_owner: str


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a ticket when it arrived.

    Attributes:
        order_id: number the exchange gave it, rising per symbol.
        state: state after arrival.
        filled: base units filled at arrival.
        average_price: of those fills, USDT; None when nothing filled.
        executions: the single fills, in order.
    """

    order_id: int
    state: OrderState
    filled: Decimal
    average_price: float | None
    executions: tuple[Execution, ...]
