"""What of the settings concerns the API and its streaming hub, as their own typed pieces."""

from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import StreamLimits
from headwater.app.settings import Settings


def api_settings(settings: Settings) -> ApiSettings:
    """What the API needs to know of the settings."""
    token = settings.metrics_token
    return ApiSettings(
        host=settings.host,
        port=settings.port,
        allowed_origins=frozenset(settings.cors_origins),
        allowed_hosts=frozenset(settings.allowed_hosts),
        dashboard=settings.dashboard,
        metrics_token=None if token is None else token.get_secret_value(),
        heatmap_enabled=settings.ws_enabled,
        heatmap_pace_s=settings.ws_update_interval_s,
        multi_timeout_s=settings.multi_timeout_s,
        spike_timeframes=tuple(dict.fromkeys(settings.oi_volume_timeframes)),
    )


def stream_limits(settings: Settings) -> StreamLimits:
    """What the streaming hub needs to know of the settings."""
    return StreamLimits(
        max_clients=settings.stream_clients_max,
        max_clients_per_ip=settings.stream_clients_per_ip_max,
        buffer_bytes=settings.stream_buffer_bytes,
        chunk_bytes=min(StreamLimits().chunk_bytes, settings.stream_buffer_bytes // 8),
    )
