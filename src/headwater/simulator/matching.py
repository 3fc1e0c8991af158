"""The matching engine of one symbol: price-time priority over whole ticks and whole lots.

Orders rest in first-in-first-out queues per price. A taker meets the best price first and, at one
price, the oldest order first, always at the resting order's price. Every touched level counts one
update; `drain_changes` tells the levels touched since the last call as absolute quantities.

Knows no time (the caller sets `now_ms`), no decimals, no accounts and no randomness.
"""

from bisect import bisect_left, insort
from typing import Final, NamedTuple

from headwater.core.enums import Side
from headwater.simulator.orders import BACKGROUND_OWNERS, Execution, TimeInForce

MAX_OPEN_ORDERS_PER_OWNER = 200
"""Resting orders an owner outside the background may have; more are refused."""

_NO_LIMIT: Final = 1 << 62


class RestingOrder:
    """An order in the book; `remaining` falls with each fill."""

    __slots__ = ("is_buy", "lots", "order_id", "owner", "price", "remaining")

    def __init__(self, order_id: int, owner: str, is_buy: bool, price: int, lots: int) -> None:
        self.order_id = order_id
        self.owner = owner
        self.is_buy = is_buy
        self.price = price
        self.lots = lots
        self.remaining = lots


class PriceLevel:
    """All orders at one price, oldest first, and the sum of what remains of them."""

    __slots__ = ("orders", "total")

    def __init__(self) -> None:
        self.orders: dict[int, RestingOrder] = {}
        self.total = 0


class BookSide:
    """One side of the book.

    Levels are kept under a key that is the price for asks and the negative price for bids, so
    that on both sides the smallest key is the best price.

    Attributes:
        sign: 1 for asks, -1 for bids.
        keys: all keys, ascending.
        levels: level by key.
        changed: keys touched since the last drain, in order of their first touch.
    """

    __slots__ = ("changed", "keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, PriceLevel] = {}
        self.changed: dict[int, None] = {}

    @property
    def best(self) -> int | None:
        """Best price in ticks, None when the side is empty."""
        return self.keys[0] * self.sign if self.keys else None

    def top(self, depth: int) -> list[tuple[int, int]]:
        """Up to `depth` levels as (price in ticks, lots), best first."""
        sign, levels = self.sign, self.levels
        return [(key * sign, levels[key].total) for key in self.keys[:depth]]

    def lots_within(self, limit_key: int, enough: int) -> int:
        """Lots that a taker may meet up to a key; stops counting at `enough`."""
        total = 0
        for key in self.keys:
            if key > limit_key or total >= enough:
                break
            total += self.levels[key].total
        return total

    def drop_if_empty(self, key: int, level: PriceLevel) -> None:
        """Removes a level that no order is left at."""
        if not level.orders:
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]


class Print(NamedTuple):
    """Fills of one taker order at one price.

    Attributes:
        stamp_ms: venue time.
        price: ticks.
        lots: quantity.
        is_buy: whether the taker bought.
        first_fill_id: first single fill contained.
        last_fill_id: last one.
    """

    stamp_ms: int
    price: int
    lots: int
    is_buy: bool
    first_fill_id: int
    last_fill_id: int


class Placement(NamedTuple):
    """What became of an order on arrival.

    Attributes:
        order_id: its number.
        filled: lots filled at once.
        cost: sum of ticks × lots of those fills.
        resting: lots that now rest in the book.
    """

    order_id: int
    filled: int
    cost: int
    resting: int


class Changes(NamedTuple):
    """Levels touched since the last drain, absolute lots, 0 for a level that is gone.

    Attributes:
        first: number of the first update contained.
        last: number of the last one.
        previous: number of the last update of the drain before.
        bids: (price in ticks, lots).
        asks: the same.
    """

    first: int
    last: int
    previous: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class TooManyOrders(Exception):
    """An owner has `MAX_OPEN_ORDERS_PER_OWNER` orders in the book already."""


