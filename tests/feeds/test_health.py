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


def _channel(state: FeedState, channel: Channel = Channel.TRADES) -> ChannelHealth:
    return ChannelHealth(
        channel=channel,
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


def test_a_kind_of_data_that_is_all_down_is_not_healthy_a_stale_one_shows_in_the_list() -> None:
    down = (_channel(FeedState.DOWN), _channel(FeedState.DOWN))
    health = judge(msgspec.structs.replace(FINE, channels=down))
    assert health.reason == "trades AAAUSDT and 1 more down: connection lost"
    assert judge(msgspec.structs.replace(FINE, channels=(_channel(FeedState.STALE),))).healthy


def test_one_refused_stream_is_not_the_venues_trouble() -> None:
    """Another one of its kind flows; books do not help trades, nor does one that still connects."""
    down = _channel(FeedState.DOWN)
    for carries in (FeedState.LIVE, FeedState.RESYNCING):
        health = judge(msgspec.structs.replace(FINE, channels=(down, _channel(carries))))
        assert (health.healthy, health.reason) == (True, "")
        assert health.channels[0].reason == "connection lost"
    for other in (_channel(FeedState.LIVE, Channel.BOOK), _channel(FeedState.CONNECTING)):
        health = judge(msgspec.structs.replace(FINE, channels=(down, other)))
        assert health.reason == "trades AAAUSDT down: connection lost"


def test_a_lost_connection_is_not_healthy_whatever_others_carry() -> None:
    live = (_channel(FeedState.LIVE),)
    health = judge(
        msgspec.structs.replace(FINE, channels=live, lost_connections=("public: refused",))
    )
    assert (health.healthy, health.reason) == (False, "public: refused")


def test_long_silence_is_not_healthy_but_a_probe_is_enough() -> None:
    assert judge(msgspec.structs.replace(FINE, data_age_s=100.0)).healthy
    health = judge(msgspec.structs.replace(FINE, data_age_s=100.0, probe_age_s=90.0))
    assert health.reason == "silent for 90 s; no probe answers"
