"""Maps of this moment: `/liquidations/levels`, `max-pain`, `heatmap`, `compare-models` (L-R5–L-R8).

All of them are read off the newest closed bar of a model's map. None says where price will go.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Query, Response

from headwater.analytics.leverage_weights import LeverageClass
from headwater.analytics.max_pain import FuelCurve, fuel_curve
from headwater.analytics.price_map import PriceMap
from headwater.api.answering import Answers
from headwater.api.lookup import instrument_of
from headwater.api.map_parameters import WeightsQuery, read_weights
from headwater.api.openapi import answers
from headwater.api.parameters import ExchangesQuery, router_of
from headwater.api.routes.heatmap import maps_of, venues_of
from headwater.api.routes.liquidations import SymbolNeeded, symbol_of
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.liquidation_comparison import ComparisonView, comparison_view
from headwater.api.schemas.liquidation_levels import (
    HeatmapNowView,
    LevelsView,
    MaxPainView,
    heatmap_now_view,
    levels_view,
    max_pain_view,
)
from headwater.api.stream_filters import read_exchanges
from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.services.liquidation_maps import NEWEST_INTERVAL
from headwater.services.map_question import LiquidationMap, MapModel, MapQuestion

LEVELS_PATH: Final = "/liquidations/levels"
MAX_PAIN_PATH: Final = "/liquidations/max-pain"
HEATMAP_NOW_PATH: Final = "/liquidations/heatmap"
COMPARE_PATH: Final = "/liquidations/compare-models"

COMPARED: Final = (
    MapModel.ESTIMATED,
    MapModel.EMPIRICAL,
    MapModel.B0,
    MapModel.B1,
    MapModel.B2,
    MapModel.B3,
    MapModel.B4,
)
"""Models that are put side by side; the observed map is of few positions and left out."""

_HOUR_MS: Final = 3_600_000
_TIMEFRAMES: Final = {
    "1h": (1, Interval.M5), "4h": (4, Interval.M15), "12h": (12, Interval.M30),
    "1d": (24, Interval.H1), "7d": (168, Interval.H4), "30d": (720, Interval.H12),
}  # fmt: skip
"""Hours and length of a bar of each `timeframe` (L-R6)."""

_STANDARD_VENUE: Final = "binance"
_STATUSES: Final = (404, 422, 429, 502, 503, 504)


class Timeframe(StrEnum):
    """Length of a span."""

    H1 = "1h"
    H4 = "4h"
    H12 = "12h"
    D1 = "1d"
    D7 = "7d"
    D30 = "30d"


class NamedMap(StrEnum):
    """Models by the names that existing tools ask for."""

    BINANCE_STANDARD = "binance_standard"
    ENSEMBLE = "ensemble"


ModelQuery: TypeAlias = Annotated[
    MapModel, Query(description="How the map is made; see `/liquidations/heatmap-timeseries`.")
]
NamedMapQuery: TypeAlias = Annotated[
    NamedMap,
    Query(
        description="`ensemble`: the estimated map, summed over all venues; `binance_standard`: "
        "that of Binance alone."
    ),
]
TimeframeQuery: TypeAlias = Annotated[Timeframe, Query(description="Length of the span up to now.")]

MakeView = Callable[[LiquidationMap, float | None, FuelCurve | None], View]


def liquidation_levels_router(api: Answers) -> APIRouter:
    """The routes of a map of this moment; 404 where nothing is stored."""
    router = router_of("liquidations")
    _add_levels(router, api)
    _add_heatmap_now(router, api)
    _add_comparison(router, api)
    return router


def _add_levels(router: APIRouter, api: Answers) -> None:
    @router.get(
        LEVELS_PATH,
        summary="Where positions would be liquidated, from the current price outwards",
        responses=answers(LevelsView, "Longs below, shorts above.", _STATUSES),
    )
    async def read_levels(
        symbol: SymbolNeeded,
        model: ModelQuery = MapModel.ESTIMATED,
        exchanges: ExchangesQuery = None,
        leverage_weights: WeightsQuery = None,
    ) -> Response:
        """A model's map of the last closed quarter of an hour, added up away from the price."""
        classes = read_weights(leverage_weights)
        return await _now(api, LEVELS_PATH, symbol, model, exchanges, classes, levels_view)

    @router.get(
        MAX_PAIN_PATH,
        summary="Price bucket in which most would be liquidated",
        responses=answers(MaxPainView, "Of both sides and of each.", _STATUSES),
    )
    async def read_max_pain(
        symbol: SymbolNeeded,
        model: ModelQuery = MapModel.ESTIMATED,
        exchanges: ExchangesQuery = None,
        leverage_weights: WeightsQuery = None,
    ) -> Response:
        """Read off the same map as `/liquidations/levels`; no forecast of the price."""
        classes = read_weights(leverage_weights)
        return await _now(api, MAX_PAIN_PATH, symbol, model, exchanges, classes, max_pain_view)


