"""Views of models side by side, and of clusters of liquidations (L-R8, L-R18)."""

from collections.abc import Sequence
from statistics import fmean, pstdev
from typing import Annotated, Final, Literal

import numpy as np
from msgspec import Meta

from headwater.analytics.liquidation_clusters import LevelClusters
from headwater.analytics.price_map import SIDES
from headwater.api.schemas.base import View
from headwater.api.schemas.liquidation_maps import Share
from headwater.api.schemas.market import NotNegative
from headwater.core.enums import PositionSide
from headwater.services.map_question import LiquidationMap, MapModel

AGREEMENT_FACTOR: Final = 20.0
"""Percent of agreement lost for each percent of variation between the models (L-R8)."""
LEVELS_SHOWN: Final = 10
"""Largest levels that are told of each model."""


class ComparedLevelView(View, frozen=True, kw_only=True, gc=False):
    """One of a model's largest buckets.

    Attributes:
        price_level: middle of the bucket, quote currency.
        volume: in the model's unit.
        leverage: null: a bucket holds positions of many leverages.
        confidence: share of all that the model holds; not a probability.
        side: whose positions.
    """

    price_level: NotNegative
    volume: NotNegative
    leverage: float | None
    confidence: Share
    side: PositionSide


class ComparedModelView(View, frozen=True, kw_only=True, gc=False):
    """One model's largest levels.

    Attributes:
        name: of the model.
        levels: the largest first.
        avg_confidence: mean of theirs; 0 for none.
        mean_price: mean of the prices, weighted by all that the model holds; null for nothing.
        reason: why it has none; empty when it has.
    """

    name: MapModel
    levels: tuple[ComparedLevelView, ...]
    avg_confidence: Share
    mean_price: NotNegative | None
    reason: str


class ComparisonView(View, frozen=True, kw_only=True, gc=False):
    """Models side by side. That models agree does not say that they are right.

    Attributes:
        symbol: canonical symbol.
        current_price: mark price, quote currency; null when none is known.
        models: estimated, empirical and the baselines.
        agreement_percentage: max(0, 100 − 20 × v), v the coefficient of variation of the models'
            `mean_price` in percent (standard deviation of all over their mean); null with fewer
            than two models that hold anything.
    """

    symbol: str
    current_price: NotNegative | None
    models: tuple[ComparedModelView, ...]
    agreement_percentage: Annotated[float, Meta(ge=0.0, le=100.0)] | None


class ClusterView(View, frozen=True, kw_only=True, gc=False):
    """Levels that lie close together (L-R18); fields as in `analytics.liquidation_clusters`.

    Attributes:
        cluster_id: 0 for the lowest.
        price_min: lowest level, quote currency.
        price_max: highest level.
        centroid_price: mean price weighted by volume.
        total_volume: USD.
        level_count: levels in it.
        density: USD per unit of price, over that of the densest cluster.
    """

    cluster_id: Annotated[int, Meta(ge=0)]
    price_min: NotNegative
    price_max: NotNegative
    centroid_price: NotNegative
    total_volume: NotNegative
    level_count: Annotated[int, Meta(ge=1)]
    density: Share


class NoiseView(View, frozen=True, kw_only=True, gc=False):
    """A level in no cluster.

    Attributes:
        price_level: middle of the bucket, quote currency.
        volume: USD.
        distance_to_nearest: to the nearest level of a cluster; null for no cluster.
    """

    price_level: NotNegative
    volume: NotNegative
    distance_to_nearest: NotNegative | None


