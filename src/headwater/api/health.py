"""Health of the platform, measured: what feeds, bus, hub and storage say of themselves.

Nothing is assumed: a venue is healthy when its source says so, and that measures data and probes.
"""

from collections.abc import Sequence
from typing import Final

from headwater.api.deps import ApiDeps
from headwater.api.schemas.base import iso_of
from headwater.api.schemas.platform import ComponentView, HealthStatus, HealthView
from headwater.core.enums import FeedState
from headwater.feeds.external_liquidations import ExternalHealth
from headwater.feeds.recorder import RecorderStats
from headwater.feeds.source import VenueHealth
from headwater.services.backfill import BackfillProgress
from headwater.services.forecasts import ForecastHealth
from headwater.services.wallets import WalletsHealth
from headwater.storage.writer import WriterHealth

_REASON_CUT_CHARS: Final = 80


def measure(deps: ApiDeps) -> HealthView:
    """Health now.

    Args:
        deps: the parts.
    """
    venues = {name: source.health() for name, source in deps.sources.items()}
    components = {f"feeds.{name}": _feed(health) for name, health in venues.items()}
    components["bus"] = _bus(deps)
    components["streams"] = _streams(deps)
    if deps.storage_health is not None:
        components["storage"] = _storage(deps.storage_health())
    for name, stats in (deps.tapes() if deps.tapes is not None else {}).items():
        components[f"tape.{name}"] = _tape(stats)
    if deps.external_health is not None:
        components["external_liquidations"] = _external(deps.external_health())
    if deps.history_progress is not None:
        components["history"] = _history(deps.history_progress())
    if deps.forecasts is not None:
        components["forecasts"] = _forecasts(deps.forecasts())
    if deps.wallets is not None:
        components["wallets"] = _wallets(deps.wallets())
    return HealthView(
        status=_overall([health.healthy for health in venues.values()]),
        timestamp=iso_of(deps.clock.now_ms()),
        service=deps.settings.service,
        version=deps.settings.version,
        exchanges={name: health.healthy for name, health in venues.items()},
        components=components,
        simulated=deps.simulated,
    )


def _overall(healthy: list[bool]) -> HealthStatus:
    """Healthy when all are, unhealthy when none is (or there is none), else degraded."""
    if not any(healthy):
        return "unhealthy"
    return "healthy" if all(healthy) else "degraded"


def _feed(health: VenueHealth) -> ComponentView:
    """One venue's feeds: also degraded while single streams are not live or holes are open."""
    behind = [
        f"{channel.channel.value} {channel.symbol} {channel.state.value}"
        + (f" ({channel.reason[:_REASON_CUT_CHARS]})" if channel.reason else "")
        for channel in health.channels
        if channel.state is not FeedState.LIVE
    ]
    detail = (
        f"{health.connections} connections, {len(health.channels)} streams, "
        f"{health.open_gaps} open gaps, breaker {health.breaker}"
    )
    if not health.healthy:
        return ComponentView(status="unhealthy", detail=f"{health.reason}; {detail}")
    if behind:
        shown = ", ".join(behind[:5]) + (" …" if len(behind) > 5 else "")
        return ComponentView(status="degraded", detail=f"{shown}; {detail}")
    status: HealthStatus = "degraded" if health.open_gaps else "healthy"
    return ComponentView(status=status, detail=detail)


def _bus(deps: ApiDeps) -> ComponentView:
    """The bus: degraded while a reader's queue is nearly full."""
    readers = deps.bus.readers
    full = [reader.name for reader in readers if reader.queued * 10 >= reader.capacity * 9]
    dropped = sum(reader.dropped for reader in readers)
    detail = f"{deps.bus.published} records, {len(readers)} readers, {dropped} dropped"
    if full:
        return ComponentView(status="degraded", detail=f"behind: {', '.join(full)}; {detail}")
    return ComponentView(status="healthy", detail=detail)


