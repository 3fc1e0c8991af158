"""Makes the application: routes, layers, documents. Opens nothing and needs no network.

Layers from the outside: request (id, time, log, 500), origin (host, CORS), path, cache, router.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final, Protocol

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from headwater.api.answering import Answers
from headwater.api.cache import AnswerCache, CacheLayer
from headwater.api.dashboard_files import DashboardFiles
from headwater.api.deps import ApiDeps
from headwater.api.errors import add_error_handlers
from headwater.api.metrics import RequestMeter, make_registry
from headwater.api.openapi import describe
from headwater.api.origins import OriginLayer
from headwater.api.paths import PathLayer
from headwater.api.request_log import RequestLayer
from headwater.api.routes.backtests import backtests_router
from headwater.api.routes.cache import cache_router
from headwater.api.routes.candles import candles_router
from headwater.api.routes.dashboard import dashboard_routes
from headwater.api.routes.export import export_router
from headwater.api.routes.funding import funding_router
from headwater.api.routes.gaps import gaps_router
from headwater.api.routes.heatmap import heatmap_router
from headwater.api.routes.instruments import instruments_router
from headwater.api.routes.largest_liquidations import largest_liquidations_router
from headwater.api.routes.liquidation_clusters import liquidation_clusters_router
from headwater.api.routes.liquidation_feeds import liquidation_feeds_router
from headwater.api.routes.liquidation_levels import liquidation_levels_router
from headwater.api.routes.liquidation_volume import liquidation_volume_router
from headwater.api.routes.liquidations import liquidations_router
from headwater.api.routes.margin import margin_router
from headwater.api.routes.mark_prices import mark_prices_router
from headwater.api.routes.multi import multi_router
from headwater.api.routes.oi_volume import oi_volume_router
from headwater.api.routes.open_interest import open_interest_router
from headwater.api.routes.order_book import order_book_router
from headwater.api.routes.platform import platform_router
from headwater.api.routes.predicted_funding import predicted_funding_router
from headwater.api.routes.prices import prices_router
from headwater.api.routes.skill import skill_router
from headwater.api.routes.strategies import strategies_router
from headwater.api.routes.terminal.candles import terminal_candles_router
from headwater.api.routes.terminal.order_book import terminal_order_book_router
from headwater.api.routes.terminal.symbols import terminal_symbols_router
from headwater.api.routes.terminal.trades import terminal_trades_router
from headwater.api.routes.tickers import tickers_router
from headwater.api.routes.trades import trades_router
from headwater.api.routes.venue_health import venue_health_router

DESCRIPTION = """\
Market data of crypto-derivatives venues as one normalised stream.

Times are ISO-8601 UTC; query times may also be milliseconds or seconds since 1970. Errors are
problem details (RFC 9457). Live data: `/ws-catalog`, `/asyncapi.json`.
"""


_MARKET_ROUTERS: Final[tuple[Callable[[Answers], APIRouter], ...]] = (
    venue_health_router,
    gaps_router,
    liquidations_router,
    largest_liquidations_router,
    export_router,
    skill_router,
    oi_volume_router,
    liquidation_feeds_router,
    liquidation_volume_router,
    terminal_symbols_router,
    terminal_candles_router,
    terminal_trades_router,
    heatmap_router,
    liquidation_levels_router,
    liquidation_clusters_router,
    terminal_order_book_router,
    strategies_router,
    backtests_router,
    margin_router,
    prices_router,
    cache_router,
    multi_router,  # before `/{exchange}/…`, which would swallow it
    candles_router,
    open_interest_router,
    funding_router,
    predicted_funding_router,
    order_book_router,
    trades_router,
    tickers_router,
    mark_prices_router,
    instruments_router,
)
"""Of each noun, in the order in which their paths are looked through."""


class Lifespan(Protocol):
    """What runs around the application's life, such as starting and stopping its parts."""

    def __call__(self, app: FastAPI) -> AbstractAsyncContextManager[None]:
        """Entered before the first request is served, left after the last."""
        ...


def create_app(deps: ApiDeps, lifespan: Lifespan | None = None) -> FastAPI:
    """The ASGI application.

    Args:
        deps: everything it works with.
        lifespan: runs around it; None for nothing.

    Returns:
        An application that serves HTTP; its WebSockets are served by `deps.publisher.hub`, which
        `server.build_server` puts on the same port.
    """
    settings = deps.settings
    cache = AnswerCache(settings.cache, deps.clock)
    # The documents' pages come from this machine: no request to any other host.
    app = FastAPIOffline(
        title=settings.service,
        version=settings.version,
        description=DESCRIPTION,
        lifespan=_with_cache(cache, lifespan),
        redirect_slashes=False,
    )
    meter = RequestMeter()
    registry = make_registry(deps, meter, cache)
    api = Answers(deps, cache, meter)
    if settings.dashboard:
        app.router.routes.extend(dashboard_routes(DashboardFiles()))
    # Their routes become the application's own: `include_router` would read each of them once more
    # when the first request comes by.
    app.router.routes.extend(platform_router(deps, registry).routes)
    for make_router in _MARKET_ROUTERS:
        app.router.routes.extend(make_router(api).routes)
    add_error_handlers(app)
    describe(app, tuple(deps.sources))
    _add_layers(app, deps, cache, meter)
    return app


def _with_cache(cache: AnswerCache, lifespan: Lifespan | None) -> Lifespan:
    """The lifespan, after which the cache has nothing under way any more."""

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        async with nullcontext() if lifespan is None else lifespan(app):
            try:
                yield
            finally:
                await cache.close()

    return run


def _add_layers(app: FastAPI, deps: ApiDeps, cache: AnswerCache, meter: RequestMeter) -> None:
    """Wraps the router; the last one added is the outermost."""
    settings: Any = deps.settings
    app.add_middleware(CacheLayer, cache=cache)
    app.add_middleware(PathLayer)
    app.add_middleware(
        OriginLayer,
        allowed_origins=settings.allowed_origins,
        allowed_hosts=settings.allowed_hosts,
    )
    app.add_middleware(RequestLayer, clock=deps.clock, new_id=deps.new_id, meter=meter)
