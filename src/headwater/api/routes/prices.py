"""`/prices/klines` and `/data/date-range` (requirements L-R9, L-R10)."""

from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field

from headwater.api.answering import Answers
from headwater.api.errors import make_problem, problem_response
from headwater.api.lookup import (
    canonical_symbols,
    demand,
    demand_candles,
    instrument_of,
    source_of,
)
from headwater.api.openapi import answers, market_answers
from headwater.api.parameters import (
    EndQuery,
    StartQuery,
    WholeNumber,
    check_span,
    read_interval,
    router_of,
)
from headwater.api.routes.candles import read_candles_of
from headwater.api.schemas.base import encode, iso_of
from headwater.api.schemas.history import DateRangeView, KlinesView, KlineView
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import Candle

KLINES_PATH: Final = "/prices/klines"
RANGE_PATH: Final = "/data/date-range"

KLINES_MIN: Final = 10
"""Least `limit` of `/prices/klines`."""
KLINES_MAX: Final = 2_000
"""Most candles of one answer, by limit or by span."""

_SYMBOL: Final = Query(
    description="Symbol in any common spelling.", min_length=1, max_length=192, examples=["BTCUSDT"]
)
KlineSymbol: TypeAlias = Annotated[str, _SYMBOL]
KlineVenue: TypeAlias = Annotated[
    str, Query(description="Venue id; see /exchanges.", min_length=1, max_length=32)
]
KlineInterval: TypeAlias = Annotated[
    Interval,
    BeforeValidator(read_interval),
    Query(
        description="Length of a candle; what the venue lacks is built of smaller ones.",
        json_schema_extra={"enum": [one.value for one in Interval]},
    ),
]
KlineLimit: TypeAlias = Annotated[
    int,
    Field(ge=KLINES_MIN, le=KLINES_MAX),
    BeforeValidator(WholeNumber(KLINES_MIN, KLINES_MAX)),
    Query(description="Most rows, digits only; with both times it has no effect."),
]


def prices_router(api: Answers) -> APIRouter:
    """The routes of prices; to be declared before those of one venue."""
    router = router_of("candles")
    _add_klines(router, api)
    _add_range(router, api)
    return router


def _add_klines(router: APIRouter, api: Answers) -> None:
    @router.get(
        KLINES_PATH,
        summary="Candles of one symbol, oldest first",
        responses=market_answers(KlinesView, "The candles; `incomplete` says what is missing."),
    )
    async def read_klines(
        exchange: KlineVenue = "binance",
        symbol: KlineSymbol = "BTCUSDT",
        interval: KlineInterval = Interval.M15,
        limit: KlineLimit = 100,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """The newest `limit` candles, or all from `start_time` to `end_time`."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "ohlc")
        instrument = instrument_of(source, symbol)
        demand_candles(source, interval)
        check_span(start_time, end_time)
        count = limit
        if start_time is not None and end_time is not None:
            count = _rows_of(start_time, min(end_time, api.deps.clock.now_ms()), interval)
        venue = source.facts.venue_id

        async def load() -> KlinesView:
            found = await read_candles_of(
                api,
                source,
                instrument,
                interval,
                limit=count,
                start_ms=start_time,
                end_ms=end_time,
            )
            rows = tuple(_kline(one) for one in found.candles)
            return KlinesView(
                symbol=instrument.symbol,
                interval=interval,
                exchange=venue,
                count=len(rows),
                data=rows,
                incomplete=found.missing,
            )

        key = (venue, instrument.native_symbol, interval, count, start_time, end_time)
        return await api.give(KLINES_PATH, key, api.deps.settings.cache.candles_s, load)


def _add_range(router: APIRouter, api: Answers) -> None:
    @router.get(
        RANGE_PATH,
        summary="From when to when candles are stored",
        responses=answers(DateRangeView, "Of all venues and lengths together.", (404, 422, 503)),
    )
    async def read_date_range(request: Request, symbol: KlineSymbol) -> Response:
        """The reach of storage; 404 when it has no candle of the symbol."""
        sources = list(api.deps.sources.values())
        names = sorted(canonical_symbols(symbol, sources))
        stored = api.deps.candles
        venues = tuple(api.deps.sources)
        reach = None if stored is None else await stored.reach(venues, names)
        if reach is None:
            detail = f"no candle of {names[0]} is stored"
            return problem_response(make_problem(404, "no_data", detail), request.scope)
        first_ms, last_ms = reach
        view = DateRangeView(symbol=names[0], start_date=iso_of(first_ms), end_date=iso_of(last_ms))
        return Response(encode(view), media_type="application/json")


def _rows_of(start_ms: int, end_ms: int, interval: Interval) -> int:
    """Most candles that open in a span, both ends included.

    Raises:
        RequestError: more than `KLINES_MAX`.
    """
    count = max(0, end_ms - start_ms) // interval.nominal_ms + 2
    if count > KLINES_MAX + 1:
        allowed = f"a span of at most {KLINES_MAX} candles of {interval}"
        raise RequestError("start_time", start_ms, allowed)
    return count


def _kline(candle: Candle) -> KlineView:
    return KlineView(
        timestamp=iso_of(candle.timestamp_ms),
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
    )