class ClustersMetaView(View, frozen=True, kw_only=True, gc=False):
    """How the clusters were found.

    Attributes:
        symbol: canonical symbol.
        source: `realised`: what was really liquidated.
        exchanges: venues whose liquidations these are.
        timeframe_minutes: length of the span.
        epsilon: reach as a share of the range of prices; null when it was found from the levels.
        reach: distance within which levels are neighbours, quote currency.
        min_samples: least weight around a core, in average levels.
        distance_metric: as asked; in one dimension both are the same number.
        auto_tuned: whether the reach was found from the levels.
        level_count: levels that were looked at.
        computation_ms: time it took.
    """

    symbol: str
    source: Literal["realised"]
    exchanges: tuple[str, ...]
    timeframe_minutes: int
    epsilon: NotNegative | None
    reach: NotNegative
    min_samples: int
    distance_metric: str
    auto_tuned: bool
    level_count: Annotated[int, Meta(ge=0)]
    computation_ms: NotNegative


class ClustersView(View, frozen=True, kw_only=True, gc=False):
    """Clusters of the prices at which was liquidated.

    Attributes:
        clusters: lowest first.
        noise_points: lowest first.
        metadata: how they were found.
        fallback_used: false: nothing is shown in place of an answer.
        warning: what limits the answer; null for nothing.
    """

    clusters: tuple[ClusterView, ...]
    noise_points: tuple[NoiseView, ...]
    metadata: ClustersMetaView
    fallback_used: Literal[False]
    warning: str | None


def compared_view(made: LiquidationMap) -> ComparedModelView:
    """One model's largest levels at the end of the newest bar."""
    reasons = {one.reason for one in made.coverage}
    held = made.held[-1] if len(made) else np.zeros((2, 0))
    total = float(held.sum())
    if made.grid is None or total <= 0.0:
        reason = "; ".join(sorted(reasons - {""})) or "nothing is held"
        return ComparedModelView(
            name=made.question.model, levels=(), avg_confidence=0.0, mean_price=None, reason=reason
        )
    centres = made.grid.centres
    largest = np.argsort(-held.ravel(), kind="stable")[:LEVELS_SHOWN].tolist()
    levels = tuple(
        ComparedLevelView(
            price_level=float(centres[place % made.grid.count]),
            volume=float(held.ravel()[place]),
            leverage=None,
            confidence=min(1.0, float(held.ravel()[place]) / total),
            side=SIDES[place // made.grid.count],
        )
        for place in largest
        if held.ravel()[place] > 0.0
    )
    return ComparedModelView(
        name=made.question.model,
        levels=levels,
        avg_confidence=fmean(one.confidence for one in levels),
        mean_price=float(held.sum(axis=0) @ centres) / total,
        reason="",
    )


def agreement_of(prices: Sequence[float]) -> float | None:
    """How near the models' mean prices are, percent; None for fewer than two.

    max(0, 100 − 20 × v), v the coefficient of variation in percent, over all of them.
    """
    if len(prices) < 2:
        return None
    variation = 100.0 * pstdev(prices) / fmean(prices)
    return max(0.0, 100.0 - AGREEMENT_FACTOR * variation)


def comparison_view(
    symbol: str, current_price: float | None, models: Sequence[LiquidationMap]
) -> ComparisonView:
    """Models side by side."""
    shown = tuple(compared_view(one) for one in models)
    return ComparisonView(
        symbol=symbol,
        current_price=current_price,
        models=shown,
        agreement_percentage=agreement_of(
            [one.mean_price for one in shown if one.mean_price is not None]
        ),
    )


def clusters_view(
    found: LevelClusters, metadata: ClustersMetaView, warning: str | None
) -> ClustersView:
    """Clusters of the prices at which was liquidated."""
    return ClustersView(
        clusters=tuple(
            ClusterView(
                cluster_id=one.cluster_id,
                price_min=one.price_min,
                price_max=one.price_max,
                centroid_price=one.centroid_price,
                total_volume=one.total_volume_usd,
                level_count=one.level_count,
                density=one.density,
            )
            for one in found.clusters
        ),
        noise_points=tuple(
            NoiseView(
                price_level=one.price,
                volume=one.volume_usd,
                distance_to_nearest=one.distance_to_nearest,
            )
            for one in found.noise_points
        ),
        metadata=metadata,
        fallback_used=False,
        warning=warning,
    )
