"""Previews of the monitor: the same spikes as the monitor published, within bounds."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from tests.services.fake_venue import (
    BAR_MS,
    FIRST_END_MS,
    FakeVenue,
    run_virtual,
    settings_of,
    until_s,
)

from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import ManualClock, SourceClock
from headwater.core.errors import RequestError, StorageUnavailable, VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OiVolumeSpike, OpenInterest
from headwater.services.oi_volume_monitor import OiVolumeMonitor
from headwater.services.oi_volume_preview import AT_ONCE, WAITING_MAX, SpikePreview


def test_the_preview_tells_what_the_monitor_told() -> None:
    """The monitor lives through 40 bars with three bursts; then the past of them is asked for."""

    async def main(clock: SourceClock) -> None:
        venue = FakeVenue(clock)
        for bar in (3, 9, 10, 30):
            venue.volumes[FIRST_END_MS + bar * BAR_MS] = 10.0 ** (7 + bar / 10)
        bus = MemoryBus()
        reader = bus.subscribe("test", [TopicFilter(OiVolumeSpike)], 100)
        settings = settings_of()
        monitor = OiVolumeMonitor({"toy": venue}, bus, clock, settings)
        task = asyncio.create_task(monitor.run(), name="monitor")
        await asyncio.sleep(until_s(FIRST_END_MS + 40 * BAR_MS))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        told = [one for one in reader.drain() if isinstance(one, OiVolumeSpike)]
        assert [(one.timestamp_ms - FIRST_END_MS) // BAR_MS for one in told] == [3, 9, 30]

        preview = SpikePreview(settings, clock)
        plan = preview.plan("AAAUSDT", Interval.M5, 3)
        (of,) = venue.table

        async def candles(first_ms: int, last_ms: int, count: int) -> Sequence[Candle]:
            rows = await venue.candles(of, Interval.M5, limit=count + 1)
            return [one for one in rows if first_ms <= one.timestamp_ms <= last_ms]

        async def interest(count: int) -> Sequence[OpenInterest]:
            return await venue.open_interest_history(of, Interval.M5, limit=count)

        tested, found = await preview.make(plan, of, candles, interest)
        assert (plan.due, tested) == (36, 36)
        span = [one for one in told if one.timestamp_ms > plan.start_ms]
        assert [msgspec.structs.replace(one, received_ns=0) for one in found] == [
            msgspec.structs.replace(one, received_ns=0) for one in span
        ]
        assert len(found) == 2

    run_virtual(main)


@pytest.mark.parametrize(
    ("symbol", "interval", "hours", "field", "allowed"),
    [
        ("BBBUSDT", Interval.M5, 24, "symbol", "one of AAAUSDT"),
        ("AAAUSDT", Interval.M15, 24, "timeframe", "one of 5m"),
        ("AAAUSDT", Interval.M5, 900, "hours", "at most 829 at 5m"),
    ],
)
def test_what_is_not_watched_or_too_long_is_refused(
    symbol: str, interval: Interval, hours: int, field: str, allowed: str
) -> None:
    """10 000 bars less 27 of events and 21 of the window are 9 952, or 829.3 hours, of 5m."""
    preview = SpikePreview(settings_of(), ManualClock(FIRST_END_MS * 1_000_000))
    with pytest.raises(RequestError) as refused:
        preview.plan(symbol, interval, hours)
    assert refused.value.field == field
    assert allowed.split(" ", maxsplit=1)[0] in refused.value.allowed


def test_without_rules_everything_is_refused() -> None:
    preview = SpikePreview(settings_of(rules=()), ManualClock(0))
    with pytest.raises(RequestError, match="turned off"):
        preview.plan("AAAUSDT", Interval.M5, 24)


async def test_no_more_than_so_many_wait_and_a_failure_frees_its_place() -> None:
    clock = ManualClock(FIRST_END_MS * 1_000_000)
    preview = SpikePreview(settings_of(), clock)
    plan = preview.plan("AAAUSDT", Interval.M5, 1)
    (of,) = FakeVenue(clock).table
    begun = 0
    go = asyncio.Event()

    async def candles(first_ms: int, last_ms: int, count: int) -> Sequence[Candle]:
        nonlocal begun
        begun += 1
        await go.wait()
        raise VenueUnavailable("toy", "down")

    async def interest(count: int) -> Sequence[OpenInterest]:
        return []

    asked = [
        asyncio.create_task(preview.make(plan, of, candles, interest), name=f"preview {number}")
        for number in range(AT_ONCE + WAITING_MAX)
    ]
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable):
        await preview.make(plan, of, candles, interest)
    assert begun == AT_ONCE
    go.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(one) for one in found} == {VenueUnavailable}
    with pytest.raises(VenueUnavailable):
        await preview.make(plan, of, candles, interest)
