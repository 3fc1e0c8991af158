"""Trades and quotes: what each of them does to the orders that wait.

Without quotes the best prices are taken from the tape: a trade of a buyer shows the ask, and a bid
at most a tick below it; a trade of a seller the bid, and an ask at least a tick above it. A trade
whose taker is unknown shows both.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from headwater.core.order_kinds import OrderReason
from headwater.trading.paper_fills import execute
from headwater.trading.paper_links import after_fill
from headwater.trading.paper_liquidation import liquidate
from headwater.trading.paper_margin import update_threshold
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_matching import arrive_all, jump
from headwater.trading.paper_state import FINAL, PaperState

Prices: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Times: TypeAlias = npt.NDArray[np.int64]

NEAR = 24
"""Trades looked at one by one after an event: for so few, numpy's calls cost more than a loop."""

FIRST_LOOK = 64
"""Trades looked at in one go behind those; each further look is four times as long."""

TAIL = 16
"""Trades among which the last change of sides is sought first."""

LOOK_MAX = 65_536
"""Longest look: bounds the memory of a comparison."""


def show(market: PaperMarket, price: float, is_buy: bool | None) -> None:
    """Takes over last price and, without quotes, best prices from a trade."""
    market.last = price
    market.is_tape = True
    if market.has_quotes:
        return
    if is_buy is None:
        market.bid = market.ask = price
    elif is_buy:
        market.ask = price
        if market.bid >= price:
            market.bid = market.scale.float_price(market.scale.market_ticks(price, up=False) - 1)
    else:
        market.bid = price
        if market.ask <= price:
            market.ask = market.scale.float_price(market.scale.market_ticks(price, up=True) + 1)


def meet_trade(
    state: PaperState, market: PaperMarket, price: float, quantity: float, is_buy: bool | None
) -> None:
    """One trade that may touch something."""
    show(market, price, is_buy)
    printed = market.scale.market_lots(quantity)
    market.bar_volume = quantity
    fraction = state.assumptions.volume_fraction
    market.budget = (
        None if fraction is None else market.scale.market_lots(quantity * float(fraction))
    )
    jump(state, market, price, printed, is_buy)
    market.budget = None


def find_touch(market: PaperMarket, prices: Prices, start: int, end: int) -> int:
    """Index of the first trade that may touch something; `end` when none does."""
    low, high = max(market.low, 0.0), market.high
    # Also what is no number ends here, where it is refused.
    for price in prices[start : min(end, start + NEAR)].tolist():
        if not low < price < high:
            return start
        start += 1
    look = FIRST_LOOK
    while start < end:
        stop = min(end, start + look)
        part = prices[start:stop]
        if low < np.minimum.reduce(part) and np.maximum.reduce(part) < high:
            start = stop
            look = min(look * 4, LOOK_MAX)
            continue
        hit = ~((part > low) & (part < high))
        return start + int(hit.argmax())
    return end


def skip(market: PaperMarket, prices: Prices, is_buys: Flags | None, start: int, end: int) -> None:
    """Takes over last and best prices from trades that touch nothing, as if one by one."""
    if is_buys is None or market.has_quotes:
        show(market, float(prices[end - 1]), None)
        return
    # The best prices follow from the last trades of one side and the one before them.
    begin = max(start, end - TAIL)
    sides = is_buys[begin:end].tolist()
    is_buy = sides[-1]
    place = len(sides) - 1
    while place > 0 and sides[place - 1] == is_buy:
        place -= 1
    if place == 0 and begin > start:
        others = np.flatnonzero(is_buys[start:begin] != is_buy)
        first = start if not others.size else start + int(others[-1]) + 1
    else:
        first = begin + place
    if first > start:
        show(market, float(prices[first - 1]), not is_buy)
    for price in prices[first:end].tolist():
        show(market, price, is_buy)


def meet_quote(state: PaperState, market: PaperMarket, bid: float, ask: float) -> None:
    """New best prices that may meet resting orders, arrivals or, without trades, a threshold.

    A resting buy is met when the ask comes below its price (with `touch`, to it), a sell likewise.
    Triggers listen to traded prices alone.
    """
    volume = state.assumptions.volume_fraction
    for is_buy, keys in ((True, market.below), (False, market.above)):
        best = ask if is_buy else bid
        for key in reversed(list(keys)):
            order = key[2]
            price = abs(key[0])
            if (price < best) if is_buy else (price > best):
                break
            if not order.is_resting or order.state in FINAL or order.key is not key:
                continue
            if order.price == best and not market.is_touched:
                continue
            lots = order.lots - order.filled
            if volume is not None:
                size = market.ask_size if is_buy else market.bid_size
                lots = min(lots, market.scale.market_lots(size * float(volume)))
            if lots:
                execute(state, order, lots, order.ticks, True, OrderReason.LIMIT_REACHED)
                after_fill(state, order, lots, order.ticks)
    if market.arrivals:
        arrive_all(state, market)
    market.refresh()


def check_threshold(state: PaperState, market: PaperMarket, price: float) -> None:
    """Liquidates if a mark (or, without trades, mid) price reached the threshold."""
    if not market.pos:
        return
    if market.is_shared:
        update_threshold(state, market)
    if price <= market.liq_low or price >= market.liq_high:
        liquidate(state, market, price)