def _streams(deps: ApiDeps) -> ComponentView:
    """The hub: degraded when no further client would be let in."""
    hub = deps.publisher.hub
    stats = hub.stats()
    detail = f"{stats.clients} clients, {stats.slow_clients} slow, {stats.closed_slow} closed"
    status: HealthStatus = "degraded" if stats.clients >= hub.limits.max_clients else "healthy"
    return ComponentView(status=status, detail=detail)


def _history(venues: Sequence[BackfillProgress]) -> ComponentView:
    """Back-fill: degraded where the last pass of a venue ended early; why is in the log."""
    behind = [one.exchange for one in venues if one.problem]
    told = [
        f"{one.exchange} {one.parts_done}/{one.parts_total} parts"
        + (", working" if one.is_running else "")
        + (f", {one.skipped} series refused" if one.skipped else "")
        for one in venues
    ]
    detail = "; ".join(
        [*told, f"{sum(one.rows_stored for one in venues)} rows back-filled since the start"]
    )
    if behind:
        return ComponentView(status="degraded", detail=f"waits for {', '.join(behind)}; {detail}")
    return ComponentView(status="healthy", detail=detail)


def _forecasts(health: ForecastHealth) -> ComponentView:
    """The written maps: degraded once an hour was missed or failed; it cannot be made up for."""
    detail = (
        f"{health.stored} stored, {health.missed} hours missed, {health.failed} failed, "
        f"of {', '.join(health.symbols) or 'no symbol'}"
    )
    if health.last_issued_ms is not None:
        detail += f"; last of {iso_of(health.last_issued_ms)}"
    status: HealthStatus = "degraded" if health.missed or health.failed else "healthy"
    return ComponentView(status=status, detail=detail)


def _wallets(health: WalletsHealth) -> ComponentView:
    """Named wallets: degraded while one could not be read; which ones is nobody else's business."""
    detail = (
        f"{health.known} of {health.wallets} wallets known, {health.positions} positions, "
        f"{health.readings} readings, {health.failures} failed, {health.dropped} dropped as too old"
    )
    if health.failing:
        problem = health.problem[:_REASON_CUT_CHARS]
        return ComponentView(
            status="degraded", detail=f"{health.failing} cannot be read: {problem}; {detail}"
        )
    return ComponentView(status="healthy", detail=detail)


def _storage(health: WriterHealth) -> ComponentView:
    """The database: unhealthy while writing fails; why is in the log, not for everybody."""
    tables = health.tables.values()
    detail = (
        f"{sum(one.written for one in tables)} rows written, "
        f"{sum(one.waiting for one in tables)} waiting, "
        f"{sum(one.dropped for one in tables)} dropped, "
        f"{sum(one.refused for one in tables)} refused"
    )
    if health.failing_since_ms is not None:
        since = iso_of(health.failing_since_ms)
        return ComponentView(status="unhealthy", detail=f"writing fails since {since}; {detail}")
    return ComponentView(status="healthy", detail=detail)


def _external(health: ExternalHealth) -> ComponentView:
    """The external service: degraded while it fails; our own data go out all the same."""
    detail = (
        f"{health.calls} questions, {health.failures} failed, {health.refused} refused, "
        f"{health.answers_kept} answers with {health.rows_kept} rows remembered"
    )
    if health.failing_since_ms is not None:
        since = iso_of(health.failing_since_ms)
        problem = health.problem[:_REASON_CUT_CHARS]
        return ComponentView(status="degraded", detail=f"fails since {since}: {problem}; {detail}")
    return ComponentView(status="healthy", detail=detail)


def _tape(stats: RecorderStats) -> ComponentView:
    """A tape: unhealthy while its disk fails; why is in the log, not for everybody."""
    detail = f"{stats.written} written, {stats.waiting} waiting, {stats.dropped} dropped"
    if stats.problem:
        return ComponentView(status="unhealthy", detail=f"writing fails; {detail}")
    return ComponentView(status="degraded" if stats.dropped else "healthy", detail=detail)
