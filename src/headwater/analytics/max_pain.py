"""The fuel curve and max pain: what would be liquidated on the way to a price, and where most is.

Derived from a map, not a model of its own. It says what has to be bought or sold if the mark price
goes there, not that it goes there: published tests found no sign that it tells how far a cascade
runs.
"""

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.price_map import PriceMap
from headwater.core.enums import PositionSide


class FuelPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One price bucket on the way from the mark price.

    Attributes:
        price: middle of the bucket, quote currency.
        usd: would be liquidated in it, USD.
        cumulative_usd: would be liquidated from the mark price up to and with it, USD.
    """

    price: float
    usd: float
    cumulative_usd: float


class MaxPain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The bucket with the most.

    Attributes:
        side: whose positions.
        price: middle of the bucket, quote currency.
        usd: would be liquidated in it, USD.
    """

    side: PositionSide
    price: float
    usd: float


class FuelCurve(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on both sides of a mark price.

    Attributes:
        mark: quote currency.
        longs: below the mark, nearest first, only buckets with something in them.
        shorts: above it, likewise.
        max_pain_long: the longs' largest bucket, the nearest of equal ones; None for no longs.
        max_pain_short: the shorts' likewise.
        max_pain: the larger of both, the nearer of equal ones; None for an empty map.
    """

    mark: float
    longs: tuple[FuelPoint, ...]
    shorts: tuple[FuelPoint, ...]
    max_pain_long: MaxPain | None
    max_pain_short: MaxPain | None
    max_pain: MaxPain | None


def fuel_curve(held: PriceMap, mark: float) -> FuelCurve:
    """Adds a map up away from the mark price.

    Args:
        held: USD by side and price bucket.
        mark: current mark price, quote currency. Longs in buckets whose middle lies at or above it,
            and shorts at or below it, are gone already and are not counted: as in the model.

    Returns:
        Curves that never fall with the distance.
    """
    centres = held.grid.centres
    below, above = centres < mark, centres > mark
    longs = _points(centres[below][::-1], held.long[below][::-1])
    shorts = _points(centres[above], held.short[above])
    pain_long = _largest(PositionSide.LONG, longs)
    pain_short = _largest(PositionSide.SHORT, shorts)
    both = [one for one in (pain_long, pain_short) if one is not None]
    return FuelCurve(
        mark=mark,
        longs=longs,
        shorts=shorts,
        max_pain_long=pain_long,
        max_pain_short=pain_short,
        max_pain=max(both, key=lambda one: (one.usd, -abs(one.price - mark)), default=None),
    )


def _points(prices: FloatArray, amounts: FloatArray) -> tuple[FuelPoint, ...]:
    """The buckets with something in them, in the order given, added up."""
    filled = amounts > 0.0
    return tuple(
        FuelPoint(price=price, usd=usd, cumulative_usd=cumulative_usd)
        for price, usd, cumulative_usd in zip(
            prices[filled].tolist(),
            amounts[filled].tolist(),
            np.cumsum(amounts[filled]).tolist(),
            strict=True,
        )
    )


def _largest(side: PositionSide, points: tuple[FuelPoint, ...]) -> MaxPain | None:
    """The largest of the points, which come nearest first."""
    if not points:
        return None
    point = max(points, key=lambda one: one.usd)
    return MaxPain(side=side, price=point.price, usd=point.usd)
