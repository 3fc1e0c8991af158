"""`/liquidations/…`: what was liquidated, singly, by time, and by time and price (L-R3, L-R7).

Everything here comes from the platform's own storage: no venue tells of past liquidations. What
lies before it comes from an external service when one is set, and says so in each row.
"""

from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from headwater.api.answering import Answers, Found, found_of
from headwater.api.lookup import canonical_symbols
from headwater.api.openapi import answers
from headwater.api.parameters import (
    MOMENT_MAX_MS,
    EndQuery,
    ExchangesQuery,
    Limit1000,
    StartQuery,
    last_of_span,
    read_interval,
    router_of,
)
from headwater.api.schemas.liquidations import LiquidationSumView, LiquidationVolumeView
from headwater.api.schemas.past_liquidations import (
    PastLiquidationView,
    past_sum_views,
    past_views,
    past_volume_views,
)
from headwater.api.stream_filters import read_exchanges, read_min_value
from headwater.core.errors import NotSupported, RequestError
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import LiquidationHistory, Wanted
from headwater.services.past_liquidations import PastLiquidations

HISTORY_PATH: Final = "/liquidations/history"
VOLUME_PATH: Final = "/liquidations/volume"

_DAY_MS: Final = 86_400_000
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


def liquidations_router(api: Answers) -> APIRouter:
    """The routes of past liquidations; 404 where nothing is stored."""
    router = router_of("liquidations")
    _add_history(router, api)
    _add_volume(router, api)
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


def past_of(api: Answers) -> PastLiquidations:
    """What answers from storage and, before it, from an external service when one is set.

    Raises:
        NotSupported: nothing is stored.
    """
    past = api.deps.past_liquidations
    if past is None:
        raise NotSupported("storage", "liquidations", "this process stores nothing")
    return past


def _add_history(router: APIRouter, api: Answers) -> None:
    @router.get(
        HISTORY_PATH,
        summary="Past liquidations, newest first, or their sums",
        responses=answers(
            list[PastLiquidationView] | list[LiquidationSumView],
            "Up to `limit` liquidations, newest first; with `aggregate` sums, oldest first. Where "
            "the external service fails, our own are given and `X-Data-Incomplete` says so.",
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
        """What the platform heard and stored.

        Of the time before it only an external service tells, when `liquidation_api_base_url` names
        one and no `exchanges` are chosen.
        """
        past = past_of(api)
        least = read_min_value(min_value_usd)
        chosen = read_exchanges(exchanges, api.deps.sources)
        end_ms = last_of_span(start_time, end_time, api.deps.clock.now_ms()) + 1
        default_ms = 0 if aggregate is None else max(0, end_ms - _DAY_MS)
        start_ms = default_ms if start_time is None else start_time
        wanted = Wanted(
            symbol=symbol_of(api, symbol), start_ms=start_ms, end_ms=end_ms, exchanges=chosen
        )

        async def load() -> Found:
            if aggregate is not None:
                return await _sums(past, wanted, aggregate, least)
            found = await past.newest(wanted, limit=limit, value_min_usd=least)
            return found_of(past_views(found), found.missing)

        key = (wanted.symbol, chosen, start_time, end_time, least, limit, aggregate)
        return await api.give(HISTORY_PATH, key, api.deps.settings.cache.quotes_s, load)


async def _sums(
    past: PastLiquidations, wanted: Wanted, aggregate: Interval, value_min_usd: float
) -> Found:
    """Sums per bar and side.

    Raises:
        RequestError: too many bars; names the parameter as this route calls it.
    """
    try:
        sums = await past.volumes(wanted, aggregate, value_min_usd=value_min_usd)
    except RequestError as error:
        raise RequestError("aggregate", error.value, error.allowed) from error
    return found_of(past_sum_views(sums), sums.missing)


def _add_volume(router: APIRouter, api: Answers) -> None:
    @router.get(
        VOLUME_PATH,
        summary="Liquidated volume per bar, oldest first",
        responses=answers(
            list[LiquidationVolumeView],
            "From the first bar with a liquidation to the last one; the last may grow. Where the "
            "external service fails, our own are given and `X-Data-Incomplete` says so.",
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
        past = past_of(api)
        wanted = span_of(api, symbol, exchanges, start_time, end_time, _DAY_MS)

        async def load() -> Found:
            found = await past.volumes(wanted, interval)
            return found_of(past_volume_views(found), found.missing)

        key = (wanted.symbol, wanted.exchanges, interval, start_time, end_time)
        return await api.give(VOLUME_PATH, key, api.deps.settings.cache.quotes_s, load)


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
    last_ms = last_of_span(start_time, end_time, api.deps.clock.now_ms())
    end_ms = min(last_ms + 1, MOMENT_MAX_MS)
    start_ms = max(0, end_ms - default_ms) if start_time is None else start_time
    return Wanted(
        symbol=symbol_of(api, symbol),
        start_ms=start_ms,
        end_ms=end_ms,
        exchanges=read_exchanges(exchanges, api.deps.sources),
    )


def symbol_of(api: Answers, symbol: str) -> str:
    """The one canonical symbol of a spelling; of several, the first in alphabetical order."""
    return min(canonical_symbols(symbol, list(api.deps.sources.values())))
