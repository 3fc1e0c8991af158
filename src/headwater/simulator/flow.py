"""The crowd of one symbol: taker orders that come in bursts and open and close positions.

Buy and sell orders arrive as two mutually exciting processes (each order raises the rate of its
own side a lot and of the other a little, fading within a second or two). Sizes follow power laws.
Some orders open a leveraged position with what they fill, some close one; the rest are plain.
"""

import math
import random
from typing import Final

from headwater.simulator.fair_price import STEP_MS, FairPrice
from headwater.simulator.listings import Grid, Listing
from headwater.simulator.makers import poisson
from headwater.simulator.matching import MatchingEngine, Placement
from headwater.simulator.orders import CROWD, LIQUIDATOR, TimeInForce
from headwater.simulator.positions import Position, PositionBook

MAX_TAKERS_PER_STEP = 25
"""Taker orders of one side in one step; a larger draw is cut."""

_FADE_PER_S: Final = 1.4
_SELF_EXCITE: Final = 0.55 * _FADE_PER_S  # orders of the same side that one order brings, × fade
_CROSS_EXCITE: Final = 0.12 * _FADE_PER_S
_BRANCHING: Final = (_SELF_EXCITE + _CROSS_EXCITE) / _FADE_PER_S
_EXCITE_CAP: Final = 12.0  # highest excitation, in multiples of the mean rate
_MOMENTUM_TILT: Final = 0.6
OPEN_SHARE: Final = 0.3
"""Share of taker orders that open a leveraged position."""

_CLOSE_SHARE: Final = 0.3  # at the target number of positions
_SIZE_TAIL, _SIZE_CAP = 1.35, 400.0
_POSITION_TAIL, _POSITION_CAP = 1.2, 300.0
_REACH: Final = 0.003  # how far from the best price a taker goes, fraction
_IMPACT: Final = 0.0025  # lasting log return of an order as large as the depth of one side
_FORCED_IMPACT: Final = 2.0  # how much more a forced order moves the price
_DRAW_TRIES: Final = 3


def power_law(rng: random.Random, smallest: float, tail: float, cap: float) -> float:
    """A Pareto draw.

    Args:
        rng: randomness.
        smallest: lower end.
        tail: exponent; smaller is heavier.
        cap: upper end in multiples of `smallest`.
    """
    return float(smallest * min(cap, (1.0 - rng.random()) ** (-1.0 / tail)))


