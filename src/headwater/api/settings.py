"""What can be set of the API, as one typed struct. The environment is read by `app.settings`."""

import msgspec

from headwater import __version__
from headwater.api.limits import CacheSettings, HttpLimits
from headwater.core.intervals import Interval


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set; every default works.

    Attributes:
        host: address to listen on.
        port: TCP port, 0 for any free one.
        service: name shown in `/` and `/health`.
        version: the same.
        allowed_origins: pages that may use the API from a browser; `*` for all.
        allowed_hosts: host names (without port) it answers to; empty for all.
        trusted_proxies: addresses whose `X-Forwarded-For` and `-Proto` are believed.
        metrics_token: bearer token that `/metrics` demands, None for none.
        dashboard: whether `/dashboard/` is served; a browser that opens `/` is sent there, else to
            the documentation.
        spike_timeframes: lengths of bars that are watched for spikes of open interest and volume.
        stream_queue: records that may wait for the stream publisher; beyond it the oldest go.
        heatmap_enabled: whether `/ws/heatmap` is served.
        heatmap_pace_s: its `update_interval` for who gives none, 1 to 60 seconds.
        multi_timeout_s: time a venue gets in an answer over all venues; beyond it the others'
            data go out without it.
        graceful_shutdown_s: time running requests get at the end.
        http: bounds of the HTTP side.
        cache: how long answers are given again.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    service: str = "headwater"
    version: str = __version__
    allowed_origins: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    trusted_proxies: frozenset[str] = frozenset()
    metrics_token: str | None = None
    dashboard: bool = True
    spike_timeframes: tuple[Interval, ...] = (Interval.M5, Interval.M15, Interval.H1)
    stream_queue: int = 65_536
    heatmap_enabled: bool = True
    heatmap_pace_s: int = 5
    multi_timeout_s: float = 5.0
    graceful_shutdown_s: int = 5
    http: HttpLimits = HttpLimits()
    cache: CacheSettings = CacheSettings()
