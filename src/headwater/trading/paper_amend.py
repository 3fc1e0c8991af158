"""Amending orders that work: price, quantity and trigger, all or nothing."""

from decimal import Decimal

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState, OrderType
from headwater.trading.paper_links import enforce_reduce_only
from headwater.trading.paper_margin import (
    exceeds_tiers,
    free_margin,
    set_aside,
    settle_reserve,
    update_reserve,
)
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_resting import MARKET_KINDS, arm, is_marketable, rest
from headwater.trading.paper_state import PaperState


def amend_order(
    state: PaperState,
    order: WorkingOrder,
    *,
    price: Decimal | None,
    quantity: Decimal | None,
    trigger_price: Decimal | None,
) -> bool:
    """Changes an order that works, all or nothing.

    It keeps its place in the queue only when it becomes smaller at the same price.

    Args:
        state: the account.
        order: not final.
        price: new limit price of a limit type.
        quantity: new whole quantity, filled part included.
        trigger_price: new trigger of an order that has one and was not triggered.

    Returns:
        Whether it was changed; if not, the order works on as it was.

    Raises:
        RequestError: nothing to change, or a change that this type of order does not have.
    """
    scale, plan = order.market.scale, order.plan
    _check_amendment(order, price, quantity, trigger_price)
    ticks, lots = order.ticks, order.lots
    trigger = plan.trigger_ticks if plan is not None else None
    if price is not None:
        ticks = scale.ticks_of(price, up=not order.is_buy)
    if quantity is not None:
        lots = scale.lots_of(quantity)
    if trigger_price is not None:
        is_stop = order.kind in (OrderType.STOP, OrderType.STOP_LIMIT)
        trigger = scale.ticks_of(trigger_price, up=order.is_buy == is_stop)
        if order.kind in MARKET_KINDS:
            ticks = trigger
    if lots <= order.filled:
        figures = f"quantity {scale.quantity(lots)}, filled {scale.quantity(order.filled)}"
        state.note(OrderEventKind.AMEND_REJECTED, OrderReason.BELOW_MIN_QUANTITY, order, figures)
        return False
    return _rework(state, order, ticks, lots, trigger)


def _check_amendment(
    order: WorkingOrder,
    price: Decimal | None,
    quantity: Decimal | None,
    trigger_price: Decimal | None,
) -> None:
    plan = order.plan
    for field, value in (
        ("price", price),
        ("quantity", quantity),
        ("trigger_price", trigger_price),
    ):
        if value is not None and not (value.is_finite() and value > 0):
            raise RequestError(field, value, "a finite number above 0")
    if price is None and quantity is None and trigger_price is None:
        raise RequestError("price", None, "a price, a quantity or a trigger_price to change")
    if price is not None and order.kind in MARKET_KINDS:
        raise RequestError("price", price, f"not for a {order.kind.value} order")
    has_trigger = plan is not None and plan.trigger_ticks is not None
    if trigger_price is not None and (
        not has_trigger
        or order.kind is OrderType.TRAILING_STOP
        or order.state is OrderState.TRIGGERED
        or order.is_resting
    ):
        raise RequestError("trigger_price", trigger_price, "only of a trigger not yet reached")
    if quantity is not None and plan is not None and plan.parent is not None:
        raise RequestError("quantity", quantity, "none: an exit has what its entry filled")


def _rework(
    state: PaperState, order: WorkingOrder, ticks: int, lots: int, trigger: int | None
) -> bool:
    market, plan = order.market, order.plan
    refused = _refusal(state, order, ticks, lots)
    if refused is not None:
        state.note(OrderEventKind.AMEND_REJECTED, refused[0], order, refused[1])
        return False
    keeps_place = ticks == order.ticks and lots <= order.lots
    keeps_place &= plan is None or trigger == plan.trigger_ticks
    if order.reserved:
        set_aside(market, order, -order.reserved)
    order.ticks, order.price = ticks, market.scale.float_price(ticks)
    order.lots = lots
    if not order.reduce_only and order.state is not OrderState.WAITING:
        set_aside(market, order, lots - order.filled)
    update_reserve(state, market)
    if plan is not None and trigger is not None and order.kind is not OrderType.TRAILING_STOP:
        plan.trigger_ticks, plan.trigger = trigger, market.scale.float_price(trigger)
    state.note(OrderEventKind.AMENDED, OrderReason.REQUESTED, order)
    if not keeps_place and order.key is not None:
        market.remove(order)
        state.numbers += 1
        order.seq = state.numbers
        was_resting, order.is_resting = order.is_resting, False
        if was_resting and market.is_tape and not is_marketable(order):
            rest(order)
        elif was_resting:
            market.arrivals.append(order)
        else:
            arm(state, order)
    if order.reduce_only and order.state is not OrderState.WAITING:
        enforce_reduce_only(state, market)
    market.refresh()
    return True


def _refusal(
    state: PaperState, order: WorkingOrder, ticks: int, lots: int
) -> tuple[OrderReason, str] | None:
    """Why the order cannot become that; nothing is changed."""
    market, scale = order.market, order.market.scale
    left = lots - order.filled
    if lots < market.min_lots and not order.reduce_only:
        return OrderReason.BELOW_MIN_QUANTITY, f"{scale.quantity(lots)} after rounding"
    if ticks <= 0:
        return OrderReason.BELOW_MIN_NOTIONAL, "the price rounds to 0"
    if order.reduce_only or order.state is OrderState.WAITING:
        return None
    if market.min_notional and scale.notional(lots * ticks) < market.min_notional:
        return OrderReason.BELOW_MIN_NOTIONAL, f"{scale.price(lots * ticks) * scale.step}"
    settle_reserve(state)
    old_ticks, reserved, before = order.ticks, order.reserved, market.reserve
    set_aside(market, order, -reserved)
    order.ticks = ticks
    set_aside(market, order, left)
    update_reserve(state, market)
    free, grown = free_margin(state), market.reserve - before
    open_lots = market.buy_lots if order.is_buy else -market.sell_lots
    is_large = exceeds_tiers(market, market.pos + open_lots, ticks)
    set_aside(market, order, -left)
    order.ticks = old_ticks
    set_aside(market, order, reserved)
    update_reserve(state, market)
    if grown > 0 and free < 0:
        return OrderReason.INSUFFICIENT_MARGIN, f"short of {-free / 10**18:.8g} {state.currency}"
    if grown > 0 and is_large:
        return OrderReason.POSITION_LIMIT, f"at leverage {market.contract.leverage}"
    return None
