"""Margin of the paper account: what is set aside for orders and positions, and when it runs out.

Initial margin of a position is its entry notional over the leverage; an isolated position also
carries the funding it paid or received. For open orders the same share of their notional and the
taker fee are set aside, of the dearer side only, and not for what closes a position; what turns it
around may use the margin that closing it sets free. Profit and
loss not yet realised counts as free margin on cross positions and not on isolated ones.

Maintenance margin and liquidation price are those of `analytics/margin.py`. The liquidation price
of a cross position takes the other positions at their present marks.
"""

from headwater.analytics.margin import liquidation_price, maintenance_margin, tier_of
from headwater.core.enums import PositionSide
from headwater.trading.paper_contract import ATTO, exact
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_state import PaperState

_WORSE = 0.02
_NONE_BELOW = float("-inf")
_NONE_ABOVE = float("inf")


def update_reserve(state: PaperState, market: PaperMarket) -> int:
    """Recomputes what the orders of a contract set aside.

    Returns:
        By how much it grew, atto.
    """
    buys, sells, pos = market.buy_units, market.sell_units, market.pos
    if not pos:
        dearer = buys if buys > sells else sells  # noqa: FURB136, RUF100 - half the time of max()
        reserve = dearer * market.reserve_n
        if market.reserve_d != 1:
            reserve = -(-reserve // market.reserve_d)
    else:
        if pos > 0:
            adding, turning, lots = buys, sells, market.sell_lots
        else:
            adding, turning, lots = sells, buys, market.buy_lots
        reserve = adding * market.reserve_n if adding > 0 else 0
        if market.reserve_d != 1:
            reserve = -(-reserve // market.reserve_d)
        excess = lots - pos if pos > 0 else lots + pos
        turned = -market.margin
        if excess > 0:
            turned -= -(turning * excess // lots) * market.reserve_n // market.reserve_d
        if turned > reserve:
            reserve = turned
    grown = reserve - market.reserve
    market.reserve = reserve
    state.reserved += grown
    return grown


def settle_reserve(state: PaperState) -> None:
    """Brings what orders set aside up to date, where quoting with room to spare has left it."""
    # Only an account of a single contract has room.
    for market in state.markets[:1]:
        if market.room_units >= 0:
            update_reserve(state, market)


def grant_room(state: PaperState, market: PaperMarket) -> bool:
    """Finds how far the open orders may grow for sure, so that quotes need no look at the margin.

    Orders set aside at most their notional at `reserve_n / reserve_d`, both sides together, and a
    position has at least its profit at the worse price. There is room on accounts of one contract
    alone, as no other one's prices and orders use the same margin, and without tiers, which no
    notional is compared with then.

    Args:
        state: the account.
        market: its contract.

    Returns:
        Whether there is room for the orders that are open. If not, what they set aside has to be
        brought up to date.
    """
    if len(state.markets) > 1 or market.tiers_cap != _NONE_ABOVE:
        return False
    free = state.cash - state.margin_total
    pos, low, high = market.pos, _NONE_BELOW, _NONE_ABOVE
    if pos and market.is_cross:
        free += _value_worse(market, market.mark if market.has_marks else market.last)
        if pos > 0:
            low = market.worse[2]
        else:
            high = market.worse[2]
    # Two less for what the reserve is rounded up by.
    units = (free - 2) * market.reserve_d // market.reserve_n
    if units < market.buy_units + market.sell_units:
        return False
    market.room_units, market.room_low, market.room_high = units, low, high
    return True


def set_aside(market: PaperMarket, order: WorkingOrder, lots: int) -> None:
    """Counts `lots` more (fewer if negative) of an order as open; `update_reserve` follows."""
    order.reserved += lots
    if order.is_buy:
        market.buy_lots += lots
        market.buy_units += lots * order.ticks
    else:
        market.sell_lots += lots
        market.sell_units += lots * order.ticks


def unrealised(market: PaperMarket) -> int:
    """Profit of the open position at its mark, atto, exact for the price as it is written."""
    pos = market.pos
    if not pos:
        return 0
    price = market.mark if market.has_marks else market.last
    scale = market.scale
    ticks = scale.whole_ticks(price)
    if ticks is None:
        top, bottom = exact(price).as_integer_ratio()
        value = abs(pos) * scale.step_n * top * ATTO // (scale.step_d * bottom)
    else:
        value = (pos if pos > 0 else -pos) * ticks * scale.unit_n
        if scale.unit_d != 1:
            value //= scale.unit_d
    return value - market.cost if pos > 0 else market.cost - value


def free_margin(state: PaperState) -> int:
    """Margin that new orders may use, atto; negative when cross positions lost it."""
    settle_reserve(state)
    free = state.cash - state.margin_total - state.reserved
    for market in state.open.values():
        if market.is_cross:
            free += unrealised(market)
    return free


def has_free_margin(state: PaperState) -> bool:
    """Whether the free margin is 0 or more, mostly without valuing any position.

    A position has at least the profit that it would have at a worse price: that one serves for as
    long as the price stays on its better side. Only when it is not enough, all is valued.
    """
    settle_reserve(state)
    free = state.cash - state.margin_total - state.reserved
    for market in state.open.values():
        if market.is_cross:
            pos, cost, price, profit = market.worse
            now = market.mark if market.has_marks else market.last
            if (
                pos != market.pos
                or cost != market.cost
                or (now <= price if pos > 0 else now >= price)
            ):
                profit = _value_worse(market, now)
            free += profit
    return free >= 0 or free_margin(state) >= 0


def _value_worse(market: PaperMarket, price: float) -> int:
    """Profit of the open position at a price some percent worse, kept as `PaperMarket.worse`."""
    pos, cost, scale = market.pos, market.cost, market.scale
    # Strictly beyond: floats that differ stand in the order of the decimals they are written as.
    ticks = scale.market_ticks(price * (1.0 - _WORSE if pos > 0 else 1.0 + _WORSE), up=pos < 0)
    ticks += -1 if pos > 0 else 1
    value = scale.notional(abs(pos) * ticks)
    # A short's value is rounded down as well: one more is never less than at a better price.
    profit = value - cost if pos > 0 else cost - value - 1
    market.worse = (pos, cost, scale.float_price(ticks), profit)
    return profit


def equity(state: PaperState) -> int:
    """Cash and all profit not yet realised, atto."""
    total = state.cash
    for market in state.open.values():
        total += unrealised(market)
    return total


def update_margin(state: PaperState, market: PaperMarket) -> None:
    """Recomputes the margin of a position after a fill or funding."""
    margin = -(-market.cost * market.leverage_d // market.leverage_n)
    if not market.is_cross:
        margin += market.adjustment
    state.margin_total += margin - market.margin
    market.margin = margin


def exceeds_tiers(market: PaperMarket, lots: int, ticks: int) -> bool:
    """Whether a position of so many steps is larger than the tiers allow at this leverage."""
    return market.scale.notional(abs(lots) * ticks) > market.tiers_cap * ATTO


def maintenance(market: PaperMarket) -> float:
    """Maintenance margin of the position at its mark, quote currency."""
    notional = abs(market.quantity) * market.value_price
    return maintenance_margin(tier_of(market.tiers, notional), notional, _fee_rate(market))


def _fee_rate(market: PaperMarket) -> float:
    return float(market.contract.fees.taker) if market.contract.is_fee_demanded else 0.0


def backing(state: PaperState, market: PaperMarket) -> float:
    """Margin that stands behind a position without its own profit, quote currency.

    Of a cross position: cash less the margin of isolated positions, with the profit of the other
    cross positions less their maintenance margin.
    """
    if not market.is_cross:
        return market.margin / ATTO
    held = state.cash
    demanded = 0.0
    for other in state.open.values():
        if not other.is_cross:
            held -= other.margin
        elif other is not market:
            held += unrealised(other)
            demanded += maintenance(other)
    return held / ATTO - demanded


def liquidation_price_of(state: PaperState, market: PaperMarket) -> float | None:
    """Mark price at which the position is liquidated; None without one."""
    if not market.pos:
        return None
    quantity = abs(market.quantity)
    side = PositionSide.LONG if market.pos > 0 else PositionSide.SHORT
    entry = market.cost / ATTO / quantity
    if not entry > 0.0:
        return None
    margin = backing(state, market)
    return liquidation_price(side, entry, quantity, margin, market.tiers, _fee_rate(market))


def bankruptcy_price_of(state: PaperState, market: PaperMarket) -> float:
    """Price at which the position has used up all that backs it, ≥ 0."""
    quantity = abs(market.quantity)
    spare = backing(state, market) / quantity
    entry = market.cost / ATTO / quantity
    return max(entry - spare, 0.0) if market.pos > 0 else entry + spare


def update_threshold(state: PaperState, market: PaperMarket) -> None:
    """Recomputes where a contract's position is liquidated, the rest unchanged."""
    market.liq_low, market.liq_high = _NONE_BELOW, _NONE_ABOVE
    price = liquidation_price_of(state, market)
    if price is None:
        if market.pos < 0:
            market.liq_high = 0.0
        return
    if market.pos > 0:
        market.liq_low = price
    else:
        market.liq_high = price


def update_thresholds(state: PaperState, market: PaperMarket) -> None:
    """After a change of cash or of a position: every threshold that depends on it.

    Cross positions lean on each other; while there are two and more, each event of theirs is
    looked at (`is_shared`).
    """
    if market.room_units >= 0:
        update_reserve(state, market)
        market.room_units = -1
    crosses = [one for one in state.open.values() if one.is_cross]
    is_shared = len(crosses) > 1
    for one in crosses:
        update_threshold(state, one)
        one.is_shared = is_shared
        if one is not market:
            one.refresh()
    if not (market.is_cross and market.pos):
        market.is_shared = False
        update_threshold(state, market)
    market.refresh()
