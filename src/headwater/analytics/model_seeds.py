"""What the bars of a stretch open: positions spread over the prices of their liquidation.

How much is opened follows from open interest and where from the volume and the kernel; neither
depends on what is held already. So the seeds of many bars are worked out together, and the model
adds them when their bar has come.
"""

import math
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import SIDES

_TARGETS_AT_ONCE: Final = 400_000
"""Liquidation prices that are worked out at a time."""


class Seeds:
    """The seeds of N bars of V venues over one grid of B buckets; filled by `seeds_of`.

    Attributes:
        amounts: shape (N, C, V, 2, B): USD opened by class, venue, side and bucket, without what
            later steps of the same bar reached.
        sums: shape (N, C, V, 2): the same, all buckets.
        created: shape (N, V, 2): USD opened at prices within the grid.
        unplaced: shape (N, V, 2): USD opened elsewhere, or liquidated nowhere.
        reached: shape (N, V, 2): USD of `created` that later steps of the same bar reached.
        longs_end: shape (N, V): no longs are opened in this bucket and above.
        shorts_begin: shape (N, V): no shorts are opened below this bucket.
        is_any: shape (N,): whether anything is opened.
    """

    def __init__(self, count: int, classes: int, venues: int, buckets: int) -> None:
        sides = len(SIDES)
        self.amounts: FloatArray = np.zeros((count, classes, venues, sides, buckets))
        self.sums: FloatArray = np.zeros((count, classes, venues, sides))
        self.created: FloatArray = np.zeros((count, venues, sides))
        self.unplaced: FloatArray = np.zeros((count, venues, sides))
        self.reached: FloatArray = np.zeros((count, venues, sides))
        self.longs_end: IndexArray = np.zeros((count, venues), dtype=np.int64)
        self.shorts_begin: IndexArray = np.full((count, venues), buckets, dtype=np.int64)
        self.is_any: BoolArray = np.zeros(count, dtype=np.bool_)

    def of(self, venue: int, first: int) -> "VenueSeeds":
        """The part of one venue from one bar on, to be filled."""
        return VenueSeeds(
            amounts=self.amounts[first:, :, venue],
            sums=self.sums[first:, :, venue],
            created=self.created[first:, venue],
            unplaced=self.unplaced[first:, venue],
            reached=self.reached[first:, venue],
            longs_end=self.longs_end[first:, venue],
            shorts_begin=self.shorts_begin[first:, venue],
            is_any=self.is_any[first:],
        )


class VenueSeeds(msgspec.Struct, frozen=True, kw_only=True):
    """Views into `Seeds`, without the axis of the venues."""

    amounts: FloatArray
    sums: FloatArray
    created: FloatArray
    unplaced: FloatArray
    reached: FloatArray
    longs_end: IndexArray
    shorts_begin: IndexArray
    is_any: BoolArray


