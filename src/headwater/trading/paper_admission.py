"""Which orders the paper venue takes: the checks between a request and a working order.

What no venue could understand raises `RequestError`; what this venue or account refuses becomes a
rejected order with its reason and figures.
"""

from decimal import Decimal
from math import inf

from headwater.core.enums import Side
from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState, OrderType
from headwater.core.orders import OrderRequest
from headwater.trading.paper_assumptions import MarketTiming
from headwater.trading.paper_contract import atto_of, money
from headwater.trading.paper_links import enforce_reduce_only, join
from headwater.trading.paper_margin import (
    exceeds_tiers,
    free_margin,
    set_aside,
    settle_reserve,
    update_reserve,
)
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_matching import arrive_all
from headwater.trading.paper_order import Plan, WorkingOrder
from headwater.trading.paper_resting import arm, is_marketable, rest
from headwater.trading.paper_state import PaperState

_ACCEPTED = OrderState.ACCEPTED
_EVENT_ACCEPTED = OrderEventKind.ACCEPTED
_REQUESTED = OrderReason.REQUESTED
_LIMIT = OrderType.LIMIT

_STOP_SIDE = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def make_order(
    state: PaperState,
    market: PaperMarket,
    request: OrderRequest,
    equity_fraction: Decimal | None = None,
) -> WorkingOrder:
    """The working order of a checked request, rounded to the contract's grid, not yet admitted.

    Quantities are rounded down; limit prices away from the market (buys down, sells up); triggers
    to the tick nearest to the market's far side (of stops: buys up, sells down; of take-profits
    the other way), so that rounding never makes one awake earlier.

    Args:
        state: the account.
        market: of the request's contract.
        request: checked.
        equity_fraction: size it at its fill to this share of the equity.
    """
    scale = market.scale
    is_buy = request.side is Side.BUY
    kind = request.order_type
    lots = 0 if request.quantity is None else scale.lots_of(request.quantity)
    trigger = None
    if request.trigger_price is not None:
        trigger = scale.ticks_of(request.trigger_price, up=is_buy == (kind in _STOP_SIDE))
    if request.price is not None:
        ticks = scale.ticks_of(request.price, up=not is_buy)
    elif trigger is not None:
        ticks = trigger
    else:
        ticks = scale.market_ticks(market.last, up=True) if market.last > 0.0 else 0
    state.numbers += 1
    price = scale.float_price(ticks)
    order = WorkingOrder(state.numbers, market, is_buy, kind, ticks, price, lots, state.now)
    order.time_in_force = request.time_in_force
    order.post_only = request.post_only
    order.reduce_only = request.reduce_only
    order.client_id = request.client_order_id
    if kind is not OrderType.LIMIT or request.oco_group is not None or equity_fraction is not None:
        order.plan = _plan_of(request, market, trigger, equity_fraction)
    plan = order.plan
    if plan is not None and plan.quote_atto is not None and ticks:
        # Sized at its fill; until then what it would come to at the last price is set aside.
        per_lot = max(1, scale.notional(ticks))
        order.lots = (
            plan.quote_atto
            * market.taker_d
            // (per_lot * (market.taker_d + max(0, market.taker_n)))
        )
    return order


def _plan_of(
    request: OrderRequest,
    market: PaperMarket,
    trigger: int | None,
    equity_fraction: Decimal | None,
) -> Plan:
    plan = Plan()
    scale = market.scale
    if trigger is not None:
        plan.trigger_ticks, plan.trigger = trigger, scale.float_price(trigger)
    if request.trailing_distance is not None:
        plan.trail_ticks = max(1, scale.ticks_of(request.trailing_distance, up=True))
    if request.trailing_fraction is not None:
        plan.trail_fraction = float(request.trailing_fraction)
    if request.quote_quantity is not None:
        plan.quote_atto = atto_of(request.quote_quantity)
    plan.equity_fraction = equity_fraction
    plan.group = request.oco_group
    return plan


