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
