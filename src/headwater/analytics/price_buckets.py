"""Price buckets: how wide, which one holds a price, and a stretch of them as a grid.

Buckets are half-open, [index × width, (index + 1) × width), and counted from a price of zero, so
that a bucket's index means the same in every grid of its width. The width is a whole number of
ticks, kept as an integer over a power of ten: every edge is the float nearest to the exact decimal,
and no rounding of a division puts a price into its neighbour.

The width is chosen once for a request: the smallest of 1, 2, 2.5 and 5 × 10^k ticks that is at
least a third of the median candle's range (2.5 ticks themselves are left out: their edges would
lie between two prices).
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from statistics import median
from typing import Any, Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.core.records import Candle

BUCKETS_MAX: Final = 4096
"""Most buckets of a grid; a range that needs more is refused, so that no request fills the memory.
"""
RANGE_SHARE: Final = 3
"""A bucket is at least one part in so many of the median candle's range."""
_LEADING: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5))
# 100.3 − 100 is a little more than 0.3 in floats; that is no reason for wider buckets.
_ROUNDING: Final = 1 - Decimal("1e-9")
# Beyond this an index × width is no longer exact in a float.
_EXACT_MAX: Final = 2**53
# Powers of ten are exact in a float up to this one.
_EXACT_PLACES: Final = 22


class PriceBuckets(msgspec.Struct, frozen=True, kw_only=True):
    """Buckets of one width: `units` / 10^`places` in quote currency.

    Attributes:
        units: the width in units of the last decimal place, > 0.
        places: decimal places of the width, ≥ 0.
    """

    units: int
    places: int

    @classmethod
    def of_width(cls, width: Decimal) -> Self:
        """Buckets of an exact width, quote currency.

        Raises:
            ValueError: a width that is not a positive number.
        """
        if not width.is_finite() or width <= 0:
            raise ValueError(f"width={width}: must be a positive number")
        exponent = width.normalize().as_tuple().exponent
        places = max(0, -exponent) if isinstance(exponent, int) else 0
        return cls(units=int(width.scaleb(places)), places=places)

    @property
    def width(self) -> float:
        """Width of a bucket, quote currency."""
        return self.lower_edge(1)

    def lower_edge(self, index: int) -> float:
        """Lowest price of a bucket: the float nearest to the exact decimal, quote currency."""
        scaled = index * self.units
        return float(scaled / 10**self.places)

    def index_of(self, price: float) -> int:
        """The bucket with lower_edge(index) ≤ price < lower_edge(index + 1).

        Args:
            price: quote currency, ≥ 0 and finite.

        Raises:
            ValueError: no such price, or one so many buckets from zero that floats cannot tell
                one from the next.
        """
        if not (math.isfinite(price) and price >= 0.0):
            raise ValueError(f"price={price}: must be finite and ≥ 0")
        index = math.floor(price / self.width)
        if (index + 1) * self.units >= _EXACT_MAX:
            raise ValueError(f"price={price}: too far from zero for buckets of {self.width}")
        # The quotient may be rounded over an edge, by one bucket at most.
        if price < self.lower_edge(index):
            return index - 1
        if price >= self.lower_edge(index + 1):
            return index + 1
        return index

    def indices_of(self, prices: FloatArray) -> IndexArray:
        """`index_of` for many prices at once.

        Args:
            prices: quote currency, ≥ 0 and finite; shape (n,).

        Returns:
            Indices; shape (n,).

        Raises:
            ValueError: as `index_of`, for the first price that has no bucket.
        """
        if self.places > _EXACT_PLACES:
            return np.array([self.index_of(price) for price in prices.tolist()], np.int64)
        found = np.floor(prices / self.width)
        fits = (prices >= 0.0) & ((found + 1.0) * self.units < _EXACT_MAX)
        for price in prices[~fits].tolist():
            self.index_of(price)
        scale = float(10**self.places)
        found -= prices < found * self.units / scale
        found += prices >= (found + 1.0) * self.units / scale
        return found.astype(np.int64)


