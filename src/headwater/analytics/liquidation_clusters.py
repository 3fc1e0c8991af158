"""Clusters of price levels: DBSCAN over one dimension, weighted by volume.

A level is a core when the levels within `reach` of it, itself included, weigh at least
`min_samples`; a level's weight is its volume over the mean volume, so that the average level weighs
one and a large one as much as several. Cores within reach of each other are one cluster, levels
within reach of a core belong to it, the others are noise (Ester, Kriegel, Sander and Xu, 1996). A
level in reach of two clusters goes to the nearer core, the lower one of equals.

Prices have one dimension, in which the Euclidean and the Manhattan distance are the same number:
the choice that the API accepts changes nothing, and it is not a parameter here.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray

LEVELS_MAX: Final = 10_000
"""Most levels of one question; more are refused."""
EPSILON_DEFAULT: Final = 0.1
"""Reach as a share of the range of prices, unless told or tuned."""


class PriceLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Volume at one price.

    Attributes:
        price: quote currency.
        volume_usd: USD, ≥ 0; a level of 0 is not looked at.
    """

    price: float
    volume_usd: float


class LevelCluster(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Levels that lie close together.

    Attributes:
        cluster_id: 0 for the lowest, rising with the price.
        price_min: lowest level, quote currency.
        price_max: highest level.
        centroid_price: mean of the prices, weighted by volume.
        total_volume_usd: USD.
        level_count: number of levels.
        density: USD per unit of price (its range and one reach), over that of the densest cluster:
            in (0, 1].
    """

    cluster_id: int
    price_min: float
    price_max: float
    centroid_price: float
    total_volume_usd: float
    level_count: int
    density: float


class NoisePoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A level in no cluster.

    Attributes:
        price: quote currency.
        volume_usd: USD.
        distance_to_nearest: to the nearest level of a cluster, quote currency; None for no cluster.
    """

    price: float
    volume_usd: float
    distance_to_nearest: float | None


class LevelClusters(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one list of levels.

    Attributes:
        clusters: ascending by price.
        noise_points: ascending by price.
        reach: distance within which levels are neighbours, quote currency; 0 without levels.
        auto_tuned: whether it was found from the levels.
    """

    clusters: tuple[LevelCluster, ...]
    noise_points: tuple[NoisePoint, ...]
    reach: float
    auto_tuned: bool


def cluster_levels(
    levels: Sequence[PriceLevel],
    *,
    epsilon: float = EPSILON_DEFAULT,
    min_samples: int = 3,
    auto_tune: bool = False,
) -> LevelClusters:
    """Finds the clusters of price levels.

    Args:
        levels: in any order; those of one price are added up.
        epsilon: reach as a share of the range of prices, in (0, 1].
        min_samples: least weight around a core, in average levels, 2 … 10.
        auto_tune: whether to find the reach from the levels (`tuned_reach`) instead.

    Returns:
        Nothing found is empty, not an error.

    Raises:
        ValueError: a parameter out of its range, more than `LEVELS_MAX` levels, or a number that
            no market has.
    """
    if not 0.0 < epsilon <= 1.0:
        raise ValueError(f"epsilon={epsilon}: must be in (0, 1]")
    if not 2 <= min_samples <= 10:
        raise ValueError(f"min_samples={min_samples}: must be 2 … 10")
    prices, volumes = _merged(levels)
    if not len(prices):
        return LevelClusters(clusters=(), noise_points=(), reach=0.0, auto_tuned=auto_tune)
    if auto_tune:
        reach = tuned_reach(prices, min_samples)
    else:
        reach = epsilon * float(prices[-1] - prices[0])
    labels = _labels(prices, volumes / volumes.mean(), reach, min_samples)
    return LevelClusters(
        clusters=_clusters(prices, volumes, labels, reach),
        noise_points=_noise(prices, volumes, labels),
        reach=reach,
        auto_tuned=auto_tune,
    )


def tuned_reach(prices: FloatArray, min_samples: int) -> float:
    """A reach from the levels: the knee of the sorted distances to the (min_samples − 1)th nearest.

    Most levels have so many neighbours within the knee, and those beyond it are strays. The knee is
    the point farthest below the straight line between the curve's ends (Satopää et al. 2011); for
    equal distances it is that distance.

    Args:
        prices: ascending, unique, at least one.
        min_samples: ≥ 2.

    Returns:
        Quote currency; the whole range where there are too few levels to say.
    """
    neighbour = min_samples - 1
    count = len(prices)
    if count <= neighbour:
        return float(prices[-1] - prices[0])
    # The nearest `neighbour` levels of a sorted list lie in one of the windows around the level:
    # so many of them below, the others above.
    farthest = np.full(count, math.inf)
    for below in range(neighbour + 1):
        above = neighbour - below
        level = slice(below, count - above)
        down = prices[level] - prices[: count - neighbour]
        up = prices[neighbour:] - prices[level]
        farthest[level] = np.minimum(farthest[level], np.maximum(down, up))
    curve = np.sort(farthest)
    chord = np.linspace(curve[0], curve[-1], count)
    return float(curve[int(np.argmax(chord - curve))])


def _merged(levels: Sequence[PriceLevel]) -> tuple[FloatArray, FloatArray]:
    """Prices, ascending and unique, and their volumes."""
    if len(levels) > LEVELS_MAX:
        raise ValueError(f"{len(levels)} levels: at most {LEVELS_MAX}")
    sums: dict[float, float] = {}
    for one in levels:
        if not (math.isfinite(one.price) and math.isfinite(one.volume_usd)) or one.volume_usd < 0.0:
            raise ValueError(f"{one}: price and volume must be finite, the volume ≥ 0")
        if one.volume_usd > 0.0:
            sums[one.price] = sums.get(one.price, 0.0) + one.volume_usd
    prices = np.array(sorted(sums), dtype=np.float64)
    return prices, np.array([sums[price] for price in prices.tolist()], dtype=np.float64)


def _labels(prices: FloatArray, weights: FloatArray, reach: float, min_weight: float) -> IndexArray:
    """Number of each level's cluster, ascending by price; −1 for noise."""
    count = len(prices)
    first = np.searchsorted(prices, prices - reach, side="left")
    after = np.searchsorted(prices, prices + reach, side="right")
    cumulative = np.concatenate([[0.0], np.cumsum(weights)])
    # A sum of floats may miss the least weight by its rounding.
    cores = np.flatnonzero(cumulative[after] - cumulative[first] >= min_weight * (1.0 - 1e-9))
    labels = np.full(count, -1, dtype=np.int64)
    if not len(cores):
        return labels
    starts_new = np.diff(prices[cores]) > reach
    core_labels = np.concatenate([[0], np.cumsum(starts_new)])
    # The core at or above each level, and the one below it: the nearer one takes it if in reach.
    above = np.searchsorted(cores, np.arange(count), side="left")
    upper = np.minimum(above, len(cores) - 1)
    lower = np.maximum(above - 1, 0)
    to_upper = np.abs(prices[cores[upper]] - prices)
    to_lower = np.abs(prices[cores[lower]] - prices)
    nearest = np.where(to_upper < to_lower, upper, lower)
    reached = np.minimum(to_upper, to_lower) <= reach
    labels[reached] = core_labels[nearest[reached]]
    return labels


def _clusters(
    prices: FloatArray, volumes: FloatArray, labels: IndexArray, reach: float
) -> tuple[LevelCluster, ...]:
    """The clusters, ascending by price."""
    found: list[LevelCluster] = []
    for label in range(int(labels.max()) + 1):
        members = labels == label
        own, weights = prices[members], volumes[members]
        total_usd = float(weights.sum())
        low, high = float(own[0]), float(own[-1])
        extent = high - low + reach
        found.append(
            LevelCluster(
                cluster_id=label,
                price_min=low,
                price_max=high,
                # Kept within its cluster where a mean of floats would round out of it.
                centroid_price=min(high, max(low, float(own @ (weights / total_usd)))),
                total_volume_usd=total_usd,
                level_count=len(own),
                density=total_usd / extent if extent > 0.0 else math.inf,
            )
        )
    densest = max((one.density for one in found), default=1.0)
    return tuple(
        msgspec.structs.replace(
            one, density=1.0 if one.density == densest else one.density / densest
        )
        for one in found
    )


def _noise(prices: FloatArray, volumes: FloatArray, labels: IndexArray) -> tuple[NoisePoint, ...]:
    """The levels in no cluster, ascending by price."""
    clustered = prices[labels >= 0]
    return tuple(
        NoisePoint(
            price=price,
            volume_usd=volume_usd,
            distance_to_nearest=(
                float(np.abs(clustered - price).min()) if len(clustered) else None
            ),
        )
        for price, volume_usd in zip(
            prices[labels < 0].tolist(), volumes[labels < 0].tolist(), strict=True
        )
    )
