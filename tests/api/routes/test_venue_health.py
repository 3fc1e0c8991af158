"""Health of every venue: measured, per stream, small."""

from typing import Any

import msgspec
import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform

from headwater.api.routes.venue_health import ALIKE_MAX, channel_views, venue_health_view
from headwater.core.enums import Channel, FeedState
from headwater.core.intervals import Interval
from headwater.feeds.source import ChannelHealth, VenueHealth

VENUES = ("binance", "bybit")


def measured(**changes: Any) -> VenueHealth:
    return msgspec.structs.replace(Platform().source.health(), **changes)


def stream(number: int = 0, **changes: Any) -> ChannelHealth:
    row = ChannelHealth(
        channel=Channel.LIQUIDATIONS,
        symbol=f"A{number}USDT",
        interval=None,
        state=FeedState.LIVE,
        since_ms=NOW_MS + number,
        age_s=float(number),
        reason="",
        subscribers=2,
    )
    return msgspec.structs.replace(row, **changes)


async def test_what_each_venue_says_of_itself() -> None:
    async with Platform(venues=VENUES).served() as platform:
        platform.sources["bybit"].healthy = False
        reply = await platform.get("/exchanges/health")
    body = reply.json()
    assert isinstance(body, dict)
    assert reply.status == 200
    assert (body["timestamp"], body["cache_ttl_seconds"]) == ("2024-11-07T17:20:00.123Z", 1.0)
    assert list(body["exchanges"]) == list(VENUES)
    assert body["exchanges"]["binance"] == {
        "exchange": "binance",
        "is_connected": True,
        "healthy": True,
        "reason": "",
        "last_heartbeat": "2024-11-07T17:20:00.123Z",
        "message_count": 1234,
        "error_count": 1 + 4 + 2,
        "uptime_percent": 99.5,
        "reconnects_1h": 2,
        "gaps_1h": 1,
        "latencies": [{"channel": "trades", "p50_ms": 12.3, "p95_ms": 45.6, "readings": 200}],
        "last_error": "a connection was lost",
        "channels": [
            {
                "channel": "trades",
                "symbol": "BTCUSDT",
                "interval": None,
                "state": "live",
                "since": "2024-11-07T17:20:00.123Z",
                "age_s": 0.25,
                "reason": "",
                "subscribers": 1,
                "streams": 1,
            }
        ],
    }
    bybit = body["exchanges"]["bybit"]
    assert (bybit["healthy"], bybit["reason"]) == (False, "silent for 60 s")


async def test_it_is_measured_anew_after_its_time(platform: Platform) -> None:
    first = await platform.get("/exchanges/health")
    platform.source.healthy = False
    assert (await platform.get("/exchanges/health")).body == first.body
    platform.advance(1.0)
    assert b'"healthy":false' in (await platform.get("/exchanges/health")).body


@pytest.mark.parametrize(
    ("since_start_s", "healthy_s", "percent"),
    [(200.0, 150.0, 75.0), (200.0, 0.0, 0.0), (3.0, 1.0, 33.333), (0.0, 0.0, None), (None,) * 3],
)
def test_uptime_is_what_was_measured_or_unknown(
    since_start_s: float | None, healthy_s: float | None, percent: float | None
) -> None:
    view = venue_health_view(measured(since_start_s=since_start_s, healthy_s=healthy_s))
    assert view.uptime_percent == percent


@pytest.mark.parametrize(
    ("connections", "channels", "healthy", "connected"),
    [
        (1, (stream(),), False, True),
        (0, (stream(),), True, False),
        (0, (), True, True),
        (0, (), False, False),
    ],
)
def test_a_connection_counts_only_where_a_stream_is_wanted(
    connections: int, channels: tuple[ChannelHealth, ...], healthy: bool, connected: bool
) -> None:
    view = venue_health_view(
        measured(connections=connections, channels=channels, healthy=healthy, last_data_ms=None)
    )
    assert view.is_connected is connected
    assert view.last_heartbeat is None


def test_few_streams_are_told_one_by_one_many_alike_as_one() -> None:
    few = [stream(number) for number in range(ALIKE_MAX)]
    assert [row.symbol for row in channel_views(few)] == [row.symbol for row in few]
    many = [stream(number) for number in range(ALIKE_MAX + 1)]
    stale = [stream(7, state=FeedState.STALE, reason="silent", age_s=None)]
    candles = [stream(8, channel=Channel.CANDLES, interval=Interval.M1)]
    together, *others = channel_views([*many, *stale, *candles])
    assert (together.symbol, together.streams, together.subscribers) == (None, 51, 102)
    assert (together.age_s, together.since) == (50.0, "2024-11-07T17:20:00.123Z")
    assert [(row.channel, row.state, row.streams) for row in others] == [
        (Channel.LIQUIDATIONS, FeedState.STALE, 1),
        (Channel.CANDLES, FeedState.LIVE, 1),
    ]
    assert others[0].age_s is None


def test_thousands_of_streams_make_a_small_answer() -> None:
    rows = tuple(stream(number) for number in range(5000))
    view = venue_health_view(measured(channels=rows))
    assert len(msgspec.json.encode(view)) < 1000
