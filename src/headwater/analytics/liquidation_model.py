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

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.liquidation_models import LiquidationModels
from headwater.analytics.model_columns import ModelBar, ModelColumn
from headwater.analytics.model_run import ModelRun
from headwater.analytics.price_buckets import PriceGrid


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
        self.grid: Final = grid
        self.kernel: Final = kernel
        self.margin_share: Final = margin_share
        self._models = LiquidationModels(grid, (kernel,), margin_share=margin_share)

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
        shown = max(0, len(bars) - shown_from)
        made = self._models.run((bars,), shown=shown)
        return ModelRun(
            grid=self.grid,
            opened_ms=bars.opened_ms[shown_from:],
            ends_ms=bars.ends_ms[shown_from:],
            price=bars.price[shown_from:],
            open_interest_usd=(bars.open_interest * bars.price)[shown_from:],
            held=made.held,
            flows=made.flows[:, :, 0],
            steps_marked=(~np.isnan(bars.mark_low[shown_from:])).sum(axis=1),
            steps_count=bars.mark_low.shape[1],
        )
