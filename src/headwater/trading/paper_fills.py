"""One execution: position, cash, fees, margin and the event, in whole units."""

from headwater.core.order_kinds import AccountEventKind, OrderEventKind, OrderReason, OrderState
from headwater.trading.paper_contract import money
from headwater.trading.paper_margin import (
    equity,
    free_margin,
    set_aside,
    update_margin,
    update_reserve,
    update_thresholds,
)
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_state import FINAL, PaperState


def opening_lots(market: PaperMarket, order: WorkingOrder, lots: int) -> int:
    """How many steps of a fill open a position; the others close one."""
    pos = market.pos
    if pos and (pos > 0) != order.is_buy:
        return max(0, lots - abs(pos))
    return lots


def margin_shortfall(state: PaperState, order: WorkingOrder, lots: int, ticks: int) -> str | None:
    """What is missing for a taker fill to open its part of a position.

    Args:
        state: the account.
        order: whose own reservation counts as free.
        lots: steps to fill.
        ticks: at this price.

    Returns:
        The figures; None when there is enough or nothing is opened.
    """
    market = order.market
    opening = opening_lots(market, order, lots)
    if not opening:
        return None
    notional = market.scale.notional(opening * ticks)
    fee = market.scale.notional(lots * ticks) * market.taker_n // market.taker_d
    needed = -(-notional * market.leverage_d // market.leverage_n) + max(0, fee)
    reserved = order.reserved
    if reserved:
        set_aside(market, order, -reserved)
        update_reserve(state, market)
    free = free_margin(state)
    closing = lots - opening
    if closing:
        free += market.margin  # what is turned around frees its margin first
    if reserved:
        set_aside(market, order, reserved)
        update_reserve(state, market)
    if needed <= free:
        return None
    return f"needs {money(needed)}, free {money(free)} {state.currency}"


def execute(
    state: PaperState,
    order: WorkingOrder,
    lots: int,
    ticks: int,
    is_maker: bool,
    reason: OrderReason,
    fee: int | None = None,
) -> None:
    """Books a fill and logs it. What it means for other orders is `paper_links.after_fill`.

    Args:
        state: the account.
        order: that fills.
        lots: steps, at most its rest.
        ticks: price.
        is_maker: whether the maker or the taker rate applies.
        reason: which rule filled it.
        fee: atto instead of that of the rates.
    """
    market = order.market
    notional = lots * ticks * market.scale.unit_n // market.scale.unit_d
    if fee is None:
        if is_maker:
            fee = -(-notional * market.maker_n // market.maker_d)
        else:
            fee = -(-notional * market.taker_n // market.taker_d)
    realised = _change_position(market, order.is_buy, lots, ticks, notional)
    state.cash += realised - fee
    market.realised += realised
    market.fees += fee
    if market.pos:
        state.open[market.index] = market
    else:
        state.open.pop(market.index, None)
    order.filled += lots
    order.filled_units += lots * ticks
    order.fee_atto += fee
    if order.reserved:
        set_aside(market, order, -min(lots, order.reserved))
    update_margin(state, market)
    update_reserve(state, market)
    state.fills += 1
    facts = (state.fills, ticks, lots, fee, realised, is_maker)
    if order.filled >= order.lots:
        market.remove(order)
        market.reducers.pop(order.number, None)
        state.note_fill(OrderEventKind.FILLED, reason, order, facts)
        state.finish(order, OrderState.FILLED)
    else:
        order.state = OrderState.PARTIALLY_FILLED
        state.note_fill(OrderEventKind.PARTIALLY_FILLED, reason, order, facts)
    update_thresholds(state, market)
    check_solvency(state)


def _change_position(
    market: PaperMarket, is_buy: bool, lots: int, ticks: int, notional: int
) -> int:
    """Moves the position; returns the realised profit, atto."""
    pos = market.pos
    signed = lots if is_buy else -lots
    market.pos = pos + signed
    if not pos or (pos > 0) == is_buy:
        market.cost += notional
        return 0
    size = abs(pos)
    closing = min(size, lots)
    if closing == lots:
        closed_value, rest = notional, 0
    else:
        closed_value = market.scale.notional(closing * ticks)
        rest = notional - closed_value
    closed_cost = market.cost * closing // size
    market.cost += rest - closed_cost
    market.adjustment -= market.adjustment * closing // size
    return closed_value - closed_cost if pos > 0 else closed_cost - closed_value


def check_solvency(state: PaperState) -> None:
    """Says once when nothing is left: equity of 0 or less."""
    if state.is_insolvent or (state.cash > 0 and not state.open):
        return
    left = equity(state)
    if left > 0 or (left == 0 and state.initial == 0):
        return
    state.is_insolvent = True
    state.deficit = -left
    state.note_account(
        AccountEventKind.INSOLVENCY,
        None,
        left,
        f"equity is {money(left)} {state.currency}: the account is ruined, "
        "only reduce-only orders are taken from now on",
    )


def end_order(
    state: PaperState,
    order: WorkingOrder,
    final: OrderState,
    reason: OrderReason,
    figures: str = "",
) -> None:
    """Ends an order that works or waits: out of every list, its margin freed, logged.

    Args:
        state: the account.
        order: not final.
        final: cancelled, expired or rejected.
        reason: why.
        figures: added to the reason's text.
    """
    if order.state in FINAL:
        return
    market = order.market
    market.remove(order)
    if order.reserved:
        set_aside(market, order, -order.reserved)
        update_reserve(state, market)
    if market.reducers:
        market.reducers.pop(order.number, None)
    plan = order.plan
    if plan is not None and plan.group is not None:
        members = market.groups.get(plan.group)
        if members is not None:
            members.pop(order.number, None)
            if not members:
                del market.groups[plan.group]
    if market.arrivals and order in market.arrivals:
        market.arrivals.remove(order)
    kind = _ENDINGS[final]
    state.note(kind, reason, order, figures or None)
    state.finish(order, final)
    market.refresh()


_ENDINGS = {
    OrderState.CANCELLED: OrderEventKind.CANCELLED,
    OrderState.EXPIRED: OrderEventKind.EXPIRED,
    OrderState.REJECTED: OrderEventKind.REJECTED,
}
