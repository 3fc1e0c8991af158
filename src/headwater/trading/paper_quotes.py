"""The short ways of quoting: placing a plain limit order and cancelling it, in one go.

A strategy that replaces its quotes each second spends its time here, so both ways are written out
in place of the ten calls that the general ways (`paper_admission.admit`, `paper_fills.end_order`)
take. They serve the common case alone: a limit order that rests, without name, plan or
`reduce_only`, of a contract known by trades or quotes in which nobody waits in line. Everything
else, and every refusal, goes the general way; both leave the same account behind.
"""

from bisect import bisect_left, insort
from math import inf, nextafter

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState, OrderType
from headwater.trading.paper_admission import admit
from headwater.trading.paper_feed import PaperFeed
from headwater.trading.paper_margin import (
    exceeds_tiers,
    grant_room,
    has_free_margin,
    set_aside,
    update_reserve,
)
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_matching import stop_order
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_resting import queue_ahead
from headwater.trading.paper_state import FINAL, FINISHED_MAX, Entry, PaperState

# Bound here: looking a member up in its enumeration costs more than the comparison it serves.
_LIMIT = OrderType.LIMIT
_ACCEPTED = OrderState.ACCEPTED
_CANCELLED = OrderState.CANCELLED
_EVENT_ACCEPTED = OrderEventKind.ACCEPTED
_EVENT_CANCELLED = OrderEventKind.CANCELLED
_REQUESTED = OrderReason.REQUESTED
_LOWEST = -inf


