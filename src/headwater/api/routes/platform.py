"""The platform about itself: `/`, health, venues, metrics, documents (T-R1 to T-R3, T-R11)."""

import hmac
from functools import cache

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from headwater.api.asyncapi import asyncapi_document, catalog
from headwater.api.deps import ApiDeps
from headwater.api.errors import make_problem, problem_response
from headwater.api.health import measure
from headwater.api.metrics import render
from headwater.api.openapi import answers, problems
from headwater.api.parameters import router_of
from headwater.api.schemas.base import encode, iso_of
from headwater.api.schemas.heatmap_socket import HeatmapStatsView
from headwater.api.schemas.platform import (
    CapabilityView,
    CatalogView,
    ExchangesView,
    ExchangeView,
    HealthView,
    ProbeView,
    RootView,
)
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.feeds.source import MarketSource
from headwater.venues.facts import Support

_JSON = "application/json"
_NOT_READY_RETRY_S = 2.0


def platform_router(deps: ApiDeps, registry: CollectorRegistry) -> APIRouter:
    """The routes about the platform.

    Args:
        deps: the parts.
        registry: what `/metrics` shows.
    """
    router = router_of("platform")
    _add_front(router, deps)
    _add_health(router, deps)
    _add_documents(router, deps)
    _add_metrics(router, deps, registry)
    _add_heatmap_stats(router, deps)
    return router


def _add_front(router: APIRouter, deps: ApiDeps) -> None:
    @router.get(
        "/",
        summary="What this is",
        responses={
            **answers(RootView, "Name, version, venues.", (422,)),
            307: {"description": "A browser (`Accept: text/html`) is sent to a page for people."},
        },
    )
    async def read_root(request: Request) -> Response:
        """Name, version and venues; browsers are sent to the dashboard or the documentation."""
        if "text/html" in request.headers.get("accept", ""):
            # Relative, for platforms behind a proxy that serves them under a path of its own.
            page = "dashboard/" if deps.settings.dashboard else "docs"
            return RedirectResponse(page, headers={"vary": "accept"})
        view = RootView(
            name=deps.settings.service,
            version=deps.settings.version,
            status="operational",
            docs="/docs",
            exchanges=tuple(deps.sources),
            simulated=deps.simulated,
            stores=deps.past_liquidations is not None,
        )
        return Response(encode(view), media_type=_JSON, headers={"vary": "accept"})

    @router.get(
        "/exchanges",
        summary="Venues and what they offer",
        responses=answers(ExchangesView, "All connected venues.", (422,)),
    )
    async def read_exchanges() -> Response:
        """All connected venues with their capabilities and where each comes from."""
        views = tuple(_exchange_view(source) for source in deps.sources.values())
        view = ExchangesView(
            exchanges=views,
            count=len(views),
            active_count=sum(one.status == "active" for one in views),
            simulated=deps.simulated,
        )
        return Response(encode(view), media_type=_JSON)


def _add_health(router: APIRouter, deps: ApiDeps) -> None:
    @router.get(
        "/health",
        summary="Measured health",
        responses=answers(HealthView, "Health, whatever it is.", (422,)),
    )
    async def read_health() -> Response:
        """Health of every venue and part; 200 whatever it is."""
        return Response(encode(measure(deps)), media_type=_JSON)

    @router.get(
        "/health/live",
        summary="Does the process answer",
        responses=answers(ProbeView, "It does.", (422,)),
    )
    async def read_live() -> Response:
        """For orchestrators: the process runs and answers."""
        return Response(encode(_probe(deps)), media_type=_JSON)

    @router.get(
        "/health/ready",
        summary="Is there data",
        responses=answers(ProbeView, "At least one venue is healthy.", (422,)),
    )
    async def read_ready(request: Request) -> Response:
        """For orchestrators: 200 when at least one venue is healthy, else 503."""
        health = measure(deps)
        if health.status != "unhealthy":
            return Response(encode(_probe(deps)), media_type=_JSON)
        reasons = [part.detail for name, part in health.components.items() if "feeds." in name]
        detail = "no venue is healthy: " + ("; ".join(reasons)[:200] or "none is connected")
        problem = make_problem(503, "not_ready", detail, retry_after=_NOT_READY_RETRY_S)
        return problem_response(problem, request.scope)


