"""A live venue behind `MarketSource`, against the simulated exchange."""

import asyncio

import pytest
from tests.feeds.simulated_venue import SETTINGS, scene, streams
from tests.virtual_time import in_virtual_time

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, RequestError, UnknownSymbol
from headwater.core.intervals import Interval
from headwater.core.records import OpenInterest
from headwater.feeds.settings import FeedSettings
from headwater.feeds.source import MarketSource
from headwater.venues.messages import Subscription


def _source(source: MarketSource) -> MarketSource:
    """The type checker proves that a feed is a source."""
    return source


@in_virtual_time
async def test_health_is_measured() -> None:
    async with scene(1) as stage:
        feed = _source(stage.feed)
        assert feed.simulated
        assert feed.facts.venue_id == "binance"
        wanted = streams(["BTCUSDT"])
        leases = [feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        assert await stage.until(lambda: stage.feed.health().clock_offset_ms is not None)
        health = feed.health()
        assert health.healthy, health.reason
        assert health.connections == 2
        assert health.messages > 0
        assert health.used_weight["ip"] > 0
        assert [(one.channel, one.symbol, one.subscribers) for one in health.channels] == [
            (Channel.TRADES, "BTCUSDT", 1),
            (Channel.BOOK, "BTCUSDT", 1),
        ]
        assert list(feed.gaps()) == []
        await stage.server.refuse(3.0)
        assert await stage.until(lambda: not feed.health().healthy)
        assert "down" in feed.health().reason
        for lease in leases:
            lease.release()


@in_virtual_time
async def test_what_the_venue_would_not_serve_is_refused_before_it_is_asked() -> None:
    async with scene(2) as stage:
        for wrong, error in (
            (Subscription(channel=Channel.TRADES, native_symbol="NOPE"), UnknownSymbol),
            (Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT"), NotSupported),
            (
                Subscription(channel=Channel.CANDLES, native_symbol=None, interval=Interval.M1),
                RequestError,
            ),
        ):
            with pytest.raises(error):
                stage.feed.acquire(wrong)
        assert stage.server.connections_opened == 0


@in_virtual_time
async def test_a_stream_nobody_wants_is_given_up_after_a_while() -> None:
    brief = FeedSettings(
        session=SETTINGS.session,
        connection=SETTINGS.connection.__class__(linger_s=0.1),
        rest=SETTINGS.rest,
    )
    async with scene(3, settings=brief) as stage:
        wanted = streams(["BTCUSDT"])
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        for lease in leases:
            lease.release()
        assert await stage.until(lambda: stage.feed.health().connections == 0)
        assert stage.feed.health().channels == ()
        assert await stage.until(lambda: not stage.server.connections)


@in_virtual_time
async def test_open_interest_of_wanted_symbols_is_polled_and_kept() -> None:
    async with scene(4) as stage:
        states = stage.feed.pipeline.states
        assert states.newest(OpenInterest, "BTCUSDT") is None
        lease = stage.feed.acquire(streams(["BTCUSDT"])[0])
        assert await stage.until(lambda: states.newest(OpenInterest, "BTCUSDT") is not None)
        assert states.newest(OpenInterest, "SOLUSDT") is None
        lease.release()


@in_virtual_time
async def test_candles_close_in_live_time_without_a_hole() -> None:
    """Simulated minutes pass in a second; every one is published as closed once."""
    async with scene(5, speed=60.0) as stage:
        wanted = Subscription(
            channel=Channel.CANDLES, native_symbol="BTCUSDT", interval=Interval.M1
        )
        lease = stage.feed.acquire(wanted)
        await asyncio.sleep(4.0)
        stage.seen.drain()
        closed = [one.timestamp_ms for one in stage.seen.candles if one.is_closed]
        assert len(closed) >= 3
        assert closed == list(range(closed[0], closed[-1] + 60_000, 60_000))
        lease.release()
