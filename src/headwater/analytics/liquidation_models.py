"""The estimated maps of several venues at once: one step a bar for all of them.

The rules are those of `liquidation_model`, which is this with one venue. A bar's arithmetic is some
dozen operations on small arrays, and what those cost is mostly being called: with an axis over the
venues they are called once for all. Each venue keeps its own open interest, marks and kernel, and
no venue's amounts depend on the others'.

Sums of a side are carried along: fading, closing and cutting scale them as they scale the buckets.
Where something was consumed they are added up anew, bucket by bucket, so that what is gone leaves
no rest of rounding behind.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.model_seeds import Seeds, seeds_of
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import SIDES

__all__ = ["LiquidationModels", "ModelsRun"]

_CELLS_AT_ONCE: Final = 1_000_000
"""Cells of seeds that are worked out at a time: bars × venues × buckets × sides × classes."""


class ModelsRun(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of the last N bars, oldest first, of V venues over B buckets.

    Attributes:
        held: shape (N, 2, B): USD that would be liquidated, longs first, the sum over the venues.
        flows: shape (N, 8, V, 2): what each bar did, in the order of `SideFlows`, USD.
    """

    held: FloatArray
    flows: FloatArray


class LiquidationModels:
    """The lives of the estimated maps of one symbol on several venues.

    Args:
        grid: price axis, fixed.
        kernels: what spreads each venue's positions; at least one.
        margin_share: share of open interest held with isolated margin, 0 … 1.
    """

    def __init__(
        self, grid: PriceGrid, kernels: Sequence[SeedKernel], *, margin_share: float = 1.0
    ) -> None:
        if not 0.0 <= margin_share <= 1.0:
            raise ValueError(f"margin_share={margin_share}: must be 0 … 1")
        self._grid = grid
        self._kernels = tuple(kernels)
        self._margin_share = margin_share
        count, classes = len(kernels), max(len(one.half_lives_ms) for one in kernels)
        # Axes: class, venue, side (longs first), bucket. A venue with fewer classes has empty ones.
        self._held = np.zeros((classes, count, len(SIDES), grid.count))
        self._sums = np.zeros(self._held.shape[:3])
        self._half_lives_ms = np.full((classes, count, 1), math.inf)
        for venue, one in enumerate(kernels):
            self._half_lives_ms[: len(one.half_lives_ms), venue, 0] = one.half_lives_ms
        # Before the first of these no shorts are held, and from the other on no longs; by venue.
        self._longs_end = [0] * count
        self._shorts_begin = [grid.count] * count
        self._ended_at_ms: int | None = None
        self._interest = [math.nan] * count
        self._faded_ms = 0
        self._factors: FloatArray = np.ones((classes, count, 1))

    def run(self, bars: Sequence[BarColumns], *, shown: int) -> ModelsRun:
        """Takes closed bars of all venues in.

        Args:
            bars: of each venue, in the order of the kernels, checked; all end with the same bar,
                and the shorter ones are the ends of the longest.
            shown: the last so many bars are wanted.

        Raises:
            ValueError: bars that are not of one axis, or before those taken in already; the models
                are then as they were.
        """
        axis = max(bars, key=len)
        for one in bars:
            if (one.opened_ms != axis.opened_ms[len(axis) - len(one) :]).any():
                raise ValueError("the bars of the venues are not the same stretches of time")
        if len(axis) and self._ended_at_ms is not None and axis.opened_ms[0] < self._ended_at_ms:
            raise ValueError(
                f"bar of {axis.opened_ms[0]}: the one before ended {self._ended_at_ms}"
            )
        paths = _Paths(self._grid, bars, self._interest)
        total = len(axis)
        made = ModelsRun(
            held=np.zeros((shown, len(SIDES), self._grid.count)),
            flows=np.zeros((shown, 8, len(bars), len(SIDES))),
        )
        at_once = max(1, _CELLS_AT_ONCE // self._held.size)
        for first in range(0, total, at_once):
            after = min(first + at_once, total)
            seeds = self._seeds(bars, paths, first, after)
            for number in range(first, after):
                moved = self._advance(int(axis.ends_ms[number]), number, paths, seeds, first)
                place = number - (total - shown)
                if place >= 0:
                    made.flows[place] = moved
                    self._show(made.held[place])
        np.maximum(0.0, made.flows, out=made.flows)
        return made

    def _seeds(self, bars: Sequence[BarColumns], paths: "_Paths", first: int, after: int) -> Seeds:
        """What some bars open on every venue."""
        classes, count = self._held.shape[:2]
        seeds = Seeds(after - first, classes, count, self._grid.count)
        for venue, (one, kernel) in enumerate(zip(bars, self._kernels, strict=True)):
            missing = len(paths.rise_usd) - len(one)
            begin = max(first, missing)
            if begin < after:
                part = slice(begin - missing, after - missing)
                rise_usd = paths.rise_usd[begin:after, venue]
                seeds_of(self._grid, kernel, one, rise_usd, part, seeds.of(venue, begin - first))
        return seeds

    def _show(self, column: FloatArray) -> None:
        """Writes USD held by side and bucket, all venues, into shape (2, B)."""
        flat = self._held.reshape(-1, column.size)
        np.add.reduce(flat, axis=0, out=column.reshape(-1))

    def _advance(
        self, ends_ms: int, number: int, paths: "_Paths", seeds: Seeds, first: int
    ) -> FloatArray:
        """One bar; returns what it did in the order of the fields of `SideFlows`, (8, V, 2)."""
        factors = self._decay(ends_ms)
        before = self._sums.sum(axis=0)
        sums = self._sums * factors
        faded = sums.sum(axis=0)
        consumed, reached = self._consume(paths, number, factors)
        kept = _kept(paths.fall_usd[number], paths.before_usd[number], consumed)
        closed = (faded - consumed) * (1.0 - kept)
        factors = factors * kept
        self._held *= factors[..., None]
        self._sums = self._sums * factors
        for venue, row in reached:
            self._sums[:, venue, row] = _bucket_by_bucket(self._held[:, venue, row])
        place = number - first
        if seeds.is_any[place]:
            self._held += seeds.amounts[place]
            self._sums += seeds.sums[place]
            tops, bottoms = seeds.longs_end[place].tolist(), seeds.shorts_begin[place].tolist()
            self._longs_end = list(map(max, self._longs_end, tops))
            self._shorts_begin = list(map(min, self._shorts_begin, bottoms))
        uncut = self._sums.sum(axis=0)
        held = self._cut(uncut, paths.interest_usd[number] * self._margin_share)
        for venue, interest in enumerate(paths.interest[number]):
            if interest == interest:
                self._interest[venue] = interest
        self._ended_at_ms = ends_ms
        created, unplaced = seeds.created[place], seeds.unplaced[place]
        consumed = consumed + seeds.reached[place]
        return np.array(
            [before, before - faded, consumed, closed, created, unplaced, uncut - held, held]
        )

    def _decay(self, ends_ms: int) -> FloatArray:
        """Step 1: what is left of each class since the bar before, shape (C, V, 1)."""
        elapsed_ms = 0 if self._ended_at_ms is None else ends_ms - self._ended_at_ms
        if elapsed_ms != self._faded_ms:
            self._faded_ms = elapsed_ms
            self._factors = np.exp2(-elapsed_ms / self._half_lives_ms)
        return self._factors

    def _consume(
        self, paths: "_Paths", number: int, factors: FloatArray
    ) -> tuple[FloatArray, list[tuple[int, int]]]:
        """Step 2, for what was held when the bar opened.

        Returns USD by venue and side, and the venues and sides where a bucket was reached.
        """
        gone = np.zeros(self._held.shape[1:3])
        reached: list[tuple[int, int]] = []
        for venue, end in enumerate(paths.longs_end[number]):
            if end < self._longs_end[venue]:
                gone[venue, 0] = self._take(venue, 0, end, self._longs_end[venue], factors)
                self._longs_end[venue] = end
                reached.append((venue, 0))
        for venue, begin in enumerate(paths.shorts_begin[number]):
            if begin > self._shorts_begin[venue]:
                gone[venue, 1] = self._take(venue, 1, self._shorts_begin[venue], begin, factors)
                self._shorts_begin[venue] = begin
                reached.append((venue, 1))
        return gone, reached

    def _take(self, venue: int, row: int, begin: int, end: int, factors: FloatArray) -> float:
        """Empties buckets of one side; returns the USD in them, faded."""
        part = self._held[:, venue, row, begin:end]
        usd = float((_bucket_by_bucket(part) * factors[:, venue, 0]).sum())
        part[...] = 0.0
        return usd

    def _cut(self, totals: FloatArray, most_usd: FloatArray) -> FloatArray:
        """Step 5; returns USD held by each side after it. NaN cuts nothing."""
        above = totals > most_usd[:, None]
        if not above.any():
            return totals
        held = totals.copy()
        for venue, row in np.argwhere(above).tolist():
            most = float(most_usd[venue])
            share = most / float(totals[venue, row])
            self._held[:, venue, row] *= share
            self._sums[:, venue, row] *= share
            held[venue, row] = most
        return held


def _kept(fall_usd: FloatArray, before_usd: FloatArray, consumed: FloatArray) -> FloatArray:
    """Step 3: the share of each side that is left, shape (V, 2).

    What was liquidated is part of the fall, and not taken off twice.
    """
    shares = np.maximum(0.0, fall_usd[:, None] - consumed) / before_usd[:, None]
    kept: FloatArray = np.maximum(0.0, 1.0 - shares)
    return kept


def _bucket_by_bucket(amounts: FloatArray) -> FloatArray:
    """Sums over the last axis, one bucket after the other: empty ones at the ends change no digit.

    (numpy's own sum pairs them, by where they stand.)
    """
    sums: FloatArray = np.add.accumulate(amounts, axis=-1)[..., -1]
    return sums


class _Paths:
    """What the bars of V venues do, whatever is held; bars a venue does not have do nothing.

    Attributes:
        rise_usd: shape (N, V): rise of open interest, USD at the bar's price.
        fall_usd: shape (N, V): its fall.
        before_usd: shape (N, V): open interest before the fall, USD; 1 where there is no fall.
        interest_usd: shape (N, V): open interest at the end; NaN when it was not heard.
        interest: the same in base units, by bar and venue.
        longs_end: by bar and venue: longs of this bucket and above are reached.
        shorts_begin: by bar and venue: shorts below this bucket are reached.
    """

    def __init__(
        self, grid: PriceGrid, bars: Sequence[BarColumns], last_heard: Sequence[float]
    ) -> None:
        shape = (max(len(one) for one in bars), len(bars))
        price, interest = np.zeros(shape), np.full(shape, math.nan)
        low, high = np.full(shape, math.inf), np.zeros(shape)
        change, before = np.zeros(shape), np.ones(shape)
        for venue, one in enumerate(bars):
            own = slice(shape[0] - len(one), None)
            price[own, venue], interest[own, venue] = one.price, one.open_interest
            lows = np.where(np.isnan(one.mark_low), math.inf, one.mark_low)
            highs = np.where(np.isnan(one.mark_high), 0.0, one.mark_high)
            low[own, venue] = lows.min(axis=1, initial=math.inf)
            high[own, venue] = highs.max(axis=1, initial=0.0)
            change[own, venue], before[own, venue] = _changes(one.open_interest, last_heard[venue])
        centres = grid.centres
        self.rise_usd: Final[FloatArray] = np.maximum(0.0, change) * price
        self.fall_usd: Final[FloatArray] = np.maximum(0.0, -change) * price
        falls = self.fall_usd > 0.0
        self.before_usd: Final[FloatArray] = np.where(falls, before * price, 1.0)
        self.interest_usd: Final[FloatArray] = interest * price
        self.interest: Final[list[list[float]]] = interest.tolist()
        self.longs_end: Final = _listed(centres.searchsorted(low, side="left"))
        self.shorts_begin: Final = _listed(centres.searchsorted(high, side="right"))


def _listed(values: IndexArray) -> list[list[int]]:
    found: list[list[int]] = values.tolist()
    return found


def _changes(interest: FloatArray, last_heard: float) -> tuple[FloatArray, FloatArray]:
    """Change of open interest in each bar, and what it was before, base units.

    0 and 1 where it or the one before is unknown. Shapes (N,).
    """
    known = np.concatenate([[last_heard], interest])
    heard = np.flatnonzero(~np.isnan(known))
    change, before = np.zeros(len(known)), np.ones(len(known))
    change[heard[1:]] = np.diff(known[heard])
    before[heard[1:]] = known[heard[:-1]]
    return change[1:], before[1:]
