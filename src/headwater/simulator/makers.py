"""The market makers of one symbol: a ladder of resting orders around a price that moves.

Orders arrive near the touch far more often than away from it and are withdrawn at random, which
keeps a dense top and a long thin tail; when the quoted price moves, makers withdraw what became
too generous and follow on the other side. The number of levels a side is held near its target.
Orders of others are never touched.
"""

import math
import random
from typing import Final

from headwater.simulator.fair_price import STEP_MS
from headwater.simulator.listings import Grid, Listing
from headwater.simulator.matching import BookSide, MatchingEngine
from headwater.simulator.orders import MAKERS, TimeInForce

MAX_LEVELS = 1_000
"""Levels a side that a ladder may be asked to keep."""

MAX_ORDERS_PER_STEP = 40
"""Maker orders placed or withdrawn by chance in one step; a larger draw is cut."""

_SLACK_BPS: Final = 0.4  # how far the fair price may drift before makers move their quotes
_SLACK_TICKS: Final = 0.6
_RANGE: Final = 0.008  # of the price, reach of the ladder, unless the level count asks for more
_RANGE_TICKS_PER_LEVEL: Final = 1.6
_NEAR_SHARE, _MIDDLE_SHARE = 0.40, 0.35
_OVERFULL: Final = 1.12
_REFILL_PER_STEP: Final = 3
_FOLLOW_ORDERS: Final = 3
_SAMPLE_TRIES: Final = 4


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson draw for a small mean (multiplication of uniforms; cost grows with the mean)."""
    limit = math.exp(-mean)
    count = 0
    product = rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


class MakerLadder:
    """Keeps one symbol's book filled.

    Args:
        rng: its own randomness.
        engine: where the orders rest.
        listing: sizes, rates and level count.
        center: price to quote around at the start, ticks.
        levels: levels a side, at most `MAX_LEVELS`.
        rate: multiplies how often orders come and go.

    Attributes:
        bid_max: highest price at which makers would bid now, ticks.
        ask_min: lowest price at which makers would offer now, ticks.
    """

    def __init__(
        self,
        rng: random.Random,
        engine: MatchingEngine,
        listing: Listing,
        center: float,
        levels: int,
        rate: float,
    ) -> None:
        self._rng = rng
        self._engine = engine
        self._levels = min(levels, MAX_LEVELS)
        self._mean_events = listing.maker_rate * rate * STEP_MS / 1000
        self._range = max(_RANGE_TICKS_PER_LEVEL * self._levels, _RANGE * center)
        self._near = max(2.0, self._range * 0.010)
        self._middle = max(4.0, self._range * 0.10)
        self._touch_lots = max(1.0, Grid(listing).lots_of(listing.touch_notional, center))
        self._order_ids: list[int] = []
        self._center = center
        self.bid_max = 0
        self.ask_min = 0
        self._quote(center)
        for side in (engine.bids, engine.asks):
            while len(side.keys) < self._levels:
                self._add(side, self._distance())

    def moved(self, fair: float) -> bool:
        """Follows the fair price (ticks) when it has drifted far enough.

        Returns:
            True when the quotes moved; stale orders are then still in the book: the caller may
            let takers at them before `withdraw_stale`.
        """
        slack = max(_SLACK_TICKS, fair * _SLACK_BPS / 10_000)
        if abs(fair - self._center) < slack:
            return False
        self._quote(fair)
        return True

    def withdraw_stale(self) -> None:
        """Withdraws maker orders beyond the quotes, then closes the gap on both sides."""
        for side, limit in self._sides():
            self._withdraw_below(side, limit)
            self._follow(side, limit)

    def stale_lots(self, *, asks: bool, levels: int) -> int:
        """Lots resting beyond the quotes on one side, over the best `levels` levels at most."""
        side, limit = self._sides()[1 if asks else 0]
        total = 0
        for key in side.keys[:levels]:
            if key >= limit:
                break
            total += side.levels[key].total
        return total

    def stale_limit(self, *, asks: bool) -> int:
        """Price in ticks of the last quote that counts as stale on a side."""
        return self.ask_min - 1 if asks else self.bid_max + 1

    def step(self) -> None:
        """Places and withdraws orders by chance and keeps the level count near its target."""
        rng = self._rng
        bids, asks = self._engine.bids, self._engine.asks
        for _ in range(min(poisson(rng, self._mean_events), MAX_ORDERS_PER_STEP)):
            side = bids if rng.random() < 0.5 else asks
            if rng.random() < 0.5:
                self._add(side, self._distance())
            else:
                self._withdraw_any()
        for side, limit in self._sides():
            count = len(side.keys)
            if count == 0 or side.keys[0] > limit + 1:
                self._add(side, int(rng.random() * 2))
            if count < self._levels:
                for _ in range(min(_REFILL_PER_STEP, self._levels - count)):
                    self._add(side, int(rng.random() * self._range))
            elif count > self._levels * _OVERFULL:
                self._withdraw_level(side, side.keys[-1])

    def _sides(self) -> tuple[tuple[BookSide, int], tuple[BookSide, int]]:
        """Both sides, each with the key of its best allowed quote."""
        return (self._engine.bids, -self.bid_max), (self._engine.asks, self.ask_min)

    def _quote(self, center: float) -> None:
        """Sets the best allowed quotes around a price."""
        self._center = center
        self.bid_max = max(1, math.ceil(center) - 1)
        self.ask_min = self.bid_max + 1

    def _distance(self) -> int:
        """Ticks between the best allowed quote and a new order."""
        rng = self._rng
        draw = rng.random()
        if draw < _NEAR_SHARE:
            return int(rng.expovariate(1.0) * self._near)
        if draw < _NEAR_SHARE + _MIDDLE_SHARE:
            return int(rng.expovariate(1.0) * self._middle)
        return int(rng.random() * self._range)

    def _add(self, side: BookSide, distance: int) -> None:
        """Rests an order at a distance from the best allowed quote; drops it if it would take."""
        is_buy = side is self._engine.bids
        price = self.bid_max - distance if is_buy else self.ask_min + distance
        if price <= 0:
            return
        shape = 0.3 + 2.2 * math.sqrt(min(1.0, distance / self._range))
        lots = int(self._touch_lots * shape * self._rng.expovariate(1.0)) + 1
        placed = self._engine.submit(MAKERS, is_buy, lots, price, TimeInForce.POST_ONLY)
        if placed.resting:
            self._order_ids.append(placed.order_id)

    def _withdraw_any(self) -> None:
        """Withdraws one resting order by chance; ids of orders that are gone are dropped."""
        ids, rng, engine = self._order_ids, self._rng, self._engine
        for _ in range(_SAMPLE_TRIES):
            if not ids:
                return
            slot = int(rng.random() * len(ids))
            order_id = ids[slot]
            ids[slot] = ids[-1]
            ids.pop()
            if engine.cancel(order_id):
                break
        if len(ids) > 2 * len(engine.orders) + MAX_LEVELS:
            self._order_ids = [order_id for order_id in ids if order_id in engine.orders]

    def _withdraw_below(self, side: BookSide, limit: int) -> None:
        """Withdraws maker orders at keys better than `limit`."""
        stale: list[int] = []
        for key in side.keys:
            if key >= limit:
                break
            stale.append(key)
        for key in stale:
            self._withdraw_level(side, key)

    def _withdraw_level(self, side: BookSide, key: int) -> None:
        """Withdraws every maker order at one key."""
        orders = side.levels[key].orders.values()
        for order_id in [order.order_id for order in orders if order.owner == MAKERS]:
            self._engine.cancel(order_id)

    def _follow(self, side: BookSide, limit: int) -> None:
        """Quotes close to the best allowed price when the side has fallen behind it."""
        if side.keys and side.keys[0] <= limit:
            return
        behind = side.keys[0] - limit if side.keys else int(self._near)
        self._add(side, 0)
        for _ in range(min(_FOLLOW_ORDERS, behind)):
            self._add(side, int(self._rng.random() * min(behind, 4 * self._near)))