def _add_documents(router: APIRouter, deps: ApiDeps) -> None:
    exchanges = tuple(deps.sources)
    streams = encode(catalog(deps.settings, exchanges))

    @cache
    def document() -> bytes:  # a fifth of the time that it takes to make all routes
        return asyncapi_document(deps.settings, exchanges)

    @router.get(
        "/ws-catalog",
        summary="WebSocket streams, for people",
        responses=answers(CatalogView, "Paths, parameters, examples.", (422,)),
    )
    async def read_catalog() -> Response:
        """The WebSocket streams, which this document cannot describe."""
        return Response(streams, media_type=_JSON)

    @router.get(
        "/asyncapi.json",
        summary="WebSocket streams, for programs",
        responses=answers(dict[str, object], "AsyncAPI 3.0 document.", (422,)),
    )
    async def read_asyncapi() -> Response:
        """The WebSocket streams as an AsyncAPI 3.0 document."""
        return Response(document(), media_type=_JSON)


def _add_metrics(router: APIRouter, deps: ApiDeps, registry: CollectorRegistry) -> None:
    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={
            200: {"description": "Prometheus text format.", "content": {"text/plain": {}}},
            **problems((400, 405, 408, 413, 414, 422, 431, 500, 503)),
            401: {"description": "The bearer token is missing or wrong."},
        },
    )
    async def read_metrics(request: Request) -> Response:
        """Requests, streams, feeds, gaps, drops."""
        token = deps.settings.metrics_token
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        if token is not None and not hmac.compare_digest(given, f"Bearer {token}".encode()):
            problem = make_problem(401, "unauthorized", "Authorization: bearer token needed")
            return problem_response(problem, request.scope, {"www-authenticate": "Bearer"})
        return Response(render(registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)


def _add_heatmap_stats(router: APIRouter, deps: ApiDeps) -> None:
    @router.get(
        "/ws/stats",
        summary="What the live heat map socket does",
        responses=answers(HeatmapStatsView, "Counters of `/ws/heatmap`.", (404, 422)),
    )
    async def read_heatmap_stats() -> Response:
        """Clients of `/ws/heatmap`, and the symbols they watch with their newest map."""
        if deps.heatmaps is None:
            raise NotSupported("this process", "heatmap", "it does not serve /ws/heatmap")
        return Response(encode(deps.heatmaps.stats()), media_type=_JSON)


def _probe(deps: ApiDeps) -> ProbeView:
    return ProbeView(status="ok", timestamp=iso_of(deps.clock.now_ms()))


def _exchange_view(source: MarketSource) -> ExchangeView:
    """One venue, as the union of requirements T-R3 and L-R1."""
    facts = source.facts
    support = {name: _capability(one) for name, one in facts.capabilities.items()}
    for channel in Channel:
        one = facts.channels.get(channel)
        support[f"stream_{channel.value}"] = _capability(one)
    trades = support[f"stream_{Channel.TRADES.value}"].available
    liquidations = support[f"stream_{Channel.LIQUIDATIONS.value}"].available
    capabilities = {name: one.available for name, one in support.items()}
    capabilities |= {"liquidations": liquidations, "large_trades": trades}
    active = bool(facts.capabilities)
    return ExchangeView(
        name=facts.venue_id,
        display_name=facts.display_name,
        status="active" if active else "stub",
        capabilities=capabilities,
        features=tuple(
            dict.fromkeys(
                [name for name, there in capabilities.items() if there] + [*facts.features]
            )
        ),
        data_source="simulated" if source.simulated else "websocket+rest",
        support=support,
        intervals=tuple(facts.intervals),
        symbols_count=len(source.table),
        simulated=source.simulated,
        documentation=facts.documentation,
    )


def _capability(support: Support | None) -> CapabilityView:
    if support is None:
        return CapabilityView(available=False, source="", note="not offered")
    return CapabilityView(available=support.available, source=support.source, note=support.note)
