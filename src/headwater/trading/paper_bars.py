"""Bars: what is assumed to have happened between open and close.

1. The open is a price that appeared after the last close: gaps fill here, then new orders arrive.
2. The price goes to one extreme, then to the other. The first is the worse one for the position
   held after the open: the low for a long, the high for a short. Flat, it is the high when only
   buys wait to open, the low when only sells do (so that an entry is followed by its worse side),
   and with both or neither the one nearer to the open.
3. Exits that an entry's fill activates on that way: a target works only on the way to the close, a
   stop is taken as hit if any part of the bar's range reaches it.
4. The price goes to the close.

With the exits of a back-test (`ExitRule.STOP_FIRST`) a target that the open reached waits if the
bar goes on to its stop.

A bar without volume fills nothing, unless the assumptions say so. Times of fills are the bar's.
"""

from math import inf, isfinite

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderType
from headwater.trading.paper_assumptions import ExitRule
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_matching import arrive_all, jump, run, set_point
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_resting import TARGETS, arm, trigger, wakes_below
from headwater.trading.paper_state import FINAL, PaperState

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def check_bar(
    at_ms: int, open_: float, high: float, low: float, close: float, volume: float | None
) -> None:
    """Refuses a bar that cannot be.

    Raises:
        RequestError: a price that is not finite and positive, a high below or a low above the
            others, or a negative volume; names the time of the bar.
    """
    if (
        0.0 < low <= open_ <= high < inf
        and low <= close <= high
        and not (volume is not None and volume < 0.0)
    ):
        return
    for field, price in (("open", open_), ("high", high), ("low", low), ("close", close)):
        if not (isfinite(price) and price > 0.0):
            raise RequestError(field, price, f"a finite price above 0 (bar at {at_ms} ms)")
    if high < max(open_, close, low):
        raise RequestError("high", high, f"not below open, low and close (bar at {at_ms} ms)")
    if low > min(open_, close):
        raise RequestError("low", low, f"not above open and close (bar at {at_ms} ms)")
    if volume is not None and volume < 0.0:
        raise RequestError("volume", volume, f"0 or more, or none (bar at {at_ms} ms)")


def open_bar(
    state: PaperState,
    market: PaperMarket,
    open_: float,
    high: float,
    low: float,
    volume: float | None,
) -> bool:
    """Meets a bar's open.

    Args:
        state: the account.
        market: the contract.
        open_: first price.
        high: highest, for slippage by range and ambiguity only.
        low: lowest, likewise.
        volume: base units; None or NaN unknown.

    Returns:
        Whether the bar fills orders at all.
    """
    market.is_tape = False
    market.has_quotes = False
    known = volume is not None and volume == volume
    market.bar_volume = float(volume) if known and volume is not None else 0.0
    if known and not market.bar_volume and not state.assumptions.is_zero_volume_tradable:
        return False
    fraction = state.assumptions.volume_fraction
    market.budget = None
    if fraction is not None and known:
        market.budget = market.scale.market_lots(market.bar_volume * float(fraction))
    market.bar_low, market.bar_high = low, high
    set_point(market, open_)
    if market.low < open_ < market.high:
        return True
    held: list[WorkingOrder] = []
    if market.groups and state.assumptions.exits is ExitRule.STOP_FIRST:
        held = _behind_stops(market)
    for order in held:
        market.remove(order)
    jump(state, market, open_)
    if not held:
        return True
    for order in held:
        if order.state not in FINAL and order.plan is not None:
            market.insert(order, order.plan.trigger, is_below=wakes_below(order))
    market.refresh()
    return True


def _behind_stops(market: PaperMarket) -> list[WorkingOrder]:
    """The targets that the open reached, of groups whose stop lies within the bar's range."""
    found = []
    for keys in (market.below, market.above):
        for _, _, order in keys:
            plan = order.plan
            if order.kind not in TARGETS or order.is_resting or plan is None or plan.group is None:
                continue
            is_reached = (
                plan.trigger >= market.last if order.is_buy else plan.trigger <= market.last
            )
            if is_reached and any(
                other.kind in _STOPS
                and other.plan is not None
                and market.bar_low <= other.plan.trigger <= market.bar_high
                for other in market.groups.get(plan.group, {}).values()
            ):
                found.append(order)
    return found


def finish_bar(
    state: PaperState, market: PaperMarket, high: float, low: float, close: float
) -> None:
    """Goes the way from the open over both extremes to the close."""
    if market.low < low and high < market.high and not (market.held or market.born_stops):
        set_point(market, close)
        market.bar_high, market.budget = inf, None
        return
    is_low_first = _is_low_first(market, high, low)
    for phase, target, is_falling in (
        (1, low if is_low_first else high, is_low_first),
        (2, high if is_low_first else low, not is_low_first),
    ):
        market.phase = phase
        run(state, market, target, is_falling=is_falling, is_leg=True)
        set_point(market, target)
    market.phase = 3
    _settle_born(state, market)
    run(state, market, close, is_falling=True, is_leg=True)
    run(state, market, close, is_falling=False, is_leg=True)
    set_point(market, close)
    market.phase = 0
    market.bar_high = inf
    market.budget = None
    market.refresh()


def _is_low_first(market: PaperMarket, high: float, low: float) -> bool:
    if market.pos:
        return market.pos > 0
    buys = sells = False
    for keys in (market.below, market.above):
        for _, _, order in keys:
            buys |= order.is_buy and not order.reduce_only
            sells |= not order.is_buy and not order.reduce_only
    if buys != sells:
        return sells
    return market.last - low <= high - market.last


def _settle_born(state: PaperState, market: PaperMarket) -> None:
    """Stops born on the way are hit by any part of the range; targets begin to work."""
    stops, market.born_stops = market.born_stops, []
    for order in stops:
        plan = order.plan
        if order.state in FINAL or order.key is None or plan is None:
            continue
        if market.bar_low <= plan.trigger <= market.bar_high:
            state.note_ambiguous(market)
            _hit(state, market, order, plan.trigger)
    held, market.held = market.held, []
    for order in held:
        if order.state not in FINAL:
            arm(state, order, is_child=True)
    if market.arrivals:
        arrive_all(state, market)


def _hit(state: PaperState, market: PaperMarket, order: WorkingOrder, price: float) -> None:
    point = market.last
    set_point(market, price)
    trigger(state, order)
    arrive_all(state, market)
    set_point(market, point)