def seeds_of(
    grid: PriceGrid,
    kernel: SeedKernel,
    bars: BarColumns,
    rise_usd: FloatArray,
    part: slice,
    seeds: VenueSeeds,
) -> None:
    """Works out what some bars of a venue open.

    Args:
        grid: price axis.
        kernel: spreads entries over liquidation prices.
        bars: all bars.
        rise_usd: rise of open interest in the bars of `part`, USD, 0 for none; both sides are
            opened for the whole of it.
        part: which of the bars. The entries of a bar are as its volume; without any volume nothing
            can be placed.
        seeds: filled; all zero before.
    """
    volumes = bars.entry_volume[part]
    totals = volumes.sum(axis=1)
    seeds.unplaced[totals <= 0.0] = rise_usd[totals <= 0.0, None]
    numbers, steps = np.nonzero((volumes > 0.0) & (rise_usd > 0.0)[:, None])
    if not len(numbers):
        return
    seeds.is_any[numbers] = True
    low_after, high_after = _after(bars.mark_low[part], bars.mark_high[part])
    entries = bars.entry_price[part][numbers, steps]
    shares = volumes[numbers, steps] / totals[numbers] * rise_usd[numbers]
    lows, highs = low_after[numbers, steps], high_after[numbers, steps]
    at_once = max(1, _TARGETS_AT_ONCE // len(kernel.weights))
    # A bar's entries stay together: sums are then the same however many bars are asked for.
    starts = [0, *_cuts(numbers, at_once), len(numbers)]
    centres = grid.centres
    for start, end in pairwise(starts):
        chosen = slice(start, end)
        for row, side in enumerate(SIDES):
            buckets = grid.positions(kernel.targets(side, entries[chosen]))
            middles = centres[buckets]
            hit = middles >= lows[chosen] if row == 0 else middles <= highs[chosen]
            _place(seeds, row, kernel, numbers[chosen], buckets, hit, shares[chosen])


def _place(
    seeds: VenueSeeds,
    row: int,
    kernel: SeedKernel,
    numbers: IndexArray,
    buckets: IndexArray,
    hit: BoolArray,
    shares: FloatArray,
) -> None:
    """Adds the targets of some entries to the seeds of one side.

    `buckets` and `hit` have shape (K, E), `numbers` and `shares` (E,).
    """
    kinds, _, width = seeds.amounts.shape[1:]
    first, last = int(numbers[0]), int(numbers[-1])
    count = last - first + 1
    bars = numbers - first
    amounts = kernel.weights[:, None] * shares
    inside = buckets >= 0
    kept, places = inside & ~hit, slice(first, last + 1)

    def by_bar(chosen: BoolArray) -> FloatArray:
        found: FloatArray = np.zeros(count)
        if chosen.any():  # of each entry first, so that whole arrays are added up
            usd = np.where(chosen, amounts, 0.0).sum(axis=0)
            found = np.bincount(bars, weights=usd, minlength=count).astype(np.float64)
        return found

    seeds.created[places, row] += by_bar(inside)
    seeds.unplaced[places, row] += by_bar(~inside)
    seeds.reached[places, row] += by_bar(inside & hit)
    series = bars * kinds + kernel.classes[:, None]
    cells, worth = series * width + buckets, amounts
    if not kept.all():
        cells, series, worth = cells[kept], series[kept], amounts[kept]
    added = np.bincount(cells.ravel(), weights=worth.ravel(), minlength=count * kinds * width)
    seeds.amounts[places, :, row] += added.reshape(count, kinds, width)
    sums = np.bincount(series.ravel(), weights=worth.ravel(), minlength=count * kinds)
    seeds.sums[places, :, row] += sums.reshape(count, kinds)
    _reach(seeds, row, numbers, np.where(kept, buckets, -1 if row == 0 else width))


def _reach(seeds: VenueSeeds, row: int, numbers: IndexArray, buckets: IndexArray) -> None:
    """Notes how far the seeds of one side reach towards the price; a bar's entries are together."""
    begins = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
    if row == 0:
        tops = np.maximum.reduceat(buckets.max(axis=0), begins) + 1
        seeds.longs_end[numbers[begins]] = tops
    else:
        seeds.shorts_begin[numbers[begins]] = np.minimum.reduceat(buckets.min(axis=0), begins)


def _after(mark_low: FloatArray, mark_high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest mark price of the steps after each one, shapes (N, S)."""
    low = np.where(np.isnan(mark_low), math.inf, mark_low)
    high = np.where(np.isnan(mark_high), 0.0, mark_high)
    low_after = np.full_like(low, math.inf)
    high_after = np.zeros_like(high)
    low_after[:, :-1] = np.minimum.accumulate(low[:, :0:-1], axis=1)[:, ::-1]
    high_after[:, :-1] = np.maximum.accumulate(high[:, :0:-1], axis=1)[:, ::-1]
    return low_after, high_after


def _cuts(numbers: IndexArray, at_once: int) -> list[int]:
    """Where to cut ascending numbers of bars so that no bar is in two pieces."""
    cuts: list[int] = []
    while True:
        wanted = (cuts[-1] if cuts else 0) + at_once
        if wanted >= len(numbers):
            return cuts
        cut = int(np.searchsorted(numbers, numbers[wanted], side="left"))
        if cut <= (cuts[-1] if cuts else 0):  # one bar alone has more: it is taken whole
            cut = int(np.searchsorted(numbers, numbers[wanted], side="right"))
            if cut >= len(numbers):
                return cuts
        cuts.append(cut)