def _add_heatmap_now(router: APIRouter, api: Answers) -> None:
    @router.get(
        HEATMAP_NOW_PATH,
        summary="Estimated heat map of the newest hours or days, as cells",
        responses=answers(HeatmapNowView, "Cells that are not empty, by time.", _STATUSES),
    )
    async def read_heatmap_now(
        symbol: SymbolNeeded,
        model: NamedMapQuery = NamedMap.ENSEMBLE,
        timeframe: TimeframeQuery = Timeframe.D1,
    ) -> Response:
        """The same columns as `/liquidations/heatmap-timeseries?model=estimated`."""
        maps = maps_of(api)
        canonical = symbol_of(api, symbol)
        hours, interval = _TIMEFRAMES[timeframe.value]
        end_ms = interval.opens_at_ms(maps.closed_until_ms)
        venues = venues_of(api, None)
        if model is NamedMap.BINANCE_STANDARD:
            venues = tuple(one for one in venues if one == _STANDARD_VENUE)
        question = _question(canonical, venues, MapModel.ESTIMATED, interval, end_ms)
        question = msgspec.structs.replace(question, start_ms=max(0, end_ms - hours * _HOUR_MS))

        async def load() -> msgspec.Raw:
            made = await maps.make(question)
            mark = await _mark(api, canonical, venues)
            return await asyncio.to_thread(
                lambda: msgspec.Raw(encode(heatmap_now_view(made, mark, timeframe.value)))
            )

        settings = api.deps.settings.cache
        return await api.give(HEATMAP_NOW_PATH, (question,), settings.interest_s, load)


def _add_comparison(router: APIRouter, api: Answers) -> None:
    @router.get(
        COMPARE_PATH,
        summary="Models side by side",
        responses=answers(ComparisonView, "Largest levels of each, and agreement.", _STATUSES),
    )
    async def read_comparison(symbol: SymbolNeeded, exchanges: ExchangesQuery = None) -> Response:
        """Of the last closed quarter of an hour. That models agree does not say they are right."""
        maps = maps_of(api)
        canonical = symbol_of(api, symbol)
        venues = venues_of(api, read_exchanges(exchanges, api.deps.sources))
        end_ms = NEWEST_INTERVAL.opens_at_ms(maps.closed_until_ms)

        async def load() -> ComparisonView:
            question = _question(canonical, venues, COMPARED[0], NEWEST_INTERVAL, end_ms)
            made = await maps.make_each(question, COMPARED)
            price = await _mark(api, canonical, venues)
            if price is None and len(made[0]):
                price = float(made[0].price[-1])
            return await asyncio.to_thread(comparison_view, canonical, price, made)

        key = (canonical, venues, end_ms)
        return await api.give(COMPARE_PATH, key, api.deps.settings.cache.history_s, load)


async def _now(
    api: Answers,
    path: str,
    symbol: str,
    model: MapModel,
    exchanges: str | None,
    classes: tuple[LeverageClass, ...],
    view: MakeView,
) -> Response:
    """The answer of a route that reads the newest column off a map."""
    maps = maps_of(api)
    canonical = symbol_of(api, symbol)
    venues = venues_of(api, read_exchanges(exchanges, api.deps.sources))
    end_ms = NEWEST_INTERVAL.opens_at_ms(maps.closed_until_ms)
    question = _question(canonical, venues, model, NEWEST_INTERVAL, end_ms)
    question = msgspec.structs.replace(question, classes=classes)

    async def load() -> View:
        made = await maps.make(question)
        mark = await _mark(api, canonical, venues)
        return view(made, mark, curve_of(made, mark))

    return await api.give(path, (question,), api.deps.settings.cache.interest_s, load)


def curve_of(made: LiquidationMap, mark: float | None) -> FuelCurve | None:
    """The fuel curve of the newest column; None for an empty map.

    Args:
        made: the map.
        mark: mark price of now; None for that of the last bar.
    """
    if made.grid is None or not len(made):
        return None
    held = PriceMap.of(made.grid, made.held[-1, 0], made.held[-1, 1])
    return fuel_curve(held, float(made.price[-1]) if mark is None else mark)


def _question(
    symbol: str, venues: tuple[str, ...], model: MapModel, interval: Interval, end_ms: int
) -> MapQuestion:
    """One bar up to a moment, with the default leverages."""
    return MapQuestion(
        symbol=symbol,
        exchanges=venues,
        model=model,
        interval=interval,
        start_ms=max(0, end_ms - interval.nominal_ms),
        end_ms=end_ms,
        classes=read_weights(None),
    )


async def _mark(api: Answers, symbol: str, venues: tuple[str, ...]) -> float | None:
    """Mark price of now on the first venue that tells it; None when none does."""
    for name in venues:
        source = api.deps.sources[name]
        try:
            native = instrument_of(source, symbol).native_symbol
            marks = await api.ask(name, "mark_prices", source.mark_prices())
        except PlatformError:
            continue
        for one in marks:
            if one.native_symbol == native:
                return one.mark
    return None