class PriceGrid(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of buckets without holes, ascending: the price axis of a map.

    Attributes:
        buckets: their width.
        first_index: index of the lowest bucket, ≥ 0.
        count: how many, 1 … `BUCKETS_MAX`.
    """

    buckets: PriceBuckets
    first_index: int
    count: int

    def __post_init__(self) -> None:
        """Refuses a grid that is empty, too long or below zero."""
        if not 1 <= self.count <= BUCKETS_MAX:
            raise ValueError(f"{self.count} price buckets: must be 1 … {BUCKETS_MAX}")
        if self.first_index < 0:
            raise ValueError(f"first_index={self.first_index}: must be ≥ 0")

    @property
    def edges(self) -> FloatArray:
        """All `count` + 1 edges, ascending, quote currency; shape (count + 1,)."""
        steps = np.arange(self.first_index, self.first_index + self.count + 1, dtype=np.float64)
        exact: FloatArray = steps * float(self.buckets.units) / float(10**self.buckets.places)
        return exact

    @property
    def centres(self) -> FloatArray:
        """Middles of the buckets, ascending, quote currency; shape (count,)."""
        edges = self.edges
        middles: FloatArray = (edges[:-1] + edges[1:]) / 2.0
        return middles

    def positions(self, prices: npt.NDArray[np.floating[Any]]) -> IndexArray:
        """Where in the grid prices lie: 0 … count − 1; −1 for those outside and for NaN.

        Args:
            prices: quote currency, any shape.

        Returns:
            Positions in the same shape; a price on an edge belongs to the bucket above it.
        """
        found = np.searchsorted(self.edges, prices, side="right").astype(np.int64) - 1
        # NaN sorts behind everything, like a price above the grid.
        found[found >= self.count] = -1
        return found


def nice_width(tick: Decimal, at_least: float) -> Decimal:
    """The smallest nice multiple (1, 2, 2.5, 5 × 10^k, whole) of a tick that is wide enough.

    Args:
        tick: smallest step of the price, quote currency, > 0.
        at_least: least width, quote currency, finite; 0 and less give one tick. Met
            to one part in 10^9, which is what is lost in subtracting two prices.

    Returns:
        The width, exact.

    Raises:
        ValueError: a tick that is not positive, or a least width that is not finite.
    """
    if not tick.is_finite() or tick <= 0 or not math.isfinite(at_least):
        raise ValueError(f"tick={tick}, at_least={at_least}: must be positive and finite")
    wanted = Decimal(at_least) / tick * _ROUNDING
    power = max(0, wanted.adjusted() - 1) if wanted > 1 else 0
    while True:
        for leading in _LEADING:
            multiple = leading.scaleb(power)
            if multiple >= wanted and multiple == multiple.to_integral_value():
                return multiple * tick
        power += 1


def median_range(candles: Sequence[Candle]) -> float:
    """Median of high − low, quote currency.

    Raises:
        ValueError: no candles.
    """
    if not candles:
        raise ValueError("no candles: their median range is unknown")
    return float(median(one.high - one.low for one in candles))


def bucket_width(candles: Sequence[Candle], tick: Decimal) -> Decimal:
    """Width of the price buckets of a request, from its candles.

    Args:
        candles: of the request, any order.
        tick: smallest step of the price, quote currency, > 0.

    Returns:
        The smallest nice multiple of the tick with at least a third of the median range.

    Raises:
        ValueError: no candles, or a tick that is not positive.
    """
    return nice_width(tick, median_range(candles) / RANGE_SHARE)


def grid_between(width: Decimal, low: float, high: float) -> PriceGrid:
    """The grid whose first bucket holds `low` and whose last one holds `high`.

    Args:
        width: of a bucket, quote currency, > 0.
        low: lowest price to be held, quote currency, ≥ 0.
        high: highest one, ≥ `low`.

    Raises:
        ValueError: prices out of order, or more than `BUCKETS_MAX` buckets between them.
    """
    buckets = PriceBuckets.of_width(width)
    first, last = buckets.index_of(low), buckets.index_of(high)
    if last < first:
        raise ValueError(f"low={low} is above high={high}")
    return PriceGrid(buckets=buckets, first_index=first, count=last - first + 1)
