"""The monitor over several venues and the real bus, in virtual time."""

import asyncio

import msgspec
import pytest
from tests.feeds.made import instrument
from tests.services.fake_venue import (
    BAR_MS,
    FIRST_END_MS,
    FakeVenue,
    interest,
    run_virtual,
    settings_of,
    until_s,
)

from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SourceClock
from headwater.core.records import OiVolumeSpike
from headwater.services.oi_volume_monitor import OiVolumeMonitor


def test_each_venue_is_watched_by_itself() -> None:
    async def main(clock: SourceClock) -> None:
        bus = MemoryBus()
        reader = bus.subscribe("test", [TopicFilter(OiVolumeSpike)], 100)
        venues = {name: FakeVenue(clock, name) for name in ("good", "stuck", "live")}
        never = asyncio.Event()

        async def hang() -> None:
            await never.wait()

        venues["stuck"].fails = hang
        venues["live"].has_history = False
        for venue in venues.values():
            venue.volumes[FIRST_END_MS] = 1e7
        before = asyncio.all_tasks()
        monitor = OiVolumeMonitor(venues, bus, clock, settings_of())
        task = asyncio.create_task(monitor.run(), name="monitor")
        await asyncio.sleep(until_s(FIRST_END_MS, -2))
        bus.publish(interest(instrument("AAAUSDT"), FIRST_END_MS - 2_000, "live"))
        await asyncio.sleep(13)
        spikes = [one for one in reader.drain() if isinstance(one, OiVolumeSpike)]
        assert {one.timestamp_ms for one in spikes} == {FIRST_END_MS}
        assert len(spikes) == 2
        assert [one.scored for one in monitor.reports()] == [1, 0, 1]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert asyncio.all_tasks() == before
        assert [stats.name for stats in bus.readers] == ["test"]

    run_virtual(main)


def test_rules_are_checked() -> None:
    async def main(clock: SourceClock) -> None:
        bus = MemoryBus()
        good = settings_of()
        (rule,) = good.rules
        with pytest.raises(ValueError, match="more than one"):
            OiVolumeMonitor({}, bus, clock, msgspec.structs.replace(good, rules=(rule, rule)))
        bad = msgspec.structs.replace(rule, threshold=-1.0)
        with pytest.raises(ValueError, match="5m: the threshold"):
            OiVolumeMonitor({}, bus, clock, msgspec.structs.replace(good, rules=(bad,)))
        idle = OiVolumeMonitor(
            {"toy": FakeVenue(clock)}, bus, clock, msgspec.structs.replace(good, rules=())
        )
        task = asyncio.create_task(idle.run(), name="monitor")
        await asyncio.sleep(2 * BAR_MS / 1000)
        assert not task.done()
        assert idle.reports() == []
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run_virtual(main)
