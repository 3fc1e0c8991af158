"""What a fill means for other orders: brackets, one-cancels-other groups, reduce-only orders.

The order of the rules: the exits of a bracket grow with its entry, the other members of the group
shrink or end, and at last every reduce-only order is cut to what is left of the position.
"""

from decimal import Decimal

from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState, OrderType
from headwater.trading.paper_fills import end_order
from headwater.trading.paper_margin import set_aside, update_reserve
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_resting import arm
from headwater.trading.paper_state import FINAL, PaperState


def join(order: WorkingOrder) -> None:
    """Enters an order that begins to work in its group and among the reduce-only orders."""
    market = order.market
    if order.reduce_only:
        market.reducers[order.number] = order
    plan = order.plan
    if plan is not None and plan.group is not None:
        market.groups.setdefault(plan.group, {})[order.number] = order


def after_fill(state: PaperState, order: WorkingOrder, lots: int, ticks: int) -> None:
    """Applies the rules after `order` filled `lots` at `ticks`."""
    market = order.market
    plan = order.plan
    if plan is not None:
        for child in plan.children:
            _grow(state, child, lots, ticks)
        if plan.group is not None:
            _shrink_group(state, market, order, plan.group, lots)
        if plan.parent is not None and order.state is OrderState.FILLED:
            # The other exit ends with this one, so what the entry would still fill had none.
            end_order(state, plan.parent, OrderState.CANCELLED, OrderReason.EXIT_FILLED)
    if market.reducers:
        enforce_reduce_only(state, market)
    market.refresh()


def _grow(state: PaperState, child: WorkingOrder, lots: int, ticks: int) -> None:
    if child.state in FINAL:
        return
    child.lots += lots
    if child.state is not OrderState.WAITING:
        state.note(OrderEventKind.GROWN, OrderReason.PARENT_FILLED, child)
        return
    plan = child.plan
    if plan is not None and plan.offset is not None:
        _price_from_entry(child, plan.offset, ticks)
    child.state = OrderState.ACCEPTED
    state.note(OrderEventKind.ACTIVATED, OrderReason.PARENT_FILLED, child)
    join(child)
    arm(state, child, is_child=True)


def _price_from_entry(child: WorkingOrder, offset: Decimal, ticks: int) -> None:
    """Sets an exit's price as a fraction away from the entry's, rounded towards the entry."""
    scale = child.market.scale
    wanted = scale.price(ticks) * (1 + offset)
    price = max(1, scale.ticks_of(wanted, up=offset < 0))
    plan = child.plan
    if child.kind is OrderType.LIMIT or plan is None:
        child.ticks, child.price = price, scale.float_price(price)
    else:
        child.ticks = price
        plan.trigger_ticks, plan.trigger = price, scale.float_price(price)


def _shrink_group(
    state: PaperState, market: PaperMarket, order: WorkingOrder, group: str, lots: int
) -> None:
    members = market.groups.get(group)
    if members is None:
        return
    if order.state in FINAL:
        members.pop(order.number, None)
    for other in list(members.values()):
        if other is order:
            continue
        _note_ambiguity(state, market, other)
        if order.state is OrderState.FILLED or other.lots - lots <= other.filled:
            end_order(state, other, OrderState.CANCELLED, OrderReason.OCO_FILLED)
        else:
            shrink(state, other, lots, OrderReason.OCO_PARTIALLY_FILLED)
    if not members:
        market.groups.pop(group, None)


def shrink(state: PaperState, order: WorkingOrder, lots: int, reason: OrderReason) -> None:
    """Takes steps off an order that keeps some to fill."""
    order.lots -= lots
    if order.reserved:
        set_aside(order.market, order, -min(lots, order.reserved))
        update_reserve(state, order.market)
    state.note(OrderEventKind.SHRUNK, reason, order)


def enforce_reduce_only(state: PaperState, market: PaperMarket) -> None:
    """Cuts every reduce-only order to the position; ends those with nothing to reduce."""
    pos = market.pos
    for order in list(market.reducers.values()):
        if order.state in FINAL:
            market.reducers.pop(order.number, None)
            continue
        left = 0 if not pos or (pos > 0) == order.is_buy else abs(pos)
        if left == 0:
            _note_ambiguity(state, market, order)
            end_order(state, order, OrderState.CANCELLED, OrderReason.POSITION_CLOSED)
        elif order.lots and order.lots - order.filled > left:
            excess = order.lots - order.filled - left
            shrink(state, order, excess, OrderReason.POSITION_SHRANK)


def _note_ambiguity(state: PaperState, market: PaperMarket, order: WorkingOrder) -> None:
    """Counts the bar if the order that a fill ends here lies within the bar's range as well."""
    if not market.phase:
        return
    plan = order.plan
    level = order.price if plan is None or plan.trigger_ticks is None else plan.trigger
    if order.kind is OrderType.TRAILING_STOP:
        return
    if market.bar_low <= level <= market.bar_high:
        state.note_ambiguous(market)


def end_children(state: PaperState, parent: WorkingOrder) -> None:
    """Ends the exits of an entry that ended without a fill."""
    plan = parent.plan
    if plan is None or parent.filled:
        return
    for child in plan.children:
        end_order(state, child, OrderState.CANCELLED, OrderReason.PARENT_ENDED)
