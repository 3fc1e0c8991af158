"""The health of a live feed, measured regularly and remembered."""

import msgspec
from tests.feeds.simulated_venue import SETTINGS, scene, streams
from tests.virtual_time import in_virtual_time

from headwater.core.enums import Channel


@in_virtual_time
async def test_time_in_health_and_trouble_are_remembered() -> None:
    often = msgspec.structs.replace(SETTINGS, health_interval_s=0.05)
    async with scene(11, settings=often) as stage:
        feed = stage.feed
        wanted = streams(["BTCUSDT"])
        leases = [feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        first = feed.health()
        assert (first.healthy, first.rest_failures) == (True, 0)
        assert await stage.until(lambda: (feed.health().healthy_s or 0.0) > 0.3)
        latest = feed.health().last_data_ms
        await stage.server.refuse(3.0)
        assert await stage.until(lambda: not feed.health().healthy)
        ill = feed.health()
        assert ill.last_data_ms is not None
        assert latest is not None
        assert ill.last_data_ms > latest - 250  # what was heard stays heard
        assert ill.last_error
        assert ill.healthy_s is not None
        assert ill.since_start_s is not None
        assert 0.0 < ill.healthy_s < ill.since_start_s
        assert await stage.until(lambda: feed.health().healthy, timeout_s=30.0)
        well = feed.health()
        assert well.reason == ""
        assert well.last_error
        assert well.reconnects > 0
        for lease in leases:
            lease.release()


@in_virtual_time
async def test_it_is_measured_although_nobody_asks() -> None:
    often = msgspec.structs.replace(SETTINGS, health_interval_s=0.05)
    async with scene(12, settings=often) as stage:
        memory = stage.feed._health._memory
        assert await stage.until(lambda: memory.healthy_s > 0.2)


async def test_how_late_messages_are_is_read_from_the_venues_own() -> None:
    """Over loopback a trade and a change of the book are there within a second."""
    async with scene(13) as stage:
        leases = [stage.feed.acquire(one) for one in streams(["BTCUSDT"])]

        def measured() -> set[Channel]:
            return {one.channel for one in stage.feed.health().latencies}

        assert await stage.until(lambda: measured() >= {Channel.TRADES, Channel.BOOK})
        for one in stage.feed.health().latencies:
            assert 0 < one.p50_ms <= one.p95_ms < 1_000
        assert stage.feed.health().reconnects_1h == 0
        assert stage.feed.health().gaps_1h == len(
            [gap for gap in stage.feed.gaps() if gap.timestamp_ms > 0]
        )
        for lease in leases:
            lease.release()
