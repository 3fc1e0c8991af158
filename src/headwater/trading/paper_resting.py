"""Putting orders where they wait: limit orders at their price, triggers at theirs, takers in line.

Nothing fills here.
"""

from math import inf, nextafter

from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState, OrderType
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import Plan, WorkingOrder
from headwater.trading.paper_state import PaperState

MARKET_KINDS = frozenset(
    {OrderType.MARKET, OrderType.STOP, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP}
)
"""Kinds that take whatever price there is, once awake."""

TARGETS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
"""Kinds that close a position at a profit."""


def is_marketable(order: WorkingOrder) -> bool:
    """Whether a limit order would take at the best prices known."""
    market = order.market
    return order.price >= market.ask if order.is_buy else order.price <= market.bid


def rest(order: WorkingOrder) -> None:
    """Lets a limit order wait at its price, behind what is assumed to stand there."""
    market = order.market
    order.is_resting = True
    level = order.price
    if market.is_queued:
        order.ahead = queue_ahead(market, order)
    elif not market.is_touched:
        # Only what goes beyond the price matters: most trades at it then need no look.
        level = nextafter(level, 0.0 if order.is_buy else inf)
    market.insert(order, level, is_below=order.is_buy)


def queue_ahead(market: PaperMarket, order: WorkingOrder) -> int:
    """Steps in front of a new order: the quoted size at the best price, none inside the spread."""
    if market.has_quotes:
        best = market.bid if order.is_buy else market.ask
        if order.price == best:
            return market.scale.market_lots(market.bid_size if order.is_buy else market.ask_size)
        if (order.price > best) == order.is_buy:
            return 0
    return market.queue_lots


def trigger(state: PaperState, order: WorkingOrder) -> None:
    """Awakes an order: from now on it is a market or a limit order that arrives."""
    market = order.market
    market.remove(order)
    order.state = OrderState.TRIGGERED
    state.note(OrderEventKind.TRIGGERED, OrderReason.TRIGGER_REACHED, order)
    market.arrivals.append(order)


def arm(state: PaperState, order: WorkingOrder, *, is_child: bool = False) -> None:
    """Lets an accepted order work.

    A limit order that would not take rests at once while the market is known by trades or quotes;
    with bars it arrives at the next open. Takers wait in `arrivals`.

    Args:
        state: the account.
        order: accepted.
        is_child: an exit that its entry's fill activates now: its trigger may be behind the price
            already, and within a bar's path a target waits for the close (see `paper_bars`).
    """
    market = order.market
    kind = order.kind
    if kind is OrderType.LIMIT:
        if is_child and 0 < market.phase < 3:
            market.held.append(order)
        elif market.is_tape and not is_marketable(order):
            rest(order)
        else:
            market.arrivals.append(order)
        return
    plan = order.plan
    if kind is OrderType.MARKET or plan is None:
        market.arrivals.append(order)
        return
    if kind is OrderType.TRAILING_STOP:
        arm_trail(market, order, plan)
        return
    if is_child and 0 < market.phase < 3:
        if kind in TARGETS:
            market.held.append(order)
            return
        market.born_stops.append(order)
    is_below = wakes_below(order)
    if is_child and market.last > 0.0 and _is_behind(market.last, plan.trigger, is_below):
        trigger(state, order)
        return
    market.insert(order, plan.trigger, is_below=is_below)


def wakes_below(order: WorkingOrder) -> bool:
    """Whether a falling price awakes a trigger: sell stops and the take-profits of shorts."""
    return (order.kind in TARGETS) == order.is_buy


def _is_behind(last: float, level: float, is_below: bool) -> bool:
    return last <= level if is_below else last >= level


def arm_trail(market: PaperMarket, order: WorkingOrder, plan: Plan) -> None:
    """Starts a trailing stop at the last price, or lets it wait for the first one."""
    if market.last <= 0.0:
        market.arrivals.append(order)
        return
    follow(market, order, plan, market.last)


def follow(market: PaperMarket, order: WorkingOrder, plan: Plan, price: float) -> None:
    """Moves a trailing stop's trigger after a new best price.

    Args:
        market: the contract.
        order: the trailing stop.
        plan: its plan.
        price: best price from now on: highest of a sell stop, lowest of a buy stop.
    """
    market.remove(order)
    plan.extreme = price
    scale = market.scale
    ticks = scale.market_ticks(price, up=order.is_buy)
    distance = plan.trail_ticks or max(1, round(price * plan.trail_fraction / market.tick_size))
    plan.trigger_ticks = ticks + distance if order.is_buy else max(0, ticks - distance)
    plan.trigger = scale.float_price(plan.trigger_ticks)
    market.insert(order, plan.trigger, is_below=not order.is_buy)
    trigger_key = order.key
    beyond = nextafter(price, 0.0 if order.is_buy else inf)
    market.insert(order, beyond, is_below=order.is_buy)
    plan.watch_key, order.key = order.key, trigger_key
