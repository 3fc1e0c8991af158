"""The crowd's leveraged positions in one symbol, and which of them must be closed by force.

Positions are isolated and anonymous. Two heaps keep the liquidation prices next to the market, so
a check costs nothing while none is crossed. Quantities are whole lots and prices ticks.
"""

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from headwater.analytics.margin import liquidation_price, margin_of, tier_of
from headwater.core.enums import PositionSide
from headwater.simulator.listings import Grid, Listing
from headwater.simulator.margin import bankruptcy_price, tiers_for

MAX_POSITIONS = 20_000
"""Positions kept per symbol; opening beyond it is refused (the crowd closes before that)."""

MAX_FORCED_PER_STEP = 4
"""Forced closes per symbol and step; more wait for the next step, so that cascades take time."""

_LEVERAGES: Final = (3, 5, 10, 20, 25, 50, 75, 100, 125)
_WEIGHTS: Final = (5, 7, 12, 18, 10, 20, 12, 16, 2)
_HEAP_SLACK = 256  # heap entries of closed positions tolerated beyond the number of open ones


class Position:
    """One leveraged position.

    Attributes:
        position_id: number within the symbol.
        is_long: direction.
        lots: size, > 0.
        entry: entry price in ticks.
        leverage: entry notional / margin.
        liquidation: mark price in ticks at which it is closed by force.
        bankruptcy: limit price of the forced order, whole ticks.
    """

    __slots__ = ("bankruptcy", "entry", "is_long", "leverage", "liquidation", "lots",
                 "position_id", "slot")  # fmt: skip

    def __init__(
        self, position_id: int, is_long: bool, lots: int, entry: float, leverage: int
    ) -> None:
        self.position_id = position_id
        self.is_long = is_long
        self.lots = lots
        self.entry = entry
        self.leverage = leverage
        self.liquidation = 0.0
        self.bankruptcy = 0
        self.slot = 0


class PositionBook:
    """All leveraged positions of one symbol.

    Args:
        listing: its highest leverage chooses the margin tiers.

    Attributes:
        long_lots: sum of the longs.
        short_lots: sum of the shorts.
    """

    def __init__(self, listing: Listing) -> None:
        self._grid = Grid(listing)
        self._tiers = tiers_for(listing.max_leverage)
        self._positions: list[Position] = []
        self._by_id: dict[int, Position] = {}
        self._longs: list[tuple[float, int]] = []
        self._shorts: list[tuple[float, int]] = []
        self._next_id = 1
        self.long_lots = 0
        self.short_lots = 0

    def __len__(self) -> int:
        return len(self._positions)

    def held_lots(self) -> int:
        """The larger of the two sides, lots; somebody outside the book holds the rest of it."""
        return max(self.long_lots, self.short_lots)

    def __iter__(self) -> Iterator[Position]:
        """All open positions, in no order; do not open or reduce meanwhile."""
        return iter(self._positions)

    def numbered(self, only: int | None) -> Sequence[Position]:
        """All open positions, or the open one of a number; do not open or reduce meanwhile."""
        if only is None:
            return self._positions
        found = self._by_id.get(only)
        return () if found is None else (found,)

    def draw_leverage(self, rng: random.Random, notional: float) -> int:
        """A leverage of the crowd's distribution, at most what the tier of `notional` allows."""
        drawn = rng.choices(_LEVERAGES, _WEIGHTS)[0]
        return min(drawn, int(tier_of(self._tiers, notional).leverage_max))

    def liquidation_of(self, is_long: bool, lots: int, entry: float, leverage: int) -> float:
        """Mark price in ticks at which such a position would be closed by force; 0 for never."""
        unit, quantity = self._grid.price(1), self._grid.quantity(lots)
        price = liquidation_price(
            PositionSide.LONG if is_long else PositionSide.SHORT,
            entry * unit,
            quantity,
            margin_of(entry * unit, quantity, leverage),
            self._tiers,
        )
        return (price or 0.0) / unit

    def open(self, is_long: bool, lots: int, entry: float, leverage: int) -> Position | None:
        """Adds a position.

        Args:
            is_long: direction.
            lots: size, > 0.
            entry: average price paid, ticks.
            leverage: entry notional / margin.

        Returns:
            The position; None when `MAX_POSITIONS` are open.
        """
        if len(self._positions) >= MAX_POSITIONS:
            return None
        position = Position(self._next_id, is_long, lots, entry, leverage)
        self._next_id += 1
        position.liquidation = self.liquidation_of(is_long, lots, entry, leverage)
        bankrupt = bankruptcy_price(is_long=is_long, entry=entry, leverage=leverage)
        position.bankruptcy = max(1, math.ceil(bankrupt) if is_long else math.floor(bankrupt))
        position.slot = len(self._positions)
        self._positions.append(position)
        self._by_id[position.position_id] = position
        if is_long:
            self.long_lots += lots
            heapq.heappush(self._longs, (-position.liquidation, position.position_id))
        else:
            self.short_lots += lots
            heapq.heappush(self._shorts, (position.liquidation, position.position_id))
        return position

    def draw(self, rng: random.Random) -> Position | None:
        """Any open position, None when there is none."""
        positions = self._positions
        return positions[int(rng.random() * len(positions))] if positions else None

    def reduce(self, position: Position, lots: int) -> None:
        """Takes lots off a position and forgets it when none are left.

        The liquidation price of an isolated position does not move with its size but for the
        tier; that shift is ignored.
        """
        closed = min(lots, position.lots)
        position.lots -= closed
        if position.is_long:
            self.long_lots -= closed
        else:
            self.short_lots -= closed
        if position.lots:
            return
        last = self._positions.pop()
        if last is not position:
            self._positions[position.slot] = last
            last.slot = position.slot
        del self._by_id[position.position_id]
        self._tidy()

    def crossed(self, mark: float) -> list[Position]:
        """Positions to be closed by force at a mark price in ticks, nearest first.

        They leave the heaps (the caller closes them), at most `MAX_FORCED_PER_STEP` a call.
        """
        found: list[Position] = []
        while self._longs and -self._longs[0][0] >= mark and len(found) < MAX_FORCED_PER_STEP:
            position = self._by_id.get(heapq.heappop(self._longs)[1])
            if position is not None:
                found.append(position)
        while self._shorts and self._shorts[0][0] <= mark and len(found) < MAX_FORCED_PER_STEP:
            position = self._by_id.get(heapq.heappop(self._shorts)[1])
            if position is not None:
                found.append(position)
        return found

    def nearest(self, mark: float) -> float | None:
        """Log return from a mark price in ticks to the nearest liquidation price.

        Negative when it is a long's, below; None when there is none.
        """
        for heap in (self._longs, self._shorts):
            while heap and heap[0][1] not in self._by_id:
                heapq.heappop(heap)
        prices = [-self._longs[0][0]] if self._longs else []
        prices += [self._shorts[0][0]] if self._shorts else []
        ways = [math.log(price / mark) for price in prices if price > 0.0]
        return min(ways, key=abs, default=None)

    def _tidy(self) -> None:
        """Throws heap entries of closed positions away when they outnumber the open ones."""
        if len(self._longs) + len(self._shorts) <= 2 * len(self._positions) + _HEAP_SLACK:
            return
        self._longs = [entry for entry in self._longs if entry[1] in self._by_id]
        self._shorts = [entry for entry in self._shorts if entry[1] in self._by_id]
        heapq.heapify(self._longs)
        heapq.heapify(self._shorts)