class PaperQuotes(PaperFeed):
    """The quoting side of `paper.PaperVenue`."""

    def place_limit(
        self,
        market: PaperMarket,
        is_buy: bool,
        ticks: int,
        lots: int,
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> WorkingOrder:
        """The short way of placing a limit order, in whole ticks and steps, for quoting.

        Args:
            market: of the contract.
            is_buy: side.
            ticks: limit price in ticks, > 0.
            lots: quantity in steps, > 0.
            post_only: as in `OrderRequest`.
            reduce_only: as in `OrderRequest`.

        Returns:
            The live order, as of `submit`.
        """
        state = self._state
        state.numbers = number = state.numbers + 1
        price = ticks * market.tick_n / market.tick_d
        order = WorkingOrder(number, market, is_buy, _LIMIT, ticks, price, lots, state.now)
        order.post_only, order.reduce_only = post_only, reduce_only
        if (
            reduce_only
            or market.arrivals
            or not market.is_tape
            or (price >= market.ask if is_buy else price <= market.bid)
            or lots < market.min_lots
            or lots * ticks < market.min_units
            or market.is_shared
            or state.is_insolvent
        ):
            return _admitted(state, order)
        if is_buy:
            market.buy_lots += lots
            market.buy_units += lots * ticks
        else:
            market.sell_lots += lots
            market.sell_units += lots * ticks
        order.reserved = lots
        value = market.mark if market.has_marks else market.last
        has_room = market.buy_units + market.sell_units <= market.room_units
        has_room = has_room and market.room_low < value < market.room_high
        if not has_room and _lacks_margin(state, order):
            set_aside(market, order, -lots)
            return _admitted(state, order)
        order.state, order.is_resting = _ACCEPTED, True
        state.live[number] = order
        state.logged += 1
        state.log.append((state.now, _EVENT_ACCEPTED, market, number, lots, 0))
        if market.is_queued:
            order.ahead = queue_ahead(market, order)
        elif not market.is_touched:
            price = nextafter(price, 0.0 if is_buy else inf)
        if is_buy:
            order.key = key = (price, -number, order)
            insort(market.below, key)
            if price > market.low:
                market.low = price
        else:
            order.key = key = (-price, -number, order)
            insort(market.above, key)
            if price < market.high:
                market.high = price
        return order

    def cancel(self, order: WorkingOrder | str) -> bool:
        """Cancels an order, by handle or client order id.

        Returns:
            Whether it was cancelled; False (with an event) when it had ended already.

        Raises:
            RequestError: no live or remembered order of that name, or a handle of another account.
        """
        state = self._state
        if not isinstance(order, WorkingOrder):
            order = self._find(order)
        market = order.market
        # What has a place in a waking list has not ended; a handle from before a cut is not ours.
        if (
            (key := order.key) is None
            or state.live.get(order.number) is not order
            or not order.is_resting
            or order.plan is not None
            or order.reduce_only
            or market.arrivals
            or market.is_shared
        ):
            return cancel_order(state, order)
        order.key = None
        is_buy = order.is_buy
        keys = market.below if is_buy else market.above
        if keys[-1] is not key:
            del keys[bisect_left(keys, key)]
        else:
            # The nearest one gave its side's bound: see `PaperMarket.refresh`.
            del keys[-1]
            watches = market.pos and not market.has_marks
            if is_buy:
                low = keys[-1][0] if keys else _LOWEST
                market.low = market.liq_low if watches and market.liq_low > low else low
            else:
                high = -keys[-1][0] if keys else inf
                market.high = market.liq_high if watches and market.liq_high < high else high
        lots, pos = order.reserved, market.pos
        if lots:
            order.reserved = 0
            if is_buy:
                rest = market.buy_lots
                market.buy_lots = rest - lots
                market.buy_units -= lots * order.ticks
                is_felt = rest + pos > 0
            else:
                rest = market.sell_lots
                market.sell_lots = rest - lots
                market.sell_units -= lots * order.ticks
                is_felt = rest > pos
            # With room to spare, what is set aside is settled when somebody asks for it.
            if is_felt and market.room_units < 0:
                update_reserve(state, market)
        order.state = _CANCELLED
        order.reason = _REQUESTED
        order.updated_at_ms = now = state.now
        state.logged += 1
        entry: Entry = (now, _EVENT_CANCELLED, market, order.number, order.lots, order.filled)
        if order.client_id is not None:
            entry = (now, _EVENT_CANCELLED, _REQUESTED, order, order.lots, order.filled, None)
        state.log.append(entry)
        del state.live[order.number]
        finished = state.finished
        if state.by_client and len(finished) == FINISHED_MAX:
            state.forget(finished[0])
        finished.append(order)
        return True

    def _find(self, name: str) -> WorkingOrder:
        state = self._state
        found = state.by_client.get(name)
        if found is None and name[:1] == "p" and name[1:].isdigit():
            number = int(name[1:])
            found = state.live.get(number)
            if found is None:
                found = next((one for one in state.finished if one.number == number), None)
        if found is None:
            raise RequestError("client_order_id", name, "a live or recently finished order")
        return found


def _admitted(state: PaperState, order: WorkingOrder) -> WorkingOrder:
    """The general way of placing, with the reserve of the contract as it was before."""
    update_reserve(state, order.market)
    admit(state, order)
    return order


def _lacks_margin(state: PaperState, order: WorkingOrder) -> bool:
    """Whether margin or tiers refuse an order that is counted already; else finds new room."""
    market, lots, is_buy = order.market, order.lots, order.is_buy
    # Orders that only close what is open set nothing aside: then nothing is to be computed.
    if not (market.buy_lots + market.pos > 0 if is_buy else market.sell_lots > market.pos):
        return False
    if grant_room(state, market):
        return False
    if market.room_units >= 0:
        set_aside(market, order, -lots)
        update_reserve(state, market)
        set_aside(market, order, lots)
        market.room_units = -1
    return update_reserve(state, market) > 0 and _is_refused(state, market, is_buy, order.ticks)


def _is_refused(state: PaperState, market: PaperMarket, is_buy: bool, ticks: int) -> bool:
    """Whether margin or tiers refuse an order whose reserve is counted already and has grown."""
    if not has_free_margin(state):
        return True
    if market.tiers_cap == inf:
        return False
    working = market.buy_lots if is_buy else -market.sell_lots
    return exceeds_tiers(market, market.pos + working, ticks)


def cancel_order(state: PaperState, order: WorkingOrder) -> bool:
    """Cancels an order of any kind, as of `PaperQuotes.cancel`: the general way."""
    order = state.own(order)
    if order.state in FINAL:
        state.logged += 1
        state.log.append(
            (
                state.now,
                OrderEventKind.CANCEL_REJECTED,
                OrderReason.ALREADY_FINAL,
                order,
                order.lots,
                order.filled,
                order.state.value,
            )
        )
        return False
    stop_order(state, order, _CANCELLED, _REQUESTED)
    return True
