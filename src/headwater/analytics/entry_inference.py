"""Ratios of liquidation price to entry, of liquidations whose entries nobody tells.

A liquidation says where a position ended, not where it was opened. What is known is where was
traded before: so each liquidation is laid over the volume of the `WINDOW_MS` before it, older
volume counting less, on the side of its price on which its entry must lie: above for a long, below
for a short. Each entry has its share of the liquidation's USD, and gives one ratio.

What it assumes: that positions were opened where volume was, at any leverage alike. It makes near
entries too likely, for volume is near; it is one step of an estimate that has no second one. Read
the density as where liquidations lie behind the volume that came before them, not as leverages.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray

WINDOW_MS: Final = 7 * 86_400_000
"""How long before its liquidation a position may have been opened."""
HALF_LIFE_MS: Final = 2.0 * 86_400_000
"""Age at which volume counts half as the entry of a liquidation."""
RATIO_STEP: Final = 0.0005
"""Ratios are gathered in steps of so much; each is told as the middle of its step."""
_PAIRS_AT_ONCE: Final = 1_000_000


class WeightedRatios(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios of one side, each with its USD.

    Attributes:
        ratios: shape (R,), ascending: in (0, 1) for longs, above 1 for shorts.
        weights_usd: shape (R,), > 0.
        events: liquidations that they are made of.
    """

    ratios: FloatArray
    weights_usd: FloatArray
    events: int


def infer_ratios(
    times_ms: FloatArray,
    prices: FloatArray,
    usd: FloatArray,
    volume: FloatArray,
    *,
    is_long: bool,
) -> WeightedRatios:
    """The ratios of the liquidations of one side on one venue.

    Args:
        times_ms: shape (E,): of the liquidations, ms since the epoch.
        prices: shape (E,): their prices, quote currency, > 0.
        usd: shape (E,): their values, ≥ 0.
        volume: shape (V, 3): rows of (end of a step in ms, price, base units) of what was traded.
        is_long: whether longs were liquidated.

    Returns:
        One without any volume on the right side of its price is not counted.
    """
    cells = round(1.0 / RATIO_STEP)
    # Ratios of shorts are gathered by their inverse, which lies in (0, 1) too.
    weights, events = np.zeros(cells), 0
    at_once = max(1, _PAIRS_AT_ONCE // max(1, len(volume)))
    for first in range(0, len(times_ms) if len(volume) else 0, at_once):
        part = slice(first, first + at_once)
        age_ms = times_ms[part, None] - volume[None, :, 0]
        entry = volume[None, :, 1]
        price = prices[part, None]
        fits: BoolArray = (age_ms >= 0.0) & (age_ms <= WINDOW_MS)
        fits &= (entry > price) if is_long else (entry < price)
        shares = np.where(fits, volume[None, :, 2] * np.exp2(-age_ms / HALF_LIFE_MS), 0.0)
        totals = shares.sum(axis=1)
        found = totals > 0.0
        events += int(found.sum())
        shares = shares[found] * (usd[part][found] / totals[found])[:, None]
        ratio = (price / entry if is_long else entry / price)[found]
        cell = np.clip((ratio / RATIO_STEP).astype(np.int64), 0, cells - 1)
        weights += np.bincount(cell.ravel(), weights=shares.ravel(), minlength=cells)
    filled = np.flatnonzero(weights > 0.0)
    ratios: FloatArray = (filled.astype(np.float64) + 0.5) * RATIO_STEP
    if is_long:
        return WeightedRatios(ratios=ratios, weights_usd=weights[filled], events=events)
    return WeightedRatios(
        ratios=(1.0 / ratios)[::-1], weights_usd=weights[filled][::-1], events=events
    )


def pooled(parts: list[WeightedRatios]) -> WeightedRatios:
    """The ratios of several venues together."""
    ratios = np.concatenate([np.zeros(0), *(one.ratios for one in parts)])
    weights = np.concatenate([np.zeros(0), *(one.weights_usd for one in parts)])
    steps, which = np.unique(ratios, return_inverse=True)
    return WeightedRatios(
        ratios=steps,
        weights_usd=np.bincount(which, weights=weights, minlength=len(steps)).astype(np.float64),
        events=sum(one.events for one in parts),
    )
