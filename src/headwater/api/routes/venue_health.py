"""`/exchanges/health`: each venue and each of its streams, as measured (requirements L-R2)."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.openapi import answers
from headwater.api.parameters import router_of
from headwater.api.schemas.base import iso_of, iso_or_none
from headwater.api.schemas.venue_health import (
    ChannelHealthView,
    ChannelLatencyView,
    VenueHealthView,
    VenuesHealthView,
)
from headwater.core.enums import Channel, FeedState
from headwater.core.intervals import Interval
from headwater.feeds.source import ChannelHealth, VenueHealth

PATH: Final = "/exchanges/health"

ALIKE_MAX: Final = 50
"""Streams of one channel, interval and state that are told one by one; more are told together."""

_REASON_CUT_CHARS: Final = 200


def venue_health_router(api: Answers) -> APIRouter:
    """The route of the venues' health."""
    router = router_of("platform")
    ttl_s = api.deps.settings.cache.health_s

    @router.get(
        PATH,
        summary="Measured health of every venue, by stream",
        responses={
            **answers(VenuesHealthView, "Health, whatever it is.", (422,)),
            304: {"description": "Not modified: `If-None-Match` names the current `ETag`."},
        },
    )
    async def read_venue_health() -> Response:
        """Health of every venue and of each of its streams; 200 whatever it is."""

        async def load() -> VenuesHealthView:
            return VenuesHealthView(
                exchanges={
                    name: venue_health_view(source.health())
                    for name, source in api.deps.sources.items()
                },
                timestamp=iso_of(api.deps.clock.now_ms()),
                cache_ttl_seconds=ttl_s,
            )

        return await api.give(PATH, (), ttl_s, load)

    return router


def venue_health_view(health: VenueHealth) -> VenueHealthView:
    """The view of a venue's health."""
    last_error = health.last_error
    return VenueHealthView(
        exchange=health.exchange,
        is_connected=health.connections > 0 if health.channels else health.healthy,
        healthy=health.healthy,
        reason=health.reason,
        last_heartbeat=iso_or_none(health.last_data_ms),
        message_count=health.messages,
        error_count=health.wire_errors + health.rest_failures + health.reconnects,
        uptime_percent=_uptime_percent(health),
        reconnects_1h=health.reconnects_1h,
        gaps_1h=health.gaps_1h,
        latencies=tuple(
            ChannelLatencyView(
                channel=one.channel,
                p50_ms=one.p50_ms,
                p95_ms=one.p95_ms,
                readings=one.readings,
            )
            for one in health.latencies
        ),
        last_error=None if last_error is None else last_error[:_REASON_CUT_CHARS],
        channels=channel_views(health.channels),
    )


def channel_views(channels: Sequence[ChannelHealth]) -> tuple[ChannelHealthView, ...]:
    """The views of a venue's streams, more than `ALIKE_MAX` alike as one."""
    alike: dict[tuple[Channel, Interval | None, FeedState], list[ChannelHealth]] = {}
    for one in channels:
        alike.setdefault((one.channel, one.interval, one.state), []).append(one)
    views: list[ChannelHealthView] = []
    for rows in alike.values():
        if len(rows) > ALIKE_MAX:
            views.append(_together(rows))
        else:
            views.extend(_alone(row) for row in rows)
    return tuple(views)


def _alone(row: ChannelHealth) -> ChannelHealthView:
    return ChannelHealthView(
        channel=row.channel,
        symbol=row.symbol,
        interval=row.interval,
        state=row.state,
        since=iso_of(row.since_ms),
        age_s=_rounded(row.age_s),
        reason=row.reason[:_REASON_CUT_CHARS],
        subscribers=row.subscribers,
        streams=1,
    )


def _together(rows: Sequence[ChannelHealth]) -> ChannelHealthView:
    """Many rows of one channel, interval and state as the worst of them."""
    earliest = min(rows, key=lambda row: row.since_ms)
    return ChannelHealthView(
        channel=earliest.channel,
        symbol=None,
        interval=earliest.interval,
        state=earliest.state,
        since=iso_of(earliest.since_ms),
        age_s=_rounded(max((row.age_s for row in rows if row.age_s is not None), default=None)),
        reason=earliest.reason[:_REASON_CUT_CHARS],
        subscribers=sum(row.subscribers for row in rows),
        streams=len(rows),
    )


def _uptime_percent(health: VenueHealth) -> float | None:
    if not health.since_start_s or health.healthy_s is None:
        return None
    return round(100.0 * min(1.0, health.healthy_s / health.since_start_s), 3)


def _rounded(age_s: float | None) -> float | None:
    return None if age_s is None else round(age_s, 3)
