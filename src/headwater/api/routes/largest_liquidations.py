"""`/liquidations/largest`: the forced closes of the greatest value of a span, over any symbols.

From the platform's own storage alone: an external service tells no venue, and only the newest.
"""

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from headwater.api.answering import Answers
from headwater.api.lookup import table_of
from headwater.api.openapi import answers
from headwater.api.parameters import (
    EndQuery,
    ExchangesQuery,
    Limit1000,
    StartQuery,
    last_of_span,
    refuse,
    router_of,
)
from headwater.api.routes.liquidations import LeastQuery, history_of
from headwater.api.schemas.market import LiquidationView
from headwater.api.schemas.views import liquidation_view
from headwater.api.stream_filters import read_exchanges, read_min_value, read_symbols
from headwater.core.errors import RequestError
from headwater.storage.base import Span

PATH: Final = "/liquidations/largest"

SPAN_MAX_MS: Final = 7 * 86_400_000
"""Longest span: what lies in it is read whole and sorted."""

_DAY_MS: Final = 86_400_000

WINDOWS_MS: Final = {
    "1h": _DAY_MS // 24,
    "4h": _DAY_MS // 6,
    "12h": _DAY_MS // 2,
    "24h": _DAY_MS,
    "7d": SPAN_MAX_MS,
}
"""Length of each `time_window`."""

SymbolsQuery: TypeAlias = Annotated[
    str | None,
    Query(
        description="Symbols in any common spelling with commas between; all when left out.",
        min_length=1,
        max_length=2048,
        examples=["BTCUSDT,ETHUSDT"],
    ),
]


def read_window(value: object) -> object:
    """Reads a `time_window`; None stays None."""
    if value is not None and value not in WINDOWS_MS:
        raise refuse(list(WINDOWS_MS))
    return value


WindowQuery: TypeAlias = Annotated[
    str | None,
    BeforeValidator(read_window),
    Query(
        description="So much before the end of the span; overrides `start_time`.",
        json_schema_extra={"anyOf": [{"type": "string", "enum": list(WINDOWS_MS)}]},
    ),
]


def largest_liquidations_router(api: Answers) -> APIRouter:
    """The route; 404 where nothing is stored."""
    router = router_of("liquidations")

    @router.get(
        PATH,
        summary="The largest liquidations of a span",
        responses=answers(
            list[LiquidationView],
            "Up to `limit`, the largest value first; of equal ones the newest.",
            (404, 422, 503),
        ),
    )
    async def read_largest(
        symbols: SymbolsQuery = None,
        exchanges: ExchangesQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
        min_value_usd: LeastQuery = "0",
        limit: Limit1000 = 100,
        time_window: WindowQuery = None,
    ) -> Response:
        """Of the newest day when no time is given, of a week at most.

        Without `symbols` it is of all that the venues list now.
        """
        history = history_of(api)
        least = read_min_value(min_value_usd)
        chosen = read_exchanges(exchanges, api.deps.sources)
        names = read_symbols(symbols, api.deps.sources, chosen)
        venues = tuple(name for name in api.deps.sources if chosen is None or name in chosen)
        end_ms = last_of_span(start_time, end_time, api.deps.clock.now_ms()) + 1
        if time_window is not None:
            start_time = max(0, end_ms - WINDOWS_MS[time_window])
        start_ms = max(0, end_ms - _DAY_MS) if start_time is None else start_time
        if end_ms - start_ms > SPAN_MAX_MS:
            allowed = f"at most {SPAN_MAX_MS // _DAY_MS} days before the end of the span"
            raise RequestError("start_time", start_ms, allowed)
        span = Span(start_ms=start_ms, end_ms=end_ms, limit=limit)

        async def load() -> Sequence[LiquidationView]:
            found = await history.largest(
                span,
                symbols=sorted(_listed(api, venues) if names is None else names),
                exchanges=venues,
                value_min_usd=least,
            )
            return [liquidation_view(one) for one in found]

        # A window's start moves by itself: all who ask for it within the cache's time share it.
        since = start_time if time_window is None else time_window
        key = (names, chosen, since, end_time, least, limit)
        return await api.give(PATH, key, api.deps.settings.cache.quotes_s, load)

    return router


def _listed(api: Answers, venues: Sequence[str]) -> set[str]:
    """Canonical symbols that any of the venues lists.

    Raises:
        VenueUnavailable: a venue has not told yet what it lists.
    """
    tables = (table_of(api.deps.sources[name]) for name in venues)
    return {instrument.symbol for table in tables for instrument in table}
