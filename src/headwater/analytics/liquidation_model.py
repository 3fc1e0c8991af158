"""The estimated map: open interest as positions that are opened, fade, are reached or are closed.

State: USD that would be liquidated, by side, class and price bucket. One closed bar at a time, in
this order:

1. decay: each class loses half in its half-life;
2. consume: what the path of the mark price reached is gone. A bucket is reached when the mark
   price came to its middle: longs at or above the lowest mark, shorts at or below the highest;
3. close: when open interest fell, each side shrinks by the fall less what step 2 took from that
   side already, as a share of the open interest before;
4. seed: when open interest rose, both sides are opened for the whole of the rise, for every
   contract has a long and a short; entries are spread as volume was, liquidation prices come from
   the kernel. What a minute opens can be reached by later minutes only;
5. cut: neither side is larger than the open interest times the share held with isolated margin;
6. the column, which cannot be changed.

What it assumes: that open interest is opened where volume is, at the leverages of the kernel, with
isolated margin; that a fall of open interest closes all positions alike; that `margin_share` is
known. What it does not know: liquidations (that is the realised map) and single positions. Take
its amounts as relative. It is wrong where margin is added later, and where open interest that was
there before the first bar matters: only its changes are seen, so give it time before the first
column that is shown.
"""

import math
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.model_columns import ModelBar, ModelColumn
from headwater.analytics.model_run import ModelRun
from headwater.analytics.model_seeds import Seeds, seeds_of
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import SIDES

_NOTHING: Final = np.zeros(len(SIDES))
_CELLS_AT_ONCE: Final = 1_000_000
"""Cells of seeds that are worked out at a time: bars × buckets × sides × classes."""


