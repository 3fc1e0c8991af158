"""`/liquidations/heatmap-timeseries`: price by time, realised or of a model (L-R3)."""

import asyncio
from decimal import Decimal
from typing import Final

import msgspec
from fastapi import APIRouter, Response

from headwater.analytics.arrays import FloatArray
from headwater.analytics.liquidation_heatmap import COLUMNS_KEPT
from headwater.analytics.price_buckets import PriceBuckets, bucket_width, nice_width
from headwater.analytics.realised_map import RealisedMap
from headwater.api.answering import Answers, Incomplete
from headwater.api.lookup import instrument_of
from headwater.api.map_parameters import (
    WINDOWS,
    BinQuery,
    HeatmapModel,
    HeatmapModelQuery,
    MapFormat,
    MapFormatQuery,
    WeightsQuery,
    WindowQuery,
    read_weights,
)
from headwater.api.openapi import answers
from headwater.api.parameters import EndQuery, ExchangesQuery, StartQuery, router_of
from headwater.api.routes.liquidations import BarQuery, SymbolNeeded, history_of, span_of
from headwater.api.schemas.base import encode
from headwater.api.schemas.coinglass import (
    CoinglassView,
    coinglass_view,
    folded_candles,
    realised_coinglass_view,
)
from headwater.api.schemas.liquidation_maps import MapView, map_view
from headwater.api.schemas.liquidations import HeatmapView, heatmap_view
from headwater.core.errors import NotSupported, PlatformError
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import GRACE_MS, Wanted
from headwater.services.liquidation_maps import CLOSED_AFTER_MS, LiquidationMaps
from headwater.services.map_question import LiquidationMap, MapModel, MapQuestion

HEATMAP_PATH: Final = "/liquidations/heatmap-timeseries"
PARTIAL_S: Final = 5.0
"""How long a map is given again in which a venue is missing that could not be asked."""

_DAY_MS: Final = 86_400_000
_WIDTH_CANDLES: Final = 200
"""Candles of which the height of the price buckets is made."""
_STATUSES: Final = (404, 422, 429, 502, 503, 504)


def heatmap_router(api: Answers) -> APIRouter:
    """The heat map over time; 404 where nothing is stored."""
    router = router_of("liquidations")

    @router.get(
        HEATMAP_PATH,
        summary="Heat map of liquidations, price by time",
        responses=answers(
            HeatmapView | MapView | CoinglassView,
            "Columns, oldest first: of prints, of a model, or in Coinglass' shape.",
            _STATUSES,
        ),
    )
    async def read_heatmap(
        symbol: SymbolNeeded,
        time_window: WindowQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
        interval: BarQuery = Interval.M15,
        price_bin_size: BinQuery = None,
        exchanges: ExchangesQuery = None,
        model: HeatmapModelQuery = HeatmapModel.REALISED,
        leverage_weights: WeightsQuery = None,
        format: MapFormatQuery = MapFormat.LEVELS,  # noqa: A002 - the parameter's name
    ) -> Response:
        """Realised: what was liquidated, where and when. A model: what would be, as it believes.

        A closed column never changes. A model's map has closed bars only, and the same `ETag` until
        the next one closes.
        """
        days = 7
        if time_window is not None:
            days, interval = WINDOWS[time_window]
            start_time = None
        default_ms = min(days * _DAY_MS, (COLUMNS_KEPT - 1) * interval.nominal_ms)
        classes = read_weights(leverage_weights)
        wanted = span_of(api, symbol, exchanges, start_time, end_time, default_ms)
        if model is HeatmapModel.REALISED:
            # Of a span that slides the start follows from its length.
            asked = (-default_ms if start_time is None else start_time, end_time)
            if end_time is None:
                wanted = _until_bar_end(wanted, interval, start_time, default_ms)
            return await _realised(api, wanted, interval, price_bin_size, format, asked)
        maps = maps_of(api)
        closed_ms = min(interval.opens_at_ms(maps.closed_until_ms), wanted.end_ms)
        start_ms = wanted.start_ms if start_time is not None else max(0, closed_ms - default_ms)
        size = None if price_bin_size is None else Decimal(str(price_bin_size))
        question = MapQuestion(
            symbol=wanted.symbol,
            exchanges=venues_of(api, wanted.exchanges),
            model=MapModel(model.value),
            interval=interval,
            start_ms=start_ms,
            end_ms=closed_ms,
            classes=classes,
            buckets=None if size is None else PriceBuckets.of_width(size),
        )
        return await _modelled(api, maps, question, format)

    return router


def maps_of(api: Answers) -> LiquidationMaps:
    """What makes maps from storage.

    Raises:
        NotSupported: nothing is stored.
    """
    maps = api.deps.maps
    if maps is None:
        raise NotSupported("storage", "liquidation maps", "this process stores nothing")
    return maps


def venues_of(api: Answers, chosen: frozenset[str] | None) -> tuple[str, ...]:
    """Venue ids in one order; all of them for None."""
    return tuple(one for one in api.deps.sources if chosen is None or one in chosen)


