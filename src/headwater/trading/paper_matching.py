"""The fill rules: arrivals that take, resting orders that are met, triggers that awake.

A *jump* is a price that appears (a trade, an open): triggers fill at that price. A *leg* is a way
that the price is assumed to have gone without a gap: triggers fill at their own price. Resting
limit orders always fill at their own price, as maker.
"""

from bisect import bisect_left
from fractions import Fraction
from math import inf

from headwater.core.order_kinds import OrderReason, OrderState, OrderType, TimeInForce
from headwater.trading.paper_assumptions import ExitRule, SlippageModel
from headwater.trading.paper_fills import end_order, execute, margin_shortfall
from headwater.trading.paper_links import after_fill, end_children
from headwater.trading.paper_liquidation import liquidate
from headwater.trading.paper_margin import equity, set_aside, update_reserve, update_threshold
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_resting import (
    MARKET_KINDS,
    TARGETS,
    arm_trail,
    follow,
    is_marketable,
    rest,
    trigger,
)
from headwater.trading.paper_state import FINAL, PaperState

_REASONS = {
    OrderType.MARKET: OrderReason.MARKET_FILL,
    OrderType.STOP: OrderReason.STOP_TRIGGERED,
    OrderType.TAKE_PROFIT: OrderReason.TARGET_TRIGGERED,
    OrderType.TRAILING_STOP: OrderReason.TRAIL_TRIGGERED,
}


def stop_order(
    state: PaperState,
    order: WorkingOrder,
    final: OrderState,
    reason: OrderReason,
    figures: str = "",
) -> None:
    """Ends an order and, of an entry without a fill, the exits of its bracket."""
    end_order(state, order, final, reason, figures)
    if order.plan is not None:
        end_children(state, order)


def arrive_all(state: PaperState, market: PaperMarket) -> None:
    """Lets everything that waits in line meet the market; what cannot yet, stays in line."""
    waiting: list[WorkingOrder] = []
    while market.arrivals:
        batch, market.arrivals = market.arrivals, []
        waiting += [
            order for order in batch if order.state not in FINAL and not _arrive(state, order)
        ]
    market.arrivals = [order for order in waiting if order.state not in FINAL]
    market.refresh()


def _arrive(state: PaperState, order: WorkingOrder) -> bool:
    """Lets one order meet the market; False when it has to wait for another event."""
    market = order.market
    plan = order.plan
    if order.kind is OrderType.TRAILING_STOP and order.state is OrderState.ACCEPTED:
        assert plan is not None
        arm_trail(market, order, plan)
        return True
    if order.kind in MARKET_KINDS:
        return _take(state, order)
    if not is_marketable(order):
        if order.time_in_force is TimeInForce.GTC:
            rest(order)
        else:
            _expire(state, order)
        return True
    if order.post_only:
        stop_order(state, order, OrderState.CANCELLED, OrderReason.POST_ONLY_WOULD_TAKE)
        return True
    return _take(state, order)


def _expire(state: PaperState, order: WorkingOrder) -> None:
    is_whole = order.time_in_force is TimeInForce.FOK
    reason = OrderReason.FOK_NOT_FILLABLE if is_whole else OrderReason.IOC_REMAINDER
    stop_order(state, order, OrderState.EXPIRED, reason)


def _take(state: PaperState, order: WorkingOrder) -> bool:
    """Fills as taker what the event allows; False when something waits for the next event."""
    market = order.market
    is_limit = order.kind not in MARKET_KINDS
    budget = market.budget
    lots = order.lots - order.filled
    ticks = taker_ticks(state, order, lots if budget is None else min(lots, budget))
    plan = order.plan
    if plan is not None and (plan.quote_atto is not None or plan.equity_fraction is not None):
        lots = _size(state, order, ticks)
        if lots < market.min_lots or market.scale.notional(lots * ticks) < market.min_notional:
            reason = OrderReason.BELOW_MIN_QUANTITY
            if lots >= market.min_lots:
                reason = OrderReason.BELOW_MIN_NOTIONAL
            figures = f"{market.scale.quantity(lots)} at {market.scale.price(ticks)}"
            stop_order(state, order, OrderState.CANCELLED, reason, figures)
            return True
    filling = lots if budget is None else min(lots, budget)
    if order.time_in_force is TimeInForce.FOK and filling < lots:
        _expire(state, order)
        return True
    if filling:
        short = margin_shortfall(state, order, filling, ticks)
        if short is not None:
            stop_order(state, order, OrderState.CANCELLED, OrderReason.INSUFFICIENT_MARGIN, short)
            return True
        if budget is not None:
            market.budget = budget - filling
        reason = _REASONS.get(order.kind, OrderReason.LIMIT_MARKETABLE)
        execute(state, order, filling, ticks, is_maker=False, reason=reason)
        after_fill(state, order, filling, ticks)
    if order.state in FINAL:
        return True
    if order.time_in_force is not TimeInForce.GTC:
        _expire(state, order)
        return True
    if is_limit and filling:
        rest(order)
        return True
    return False


