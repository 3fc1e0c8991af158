"""The view of the venues' health, measured per channel (requirements L-R2)."""

from typing import Annotated

from msgspec import Meta

from headwater.api.schemas.base import IsoTime, View
from headwater.core.enums import Channel, FeedState
from headwater.core.intervals import Interval

Count = Annotated[int, Meta(ge=0)]


class ChannelHealthView(View, frozen=True, kw_only=True):
    """State of one live stream, or of many alike.

    Attributes:
        channel: kind of data.
        symbol: canonical symbol, `*` for a stream of the whole market; null for many streams of
            one channel, interval and state, which are told together when there are more than 50.
        interval: of candles, else null.
        state: what it is now.
        since: when it became so; of many, the earliest.
        age_s: seconds since its last data, null before the first; of many, the greatest.
        reason: why it is not live; of many, that of the earliest; empty when it is.
        subscribers: who holds it.
        streams: how many streams this is.
    """

    channel: Channel
    symbol: str | None
    interval: Interval | None
    state: FeedState
    since: IsoTime
    age_s: float | None
    reason: str
    subscribers: Count
    streams: Annotated[int, Meta(ge=1)]


class ChannelLatencyView(View, frozen=True, kw_only=True):
    """How late the messages of one channel were in the last minute.

    Attributes:
        channel: kind of data; only those whose messages carry the event's own time.
        p50_ms: half were at most so late, ms from the venue's time, brought to our clock, to our
            receiving; right to within 4.5 %.
        p95_ms: of twenty nineteen were.
        readings: messages that were looked at, four times a second and stream at most.
    """

    channel: Channel
    p50_ms: Annotated[float, Meta(ge=0)]
    p95_ms: Annotated[float, Meta(ge=0)]
    readings: Count


class VenueHealthView(View, frozen=True, kw_only=True):
    """Measured health of one venue.

    Attributes:
        exchange: its id.
        is_connected: a connection stands; for a venue that no stream is wanted of, it is healthy.
        healthy: data or a probe answered within its limit, no connection is lost, and of each kind
            of data that is wanted at least one stream is not down; single ones are in `channels`.
        reason: why it is not healthy; empty when it is.
        last_heartbeat: time of the last frame or reply, UTC; null before the first.
        message_count: frames received since the start.
        error_count: frames that could not be read, tries of requests that failed, and connections
            that were lost, since the start.
        uptime_percent: share of the time since the start in which it was healthy, measured every
            few seconds; null where it is not measured.
        reconnects_1h: connections lost in the last hour; null where it is not measured.
        gaps_1h: holes in streams that began in the last hour; null likewise.
        latencies: of the last minute, by channel; none where nothing came.
        last_error: the newest trouble, also when it is over; null when there was none.
        channels: its streams.
    """

    exchange: str
    is_connected: bool
    healthy: bool
    reason: str
    last_heartbeat: IsoTime | None
    message_count: Count
    error_count: Count
    uptime_percent: Annotated[float, Meta(ge=0, le=100)] | None
    reconnects_1h: Count | None
    gaps_1h: Count | None
    latencies: tuple[ChannelLatencyView, ...]
    last_error: str | None
    channels: tuple[ChannelHealthView, ...]


class VenuesHealthView(View, frozen=True, kw_only=True):
    """Measured health of all venues.

    Attributes:
        exchanges: by venue id.
        timestamp: when it was measured, UTC.
        cache_ttl_seconds: how long this answer is given again.
    """

    exchanges: dict[str, VenueHealthView]
    timestamp: IsoTime
    cache_ttl_seconds: float
