"""`/cache/stats` and `DELETE /cache/clear` (requirements L-R11).

Clearing costs every client time and the venues requests, so only this machine may: a client whose
connection comes from loopback, that no proxy passed on, and that is not a foreign page in a
browser here. The platform's own pages, such as /docs, are not foreign.
"""

from typing import Final

from fastapi import APIRouter, Request, Response

from headwater.api.answering import Answers
from headwater.api.callers import is_from_here
from headwater.api.errors import make_problem, problem_response
from headwater.api.openapi import answers
from headwater.api.parameters import router_of
from headwater.api.schemas.base import encode
from headwater.api.schemas.history import CacheClearedView, CacheStatsView

STATS_PATH: Final = "/cache/stats"
CLEAR_PATH: Final = "/cache/clear"

_PERCENT: Final = 100.0


def cache_router(api: Answers) -> APIRouter:
    """The routes of the cache of answers."""
    router = router_of("platform")

    @router.get(
        STATS_PATH,
        summary="Counters of the cache of answers",
        responses=answers(CacheStatsView, "Since the start.", (422,)),
    )
    async def read_cache_stats() -> Response:
        """How often an answer was ready; never itself from the cache."""
        return Response(encode(_stats(api)), media_type="application/json")

    @router.delete(
        CLEAR_PATH,
        summary="Forget all ready answers",
        responses=answers(CacheClearedView, "It is empty.", (403, 422)),
    )
    async def clear_cache(request: Request) -> Response:
        """Forgets every answer; from this machine alone, else 403."""
        if not is_from_here(request, api.deps.settings.allowed_origins):
            detail = "the cache is cleared from this machine alone, and by no other page"
            return problem_response(make_problem(403, "forbidden", detail), request.scope)
        view = CacheClearedView(status="cleared", entries_cleared=api.cache.clear())
        return Response(encode(view), media_type="application/json")

    return router


def _stats(api: Answers) -> CacheStatsView:
    stats, settings = api.cache.stats, api.deps.settings.cache
    hits = stats.hits + stats.shared
    total = hits + stats.misses
    return CacheStatsView(
        hits=hits,
        misses=stats.misses,
        total_requests=total,
        hit_rate_percent=_PERCENT * hits / total if total else 0.0,
        cached_entries=stats.entries,
        max_size=settings.entries_max,
        ttl_seconds=settings.longest_s,
        bytes_held=stats.bytes_held,
    )
