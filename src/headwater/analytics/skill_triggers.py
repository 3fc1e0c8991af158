"""At which mark price a liquidation was triggered, from bars of a minute and the told price.

A venue tells a bankruptcy or a fill price, which lies beyond the mark that triggered: by about the
maintenance rate, which is several cells of the score. A bar says between which prices the mark was
in that minute, which is little in a calm minute and much in a cascade. Both together say more:

1. Every liquidation allows the shifts between the told price and the trigger that put it into its
   bar. The shift that most of them allow, those with narrow bars counting more, is taken for the
   venue's: a liquidation weighs as likely as its bar makes the shift, 1 / width.
2. Each trigger is the told price moved by that shift, and brought into its bar.

Assumes one shift for all liquidations of a venue; positions of small leverage and of higher tiers
have a larger one, and are brought into their bar at least. A path of samples has bars without
height, and the trigger is the sample.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.skill_observation import LiquidationEvents, MarkPath

SHIFT_MIN: Final = -0.01
SHIFT_MAX: Final = 0.05
"""Shifts that are looked at, as a share of the told price, towards the entry."""
SHIFT_STEP: Final = 0.0001
"""Distance of the shifts looked at: a tenth of a cell."""
LIQUIDATIONS_MIN: Final = 30
"""Liquidations without which no shift is assumed."""


def at_triggers(events: LiquidationEvents, marks: MarkPath) -> LiquidationEvents:
    """Moves the liquidations of one venue to the marks that triggered them.

    The bar of a liquidation is the first that ends at it or later; after the last one prices stay
    as they are told.

    Args:
        events: at the prices that the venue tells.
        marks: of the same symbol.
    """
    index = np.searchsorted(marks.at_ms, events.at_ms, side="left")
    known = index < len(marks.at_ms)
    low, high = marks.low[index[known]], marks.high[index[known]]
    told, is_long = events.price[known], events.is_long[known]
    shift = told_shift(told, is_long, low, high)
    price = events.price.copy()
    price[known] = np.clip(told * (1.0 + np.where(is_long, shift, -shift)), low, high)
    return msgspec.structs.replace(events, price=price)


def told_shift(told: FloatArray, is_long: BoolArray, low: FloatArray, high: FloatArray) -> float:
    """The share by which triggers lie nearer to the entry than the told prices.

    Args:
        told: shape (n,): prices as told, quote currency, > 0.
        is_long: shape (n,).
        low: shape (n,): lowest mark of the bar of each.
        high: shape (n,): highest.

    Returns:
        The middle of the shifts that are likeliest; 0 with fewer than `LIQUIDATIONS_MIN`
        liquidations, or where no shift is allowed by any.
    """
    if len(told) < LIQUIDATIONS_MIN:
        return 0.0
    first = np.where(is_long, low / told - 1.0, 1.0 - high / told)
    last = np.where(is_long, high / told - 1.0, 1.0 - low / told)
    steps = round((SHIFT_MAX - SHIFT_MIN) / SHIFT_STEP)
    # A bar narrower than a step allows the step that it lies in.
    begin = np.floor((first - SHIFT_MIN) / SHIFT_STEP).astype(np.int64)
    end = np.floor((last - SHIFT_MIN) / SHIFT_STEP).astype(np.int64) + 1
    inside = (end > 0) & (begin < steps)
    begin, end = np.clip(begin[inside], 0, steps), np.clip(end[inside], 0, steps)
    likely = 1.0 / np.maximum((last - first)[inside], SHIFT_STEP)
    change = np.bincount(begin, weights=likely, minlength=steps + 1)
    change -= np.bincount(end, weights=likely, minlength=steps + 1)
    total = np.cumsum(change)[:steps]
    # Sums of many floats: what differs by rounding only is equal.
    best = np.flatnonzero(total >= total.max() * (1.0 - 1e-9))
    if not total.max() > 0.0:
        return 0.0
    return float(SHIFT_MIN + (best[0] + best[-1] + 1) / 2.0 * SHIFT_STEP)
