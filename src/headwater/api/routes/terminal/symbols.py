"""`/api/v1/symbols` and what belongs to it: what may be traded, for a screen (O-R1, O-R6).

Thin: the symbol service has the lists and their rules.
"""

import asyncio
from typing import Final

from fastapi import APIRouter, Response
from msgspec import Raw

from headwater.api.answering import Answers, Found, Incomplete
from headwater.api.errors import problem_of
from headwater.api.lookup import exchanges_of
from headwater.api.openapi import answers, market_answers
from headwater.api.parameters import AnyExchangeQuery, router_of
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.symbols import (
    SymbolCacheStatsView,
    SymbolReloadsView,
    SymbolReloadView,
    SymbolView,
    symbol_cache_view,
)
from headwater.api.terminal.symbol_pages import SymbolPages
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE
from headwater.core.errors import PlatformError, RateLimited
from headwater.services.symbols import SymbolService
from headwater.services.venue_symbols import TTL_S

PATH: Final = "/api/v1/symbols"
REFRESH_PATH: Final = "/api/v1/refresh-symbols"
STATS_PATH: Final = "/api/v1/symbol-cache-stats"


def terminal_symbols_router(api: Answers) -> APIRouter:
    """The routes of the symbol service; none where there is no such service."""
    router = router_of("terminal")
    service = api.deps.symbols
    if service is None:
        return router
    pages = SymbolPages()

    @router.get(
        PATH,
        summary="What may be traded, largest volume first",
        responses=market_answers(
            list[SymbolView],
            "By volume, unknown last. A list that could not be had anew is given on, each row "
            "marked as stale and without its volume; `X-Data-Incomplete` says why.",
        ),
    )
    async def read_symbols(exchange: AnyExchangeQuery = DEFAULT_EXCHANGE) -> Response:
        """The contracts that trade on one venue, or on all of them together."""
        chosen = exchanges_of(api.deps.sources, exchange)

        async def load() -> Found:
            lists = await asyncio.gather(*(service.listed(name) for name in chosen))
            body = Raw(await pages.body(lists))
            missing = "; ".join(one.problem for one in lists if one.is_stale)
            return Incomplete(body, missing) if missing else body

        return await api.give(PATH, chosen, api.deps.settings.cache.quotes_s, load)

    @router.post(
        REFRESH_PATH,
        summary="Has lists of symbols loaded again",
        responses=answers(
            SymbolReloadsView,
            "What was reloaded. Of all venues, those that fail say so beside the others.",
            (404, 422, 429, 502, 503, 504),
        ),
    )
    async def refresh_symbols(exchange: AnyExchangeQuery = DEFAULT_EXCHANGE) -> Response:
        """At most one load of a venue in ten seconds; sooner it is 429."""
        chosen = exchanges_of(api.deps.sources, exchange)
        found = await asyncio.gather(*(_reloaded(service, name) for name in chosen))
        api.cache.forget(PATH)
        errors = [one for one in found if isinstance(one, PlatformError)]
        too_soon = [one for one in errors if isinstance(one, RateLimited)]
        if errors and (len(chosen) == 1 or len(too_soon) == len(found)):
            raise errors[0]
        views = [_reload_view(service, name, one) for name, one in zip(chosen, found, strict=True)]
        view = SymbolReloadsView(exchanges=tuple(views), timestamp=api.deps.clock.now_ms())
        return Response(encode(view), media_type="application/json")

    @router.get(
        STATS_PATH,
        summary="How the lists of symbols are kept",
        responses=answers(SymbolCacheStatsView, "Since the start.", (422,)),
    )
    async def read_symbol_cache_stats() -> Response:
        """What venues were asked, and how many callers shared it; never itself from a cache."""
        stats = sorted(service.stats(), key=lambda one: one.exchange)
        view = SymbolCacheStatsView(
            ttl_seconds=TTL_S,
            exchanges=tuple(symbol_cache_view(one) for one in stats),
            timestamp=api.deps.clock.now_ms(),
        )
        return Response(encode(view), media_type="application/json")

    return router


async def _reloaded(service: SymbolService, exchange: str) -> int | PlatformError:
    """How many contracts the list has that was loaded, or why it was not."""
    try:
        return len((await service.reload(exchange)).rows)
    except PlatformError as error:
        return error


def _reload_view(
    service: SymbolService, exchange: str, found: int | PlatformError
) -> SymbolReloadView:
    if isinstance(found, int):
        return SymbolReloadView(
            exchange=exchange, reloaded=True, symbols=found, message="", retry_after=None
        )
    problem = problem_of(found)
    return SymbolReloadView(
        exchange=exchange,
        reloaded=False,
        symbols=len(service.newest(exchange).rows),
        message=problem.detail,
        retry_after=problem.retry_after,
    )
