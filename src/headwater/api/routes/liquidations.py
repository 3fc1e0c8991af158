"""`/liquidations/…`: what was liquidated, singly, by time, and by time and price (L-R3, L-R7).

Everything here comes from the platform's own storage: no venue tells of past liquidations.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from headwater.analytics.liquidation_heatmap import COLUMNS_KEPT
from headwater.analytics.price_buckets import PriceBuckets, bucket_width, nice_width
from headwater.api.answering import Answers
from headwater.api.lookup import canonical_symbols, instrument_of
from headwater.api.openapi import answers
from headwater.api.parameters import (
    MOMENT_MAX_MS,
    EndQuery,
    ExchangesQuery,
    Limit1000,
    StartQuery,
    check_span,
    read_interval,
    refuse,
)
from headwater.api.schemas.base import View
from headwater.api.schemas.liquidations import (
    HeatmapView,
    LiquidationSumView,
    LiquidationVolumeView,
    heatmap_view,
    sum_views,
    volume_view,
)
from headwater.api.schemas.market import LiquidationView
from headwater.api.schemas.views import liquidation_view
from headwater.api.stream_filters import read_exchanges, read_min_value
from headwater.core.errors import NotSupported, PlatformError
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import LiquidationHistory, Wanted

HISTORY_PATH: Final = "/liquidations/history"
VOLUME_PATH: Final = "/liquidations/volume"
HEATMAP_PATH: Final = "/liquidations/heatmap-timeseries"

_DAY_MS: Final = 86_400_000
_WINDOWS: Final = {
    "48h": (2, Interval.M30), "3d": (3, Interval.H1), "7d": (7, Interval.H1),
    "14d": (14, Interval.H2), "30d": (30, Interval.H4), "60d": (60, Interval.H8),
    "90d": (90, Interval.H12), "180d": (180, Interval.D1), "1y": (365, Interval.D1),
}  # fmt: skip
"""Days and length of a bar of each `time_window` (L-R3)."""

_WIDTH_CANDLES: Final = 200
"""Candles of which the height of the price buckets is made."""

_BIN_MAX: Final = 1000.0

_BIN_PLACES: Final = 8
"""Decimal places of a given height: with more, edges of buckets are no longer exact in floats."""

_STATUSES: Final = (404, 422, 429, 502, 503, 504)


def read_bin_size(value: object) -> object:
    """Reads the height of a price bucket, to `_BIN_PLACES`; None stays None."""
    if value is None:
        return None
    text = str(value)
    try:
        size = Decimal(text) if len(text) <= 32 and text.isascii() else Decimal(0)
    except ArithmeticError:
        size = Decimal(0)
    if not (size.is_finite() and Decimal("1e-8") <= size <= Decimal(_BIN_MAX)):
        raise refuse(f"a number from 0.00000001 to {_BIN_MAX:.0f}")
    return float(round(size, _BIN_PLACES))


def read_window(value: object) -> object:
    """Reads a `time_window`; None stays None."""
    if value is not None and value not in _WINDOWS:
        raise refuse(list(_WINDOWS))
    return value


_INTERVALS: Final[dict[str, Any]] = {"enum": [interval.value for interval in Interval]}
SymbolNeeded: TypeAlias = Annotated[
    str,
    Query(
        description="Symbol in any common spelling.",
        min_length=1,
        max_length=192,
        examples=["BTCUSDT"],
    ),
]
BarQuery: TypeAlias = Annotated[
    Interval,
    BeforeValidator(read_interval),
    Query(description="Length of a bar.", examples=["15m"], json_schema_extra=_INTERVALS),
]
AggregateQuery: TypeAlias = Annotated[
    Interval | None,
    BeforeValidator(lambda value: None if value is None else read_interval(value)),
    Query(
        description="Sums per bar of this length and side, oldest first, instead of single ones.",
        json_schema_extra={"anyOf": [{"type": "string", **_INTERVALS}]},
    ),
]
LeastQuery: TypeAlias = Annotated[
    str,
    Query(
        description="Least value of each in USD, inclusive.",
        max_length=32,
        json_schema_extra={"pattern": "^[0-9]{1,9}$"},
    ),
]
WindowQuery: TypeAlias = Annotated[
    str | None,
    BeforeValidator(read_window),
    Query(
        description="The newest so much; chooses `interval` itself and overrides `start_time`.",
        json_schema_extra={"anyOf": [{"type": "string", "enum": list(_WINDOWS)}]},
    ),
]
BinQuery: TypeAlias = Annotated[
    float | None,
    BeforeValidator(read_bin_size),
    Query(
        description="Height of a price bucket, quote currency, to 8 decimal places. Left out: the "
        "smallest of 1, 2, 2.5, 5 × 10^k ticks that is at least a third of the median candle.",
        json_schema_extra={"anyOf": [{"type": "number", "minimum": 1e-8, "maximum": _BIN_MAX}]},
    ),
]


def liquidations_router(api: Answers) -> APIRouter:
    """The routes of past liquidations; 404 where nothing is stored."""
    router = APIRouter(tags=["liquidations"])
    _add_history(router, api)
    _add_volume(router, api)
    _add_heatmap(router, api)
    return router


def history_of(api: Answers) -> LiquidationHistory:
    """What answers from storage.

    Raises:
        NotSupported: nothing is stored.
    """
    history = api.deps.liquidations
    if history is None:
        raise NotSupported("storage", "liquidations", "this process stores nothing")
    return history


def _add_history(router: APIRouter, api: Answers) -> None:
    @router.get(
        HISTORY_PATH,
        summary="Past liquidations, newest first, or their sums",
        responses=answers(
            list[LiquidationView] | list[LiquidationSumView],
            "Up to `limit` liquidations, newest first; with `aggregate` sums, oldest first.",
            (404, 422, 503),
        ),
    )
    async def read_history(
        symbol: SymbolNeeded,
        exchanges: ExchangesQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
        min_value_usd: LeastQuery = "0",
        limit: Limit1000 = 100,
        aggregate: AggregateQuery = None,
    ) -> Response:
        """What the platform heard and stored; nothing before its first start."""
        history = history_of(api)
        least = read_min_value(min_value_usd)
        chosen = read_exchanges(exchanges, api.deps.sources)
        end_ms = api.deps.clock.now_ms() + 1 if end_time is None else end_time + 1
        default_ms = 0 if aggregate is None else max(0, end_ms - _DAY_MS)
        start_ms = default_ms if start_time is None else start_time
        check_span(start_ms, end_ms)
        wanted = Wanted(
            symbol=_symbol_of(api, symbol), start_ms=start_ms, end_ms=end_ms, exchanges=chosen
        )

        async def load() -> Sequence[View]:
            if aggregate is not None:
                rows = await history.volumes(wanted, aggregate, value_min_usd=least)
                return [view for row in rows for view in sum_views(row)]
            found = await history.newest(wanted, limit=limit, value_min_usd=least)
            return [liquidation_view(one) for one in found]

        key = (wanted.symbol, chosen, start_time, end_time, least, limit, aggregate)
        return await api.give(HISTORY_PATH, key, api.deps.settings.cache.quotes_s, load)


def _add_volume(router: APIRouter, api: Answers) -> None:
    @router.get(
        VOLUME_PATH,
        summary="Liquidated volume per bar, oldest first",
        responses=answers(
            list[LiquidationVolumeView],
            "From the first bar with a liquidation to the last one; the last may grow.",
            (404, 422, 503),
        ),
    )
    async def read_volume(
        symbol: SymbolNeeded,
        interval: BarQuery = Interval.M15,
        exchanges: ExchangesQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """The newest day when no time is given."""
        history = history_of(api)
        wanted = span_of(api, symbol, exchanges, start_time, end_time, _DAY_MS)

        async def load() -> Sequence[LiquidationVolumeView]:
            return [volume_view(row) for row in await history.volumes(wanted, interval)]

        key = (wanted.symbol, wanted.exchanges, interval, start_time, end_time)
        return await api.give(VOLUME_PATH, key, api.deps.settings.cache.quotes_s, load)


def _add_heatmap(router: APIRouter, api: Answers) -> None:
    @router.get(
        HEATMAP_PATH,
        summary="Heat map of liquidations, price by time",
        responses=answers(HeatmapView, "Columns that are not empty, oldest first.", _STATUSES),
    )
    async def read_heatmap(
        symbol: SymbolNeeded,
        time_window: WindowQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
        interval: BarQuery = Interval.M15,
        price_bin_size: BinQuery = None,
        exchanges: ExchangesQuery = None,
    ) -> Response:
        """The realised map: what was liquidated, where and when. A closed column never changes."""
        history = history_of(api)
        days = 7
        if time_window is not None:
            days, interval = _WINDOWS[time_window]
            start_time = None
        default_ms = min(days * _DAY_MS, (COLUMNS_KEPT - 1) * interval.nominal_ms)
        wanted = span_of(api, symbol, exchanges, start_time, end_time, default_ms)

        async def load() -> HeatmapView:
            size = price_bin_size
            width = await _width(api, wanted, interval) if size is None else Decimal(str(size))
            heatmap = await history.heatmap(wanted, interval, PriceBuckets.of_width(width))
            return heatmap_view(wanted, heatmap, tuple(api.deps.sources))

        key = (
            wanted.symbol,
            wanted.exchanges,
            interval,
            days,
            start_time,
            end_time,
            price_bin_size,
        )
        return await api.give(HEATMAP_PATH, key, api.deps.settings.cache.quotes_s, load)


def span_of(
    api: Answers,
    symbol: str,
    exchanges: str | None,
    start_time: int | None,
    end_time: int | None,
    default_ms: int,
) -> Wanted:
    """Which liquidations a request means."""
    # The end of the answer is exclusive, and a time has to be written in it too.
    last_ms = api.deps.clock.now_ms() if end_time is None else end_time
    end_ms = min(last_ms + 1, MOMENT_MAX_MS)
    start_ms = max(0, end_ms - default_ms) if start_time is None else start_time
    check_span(start_ms, end_ms)
    return Wanted(
        symbol=_symbol_of(api, symbol),
        start_ms=start_ms,
        end_ms=end_ms,
        exchanges=read_exchanges(exchanges, api.deps.sources),
    )


def _symbol_of(api: Answers, symbol: str) -> str:
    """The one canonical symbol of a spelling; of several, the first in alphabetical order."""
    return min(canonical_symbols(symbol, list(api.deps.sources.values())))


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