def _size(state: PaperState, order: WorkingOrder, ticks: int) -> int:
    """Steps that the money of an order buys at a price, fee included; fixes its quantity."""
    market, plan = order.market, order.plan
    assert plan is not None
    if plan.equity_fraction is not None:
        amount = int(Fraction(plan.equity_fraction) * equity(state))
    else:
        amount = plan.quote_atto or 0
    scale = market.scale
    per_lot = max(1, ticks) * scale.unit_n * (market.taker_d + max(0, market.taker_n))
    lots = max(0, amount * scale.unit_d * market.taker_d // per_lot)
    plan.quote_atto = plan.equity_fraction = None
    if order.reserved:
        set_aside(market, order, -order.reserved)
        update_reserve(state, market)
    order.lots = lots
    return lots


def taker_ticks(state: PaperState, order: WorkingOrder, lots: int) -> int:
    """Price of a taker fill: the other side's best price, slippage, the tick against us.

    Args:
        state: the account.
        order: that takes.
        lots: steps that fill at once, for models that look at the volume.
    """
    market = order.market
    price = market.ask if order.is_buy else market.bid
    if not 0.0 < price < inf:
        price = market.last
    if order.kind not in TARGETS or state.assumptions.exits is ExitRule.VENUE:
        price = max(_slipped(state, market, order.is_buy, price, lots), 0.0)
    ticks = max(1, market.scale.market_ticks(price, up=order.is_buy))
    if order.kind not in MARKET_KINDS:
        return min(ticks, order.ticks) if order.is_buy else max(ticks, order.ticks)
    return ticks


def _slipped(
    state: PaperState, market: PaperMarket, is_buy: bool, price: float, lots: int
) -> float:
    model = state.assumptions.slippage
    if model is SlippageModel.NONE:
        return price
    amount = float(state.assumptions.slippage_amount)
    if model is SlippageModel.FIXED_BPS:
        worse = price * amount / 10_000.0
    elif model is SlippageModel.BAR_RANGE:
        worse = (market.bar_high - market.bar_low) * amount if market.bar_high < inf else 0.0
    else:
        volume = market.bar_volume
        share = min(1.0, market.scale.float_quantity(lots) / volume) if volume > 0.0 else 1.0
        worse = price * amount * share
    return price + worse if is_buy else price - worse


def _touch(
    state: PaperState, order: WorkingOrder, is_falling: bool, target: float, printed: int
) -> None:
    """One order that the price reached: fill it, move it or awake it."""
    market = order.market
    if order.is_resting:
        is_through = target < order.price if order.is_buy else target > order.price
        lots = order.lots - order.filled
        if not is_through and not market.is_touched:
            if not market.is_queued or not printed:
                return
            order.ahead -= printed
            if order.ahead >= 0:
                return
            lots = min(lots, -order.ahead)
            order.ahead = 0
        if market.budget is not None:
            lots = min(lots, market.budget)
            market.budget -= lots
        if lots:
            execute(state, order, lots, order.ticks, True, OrderReason.LIMIT_REACHED)
            after_fill(state, order, lots, order.ticks)
    elif order.kind is OrderType.TRAILING_STOP and is_falling == order.is_buy:
        assert order.plan is not None
        follow(market, order, order.plan, target)
    else:
        trigger(state, order)


def run(
    state: PaperState,
    market: PaperMarket,
    target: float,
    *,
    is_falling: bool,
    is_leg: bool,
    printed: int = 0,
) -> None:
    """Meets everything that a price reaches on one side, nearest first.

    Args:
        state: the account.
        market: the contract.
        target: where the price is or goes.
        is_falling: whether it comes from above.
        is_leg: whether it goes there without a gap.
        printed: steps traded at `target` against resting orders of this side; 0 unknown or none.
    """
    keys = market.below if is_falling else market.above
    bound = target if is_falling else -target
    cursor = None
    while True:
        place = (len(keys) if cursor is None else bisect_left(keys, cursor)) - 1
        if place < 0 or keys[place][0] < bound:
            break
        cursor = keys[place]
        if is_leg:
            order = cursor[2]
            level = order.price if order.is_resting else abs(cursor[0])
            if _is_liquidated(market, level, is_falling=is_falling):
                break
            set_point(market, level)
        _touch(state, cursor[2], is_falling, target, printed)
        if market.arrivals:
            arrive_all(state, market)
    if _is_liquidated(market, target, is_falling=is_falling):
        reached = market.liq_low if is_falling else market.liq_high
        liquidate(state, market, reached if is_leg else target)


def _is_liquidated(market: PaperMarket, price: float, *, is_falling: bool) -> bool:
    if market.has_marks or not market.pos:
        return False
    return price <= market.liq_low if is_falling else price >= market.liq_high


def set_point(market: PaperMarket, price: float) -> None:
    """Where a bar's path is now: one price for both sides."""
    market.last = market.bid = market.ask = price


def jump(
    state: PaperState,
    market: PaperMarket,
    price: float,
    printed: int = 0,
    is_buy: bool | None = None,
) -> None:
    """A price that appeared: liquidation first, then what it reaches, then who waits in line.

    Args:
        state: the account.
        market: whose last, bid and ask are set.
        price: of the trade or open.
        printed: steps that traded; 0 unknown.
        is_buy: taker's side; None unknown.
    """
    if market.is_shared:
        update_threshold(state, market)
    if _is_liquidated(market, price, is_falling=True) or _is_liquidated(
        market, price, is_falling=False
    ):
        liquidate(state, market, price)
    sold = 0 if is_buy else printed
    bought = printed if is_buy or is_buy is None else 0
    run(state, market, price, is_falling=True, is_leg=False, printed=sold)
    run(state, market, price, is_falling=False, is_leg=False, printed=bought)
    if market.arrivals:
        arrive_all(state, market)
    market.refresh()
