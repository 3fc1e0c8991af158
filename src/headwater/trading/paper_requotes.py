"""Quoting anew in one go: one order of a side ends and another takes its place.

A strategy that replaces its quotes each second spends its time here. What `cancel` and
`place_limit` would both do to the contract's sums and bounds is done once, and the margin is not
looked at while there is room (`paper_margin.grant_room`); all else goes by these two.
"""

from bisect import bisect_left, insort
from math import inf, nextafter

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState, OrderType
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import RestingKey, WorkingOrder
from headwater.trading.paper_quotes import PaperQuotes
from headwater.trading.paper_resting import queue_ahead
from headwater.trading.paper_state import FINAL, FINISHED_MAX, Entry, PaperState

# Bound here: looking a member up in its enumeration costs more than the comparison it serves.
_LIMIT = OrderType.LIMIT
_ACCEPTED = OrderState.ACCEPTED
_CANCELLED = OrderState.CANCELLED
_EVENT_ACCEPTED = OrderEventKind.ACCEPTED
_EVENT_CANCELLED = OrderEventKind.CANCELLED
_REQUESTED = OrderReason.REQUESTED


class PaperRequotes(PaperQuotes):
    """The side of `paper.PaperVenue` that replaces quotes."""

    def replace_limit(
        self,
        old: WorkingOrder,
        market: PaperMarket,
        is_buy: bool,
        ticks: int,
        lots: int,
        post_only: bool = False,
    ) -> WorkingOrder:
        """Cancels an order, if it has not ended, and places a limit order: quoting anew in one go.

        The same as `cancel` and then `place_limit`; each order may be of any side and contract.

        Args:
            old: handle of the order to cancel.
            market: as of `place_limit`; so are all that follow.
            is_buy: side.
            ticks: limit price in ticks, > 0.
            lots: quantity in steps, > 0.
            post_only: as in `OrderRequest`.

        Returns:
            The new order. The old one is gone even if this one is refused.

        Raises:
            RequestError: `old` is no handle, or one of another account.
        """
        try:
            state, key = self._state, old.key
        except AttributeError:
            raise RequestError("instead_of", old, "a handle that quote gave") from None
        price = ticks * market.tick_n / market.tick_d
        value = market.mark if market.has_marks else market.last
        added = lots * ticks - old.reserved * old.ticks
        # Where there is room, the account has one contract and is not ruined.
        if (
            key is None
            or old.market is not market
            or market.buy_units + market.sell_units + added > market.room_units
            or not market.room_low < value < market.room_high
            or (price >= market.ask if is_buy else price <= market.bid)
            or old.is_buy is not is_buy
            or not old.is_resting
            or old.plan is not None
            or old.reduce_only
            or state.live.get(old.number) is not old
            or market.arrivals
            or not market.is_tape
            or lots < market.min_lots
            or lots * ticks < market.min_units
        ):
            self._cancel_open(old)
            return self.place_limit(market, is_buy, ticks, lots, post_only)
        if is_buy:
            market.buy_lots += lots - old.reserved
            market.buy_units += added
        else:
            market.sell_lots += lots - old.reserved
            market.sell_units += added
        state.numbers = number = state.numbers + 1
        order = WorkingOrder(number, market, is_buy, _LIMIT, ticks, price, lots, state.now)
        order.post_only, order.reserved = post_only, lots
        order.state, order.is_resting = _ACCEPTED, True
        if market.is_queued:
            order.ahead = queue_ahead(market, order)
        elif not market.is_touched:
            price = nextafter(price, 0.0 if is_buy else inf)
        order.key = (price if is_buy else -price, -number, order)
        _swap(state, market, old, order, key)
        return order

    def _cancel_open(self, old: WorkingOrder) -> None:
        own = self._state.own(old)
        if own.state not in FINAL:
            self.cancel(own)


def _swap(
    state: PaperState, market: PaperMarket, old: WorkingOrder, order: WorkingOrder, key: RestingKey
) -> None:
    """Ends a resting order and lets another of its side rest, both logged.

    Args:
        state: the account.
        market: of both.
        old: without reserve from now on.
        order: with its key.
        key: that of the old one.
    """
    now = state.now
    old.key, old.reserved = None, 0
    old.state, old.reason, old.updated_at_ms = _CANCELLED, _REQUESTED, now
    live, finished = state.live, state.finished
    del live[old.number]
    if state.by_client and len(finished) == FINISHED_MAX:
        state.forget(finished[0])
    finished.append(old)
    live[order.number] = order
    state.logged += 2
    entry: Entry = (now, _EVENT_CANCELLED, market, old.number, old.lots, old.filled)
    if old.client_id is not None:
        entry = (now, _EVENT_CANCELLED, _REQUESTED, old, old.lots, old.filled, None)
    state.log.append(entry)
    state.log.append((now, _EVENT_ACCEPTED, market, order.number, order.lots, 0))
    keys = market.below if old.is_buy else market.above
    if keys[-1] is key:
        del keys[-1]
    else:
        del keys[bisect_left(keys, key)]
    fresh = order.key
    assert fresh is not None
    if keys:
        insort(keys, fresh)
        fresh = keys[-1]
    else:
        keys.append(fresh)
    # The nearest one gives its side's bound: see `PaperMarket.refresh`.
    watches = market.pos and not market.has_marks
    if old.is_buy:
        low = fresh[0]
        market.low = market.liq_low if watches and market.liq_low > low else low
    else:
        high = -fresh[0]
        market.high = market.liq_high if watches and market.liq_high < high else high
