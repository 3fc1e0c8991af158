"""The distance from entry to liquidation as it was observed: the kernel of E2.

Instead of leverages with weights nobody knows, the ratio r of liquidation price to entry is learnt
from positions whose entry and liquidation price are both known. The density is kept as
`POINTS` quantiles of equal weight on each side: points gather where positions gather (leverages
that a venue offers) and need no bandwidth. Source of the thought: published measurements that the
distribution hardly changes with time, and that only a fifth of the positions lie near the price
that their first leverage implies, because margin is added and entries are averaged.

What it assumes: that the positions of the sample are like those of the market. A sample of one
venue, or of large accounts only, is not; say where it comes from.
"""

import math
from collections.abc import Iterable
from typing import ClassVar, Final, Self

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.entry_inference import WeightedRatios
from headwater.core.enums import PositionSide

POINTS: Final = 64
"""Quantiles kept of each side."""
SAMPLES_MIN: Final = 100
"""Positions of each side without which nothing is learnt."""
DEFAULT_HALF_LIFE_MS: Final = 7.0 * 86_400_000
"""Time after which half of what was opened has gone by itself; a convention without evidence."""


class RatioSample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One position whose entry and liquidation price are known.

    Attributes:
        side: of the position.
        ratio: liquidation price over entry price: below 1 for a long, above 1 for a short.
        weight_usd: notional, USD, ≥ 0.
    """

    side: PositionSide
    ratio: float
    weight_usd: float


class DistanceDensity:
    """Quantiles of the ratio of liquidation price to entry, by side; a kernel for the model.

    Made by `learn`.

    Args:
        long_ratios: shape (POINTS,), each in (0, 1).
        short_ratios: shape (POINTS,), each > 1.
        left_out_count: samples that could not be used.
        half_life_ms: > 0.
    """

    name: ClassVar[str] = "e2"
    version: ClassVar[int] = 1

    def __init__(
        self,
        long_ratios: FloatArray,
        short_ratios: FloatArray,
        *,
        left_out_count: int,
        half_life_ms: float,
    ) -> None:
        if not half_life_ms > 0.0:
            raise ValueError(f"half_life_ms={half_life_ms}: must be > 0")
        self.long_ratios: Final = long_ratios
        self.short_ratios: Final = short_ratios
        self.left_out_count: Final = left_out_count
        self.half_lives_ms = np.array([half_life_ms])
        self.weights = np.full(POINTS, 1.0 / POINTS)
        self.classes = np.zeros(POINTS, dtype=np.int64)

    @classmethod
    def learn(
        cls, samples: Iterable[RatioSample], *, half_life_ms: float = DEFAULT_HALF_LIFE_MS
    ) -> Self | None:
        """The density of a sample.

        Args:
            samples: in any order. A ratio on the wrong side of 1 (a position that was in profit
                when margin was taken out), or a number that is not finite, is left out and counted.
            half_life_ms: of what the model opens, ms.

        Returns:
            None when a side has fewer than `SAMPLES_MIN` positions or no notional.
        """
        pairs: dict[PositionSide, list[tuple[float, float]]] = {side: [] for side in PositionSide}
        left_out = 0
        for one in samples:
            is_long = one.side is PositionSide.LONG
            fits = 0.0 < one.ratio < 1.0 if is_long else 1.0 < one.ratio < math.inf
            if fits and 0.0 <= one.weight_usd < math.inf:
                pairs[one.side].append((one.ratio, one.weight_usd))
            else:
                left_out += 1
        ratios = {side: _quantiles(found) for side, found in pairs.items()}
        long_ratios, short_ratios = ratios[PositionSide.LONG], ratios[PositionSide.SHORT]
        if long_ratios is None or short_ratios is None:
            return None
        return cls(long_ratios, short_ratios, left_out_count=left_out, half_life_ms=half_life_ms)

    @classmethod
    def of_ratios(
        cls,
        longs: WeightedRatios,
        shorts: WeightedRatios,
        *,
        half_life_ms: float = DEFAULT_HALF_LIFE_MS,
    ) -> Self | None:
        """The density of ratios that were inferred (`entry_inference`).

        Args:
            longs: of liquidated longs.
            shorts: of liquidated shorts.
            half_life_ms: of what the model opens, ms.

        Returns:
            None when a side has fewer than `SAMPLES_MIN` liquidations.
        """
        if min(longs.events, shorts.events) < SAMPLES_MIN:
            return None
        found = [_chosen(one.ratios, one.weights_usd) for one in (longs, shorts)]
        return cls(found[0], found[1], left_out_count=0, half_life_ms=half_life_ms)

    def targets(self, side: PositionSide, entries: FloatArray) -> FloatArray:
        """Liquidation prices: each ratio times each entry; see `SeedKernel.targets`."""
        ratios = self.long_ratios if side is PositionSide.LONG else self.short_ratios
        prices: FloatArray = ratios[:, None] * entries[None, :]
        return prices


def _quantiles(pairs: list[tuple[float, float]]) -> FloatArray | None:
    """The ratios below which (k + ½) / POINTS of the weight lies, ascending.

    Each is a ratio of the sample, never one between two: a gap between two leverages stays empty.
    """
    weight_usd = math.fsum(weight for _, weight in pairs)
    if len(pairs) < SAMPLES_MIN or not 0.0 < weight_usd < math.inf:
        return None
    table = np.array(sorted(pairs))
    return _chosen(table[:, 0], table[:, 1])


def _chosen(ratios: FloatArray, weights_usd: FloatArray) -> FloatArray:
    """Those of the ascending ratios below which (k + ½) / POINTS of the weight lies."""
    cumulative = np.cumsum(weights_usd)
    wanted = (np.arange(POINTS) + 0.5) / POINTS * cumulative[-1]
    chosen: FloatArray = ratios[np.searchsorted(cumulative, wanted)]
    return chosen