class Crowd:
    """Background takers of one symbol.

    Args:
        rng: its own randomness.
        engine: where they trade.
        listing: rates and sizes.
        positions: what they open and close.
        fair: what their orders push.
        rate: multiplies how often they come.
    """

    def __init__(
        self,
        rng: random.Random,
        engine: MatchingEngine,
        listing: Listing,
        positions: PositionBook,
        fair: FairPrice,
        rate: float,
    ) -> None:
        self._rng = rng
        self._engine = engine
        self._listing = listing
        self._grid = Grid(listing)
        self._positions = positions
        self._fair = fair
        mean = listing.taker_rate * rate / 2
        self._base = mean * (1.0 - _BRANCHING)
        self._cap = mean * _EXCITE_CAP
        self._excite_buy = mean * _BRANCHING
        self._excite_sell = mean * _BRANCHING
        self._fade = math.exp(-_FADE_PER_S * STEP_MS / 1000)
        self._depth_notional = 1.5 * listing.touch_notional * listing.levels

    def step(self, opened_ms: int) -> None:
        """Sends the taker orders of one step.

        Args:
            opened_ms: first millisecond of the step.
        """
        self._excite_buy *= self._fade
        self._excite_sell *= self._fade
        tilt = max(-0.9, min(0.9, _MOMENTUM_TILT * self._fair.momentum))
        seconds = STEP_MS / 1000
        buys = self._count((self._base * (1.0 + tilt) + self._excite_buy) * seconds)
        sells = self._count((self._base * (1.0 - tilt) + self._excite_sell) * seconds)
        count = buys + sells
        if not count:
            return
        self._excite_buy = self._excited(self._excite_buy, buys, sells)
        self._excite_sell = self._excited(self._excite_sell, sells, buys)
        rng = self._rng
        sides = [True] * buys + [False] * sells
        if buys and sells:
            rng.shuffle(sides)
        last = 0
        for index, is_buy in enumerate(sides):
            # Random but ascending moments inside the step.
            last += int(rng.random() * (STEP_MS - last) / (count - index))
            self._engine.now_ms = max(self._engine.now_ms, opened_ms + last)
            self._act(is_buy)

    def snipe(self, is_buy: bool, lots: int, limit: int) -> None:
        """Takes a part of `lots` that the market has moved past, up to a limit price in ticks."""
        notional = power_law(self._rng, self._listing.order_notional, _SIZE_TAIL, _SIZE_CAP)
        self.grab(is_buy, min(lots, self._grid.lots_of(notional, self._fair.ticks)), limit)

    def grab(self, is_buy: bool, lots: int, limit: int) -> None:
        """Takes lots up to a limit price in ticks, without moving the fair price."""
        self._engine.submit(CROWD, is_buy, lots, limit, TimeInForce.IOC)

    def close_by_force(self, position: Position) -> Placement:
        """Sends the venue's closing order of a position, priced at bankruptcy, and ends it.

        What the book does not take at that price goes to the venue's insurance fund: no print.
        """
        lots = position.lots
        placed = self._engine.submit(
            LIQUIDATOR, not position.is_long, lots, position.bankruptcy, TimeInForce.IOC
        )
        self._positions.reduce(position, lots)
        self._push(not position.is_long, placed.cost, _FORCED_IMPACT)
        return placed

    def _count(self, mean: float) -> int:
        """How many orders of one side come in this step."""
        return min(poisson(self._rng, mean), MAX_TAKERS_PER_STEP)

    def _excited(self, rate: float, same: int, other: int) -> float:
        """Excitation of a side after orders of both."""
        return min(self._cap, rate + _SELF_EXCITE * same + _CROSS_EXCITE * other)

    def _act(self, is_buy: bool) -> None:
        """One taker order: opens, closes or just trades."""
        draw = self._rng.random()
        if draw < OPEN_SHARE:
            self._open(is_buy)
            return
        crowding = len(self._positions) / self._listing.positions
        if draw < OPEN_SHARE + min(0.6, _CLOSE_SHARE * crowding * crowding):
            for _ in range(_DRAW_TRIES):
                position = self._positions.draw(self._rng)
                if position is not None and position.is_long is not is_buy:
                    placed = self._send(is_buy, position.lots)
                    if placed.filled:
                        self._positions.reduce(position, placed.filled)
                    return
        notional = power_law(self._rng, self._listing.order_notional, _SIZE_TAIL, _SIZE_CAP)
        self._send(is_buy, self._grid.lots_of(notional, self._fair.ticks))

    def _open(self, is_buy: bool) -> None:
        """Opens a leveraged position with what a taker order fills."""
        notional = power_law(
            self._rng, self._listing.position_notional, _POSITION_TAIL, _POSITION_CAP
        )
        placed = self._send(is_buy, self._grid.lots_of(notional, self._fair.ticks))
        if not placed.filled:
            return
        filled_notional = placed.cost * self._grid.lot_value
        self._positions.open(
            is_buy,
            placed.filled,
            placed.cost / placed.filled,
            self._positions.draw_leverage(self._rng, filled_notional),
        )

    def _send(self, is_buy: bool, lots: int) -> Placement:
        """Sends an immediate-or-cancel order that goes a little way into the book."""
        engine = self._engine
        best = engine.asks.best if is_buy else engine.bids.best
        if best is None:
            best = max(1, round(self._fair.ticks))
        reach = max(3, round(best * _REACH))
        limit = best + reach if is_buy else max(1, best - reach)
        placed = engine.submit(CROWD, is_buy, lots, limit, TimeInForce.IOC)
        self._push(is_buy, placed.cost, 1.0)
        return placed

    def _push(self, is_buy: bool, cost: int, weight: float) -> None:
        """Moves the fair price by the lasting impact of what was traded."""
        part = weight * _IMPACT * cost * self._grid.lot_value / self._depth_notional
        self._fair.push(part if is_buy else -part)
