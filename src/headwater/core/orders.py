"""Orders as every part speaks of them: request, bracket, order, fill, position, events.

Prices and quantities are `Decimal`: quote currency per base unit, and base units. An order has two
names for life: `client_order_id`, chosen by us before it is sent, and `venue_order_id`, given by
the venue. The states and their table stand in `core/order_kinds.py`.
"""

from decimal import Decimal

import msgspec

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import (
    AccountEventKind,
    Liquidity,
    MarginMode,
    OrderEventKind,
    OrderReason,
    OrderState,
    OrderType,
    TimeInForce,
)

CLIENT_ORDER_ID_MAX = 64
"""Longest client order id; venues allow 32 to 64 characters."""

LIMIT_TYPES = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
"""Types that carry a limit price."""

TRIGGER_TYPES = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)
"""Types that carry a fixed trigger price."""


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a venue. `check_order_request` says whether it makes sense.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        side: buy or sell.
        order_type: see `OrderType`.
        quantity: base units, > 0; None where `quote_quantity` or a bracket decides.
        quote_quantity: of market orders instead of `quantity`: quote currency to spend, fee
            included; the quantity follows from the price of the fill.
        price: limit price of the limit types, > 0; else None.
        trigger_price: last price at which the stop and take-profit types awake; else None.
        trailing_distance: of a trailing stop, quote currency between best price and trigger.
        trailing_fraction: the same as a fraction of the best price, in (0, 1); one of the two.
        time_in_force: `ioc` and `fok` only with limit types and market orders.
        post_only: refuse it rather than let it take liquidity; only with limit types and `gtc`.
        reduce_only: may only make a position smaller; never opens or turns one.
        client_order_id: our name for it; None lets the receiver choose.
        oco_group: orders of one contract with the same text cancel (and, filled in part, shrink)
            each other.
    """

    exchange: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trailing_distance: Decimal | None = None
    trailing_fraction: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    client_order_id: str | None = None
    oco_group: str | None = None


class BracketRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with its two exits, each of which cancels the other.

    The exits work for what the entry has filled so far, reduce-only. Their `quantity` is None. The
    price of an exit is either in its request or, by a fraction here, counted from the first fill.

    Attributes:
        entry: opens the position.
        stop: exit at a loss: stop, stop_limit or trailing_stop of the other side; None for none.
        target: exit with a profit: limit, take_profit or take_profit_limit; None for none.
        stop_fraction: of the first fill's price, in (0, 1): the trigger of `stop` is that far on
            the losing side; then its request has no prices.
        target_fraction: likewise of `target`, > 0, on the winning side.
    """

    entry: OrderRequest
    stop: OrderRequest | None = None
    target: OrderRequest | None = None
    stop_fraction: Decimal | None = None
    target_fraction: Decimal | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order at one moment of its life.

    Attributes:
        request: as it was asked for; price and quantity below are what it came to.
        client_order_id: our name for it.
        venue_order_id: the venue's; None before the venue gave one.
        state: see `OrderState`.
        reason: of the last change.
        quantity: base units, rounded, after amendments and shrinking; 0 while not yet sized.
        filled_quantity: base units, ≤ `quantity`.
        average_price: of its fills; None without any.
        price: limit price, rounded; None for the others.
        trigger_price: where it awakes now (of a trailing stop: the moving one).
        fee: paid so far, positive = paid.
        parent_client_order_id: entry of its bracket.
        created_at_ms: when it was asked for.
        updated_at_ms: when it last changed.
    """

    request: OrderRequest
    client_order_id: str
    venue_order_id: str | None
    state: OrderState
    reason: OrderReason
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    fee: Decimal
    parent_client_order_id: str | None
    created_at_ms: int
    updated_at_ms: int


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an order of ours.

    Attributes:
        fill_id: unique within the account.
        client_order_id: of the order.
        venue_order_id: of the order.
        exchange: venue id.
        symbol: canonical symbol.
        side: of the order.
        price: quote currency per base unit.
        quantity: base units, > 0.
        fee: positive = paid, negative = rebate.
        fee_currency: what the fee is in.
        liquidity: maker or taker.
        reason: which rule filled it.
        realised_pnl: profit of the part that closed a position, before fees.
        at_ms: venue time.
    """

    fill_id: str
    client_order_id: str
    venue_order_id: str
    exchange: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    reason: OrderReason
    realised_pnl: Decimal
    at_ms: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of the fills of one contract.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        quantity: base units, signed: positive long, negative short, 0 flat.
        entry_price: average of what is open, rounded below 10⁻¹⁸; None when flat.
        mark_price: price it is valued at; None before any price.
        unrealised_pnl: at the mark price.
        realised_pnl: of everything closed so far, before fees and funding.
        fees: paid so far.
        funding: received so far, negative = paid.
        margin_mode: isolated or cross.
        leverage: entry notional over initial margin.
        margin: initial margin set aside; of an isolated position with funding since it opened.
        liquidation_price: mark price at which it is liquidated, the rest unchanged; None without.
    """

    exchange: str
    symbol: str
    quantity: Decimal
    entry_price: Decimal | None
    mark_price: float | None
    unrealised_pnl: Decimal
    realised_pnl: Decimal
    fees: Decimal
    funding: Decimal
    margin_mode: MarginMode
    leverage: Decimal
    margin: Decimal
    liquidation_price: float | None


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change in the life of an order.

    Attributes:
        sequence: number within the account, from 1 without holes.
        at_ms: venue time.
        kind: what happened.
        reason: why.
        text: the reason in words, with its figures.
        exchange: venue id.
        symbol: canonical symbol.
        client_order_id: of the order.
        venue_order_id: of the order; None where it never got one.
        quantity: of the order after the event, base units.
        filled_quantity: of the order after the event, base units.
        fill: the execution, of the two kinds of fill; else None.
    """

    sequence: int
    at_ms: int
    kind: OrderEventKind
    reason: OrderReason
    text: str
    exchange: str
    symbol: str
    client_order_id: str
    venue_order_id: str | None
    quantity: Decimal
    filled_quantity: Decimal
    fill: Fill | None = None


class AccountEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an account that no order of its owner made.

    Attributes:
        sequence: in one count with the order events.
        at_ms: venue time.
        kind: funding, liquidation or insolvency.
        exchange: venue id; empty for the account as a whole.
        symbol: canonical symbol; empty for the account as a whole.
        amount: change of cash (funding, liquidation with its fee) or equity left (insolvency).
        text: in words, with figures.
    """

    sequence: int
    at_ms: int
    kind: AccountEventKind
    exchange: str
    symbol: str
    amount: Decimal
    text: str


def _positive(field: str, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value > 0):
        raise RequestError(field, value, "a finite number above 0")


def _presence(field: str, value: object, wanted: bool, order_type: OrderType) -> None:
    if wanted and value is None:
        raise RequestError(field, value, f"needed for a {order_type.value} order")
    if not wanted and value is not None:
        raise RequestError(field, value, f"not for a {order_type.value} order: leave it out")


def check_order_request(request: OrderRequest, *, is_sized: bool = True) -> OrderRequest:
    """Refuses a request that no venue could understand; needs no contract and no market.

    Args:
        request: to check.
        is_sized: whether it must say how much; False for the exits of a bracket and for orders
            that are sized at their fill.

    Returns:
        The request.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    kind = request.order_type
    for field in ("quantity", "quote_quantity", "price", "trigger_price", "trailing_distance"):
        _positive(field, getattr(request, field))
    fraction = request.trailing_fraction
    if fraction is not None and not (fraction.is_finite() and 0 < fraction < 1):
        raise RequestError("trailing_fraction", fraction, "a fraction above 0 and below 1")
    if request.quote_quantity is not None and (
        kind is not OrderType.MARKET or request.quantity is not None
    ):
        raise RequestError(
            "quote_quantity", request.quote_quantity, "of market orders, instead of quantity"
        )
    if is_sized and request.quantity is None and request.quote_quantity is None:
        raise RequestError("quantity", None, "base units above 0")
    _presence("price", request.price, kind in LIMIT_TYPES, kind)
    _presence("trigger_price", request.trigger_price, kind in TRIGGER_TYPES, kind)
    trails = (request.trailing_distance is not None) + (fraction is not None)
    if trails != (kind is OrderType.TRAILING_STOP):
        raise RequestError(
            "trailing_distance",
            request.trailing_distance,
            "it or trailing_fraction, and only for a trailing_stop order",
        )
    immediate = request.time_in_force is not TimeInForce.GTC
    if immediate and kind not in LIMIT_TYPES and kind is not OrderType.MARKET:
        raise RequestError("time_in_force", request.time_in_force, f"gtc for a {kind.value} order")
    if request.post_only and (immediate or kind not in LIMIT_TYPES):
        raise RequestError("post_only", True, "only limit types with time_in_force gtc")
    name = request.client_order_id
    if name is not None and not 0 < len(name) <= CLIENT_ORDER_ID_MAX:
        raise RequestError("client_order_id", name, f"1 to {CLIENT_ORDER_ID_MAX} characters")
    return request


