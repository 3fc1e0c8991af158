"""A map over price: one amount per side and price bucket, which nothing can change.

What a model, a baseline or a score passes on. The numbers are kept as bytes, so that a map can be
compared, kept and sent, and the arrays made of it refuse to be written to.
"""

from typing import Self

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.price_buckets import PriceGrid
from headwater.core.enums import PositionSide

SIDES = (PositionSide.LONG, PositionSide.SHORT)
"""Order of the sides wherever an array has an axis of them."""


class PriceMap(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts of both sides over one grid.

    Attributes:
        grid: the price axis.
        long_bytes: amounts of longs, ascending by price, doubles of this machine's byte order.
        short_bytes: amounts of shorts, likewise.
    """

    grid: PriceGrid
    long_bytes: bytes
    short_bytes: bytes

    @classmethod
    def of(cls, grid: PriceGrid, long: FloatArray, short: FloatArray) -> Self:
        """A map with copies of these amounts.

        Args:
            grid: the price axis.
            long: shape (grid.count,), finite, ≥ 0; USD or a share, as the maker says.
            short: likewise.

        Raises:
            ValueError: another shape, or an amount that is negative or not finite.
        """
        for amounts in (long, short):
            if amounts.shape != (grid.count,):
                raise ValueError(f"shape {amounts.shape}: the grid has {grid.count} buckets")
            # Written so that NaN, which is not ≥ 0, is refused too.
            if not bool(np.all(amounts >= 0.0)) or not bool(np.all(np.isfinite(amounts))):
                raise ValueError("amounts must be finite and ≥ 0")
        return cls(
            grid=grid,
            long_bytes=long.astype(np.float64).tobytes(),
            short_bytes=short.astype(np.float64).tobytes(),
        )

    @property
    def long(self) -> FloatArray:
        """Amounts of longs, ascending by price, shape (grid.count,); read only."""
        return np.frombuffer(self.long_bytes, dtype=np.float64)

    @property
    def short(self) -> FloatArray:
        """Amounts of shorts, ascending by price, shape (grid.count,); read only."""
        return np.frombuffer(self.short_bytes, dtype=np.float64)

    def side(self, side: PositionSide) -> FloatArray:
        """Amounts of one side; read only."""
        return self.long if side is PositionSide.LONG else self.short


def shares_of(amounts: FloatArray) -> FloatArray:
    """Amounts as shares of their sum; all zero when there is nothing to share.

    Args:
        amounts: finite, ≥ 0, any shape.
    """
    total = float(amounts.sum())
    shares: FloatArray = amounts / total if total > 0.0 else np.zeros_like(amounts)
    return shares