def admit(state: PaperState, order: WorkingOrder) -> bool:
    """Takes an order in, or rejects it with the reason; with same-close timing takers fill now.

    Returns:
        Whether it was accepted.
    """
    market = order.market
    name = order.client_id
    if name is not None and name in state.by_client:
        # The name stays with the order that has it.
        order.client_id = None
        return reject(state, order, OrderReason.DUPLICATE_CLIENT_ORDER_ID, name)
    refused = _refusal(state, market, order)
    if name is not None:
        state.by_client[name] = order
    if refused is not None:
        return reject(state, order, *refused)
    order.state = _ACCEPTED
    state.live[order.number] = order
    state.note(_EVENT_ACCEPTED, _REQUESTED, order)
    if order.plan is None and order.kind is _LIMIT and not order.reduce_only:
        # The short way of quoting: the same as `arm`, without its questions.
        if market.is_tape and not is_marketable(order):
            rest(order)
        else:
            market.arrivals.append(order)
    else:
        join(order)
        if order.reduce_only:
            enforce_reduce_only(state, market)
        arm(state, order)
    if market.arrivals and (
        state.assumptions.timing is MarketTiming.SAME_CLOSE and market.last > 0.0
    ):
        arrive_all(state, market)
    market.refresh()
    return True


def _refusal(
    state: PaperState, market: PaperMarket, order: WorkingOrder
) -> tuple[OrderReason, str] | None:
    """Why an order is not taken; what it sets aside is counted when it is."""
    lots, ticks = order.lots, order.ticks
    plan = order.plan
    if order.reduce_only:
        return _reduce_refusal(market, order)
    if state.is_insolvent:
        return OrderReason.ACCOUNT_INSOLVENT, f"short of {money(state.deficit)} {state.currency}"
    if plan is not None and plan.equity_fraction is not None:
        return None
    if ticks <= 0 and order.kind is not OrderType.MARKET:
        if order.kind is not OrderType.TRAILING_STOP:
            return OrderReason.BELOW_MIN_NOTIONAL, "the price rounds to 0"
    elif lots < market.min_lots and (lots or plan is None or plan.quote_atto is None or ticks):
        smallest = market.scale.quantity(market.min_lots)
        return (
            OrderReason.BELOW_MIN_QUANTITY,
            f"{market.scale.quantity(lots)} after rounding, smallest {smallest}",
        )
    if (
        ticks > 0
        and market.min_notional
        and market.scale.notional(lots * ticks) < market.min_notional
    ):
        return (
            OrderReason.BELOW_MIN_NOTIONAL,
            f"{money(market.scale.notional(lots * ticks))}, smallest {money(market.min_notional)}",
        )
    if order.post_only and order.kind is _LIMIT and market.is_tape and is_marketable(order):
        best = market.ask if order.is_buy else market.bid
        return OrderReason.POST_ONLY_WOULD_TAKE, f"{order.price} against {best}"
    return _margin_refusal(state, market, order, lots)


def _margin_refusal(
    state: PaperState, market: PaperMarket, order: WorkingOrder, lots: int
) -> tuple[OrderReason, str] | None:
    settle_reserve(state)
    set_aside(market, order, lots)
    grown = update_reserve(state, market)
    if grown <= 0:
        return None
    free = free_margin(state)
    if free < 0:
        refused = (
            OrderReason.INSUFFICIENT_MARGIN,
            f"needs {money(grown)}, free {money(free + grown)} {state.currency}",
        )
    else:
        open_lots = market.buy_lots if order.is_buy else -market.sell_lots
        if market.tiers_cap == inf or not exceeds_tiers(
            market, market.pos + open_lots, order.ticks
        ):
            return None
        refused = (
            OrderReason.POSITION_LIMIT,
            f"largest {market.tiers_cap:g} at leverage {market.contract.leverage}",
        )
    set_aside(market, order, -lots)
    update_reserve(state, market)
    return refused


def _reduce_refusal(market: PaperMarket, order: WorkingOrder) -> tuple[OrderReason, str] | None:
    pos = market.pos
    if not pos or (pos > 0) == order.is_buy:
        return OrderReason.REDUCE_ONLY_NO_POSITION, f"position {market.scale.quantity(pos)}"
    if order.lots <= 0:
        return OrderReason.BELOW_MIN_QUANTITY, "0 after rounding"
    if order.post_only and order.kind is _LIMIT and market.is_tape and is_marketable(order):
        best = market.ask if order.is_buy else market.bid
        return OrderReason.POST_ONLY_WOULD_TAKE, f"{order.price} against {best}"
    return None


def reject(state: PaperState, order: WorkingOrder, reason: OrderReason, figures: str = "") -> bool:
    """Logs an order that is not taken; always False."""
    state.note(OrderEventKind.REJECTED, reason, order, figures or None)
    state.finish(order, OrderState.REJECTED)
    return False
