"""Health is measured, never assumed."""

import msgspec

from headwater.core.enums import Channel, FeedState
from headwater.feeds.health import HealthFacts, judge
from headwater.feeds.source import ChannelHealth

FINE = HealthFacts(
    exchange="toy",
    instruments=3,
    problem="",
    now_ms=1_000_000,
    data_age_s=1.5,
    probe_age_s=10.0,
    limit_s=60.0,
    clock_offset_ms=5,
    breaker="closed",
    used_weight={"ip": 7},
    connections=1,
    messages=10,
    wire_errors=0,
    rest_failures=0,
    reconnects=0,
    resyncs=0,
    open_gaps=0,
    channels=(),
)


def _channel(state: FeedState) -> ChannelHealth:
    return ChannelHealth(
        channel=Channel.TRADES,
        symbol="AAAUSDT",
        interval=None,
        state=state,
        since_ms=0,
        age_s=None,
        reason="connection lost",
        subscribers=1,
    )


def test_a_venue_that_answers_is_healthy() -> None:
    health = judge(FINE)
    assert health.healthy
    assert health.reason == ""
    assert health.last_data_ms == 998_500
    assert health.used_weight == {"ip": 7}


def test_nothing_known_is_not_healthy() -> None:
    health = judge(msgspec.structs.replace(FINE, instruments=0, problem="instrument list: no"))
    assert (health.healthy, health.reason) == (False, "instrument list: no")
    health = judge(msgspec.structs.replace(FINE, data_age_s=None, probe_age_s=None))
    assert not health.healthy
    assert health.last_data_ms is None


def test_a_channel_that_is_down_is_not_healthy_a_stale_one_shows_in_the_list() -> None:
    down = (_channel(FeedState.DOWN), _channel(FeedState.DOWN))
    health = judge(msgspec.structs.replace(FINE, channels=down))
    assert health.reason == "trades AAAUSDT and 1 more down: connection lost"
    assert judge(msgspec.structs.replace(FINE, channels=(_channel(FeedState.STALE),))).healthy


def test_long_silence_is_not_healthy_but_a_probe_is_enough() -> None:
    assert judge(msgspec.structs.replace(FINE, data_age_s=100.0)).healthy
    health = judge(msgspec.structs.replace(FINE, data_age_s=100.0, probe_age_s=90.0))
    assert health.reason == "silent for 90 s; no probe answers"
