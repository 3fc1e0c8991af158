"""`/api/v1/liquidation-volume/…`: liquidated volume for a terminal's chart (O-R2).

From the platform's own storage, like `/liquidations/volume`; the last bucket grows from answer to
answer, because what was just heard is stored before the question is put. What lies before it comes
from an external service when one is set, and says so in each bucket.
"""

import asyncio
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Path, Response
from pydantic import BeforeValidator

from headwater.api.answering import Answers, Found, found_of
from headwater.api.openapi import answers
from headwater.api.parameters import (
    AnyExchangeQuery,
    EndQuery,
    StartQuery,
    SymbolPath,
    refuse,
    router_of,
)
from headwater.api.routes.liquidations import past_of
from headwater.api.schemas.terminal.liquidation_volume import (
    DAYS_MAX,
    LiquidationVolumesView,
    volumes_view,
)
from headwater.api.terminal.liquidation_scope import read_scope
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import Wanted

PATH: Final = "/api/v1/liquidation-volume/{symbol}/{timeframe}"

_DAY_MS: Final = 86_400_000

_ALLOWED: Final = [interval.value for interval in DAYS_MAX]


def read_timeframe(value: object) -> object:
    """Reads one of the seven timeframes."""
    if value not in _ALLOWED:
        raise refuse(_ALLOWED)
    return Interval(str(value))


TimeframePath: TypeAlias = Annotated[
    Interval,
    BeforeValidator(read_timeframe),
    Path(
        description="Length of a bucket.",
        examples=["15m"],
        json_schema_extra={"enum": list(_ALLOWED)},
    ),
]


def liquidation_volume_router(api: Answers) -> APIRouter:
    """The route; 404 where nothing is stored."""
    router = router_of("liquidations")

    @router.get(
        PATH,
        summary="Liquidated volume for a chart, oldest first",
        responses=answers(
            LiquidationVolumesView,
            "From the first bucket with a liquidation to the last one; the last may grow. Where "
            "the external service fails, our own are given and `X-Data-Incomplete` says so.",
            (404, 422, 503),
        ),
    )
    async def read_liquidation_volume(
        symbol: SymbolPath,
        timeframe: TimeframePath,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
        exchange: AnyExchangeQuery = DEFAULT_EXCHANGE,
    ) -> Response:
        """The newest day when no time is given; the same buckets as the socket's."""
        past = past_of(api)
        sources = api.deps.sources
        last_ms = api.deps.clock.now_ms() if end_time is None else end_time
        start_ms = max(0, last_ms - _DAY_MS) if start_time is None else start_time
        _check(timeframe, start_ms, last_ms)
        scope = read_scope(sources, exchange, symbol)
        wanted = Wanted(
            symbol=scope.symbol,
            start_ms=start_ms,
            end_ms=last_ms + 1,
            exchanges=scope.chosen,
        )

        async def load() -> Found:
            found = await past.volumes(wanted, timeframe)
            now_ms = api.deps.clock.now_ms()
            # A day of minutes has 1,440 buckets with five texts each: some ms.
            view = await asyncio.to_thread(
                volumes_view, wanted, timeframe, found, tuple(sources), now_ms
            )
            return found_of(view, found.missing)

        key = (wanted.symbol, wanted.exchanges, timeframe, start_time, end_time)
        return await api.give(PATH, key, api.deps.settings.cache.quotes_s, load)

    return router


def _check(timeframe: Interval, start_ms: int, last_ms: int) -> None:
    """Refuses a span that is empty or longer than its timeframe may have.

    Raises:
        RequestError: it is.
    """
    if start_ms >= last_ms:
        raise RequestError("start_time", start_ms, f"before end_time ({last_ms})")
    days = DAYS_MAX[timeframe]
    if last_ms - start_ms > days * _DAY_MS:
        raise RequestError(
            "start_time", start_ms, f"at most {days} days before end_time for {timeframe.value}"
        )
