"""Measured health of a venue: a value built from counters and states, never assumed."""

from collections.abc import Mapping
from typing import Final

import msgspec

from headwater.core.enums import FeedState
from headwater.feeds.latency import ChannelLatency
from headwater.feeds.source import ChannelHealth, VenueHealth


class HealthFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; see `VenueHealth` for units.

    Attributes:
        exchange: venue id.
        instruments: instruments known.
        problem: newest trouble of the instrument list or the probe, empty when there is none.
        now_ms: wall time.
        data_age_s: seconds since the last live data or successful reply, None before the first.
        probe_age_s: seconds since the last successful probe, None before the first.
        limit_s: age beyond which neither counts.
        clock_offset_ms: venue clock less ours.
        breaker: state of the circuit breaker.
        used_weight: used REST weight by pool.
        connections: open connections.
        messages: frames received.
        wire_errors: unreadable frames.
        rest_failures: failed tries of REST requests.
        reconnects: connections lost.
        resyncs: books rebuilt.
        open_gaps: holes under repair.
        channels: every wanted subscription.
        latencies: how late messages were in the last minute, by channel.
        gaps_1h: holes that began in the last hour.
        lost_connections: connections that were lost or refused and are not back, in words.
    """

    exchange: str
    instruments: int
    problem: str
    now_ms: int
    data_age_s: float | None
    probe_age_s: float | None
    limit_s: float
    clock_offset_ms: int | None
    breaker: str
    used_weight: Mapping[str, int]
    connections: int
    messages: int
    wire_errors: int
    rest_failures: int
    reconnects: int
    resyncs: int
    open_gaps: int
    channels: tuple[ChannelHealth, ...]
    latencies: tuple[ChannelLatency, ...] = ()
    gaps_1h: int | None = None
    lost_connections: tuple[str, ...] = ()


_CARRIES: Final = frozenset({FeedState.LIVE, FeedState.RESYNCING})
"""States in which the stream flows."""


def judge(facts: HealthFacts) -> VenueHealth:
    """Says whether a venue is healthy.

    Something answered lately, no connection is lost, and of no kind of data every stream fails. A
    single stream that is refused or stale shows in the list, and is that stream's trouble only.
    """
    reason = _trouble(facts)
    last_ms = None
    if facts.data_age_s is not None:
        last_ms = facts.now_ms - round(facts.data_age_s * 1000)
    return VenueHealth(
        exchange=facts.exchange,
        healthy=not reason,
        reason=reason,
        last_data_ms=last_ms,
        clock_offset_ms=facts.clock_offset_ms,
        breaker=facts.breaker,
        used_weight=dict(facts.used_weight),
        connections=facts.connections,
        messages=facts.messages,
        wire_errors=facts.wire_errors,
        rest_failures=facts.rest_failures,
        reconnects=facts.reconnects,
        resyncs=facts.resyncs,
        open_gaps=facts.open_gaps,
        channels=facts.channels,
        latencies=facts.latencies,
        gaps_1h=facts.gaps_1h,
    )


def _trouble(facts: HealthFacts) -> str:
    if not facts.instruments:
        return facts.problem or "the instrument list is not loaded yet"
    if facts.lost_connections:
        return "; ".join(facts.lost_connections)
    flowing = {one.channel for one in facts.channels if one.state in _CARRIES}
    down = [
        one for one in facts.channels if one.state is FeedState.DOWN and one.channel not in flowing
    ]
    if down:
        first = down[0]
        more = f" and {len(down) - 1} more" if len(down) > 1 else ""
        return f"{first.channel} {first.symbol}{more} down: {first.reason}"
    ages = [age for age in (facts.data_age_s, facts.probe_age_s) if age is not None]
    if not ages:
        return facts.problem or "nothing has answered yet"
    if min(ages) > facts.limit_s:
        return f"silent for {min(ages):.0f} s; {facts.problem or 'no probe answers'}"
    return ""