class LiquidationModel:
    """The life of the estimated map of one symbol; E1 or E2 by its kernel.

    Args:
        grid: price axis, fixed; positions liquidated outside are told (`unplaced_usd`), not held.
            When the market nears its end, run the bars again over another grid: buckets of one
            width have the same index in both, and amounts do not depend on how far a grid reaches
            beyond them, to the last digit.
        kernel: spreads what is opened over liquidation prices.
        margin_share: share of open interest held with isolated margin, 0 … 1; 1 says that amounts
            are relative.
    """

    def __init__(self, grid: PriceGrid, kernel: SeedKernel, *, margin_share: float = 1.0) -> None:
        if not 0.0 <= margin_share <= 1.0:
            raise ValueError(f"margin_share={margin_share}: must be 0 … 1")
        self.grid: Final = grid
        self.kernel: Final = kernel
        self.margin_share: Final = margin_share
        # Axes: price bucket, side (longs first), class. Sums over the first axis are made bucket by
        # bucket, so that empty ones at the ends change no digit.
        self._held = np.zeros((grid.count, len(SIDES), len(kernel.half_lives_ms)))
        self._sums = np.zeros(self._held.shape[1:])
        # From this bucket on no longs are held, and before that one no shorts.
        self._longs_end = 0
        self._shorts_begin = grid.count
        # What is left of each class after the last length of a bar; most bars are of one length.
        self._faded_ms = 0
        self._factors = np.ones(len(kernel.half_lives_ms))
        self._centres: Final = grid.centres
        self._ended_at_ms: int | None = None
        self._open_interest: float | None = None

    def advance(self, bar: ModelBar) -> ModelColumn:
        """Takes one closed bar in.

        Args:
            bar: opened when the one before ended or later; after a hole decay has run through it,
                and open interest is held against the last that was heard.

        Returns:
            The map at its close.

        Raises:
            ValueError: a bar that is out of order, or a number that no market has. The model is
                then as it was.
        """
        column = self.run(BarColumns.of((bar,))).column(0)
        # A minute with several entries is several steps: here minutes are counted.
        marked = sum(one.mark_low is not None for one in bar.minutes)
        return msgspec.structs.replace(
            column, minutes_marked=marked, minutes_count=len(bar.minutes)
        )

    def run(self, bars: BarColumns, *, shown_from: int = 0) -> ModelRun:
        """Takes many closed bars in, as `advance` would one after another.

        Args:
            bars: oldest first.
            shown_from: number of bars at the beginning whose columns are not wanted.

        Returns:
            The maps at their closes, of the bars from `shown_from` on.

        Raises:
            ValueError: as `advance`; the model is then as it was.
        """
        bars.checked()
        if len(bars) and self._ended_at_ms is not None and bars.opened_ms[0] < self._ended_at_ms:
            raise ValueError(
                f"bar of {bars.opened_ms[0]}: the one before ended {self._ended_at_ms}"
            )
        shown = max(0, len(bars) - shown_from)
        held = np.zeros((shown, len(SIDES), self.grid.count))
        flows = np.zeros((shown, 8, len(SIDES)))
        change = self._changes(bars)
        path = _Path(bars)
        at_once = max(1, _CELLS_AT_ONCE // self._held.size)
        for first in range(0, len(bars), at_once):
            after = min(first + at_once, len(bars))
            rise_usd = np.maximum(0.0, change[first:after]) * bars.price[first:after]
            seeds = seeds_of(self.grid, self.kernel, bars, rise_usd, slice(first, after))
            for number in range(first, after):
                moved = self._advance(bars, number, float(change[number]), path, seeds, first)
                if number >= shown_from:
                    flows[number - shown_from] = moved
                    self._show(held[number - shown_from])
        steps = bars.mark_low.shape[1]
        return ModelRun(
            grid=self.grid,
            opened_ms=bars.opened_ms[shown_from:],
            ends_ms=bars.ends_ms[shown_from:],
            price=bars.price[shown_from:],
            open_interest_usd=(bars.open_interest * bars.price)[shown_from:],
            held=held,
            flows=np.maximum(0.0, flows),
            steps_marked=(~np.isnan(bars.mark_low[shown_from:])).sum(axis=1),
            steps_count=steps,
        )

    def _changes(self, bars: BarColumns) -> FloatArray:
        """Change of open interest in each bar, base units; 0 where it or the one before is unknown.

        Shape (N,).
        """
        interest = bars.open_interest
        if self._open_interest is not None:
            interest = np.concatenate([[self._open_interest], interest])
        heard = np.flatnonzero(~np.isnan(interest))
        change = np.zeros(len(interest))
        change[heard[1:]] = np.diff(interest[heard])
        return change[len(interest) - len(bars) :]

    def _show(self, column: FloatArray) -> None:
        """Writes USD held by side and bucket into an array of zeros, shape (2, B)."""
        for row in range(len(SIDES)):
            for kind in range(self._held.shape[2]):
                column[row] += self._held[:, row, kind]

    def _advance(
        self,
        bars: BarColumns,
        number: int,
        change: float,
        path: "_Path",
        seeds: Seeds,
        first: int,
    ) -> FloatArray:
        """One bar; returns what it did in the order of the fields of `SideFlows`, shape (8, 2)."""
        price, interest = float(bars.price[number]), float(bars.open_interest[number])
        before = self._sums.sum(axis=1)
        faded = (self._sums * self._decay(int(bars.ends_ms[number]))).sum(axis=1)
        consumed = self._consume(float(path.low[number]), float(path.high[number]))
        closed, created, unplaced = _NOTHING, _NOTHING, _NOTHING
        if change < 0.0 and self._open_interest is not None:
            left = faded - consumed
            kept = self._close(-change * price, self._open_interest * price, consumed)
            closed = left * (1.0 - kept)
        elif change > 0.0:
            seeds.add_to(self._held, number - first)
            self._longs_end, self._shorts_begin = self.grid.count, 0
            created, unplaced = seeds.created[number - first], seeds.unplaced[number - first]
            consumed = consumed + seeds.reached[number - first]
        self._sums = self._held.sum(axis=0)
        uncut = held = self._sums.sum(axis=1)
        if not math.isnan(interest):
            held = self._cut(uncut, interest * price * self.margin_share)
            self._open_interest = interest
        self._ended_at_ms = int(bars.ends_ms[number])
        return np.array(
            [before, before - faded, consumed, closed, created, unplaced, uncut - held, held]
        )

    def _decay(self, ends_ms: int) -> FloatArray:
        """Step 1: each class fades over the time since the bar before; returns what is left."""
        if self._ended_at_ms is None:
            return self._factors
        elapsed_ms = ends_ms - self._ended_at_ms
        if elapsed_ms != self._faded_ms:
            self._faded_ms = elapsed_ms
            self._factors = np.exp2(-elapsed_ms / self.kernel.half_lives_ms)
        self._held *= self._factors
        return self._factors

    def _consume(self, low: float, high: float) -> FloatArray:
        """Step 2, for what was held when the bar opened; returns USD by side."""
        longs_end = int(self._centres.searchsorted(low, side="left"))
        shorts_begin = int(self._centres.searchsorted(high, side="right"))
        gone = np.zeros(len(SIDES))
        if longs_end < self._longs_end:
            reached = self._held[longs_end : self._longs_end, 0]
            gone[0] = reached.sum(axis=0).sum()
            reached[...] = 0.0
            self._longs_end = longs_end
        if shorts_begin > self._shorts_begin:
            reached = self._held[self._shorts_begin : shorts_begin, 1]
            gone[1] = reached.sum(axis=0).sum()
            reached[...] = 0.0
            self._shorts_begin = shorts_begin
        return gone

    def _close(self, fall_usd: float, interest_usd: float, consumed: FloatArray) -> FloatArray:
        """Step 3: what was liquidated is part of the fall, and not taken off twice.

        Returns the share of each side that is left.
        """
        shares = np.maximum(0.0, fall_usd - consumed) / interest_usd
        kept: FloatArray = np.maximum(0.0, 1.0 - shares)
        self._held *= kept[:, None]
        return kept

    def _cut(self, totals: FloatArray, most_usd: float) -> FloatArray:
        """Step 5; returns USD held by each side after it."""
        held = totals
        for row, total in enumerate(totals.tolist()):
            if total > most_usd:
                self._held[:, row] *= most_usd / total
                self._sums[row] *= most_usd / total
                held = held.copy()
                held[row] = most_usd
        return held


class _Path:
    """Where the mark price went in each bar: shapes (N,); nowhere is above and below everything."""

    def __init__(self, bars: BarColumns) -> None:
        low = np.where(np.isnan(bars.mark_low), math.inf, bars.mark_low)
        high = np.where(np.isnan(bars.mark_high), 0.0, bars.mark_high)
        self.low: Final[FloatArray] = low.min(axis=1, initial=math.inf)
        self.high: Final[FloatArray] = high.max(axis=1, initial=0.0)
