"""What the bars of a stretch open: positions spread over the prices of their liquidation.

How much is opened follows from open interest and where from the volume and the kernel; neither
depends on what is held already. So the seeds of many bars are worked out together, and the model
adds them when their bar has come.
"""

import math
from itertools import pairwise
from typing import Final

import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import SIDES

_TARGETS_AT_ONCE: Final = 400_000
"""Liquidation prices that are worked out at a time."""


class Seeds:
    """The seeds of N bars over one grid; made by `seeds_of`.

    Attributes:
        amounts: shape (N, B, 2, C): USD opened by bucket, side and class, without what later steps
            of the same bar reached.
        created: shape (N, 2): USD opened at prices within the grid.
        unplaced: shape (N, 2): USD opened elsewhere, or liquidated nowhere.
        reached: shape (N, 2): USD of `created` that later steps of the same bar reached.
    """

    def __init__(self, count: int, buckets: int, classes: int) -> None:
        self.amounts: FloatArray = np.zeros((count, buckets, len(SIDES), classes))
        self.created: FloatArray = np.zeros((count, len(SIDES)))
        self.unplaced: FloatArray = np.zeros((count, len(SIDES)))
        self.reached: FloatArray = np.zeros((count, len(SIDES)))

    def add_to(self, held: FloatArray, number: int) -> None:
        """Opens the positions of one bar.

        Args:
            held: shape (B, 2, C), USD; changed.
            number: of the bar, from 0.
        """
        held += self.amounts[number]


def seeds_of(
    grid: PriceGrid, kernel: SeedKernel, bars: BarColumns, rise_usd: FloatArray, part: slice
) -> Seeds:
    """What some bars open.

    Args:
        grid: price axis.
        kernel: spreads entries over liquidation prices.
        bars: all bars.
        rise_usd: rise of open interest in the bars of `part`, USD, 0 for none; both sides are
            opened for the whole of it.
        part: which of the bars.

    Returns:
        Theirs. The entries of a bar are as its volume; without any volume nothing can be placed.
    """
    volumes = bars.entry_volume[part]
    totals = volumes.sum(axis=1)
    seeds = Seeds(len(totals), grid.count, len(kernel.half_lives_ms))
    seeds.unplaced[totals <= 0.0] = rise_usd[totals <= 0.0, None]
    numbers, steps = np.nonzero((volumes > 0.0) & (rise_usd > 0.0)[:, None])
    if not len(numbers):
        return seeds
    low_after, high_after = _after(bars.mark_low[part], bars.mark_high[part])
    entries = bars.entry_price[part][numbers, steps]
    shares = volumes[numbers, steps] / totals[numbers] * rise_usd[numbers]
    lows, highs = low_after[numbers, steps], high_after[numbers, steps]
    at_once = max(1, _TARGETS_AT_ONCE // len(kernel.weights))
    # A bar's entries stay together: sums are then the same however many bars are asked for.
    starts = [0, *_cuts(numbers, at_once), len(numbers)]
    for start, end in pairwise(starts):
        chosen = slice(start, end)
        for row, side in enumerate(SIDES):
            buckets = grid.positions(kernel.targets(side, entries[chosen]))
            middles = grid.centres[buckets]
            hit = middles >= lows[chosen] if row == 0 else middles <= highs[chosen]
            amounts = kernel.weights[:, None] * shares[chosen][None, :]
            _place(seeds, row, kernel.classes, numbers[chosen], buckets, hit, amounts)
    return seeds


def _place(
    seeds: Seeds,
    row: int,
    classes: IndexArray,
    numbers: IndexArray,
    buckets: IndexArray,
    hit: BoolArray,
    amounts: FloatArray,
) -> None:
    """Adds the targets of some entries, all of shape (K, E), to the seeds of one side."""
    count, width, sides, kinds = seeds.amounts.shape
    inside = buckets >= 0
    bar_of = np.broadcast_to(numbers, buckets.shape)

    def by_bar(chosen: BoolArray) -> FloatArray:
        found = np.bincount(bar_of[chosen], weights=amounts[chosen], minlength=count)
        return found.astype(np.float64)

    seeds.created[:, row] += by_bar(inside)
    seeds.unplaced[:, row] += by_bar(~inside)
    seeds.reached[:, row] += by_bar(inside & hit)
    kept = inside & ~hit
    first, last = int(numbers[0]), int(numbers[-1])
    cells = ((bar_of - first) * width + buckets) * kinds + classes[:, None]
    size = (last - first + 1) * width * kinds
    added = np.bincount(cells[kept], weights=amounts[kept], minlength=size)
    seeds.amounts[first : last + 1, :, row] += added.reshape(-1, width, kinds)
    assert sides == len(SIDES)


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