class MatchingEngine:
    """One symbol's book and its matching.

    Args:
        symbol: canonical symbol, for the executions.
        first_order_id: number of the first order.
        first_fill_id: number of the first fill.
        update_id: number of the last update before this engine.

    Attributes:
        now_ms: venue time that fills are stamped with; set by the caller, never back.
        bids: bid side.
        asks: ask side.
        orders: every resting order by id.
        prints: prints since the caller last emptied the list.
        executions: fills of owners outside the background, emptied by the caller.
        update_id: number of the last update.
    """

    def __init__(
        self, symbol: str, *, first_order_id: int = 1, first_fill_id: int = 1, update_id: int = 0
    ) -> None:
        self.symbol = symbol
        self.now_ms = 0
        self.bids = BookSide(-1)
        self.asks = BookSide(1)
        self.orders: dict[int, RestingOrder] = {}
        self.prints: list[Print] = []
        self.executions: list[Execution] = []
        self.update_id = update_id
        self._drained_id = update_id
        self._next_order_id = first_order_id
        self._next_fill_id = first_fill_id
        self._open_by_owner: dict[str, int] = {}

    def submit(
        self,
        owner: str,
        is_buy: bool,
        lots: int,
        price: int | None,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> Placement:
        """Takes an order: fills what it may, rests or drops the remainder.

        Args:
            owner: who places it.
            is_buy: side.
            lots: quantity, > 0.
            price: limit in ticks, > 0; None for a market order, whose remainder is dropped.
            time_in_force: rule for the remainder of a limit order.

        Returns:
            What filled and what rests.

        Raises:
            ValueError: `lots` or `price` is not positive.
            TooManyOrders: the owner may not rest another order.
        """
        if lots <= 0 or (price is not None and price <= 0):
            raise ValueError(f"lots={lots} price={price}: must be > 0")
        rests = price is not None and time_in_force in (TimeInForce.GTC, TimeInForce.POST_ONLY)
        if rests and self._open_by_owner.get(owner, 0) >= MAX_OPEN_ORDERS_PER_OWNER:
            raise TooManyOrders(f"{owner} has {MAX_OPEN_ORDERS_PER_OWNER} open orders")
        order_id = self._next_order_id
        self._next_order_id += 1
        side = self.asks if is_buy else self.bids
        limit_key = _NO_LIMIT if price is None else price * side.sign
        crosses = bool(side.keys) and side.keys[0] <= limit_key
        if crosses and time_in_force is TimeInForce.POST_ONLY:
            return Placement(order_id, 0, 0, 0)
        if time_in_force is TimeInForce.FOK and side.lots_within(limit_key, lots) < lots:
            return Placement(order_id, 0, 0, 0)
        left, cost = lots, 0
        if crosses:
            left, cost = self._take(order_id, owner, is_buy, lots, limit_key)
        if left and rests and price is not None:
            self._rest(RestingOrder(order_id, owner, is_buy, price, left))
            return Placement(order_id, lots - left, cost, left)
        return Placement(order_id, lots - left, cost, 0)

    def cancel(self, order_id: int) -> int:
        """Takes a resting order out of the book.

        Returns:
            The lots withdrawn; 0 when no such order rests (filled, cancelled or never there).
        """
        order = self.orders.pop(order_id, None)
        if order is None:
            return 0
        self._forget(order)
        side = self.bids if order.is_buy else self.asks
        key = order.price * side.sign
        level = side.levels[key]
        del level.orders[order_id]
        level.total -= order.remaining
        side.changed[key] = None
        self.update_id += 1
        side.drop_if_empty(key, level)
        return order.remaining

    def open_orders(self, owner: str) -> list[RestingOrder]:
        """Resting orders of an owner, oldest first."""
        return [order for order in self.orders.values() if order.owner == owner]

    def drain_changes(self) -> Changes | None:
        """Levels touched since the last call, None when there were none."""
        if self.update_id == self._drained_id:
            return None
        previous = self._drained_id
        self._drained_id = self.update_id
        return Changes(previous + 1, self.update_id, previous, _drain(self.bids), _drain(self.asks))

    def _take(
        self, order_id: int, owner: str, is_buy: bool, lots: int, limit_key: int
    ) -> tuple[int, int]:
        """Fills a taker level by level; returns the lots left and the cost in ticks × lots."""
        side = self.asks if is_buy else self.bids
        left, cost = lots, 0
        while left and side.keys and side.keys[0] <= limit_key:
            key = side.keys[0]
            level = side.levels[key]
            price = key * side.sign
            first_fill_id = self._next_fill_id
            before = left
            gone: list[RestingOrder] = []
            for order in level.orders.values():
                lots_met = min(order.remaining, left)
                order.remaining -= lots_met
                left -= lots_met
                self._note_fill(order, lots_met, order_id, owner)
                if order.remaining:
                    break
                gone.append(order)
                if not left:
                    break
            for order in gone:
                del level.orders[order.order_id], self.orders[order.order_id]
                self._forget(order)
            traded = before - left
            level.total -= traded
            cost += traded * price
            side.changed[key] = None
            self.update_id += 1
            side.drop_if_empty(key, level)
            self.prints.append(
                Print(self.now_ms, price, traded, is_buy, first_fill_id, self._next_fill_id - 1)
            )
        return left, cost

    def _note_fill(self, maker: RestingOrder, lots: int, taker_id: int, taker: str) -> None:
        """Counts a fill and keeps it when somebody outside the background took part."""
        fill_id = self._next_fill_id
        self._next_fill_id += 1
        if maker.owner in BACKGROUND_OWNERS and taker in BACKGROUND_OWNERS:
            return
        self.executions.append(
            Execution(
                fill_id=fill_id,
                symbol=self.symbol,
                timestamp_ms=self.now_ms,
                price_ticks=maker.price,
                lots=lots,
                taker_side=Side.SELL if maker.is_buy else Side.BUY,
                taker_order_id=taker_id,
                taker_owner=taker,
                maker_order_id=maker.order_id,
                maker_owner=maker.owner,
            )
        )

    def _rest(self, order: RestingOrder) -> None:
        """Puts an order at the end of the queue of its price."""
        side = self.bids if order.is_buy else self.asks
        key = order.price * side.sign
        level = side.levels.get(key)
        if level is None:
            level = side.levels[key] = PriceLevel()
            insort(side.keys, key)
        level.orders[order.order_id] = order
        level.total += order.remaining
        self.orders[order.order_id] = order
        side.changed[key] = None
        self.update_id += 1
        if order.owner not in BACKGROUND_OWNERS:
            self._open_by_owner[order.owner] = self._open_by_owner.get(order.owner, 0) + 1

    def _forget(self, order: RestingOrder) -> None:
        """Counts an order of somebody outside the background out of the book."""
        count = self._open_by_owner.get(order.owner)
        if count is None:
            return
        if count > 1:
            self._open_by_owner[order.owner] = count - 1
        else:
            del self._open_by_owner[order.owner]


def _drain(side: BookSide) -> list[tuple[int, int]]:
    """The touched levels of a side, which then counts as untouched."""
    if not side.changed:
        return []
    levels, sign = side.levels, side.sign
    drained = [(key * sign, levels[key].total if key in levels else 0) for key in side.changed]
    side.changed.clear()
    return drained
