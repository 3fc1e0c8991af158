"""The leverage ladder of one venue: its own tiers, for a position of the usual size.

The usual size is the middle of the venue's first tier: a size that every leverage on offer may
have. The whole open interest is no position, and larger tiers hold few. Leverages that the venue
does not offer there are left out and the others share their weight; positions have to be somewhere.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.leverage_ladder import LeverageLadder, LiquidationPriceOf
from headwater.analytics.leverage_weights import LeverageClass
from headwater.analytics.margin import build_tiers, liquidation_price, margin_of
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.enums import PositionSide
from headwater.core.margin_tiers import MarginTier

TAKER_FEE_RATE: Final = 0.0005
"""Fee of a taker without discount, share of 1, where the venue demands it with the maintenance."""
UNENDING_NOTIONAL: Final = 100_000.0
"""Size of a position where the first tier has no end, quote currency; any gives the same price."""
ASSUMED_TIERS: Final = build_tiers([(0.0, 0.005, 100.0)])
"""What is assumed where a venue publishes no tiers: 0.5 % at every size, leverage up to 100."""
ANCHORS_MAX: Final = 2048
"""Most entry prices at which a ladder is worked out; the others are read off between them."""


class OfferedClasses(msgspec.Struct, frozen=True, kw_only=True):
    """Leverage classes of one venue.

    Attributes:
        classes: those it offers, weights adding up to 1; empty when it offers none.
        left_out: leverages that it does not offer.
    """

    classes: tuple[LeverageClass, ...]
    left_out: tuple[float, ...]


def offered(classes: Sequence[LeverageClass], tiers: Sequence[MarginTier]) -> OfferedClasses:
    """The classes that the first tier allows.

    Args:
        classes: with weights that add up to 1.
        tiers: of the contract, at least one.
    """
    most = tiers[0].leverage_max
    kept = [one for one in classes if one.leverage <= most]
    total = math.fsum(one.weight for one in kept)
    return OfferedClasses(
        classes=tuple(msgspec.structs.replace(one, weight=one.weight / total) for one in kept),
        left_out=tuple(one.leverage for one in classes if one.leverage > most),
    )


def quantity_at(tiers: Sequence[MarginTier], entry: float) -> float:
    """Quantity of a position of the usual size, base units.

    Args:
        tiers: of the contract, at least one.
        entry: price, quote currency, > 0.
    """
    first = tiers[0]
    if first.quantity_cap is not None:
        if math.isfinite(first.quantity_cap):
            return ((first.quantity_floor or 0.0) + first.quantity_cap) / 2.0
        return UNENDING_NOTIONAL / entry
    if math.isfinite(first.notional_cap):
        return (first.notional_floor + first.notional_cap) / 2.0 / entry
    return UNENDING_NOTIONAL / entry


def price_by(tiers: Sequence[MarginTier], *, is_fee_demanded: bool) -> LiquidationPriceOf:
    """Liquidation price of a position of the usual size, as the ladder asks for it.

    Args:
        tiers: of the contract, at least one.
        is_fee_demanded: whether the venue demands the taker fee with the maintenance.
    """
    fee_rate = TAKER_FEE_RATE if is_fee_demanded else 0.0

    def price_of(side: PositionSide, entry: float, leverage: float) -> float | None:
        quantity = quantity_at(tiers, entry)
        margin = margin_of(entry, quantity, leverage)
        return liquidation_price(side, entry, quantity, margin, tiers, fee_rate)

    return price_of


def ladder_of(
    classes: Sequence[LeverageClass],
    price_of: LiquidationPriceOf,
    buckets: PriceBuckets,
    lowest: float,
    highest: float,
) -> LeverageLadder:
    """A ladder whose anchors do not depend on how far the market has gone.

    Args:
        classes: weights adding up to 1.
        price_of: see `price_by`.
        buckets: some hundredths of a percent to a percent of the price high; anchors are whole
            multiples of their width, counted from zero.
        lowest: lowest entry price, > 0.
        highest: highest one.
    """
    return LeverageLadder(classes, price_of, anchors_between(buckets, lowest, highest))


def anchors_between(buckets: PriceBuckets, lowest: float, highest: float) -> FloatArray:
    """Entry prices around a range: every bucket's edge; every 2nd, 4th, … where they are too many.

    Shape (A,), ascending, > 0, A ≤ `ANCHORS_MAX`; the range lies between the first and the last,
    but for a lowest price below the first edge.
    """
    first, last = buckets.index_of(lowest), buckets.index_of(highest) + 1
    stride = 1
    while (last - first) // stride + 3 > ANCHORS_MAX:
        stride *= 2
    indices = range(max(1, first // stride) * stride, (-(-last // stride) + 1) * stride, stride)
    return np.array([buckets.lower_edge(index) for index in indices])