_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_TARGETS = frozenset({OrderType.LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


def _check_exit(
    field: str, exit_: OrderRequest, entry: OrderRequest, allowed: frozenset[OrderType]
) -> None:
    if exit_.order_type not in allowed:
        raise RequestError(f"{field}.order_type", exit_.order_type, ", ".join(sorted(allowed)))
    if exit_.side is entry.side:
        raise RequestError(f"{field}.side", exit_.side, "the other side than the entry's")
    if (exit_.exchange, exit_.symbol) != (entry.exchange, entry.symbol):
        raise RequestError(f"{field}.symbol", exit_.symbol, "the contract of the entry")
    if exit_.quantity is not None or exit_.quote_quantity is not None:
        raise RequestError(f"{field}.quantity", exit_.quantity, "none: the entry's fills decide")


def check_bracket_request(bracket: BracketRequest, *, is_sized: bool = True) -> BracketRequest:
    """Refuses a bracket that makes no sense.

    Args:
        bracket: to check.
        is_sized: as in `check_order_request`, of the entry.

    Returns:
        The bracket.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    check_order_request(bracket.entry, is_sized=is_sized)
    if bracket.entry.reduce_only:
        raise RequestError("entry.reduce_only", True, "false: an entry opens a position")
    if bracket.stop is None and bracket.target is None:
        raise RequestError("stop", None, "a stop, a target or both")
    pairs = (
        ("stop", bracket.stop, bracket.stop_fraction, _STOPS),
        ("target", bracket.target, bracket.target_fraction, _TARGETS),
    )
    for field, exit_, fraction, allowed in pairs:
        if exit_ is None:
            if fraction is not None:
                raise RequestError(f"{field}_fraction", fraction, f"none without a {field}")
            continue
        _check_exit(field, exit_, bracket.entry, allowed)
        if fraction is None:
            check_order_request(exit_, is_sized=False)
            continue
        if not (fraction.is_finite() and fraction > 0) or (field == "stop" and fraction >= 1):
            raise RequestError(f"{field}_fraction", fraction, "a fraction above 0 (a stop's < 1)")
        if exit_.order_type not in (OrderType.STOP, OrderType.TAKE_PROFIT, OrderType.LIMIT):
            raise RequestError(f"{field}_fraction", fraction, "only stop, take_profit or limit")
        if exit_.price is not None or exit_.trigger_price is not None:
            raise RequestError(f"{field}.price", exit_.price, "none: the fraction decides")
    return bracket
