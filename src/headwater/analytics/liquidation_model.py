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

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.model_columns import ModelBar, ModelColumn, SideFlows
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import SIDES, PriceMap

_NOTHING: Final = np.zeros(len(SIDES))


class LiquidationModel:
    """The life of the estimated map of one symbol; E1 or E2 by its kernel.

    Args:
        grid: price axis, fixed; positions liquidated outside are told (`unplaced_usd`), not held.
            When the market nears its end, run the bars again over another grid: buckets of one
            width have the same index in both, and a week takes a tenth of a second.
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
        # Axes: side (longs first), class, price bucket.
        self._held = np.zeros((len(SIDES), len(kernel.half_lives_ms), grid.count))
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
        self._check(bar)
        path = _Path(bar)
        before = self._sums()
        self._decay(bar)
        faded = self._sums()
        self._consume(path)
        after_path = self._sums()
        consumed = faded - after_path
        closed, created, unplaced = _NOTHING, _NOTHING, _NOTHING
        if bar.open_interest is not None and self._open_interest is not None:
            change = bar.open_interest - self._open_interest
            if change < 0.0:
                self._close(-change * bar.price, self._open_interest * bar.price, consumed)
                closed = after_path - self._sums()
            elif change > 0.0:
                created, unplaced, reached = self._seed(change * bar.price, path)
                consumed = consumed + reached
        uncut = self._sums()
        if bar.open_interest is not None:
            self._cut(bar.open_interest * bar.price * self.margin_share)
            self._open_interest = bar.open_interest
        self._ended_at_ms = bar.ends_at_ms
        held = self._sums()
        flows = np.stack(
            [before, before - faded, consumed, closed, created, unplaced, uncut - held, held]
        )
        return self._column(bar, path, flows)

    def _sums(self) -> FloatArray:
        """USD held by each side, shape (2,)."""
        sums: FloatArray = self._held.sum(axis=(1, 2))
        return sums

    def _check(self, bar: ModelBar) -> None:
        """Refuses what cannot be; see `advance`."""
        if bar.ends_at_ms <= bar.opened_at_ms:
            raise ValueError(f"bar {bar.opened_at_ms} … {bar.ends_at_ms}: ends before it opens")
        if self._ended_at_ms is not None and bar.opened_at_ms < self._ended_at_ms:
            raise ValueError(f"bar of {bar.opened_at_ms}: the one before ended {self._ended_at_ms}")
        if not (math.isfinite(bar.price) and bar.price > 0.0):
            raise ValueError(f"price={bar.price}: must be finite and > 0")
        interest = bar.open_interest
        if interest is not None and not (math.isfinite(interest * bar.price) and interest >= 0.0):
            raise ValueError(f"open_interest={interest}: must be finite and ≥ 0, in USD too")

    def _decay(self, bar: ModelBar) -> None:
        """Step 1: each class fades over the time since the bar before."""
        if self._ended_at_ms is None:
            return
        elapsed_ms = bar.ends_at_ms - self._ended_at_ms
        factors = np.exp2(-elapsed_ms / self.kernel.half_lives_ms)
        self._held *= factors[None, :, None]

    def _consume(self, path: "_Path") -> None:
        """Step 2, for what was held when the bar opened."""
        self._held[0][:, self._centres >= path.low] = 0.0
        self._held[1][:, self._centres <= path.high] = 0.0

    def _close(self, fall_usd: float, interest_usd: float, consumed: FloatArray) -> None:
        """Step 3: what was liquidated is part of the fall, and not taken off twice."""
        shares = np.maximum(0.0, fall_usd - consumed) / interest_usd
        self._held *= np.maximum(0.0, 1.0 - shares)[:, None, None]

    def _seed(self, rise_usd: float, path: "_Path") -> tuple[FloatArray, FloatArray, FloatArray]:
        """Step 4.

        Returns:
            USD created within the grid, unplaced, and created but reached in the same bar; each of
            shape (2,).
        """
        created, unplaced, reached = np.zeros((3, len(SIDES)))
        if not path.volume > 0.0:
            return created, np.full(len(SIDES), rise_usd), reached
        shares = path.volumes / path.volume
        amounts = rise_usd * self.kernel.weights[:, None] * shares[None, :]
        for row, side in enumerate(SIDES):
            buckets = self.grid.positions(self.kernel.targets(side, path.entries))
            inside = buckets >= 0
            middles = self._centres[buckets]
            if row == 0:
                hit = inside & (middles >= path.low_after[None, :])
            else:
                hit = inside & (middles <= path.high_after[None, :])
            created[row] = amounts[inside].sum()
            unplaced[row] = amounts[~inside].sum()
            reached[row] = amounts[hit].sum()
            self._add(row, buckets, np.where(inside & ~hit, amounts, 0.0))
        return created, unplaced, reached

    def _add(self, row: int, buckets: IndexArray, amounts: FloatArray) -> None:
        """Adds amounts, shape (K, N), to the buckets of the classes of the K targets."""
        count = self.grid.count
        cells = self.kernel.classes[:, None] * count + np.maximum(buckets, 0)
        size = len(self.kernel.half_lives_ms) * count
        added = np.bincount(cells.ravel(), weights=amounts.ravel(), minlength=size)
        self._held[row] += added.reshape(-1, count)

    def _cut(self, most_usd: float) -> None:
        """Step 5."""
        for row, total in enumerate(self._sums().tolist()):
            if total > most_usd:
                self._held[row] *= most_usd / total

    def _column(self, bar: ModelBar, path: "_Path", flows: FloatArray) -> ModelColumn:
        """Step 6; `flows` has the fields of `SideFlows` in order by side, shape (8, 2)."""
        longs, shorts = (_flows_of(flows[:, row].tolist()) for row in range(len(SIDES)))
        by_price = self._held.sum(axis=1)
        interest = bar.open_interest
        return ModelColumn(
            opened_at_ms=bar.opened_at_ms,
            ends_at_ms=bar.ends_at_ms,
            price=bar.price,
            open_interest_usd=None if interest is None else interest * bar.price,
            held=PriceMap.of(self.grid, by_price[0], by_price[1]),
            longs=longs,
            shorts=shorts,
            minutes_marked=path.marked_count,
            minutes_count=len(bar.minutes),
        )


class _Path:
    """A bar's minutes as arrays: where the mark price went, and what was traded before that."""

    def __init__(self, bar: ModelBar) -> None:
        lows = [_price(one.mark_low, math.inf) for one in bar.minutes]
        highs = [_price(one.mark_high, 0.0) for one in bar.minutes]
        for one, low, high in zip(bar.minutes, lows, highs, strict=True):
            if (one.mark_low is None) is not (one.mark_high is None):
                raise ValueError("a minute has both a lowest and a highest mark price, or neither")
            if one.mark_low is not None and low > high:
                raise ValueError(f"mark_low={low} is above mark_high={high}")
        self.marked_count: Final = sum(one.mark_low is not None for one in bar.minutes)
        self.low: Final = min(lows, default=math.inf)
        self.high: Final = max(highs, default=0.0)
        # Of each entry: the extremes of the minutes after its own.
        entries: list[tuple[float, float, float, float]] = []
        low_after, high_after = math.inf, 0.0
        for minute, low, high in zip(
            reversed(bar.minutes), reversed(lows), reversed(highs), strict=True
        ):
            for price, volume in minute.entries:
                if not (math.isfinite(volume) and volume >= 0.0):
                    raise ValueError(f"volume={volume}: must be finite and ≥ 0")
                entries.append((_price(price, math.nan), volume, low_after, high_after))
            low_after, high_after = min(low_after, low), max(high_after, high)
        table = np.array(entries).reshape(-1, 4)
        self.entries: Final[FloatArray] = table[:, 0]
        self.volumes: Final[FloatArray] = table[:, 1]
        self.low_after: Final[FloatArray] = table[:, 2]
        self.high_after: Final[FloatArray] = table[:, 3]
        self.volume: Final = float(self.volumes.sum())


def _price(price: float | None, unknown: float) -> float:
    """A price of the market, or what stands for one that was not heard."""
    if price is None:
        return unknown
    if not (math.isfinite(price) and price > 0.0):
        raise ValueError(f"price={price}: must be finite and > 0")
    return price


def _flows_of(values: list[float]) -> SideFlows:
    """The flows of one side, in the order of the fields; rounding below zero is zero."""
    before, decayed, consumed, closed, created, unplaced, cut, held = (
        max(0.0, one) for one in values
    )
    return SideFlows(
        before_usd=before,
        decayed_usd=decayed,
        consumed_usd=consumed,
        closed_usd=closed,
        created_usd=created,
        unplaced_usd=unplaced,
        cut_usd=cut,
        held_usd=held,
    )
