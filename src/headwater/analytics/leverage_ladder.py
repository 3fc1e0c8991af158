"""Where positions of given leverages would be liquidated: the seeds of the estimated map (E1).

The ladder does not know a venue's tiers: it is given the liquidation price of a position as a
function of side, entry and leverage (`analytics.margin.liquidation_price` with the venue's tiers
and a reference size; the size of one position, never the whole open interest). Being right about
maintenance matters most near the price: at 100× and a rate of 0.4 % a long is liquidated 0.602 %
below its entry, where a ladder of 1/L says 1 %.

It assumes isolated margin. Of cross positions public data tell nothing.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.leverage_weights import LeverageClass
from headwater.core.enums import PositionSide

LiquidationPriceOf = Callable[[PositionSide, float, float], float | None]
"""Liquidation price for side, entry price and leverage; None for a long that cannot be liquidated.
"""


class SeedKernel(Protocol):
    """Spreads new positions over the prices at which they would be liquidated.

    There are K targets for an entry, each with a weight, and C classes which fade alike.

    Attributes:
        name: of the model, as users see it.
        version: rises when the same inputs give another map.
        half_lives_ms: shape (C,), > 0: time after which half of a class has gone by itself.
        weights: shape (K,), adding up to 1.
        classes: shape (K,): the class of each target.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    half_lives_ms: FloatArray
    weights: FloatArray
    classes: IndexArray

    def targets(self, side: PositionSide, entries: FloatArray) -> FloatArray:
        """Liquidation prices, quote currency.

        Args:
            side: of the positions.
            entries: entry prices, shape (N,), > 0.

        Returns:
            Shape (K, N); NaN where no such position can be open or be liquidated.
        """
        ...


class LeverageLadder:
    """The kernel of E1: one target and one class for each leverage.

    Liquidation prices are worked out at fixed entry prices, the anchors, and read off the straight
    line between two of them: exact while the reference position stays in one tier whose rate and
    deduction hold at both (the price is then a straight function of the entry for a position of
    fixed quantity, and of fixed notional), and within the anchors' distance where it does not.

    Args:
        classes: leverages with weights that add up to 1.
        liquidation_price_of: see `LiquidationPriceOf`.
        anchors: ascending entry prices, > 0; those of a model's grid. Entries outside of them are
            worked out one by one.
    """

    name: ClassVar[str] = "e1"
    version: ClassVar[int] = 1

    def __init__(
        self,
        classes: Sequence[LeverageClass],
        liquidation_price_of: LiquidationPriceOf,
        anchors: FloatArray,
    ) -> None:
        if not classes:
            raise ValueError("a ladder needs at least one leverage")
        self.leverages: Final = tuple(one.leverage for one in classes)
        self.half_lives_ms = np.array([one.half_life_ms for one in classes])
        self.weights = np.array([one.weight for one in classes])
        self.classes = np.arange(len(classes), dtype=np.int64)
        self._price_of = liquidation_price_of
        self._anchors: Final[FloatArray] = anchors[anchors > 0.0]
        self._tables = {side: self._exact(side, self._anchors) for side in PositionSide}

    def targets(self, side: PositionSide, entries: FloatArray) -> FloatArray:
        """Liquidation prices; see `SeedKernel.targets`.

        NaN where a position of that leverage would be liquidated at once: no venue opens it.
        """
        anchors = self._anchors
        if len(anchors) < 2:
            return self._exact(side, entries)
        table = self._tables[side]
        left = np.clip(np.searchsorted(anchors, entries, side="right") - 1, 0, len(anchors) - 2)
        part = (entries - anchors[left]) / (anchors[left + 1] - anchors[left])
        prices: FloatArray = table[:, left] * (1.0 - part) + table[:, left + 1] * part
        outside = (entries < anchors[0]) | (entries > anchors[-1])
        if outside.any():
            prices[:, outside] = self._exact(side, entries[outside])
        return prices

    def _exact(self, side: PositionSide, entries: FloatArray) -> FloatArray:
        """The same without a table, entry by entry."""
        prices = np.full((len(self.leverages), len(entries)), np.nan)
        for row, leverage in enumerate(self.leverages):
            for column, entry in enumerate(entries.tolist()):
                price = self._price_of(side, entry, leverage)
                if price is not None and (price < entry) is (side is PositionSide.LONG):
                    prices[row, column] = price
        return prices
