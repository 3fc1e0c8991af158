"""Settings reach the API and its hub as their own typed pieces."""

from headwater.app.api_settings import api_settings, stream_limits
from headwater.app.settings import Settings, load
from headwater.core.intervals import Interval


def _settings(**options: object) -> Settings:
    return load(options=options, environ={})


def test_settings_reach_the_parts() -> None:
    settings = _settings(
        metrics_token="long enough a token",
        stream_clients_max=7,
        cors_origins="http://a.example",
        oi_volume_timeframes="5m",
        multi_timeout_s=0.5,
        ws_enabled=False,
        ws_update_interval_s=9,
    )
    assert api_settings(settings).heatmap_enabled is False
    assert api_settings(settings).heatmap_pace_s == 9
    assert api_settings(settings).multi_timeout_s == 0.5
    assert api_settings(settings).spike_timeframes == (Interval.M5,)
    assert api_settings(settings).metrics_token == "long enough a token"
    assert api_settings(settings).allowed_origins == {"http://a.example"}
    assert stream_limits(settings).max_clients == 7


def test_the_smallest_buffer_that_may_be_set_works() -> None:
    limits = stream_limits(_settings(stream_buffer_bytes=65_536))
    assert (limits.buffer_bytes, limits.chunk_bytes) == (65_536, 8_192)
    assert stream_limits(_settings()).chunk_bytes == 65_536
