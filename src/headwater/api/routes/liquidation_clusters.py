"""`/liquidations/clusters`: prices near which much was liquidated (L-R18), from what was stored."""

import asyncio
from decimal import Decimal
from typing import Final

import numpy as np
from fastapi import APIRouter, Response

from headwater.analytics.arrays import FloatArray
from headwater.analytics.liquidation_clusters import EPSILON_DEFAULT, PriceLevel, cluster_levels
from headwater.analytics.price_buckets import grid_between, nice_width
from headwater.api.answering import Answers
from headwater.api.map_parameters import (
    DistanceMetric,
    EpsilonQuery,
    MetricQuery,
    MinutesQuery,
    SamplesQuery,
    TuneQuery,
)
from headwater.api.openapi import answers
from headwater.api.parameters import ExchangesQuery, router_of
from headwater.api.routes.heatmap import maps_of, venues_of
from headwater.api.routes.liquidations import SymbolNeeded, symbol_of
from headwater.api.schemas.liquidation_comparison import (
    ClustersMetaView,
    ClustersView,
    clusters_view,
)
from headwater.api.stream_filters import read_exchanges
from headwater.services.liquidation_maps import EVENTS_MAX

PATHS: Final = ("/liquidations/clusters", "/api/liquidations/clusters")
LEVELS_WANTED: Final = 1_000
"""Liquidations are put into so many levels at most between the lowest and the highest price."""
NARROWEST: Final = 1e-6
"""Least height of a level as a share of the price."""
_MINUTE_MS: Final = 60_000
_STATUSES: Final = (404, 422, 503)
_FLOOR: Final = "some venues tell one liquidation a second at most: volumes are a lower bound"
_EMPTY: Final = "nothing was liquidated in this span, or nothing of it is stored"


def liquidation_clusters_router(api: Answers) -> APIRouter:
    """Clusters of realised liquidations, at both paths; 404 where nothing is stored."""
    router = router_of("liquidations")
    for path in PATHS:
        _add(router, api, path)
    return router


def _add(router: APIRouter, api: Answers, path: str) -> None:
    @router.get(
        path,
        summary="Clusters of prices at which was liquidated",
        responses=answers(ClustersView, "Clusters and strays, lowest first.", _STATUSES),
    )
    async def read_clusters(
        symbol: SymbolNeeded,
        timeframe_minutes: MinutesQuery = 1440,
        epsilon: EpsilonQuery = EPSILON_DEFAULT,
        min_samples: SamplesQuery = 3,
        auto_tune: TuneQuery = False,
        distance_metric: MetricQuery = DistanceMetric.EUCLIDEAN,
        exchanges: ExchangesQuery = None,
    ) -> Response:
        """Of what was really liquidated; never of made-up levels."""
        maps = maps_of(api)
        canonical = symbol_of(api, symbol)
        venues = venues_of(api, read_exchanges(exchanges, api.deps.sources))

        async def load() -> ClustersView:
            started_s = api.deps.clock.monotonic()
            await maps.written()
            end_ms = api.deps.clock.now_ms() + 1
            start_ms = max(0, end_ms - timeframe_minutes * _MINUTE_MS)
            forced = await maps.forced(venues, canonical, start_ms, end_ms)
            levels = levels_of_prices(forced.rows[:, 3], forced.rows[:, 4])
            found = await asyncio.to_thread(
                lambda: cluster_levels(
                    levels, epsilon=epsilon, min_samples=min_samples, auto_tune=auto_tune
                )
            )
            is_floor = bool(forced.rows[:, 5].any())
            return clusters_view(
                found,
                ClustersMetaView(
                    symbol=canonical,
                    source="realised",
                    exchanges=venues,
                    timeframe_minutes=timeframe_minutes,
                    epsilon=None if auto_tune else epsilon,
                    reach=found.reach,
                    min_samples=min_samples,
                    distance_metric=distance_metric.value,
                    auto_tuned=found.auto_tuned,
                    level_count=len(levels),
                    computation_ms=(api.deps.clock.monotonic() - started_s) * 1e3,
                ),
                warning_of(len(forced.rows), is_floor=is_floor),
            )

        tuning = (timeframe_minutes, epsilon, min_samples, auto_tune, distance_metric)
        key = (canonical, venues, *tuning)
        return await api.give(path, key, api.deps.settings.cache.interest_s, load)


def levels_of_prices(prices: FloatArray, values_usd: FloatArray) -> list[PriceLevel]:
    """Liquidations as levels, ascending: each at the middle of its bucket.

    Args:
        prices: quote currency, > 0.
        values_usd: of each.

    Returns:
        At most `LEVELS_WANTED` and a few; buckets have a nice height.
    """
    if not len(prices):
        return []
    low, high = float(prices.min()), float(prices.max())
    wanted = max((high - low) / LEVELS_WANTED, low * NARROWEST)
    width = nice_width(Decimal("1e-8"), wanted)
    grid = grid_between(width, low, high)
    sums = np.bincount(grid.positions(prices), weights=values_usd, minlength=grid.count)
    return [
        PriceLevel(price=price, volume_usd=usd)
        for price, usd in zip(grid.centres.tolist(), sums.tolist(), strict=True)
        if usd > 0.0
    ]


def warning_of(count: int, *, is_floor: bool) -> str | None:
    """What limits an answer made of so many liquidations; None for nothing."""
    if not count:
        return _EMPTY
    if count >= EVENTS_MAX:
        return f"more than {EVENTS_MAX} liquidations: only the newest of them were looked at"
    return _FLOOR if is_floor else None