async def _modelled(
    api: Answers, maps: LiquidationMaps, question: MapQuestion, form: MapFormat
) -> Response:
    """A model's map, kept until the next bar can be looked at, at most `heatmap_s`."""
    key = (question, form)
    settings = api.deps.settings.cache
    next_ms = question.interval.closes_at_ms(question.end_ms) + CLOSED_AFTER_MS
    until_next_s = (next_ms - api.deps.clock.now_ms()) / 1000
    # A span that ended long ago has no next bar to wait for.
    ttl_s = min(settings.heatmap_s, until_next_s) if until_next_s > 0.0 else settings.heatmap_s

    async def load() -> msgspec.Raw | Incomplete:
        made = await maps.make(question)
        body = await encoded(made)
        if not made.is_partial:
            return body
        missing = "; ".join(
            f"{one.exchange}: {one.reason}" for one in made.coverage if one.is_unreached
        )
        return Incomplete(body, missing, PARTIAL_S)

    async def encoded(made: LiquidationMap) -> msgspec.Raw:
        if form is MapFormat.COINGLASS:
            rows = await maps.minutes(
                question.exchanges, question.symbol, question.start_ms, question.end_ms
            )
            candles = folded_candles(rows, question.interval)
            return await asyncio.to_thread(_coinglass_json, made, candles)
        return await asyncio.to_thread(_levels_json, made)

    return await api.give(HEATMAP_PATH, key, max(settings.quotes_s, ttl_s), load)


def _levels_json(made: LiquidationMap) -> msgspec.Raw:
    """The encoded view; a large map takes some dozen ms, so not on the event loop."""
    return msgspec.Raw(encode(map_view(made)))


def _coinglass_json(made: LiquidationMap, candles: FloatArray) -> msgspec.Raw:
    """The same in Coinglass' shape."""
    return msgspec.Raw(encode(coinglass_view(made, candles)))


def _realised_json(wanted: Wanted, heatmap: RealisedMap, connected: tuple[str, ...]) -> msgspec.Raw:
    """The encoded realised map."""
    return msgspec.Raw(encode(heatmap_view(wanted, heatmap, connected)))


def _realised_coinglass_json(heatmap: RealisedMap, candles: FloatArray) -> msgspec.Raw:
    """The same in Coinglass' shape."""
    return msgspec.Raw(encode(realised_coinglass_view(heatmap, candles)))


def _until_bar_end(
    wanted: Wanted, interval: Interval, start_ms: int | None, length_ms: int
) -> Wanted:
    """A span up to now as one up to the end of the running bar.

    The answer says what span it is of: with the ever-moving now in it, it would be another one at
    every request, and so would its `ETag`. Nothing is liquidated between now and that end.
    """
    end_ms = interval.closes_at_ms(interval.opens_at_ms(wanted.end_ms - 1))
    if start_ms is None:
        start_ms = interval.opens_at_ms(max(0, end_ms - length_ms))
    return msgspec.structs.replace(wanted, start_ms=start_ms, end_ms=end_ms)


async def _realised(
    api: Answers,
    wanted: Wanted,
    interval: Interval,
    price_bin_size: float | None,
    form: MapFormat,
    asked: tuple[int, int | None],
) -> Response:
    """The realised map; of a span that has ended it is kept `heatmap_s`."""
    history = history_of(api)
    settings = api.deps.settings.cache
    is_closed = wanted.end_ms + GRACE_MS <= api.deps.clock.now_ms()

    async def load() -> msgspec.Raw:
        size = price_bin_size
        width = await _width(api, wanted, interval) if size is None else Decimal(str(size))
        heatmap = await history.heatmap(wanted, interval, PriceBuckets.of_width(width))
        if form is MapFormat.COINGLASS:
            venues = venues_of(api, wanted.exchanges)
            opened_ms = interval.opens_at_ms(wanted.start_ms)
            rows = await maps_of(api).minutes(venues, wanted.symbol, opened_ms, wanted.end_ms)
            candles = folded_candles(rows, interval)
            return await asyncio.to_thread(_realised_coinglass_json, heatmap, candles)
        sources = tuple(api.deps.sources)
        return await asyncio.to_thread(_realised_json, wanted, heatmap, sources)

    key = (wanted.symbol, wanted.exchanges, interval, *asked, price_bin_size, form)
    ttl_s = settings.heatmap_s if is_closed else settings.quotes_s
    return await api.give(HEATMAP_PATH, key, ttl_s, load)


async def _width(api: Answers, wanted: Wanted, interval: Interval) -> Decimal:
    """Height of the buckets from the newest candles of the first venue that has some.

    Raises:
        PlatformError: no venue has candles now: without them the height has to be given.
    """
    failed: PlatformError | None = None
    for name, source in api.deps.sources.items():
        if wanted.exchanges is not None and name not in wanted.exchanges:
            continue
        try:
            instrument = instrument_of(source, wanted.symbol)
            question = source.candles(instrument, interval, limit=_WIDTH_CANDLES)
            candles = await api.ask(name, "ohlc", question)
        except PlatformError as error:
            failed = error
            continue
        tick = instrument.price_tick
        return bucket_width(candles, tick) if candles else nice_width(tick, 0.0)
    raise failed or NotSupported("any venue", "ohlc", "give price_bin_size")
