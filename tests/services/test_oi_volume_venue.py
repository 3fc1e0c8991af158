"""One venue under the monitor, in virtual time, with a venue that can lag, fail and hang."""

import asyncio

import pytest
from tests.feeds.made import instrument
from tests.services.fake_venue import (
    BAR_MS,
    BAR_S,
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
from headwater.core.errors import VenueUnavailable
from headwater.core.instruments import InstrumentTable
from headwater.core.records import OiVolumeSpike
from headwater.services.oi_samples import OpenInterestSamples
from headwater.services.oi_volume_venue import OiVolumeSettings, VenueWatch


class Watched:
    """A venue and its watch."""

    def __init__(self, clock: SourceClock, settings: OiVolumeSettings | None = None) -> None:
        self.venue = FakeVenue(clock)
        self.clock = clock
        self.bus = MemoryBus()
        self.samples = OpenInterestSamples()
        self._reader = self.bus.subscribe("test", [TopicFilter(OiVolumeSpike)], 100)
        self.watch = VenueWatch(
            "toy",
            self.venue,
            bus=self.bus,
            clock=clock,
            settings=settings or settings_of(),
            samples=self.samples,
        )

    async def run_until(self, seconds: float) -> None:
        """Lets the watch work until so many seconds after the start of the clock, then ends it."""
        task = asyncio.create_task(self.watch.run(), name="watch")
        await asyncio.sleep(seconds - self.clock.monotonic())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def told(self) -> list[tuple[int, float]]:
        """Ends, in bars after the first, and scores of the alerts so far."""
        spikes = [one for one in self._reader.drain() if isinstance(one, OiVolumeSpike)]
        return [
            ((one.timestamp_ms - FIRST_END_MS) // BAR_MS, round(one.z_volume or 0.0, 1))
            for one in spikes
        ]


def test_the_past_is_loaded_once_and_each_bar_told_after_its_end() -> None:
    async def main(clock: SourceClock) -> None:
        watched = Watched(clock)
        venue = watched.venue
        # In the past, at the second bar, and in one that is still forming when all ends.
        for bar in (-3, 1, 4):
            venue.volumes[FIRST_END_MS + bar * BAR_MS] = 2e6 if bar < 0 else 1e7
        await watched.run_until(until_s(FIRST_END_MS + 4 * BAR_MS, -1))
        (told,) = watched.told()
        assert told[0] == 1
        times = [(at_ms - FIRST_END_MS) / BAR_MS for at_ms, kind, _ in venue.asked]
        assert [limit for _, _, limit in venue.asked[:2]] == [21, 22]
        assert max(limit for _, _, limit in venue.asked[2:]) == 8
        due = [place * 1.0 + 10 / BAR_S for place in range(4) for _ in range(2)]
        assert times[2:] == pytest.approx(due, abs=1 / BAR_S)
        (report,) = watched.watch.reports()
        assert (report.symbols, report.scored, report.alerts, report.failures) == (1, 1, 1, 0)
        assert report.expected_per_day is None

    run_virtual(main)


def test_open_interest_that_comes_late_is_waited_for() -> None:
    async def main(clock: SourceClock) -> None:
        watched = Watched(clock)
        watched.venue.interest_lag_s = 70.0
        watched.venue.volumes[FIRST_END_MS] = 1e7
        # Asked 10 s after the end, 40 s later, and 80 s after that.
        await watched.run_until(until_s(FIRST_END_MS, 129))
        assert watched.told() == []
        await watched.run_until(until_s(FIRST_END_MS, 290))
        asked = len(watched.venue.asked)
        assert asked <= 16

    async def main_told(clock: SourceClock) -> None:
        watched = Watched(clock)
        watched.venue.interest_lag_s = 70.0
        watched.venue.volumes[FIRST_END_MS] = 1e7
        await watched.run_until(until_s(FIRST_END_MS, 140))
        assert [bar for bar, _ in watched.told()] == [0]

    run_virtual(main)
    run_virtual(main_told)


def test_a_failing_venue_is_asked_again_within_a_bound_and_catches_up() -> None:
    async def main(clock: SourceClock) -> None:
        watched = Watched(clock)
        venue = watched.venue
        venue.volumes = {FIRST_END_MS: 1e7, FIRST_END_MS + 12 * BAR_MS: 1e8}

        async def fail() -> None:
            end_ms = FIRST_END_MS + 10 * BAR_MS
            if FIRST_END_MS <= clock.now_ms() < end_ms:
                raise VenueUnavailable("toy", "down")
            if clock.now_ms() < end_ms + BAR_MS:
                raise RuntimeError("a mistake of ours")

        venue.fails = None
        task = asyncio.create_task(watched.run_until(until_s(FIRST_END_MS + 13 * BAR_MS)))
        await asyncio.sleep(30)
        venue.fails = fail
        await asyncio.sleep(until_s(FIRST_END_MS + 11 * BAR_MS) - 30)
        (report,) = watched.watch.reports()
        assert report.scored == 0
        assert "mistake" in report.last_problem
        # A bar has room for the first visit and three repetitions: 40, 80 and 160 s.
        assert report.failures <= 11 * 4
        await task
        # The bar of the failure is too old to be told, but it is in the window of the next one.
        assert [bar for bar, _ in watched.told()] == [12]
        (report,) = watched.watch.reports()
        assert (report.scored, report.last_problem) == (1, "")

    run_virtual(main)


def test_a_visit_that_hangs_ends_and_an_unlisted_symbol_waits_for_its_listing() -> None:
    async def main(clock: SourceClock) -> None:
        watched = Watched(clock, settings_of(symbols=("AAAUSDT", "BBBUSDT")))
        venue = watched.venue
        venue.table = InstrumentTable("toy", [])
        task = asyncio.create_task(watched.run_until(until_s(FIRST_END_MS + 2 * BAR_MS)))
        await asyncio.sleep(30)
        assert venue.asked == []
        hangs = asyncio.Event()

        async def hang() -> None:
            await hangs.wait()

        venue.fails = hang
        venue.list_it()
        await asyncio.sleep(140)
        (report,) = watched.watch.reports()
        assert "120 s" in report.last_problem or "BBBUSDT" in report.last_problem
        assert report.failures == 2
        venue.fails = None
        venue.volumes[FIRST_END_MS + BAR_MS] = 1e7
        await task
        assert [bar for bar, _ in watched.told()] == [1]
        (report,) = watched.watch.reports()
        assert (report.symbols, report.scored) == (2, 1)
        assert "BBBUSDT" in report.last_problem

    run_virtual(main)


def test_live_readings_stand_in_where_there_is_no_history() -> None:
    async def main(clock: SourceClock) -> None:
        watched = Watched(clock)
        venue = watched.venue
        venue.has_history = False
        venue.volumes[FIRST_END_MS + 2 * BAR_MS] = 1e7
        venue.volumes[FIRST_END_MS + 3 * BAR_MS] = 1e8
        task = asyncio.create_task(watched.run_until(until_s(FIRST_END_MS + 4 * BAR_MS)))
        for bar in (0, 1, 2):
            at_ms = FIRST_END_MS + bar * BAR_MS - 5_000
            await asyncio.sleep(until_s(at_ms) - clock.monotonic())
            watched.samples.note(interest(instrument("AAAUSDT"), at_ms))
        await task
        # The volume of the past counts, the open interest of three bars does not make a window;
        # the fourth bar has no reading and is not tested.
        assert [bar for bar, _ in watched.told()] == [2]
        # One visit per bar: what was not sampled does not come later.
        assert len(venue.asked) == 5

    run_virtual(main)


def test_a_budget_rehearses_the_past() -> None:
    async def main(clock: SourceClock) -> None:
        watched = Watched(clock, settings_of(alerts_per_day=0.2))
        for place, bar in enumerate(range(-3000, -50, 60)):
            watched.venue.volumes[FIRST_END_MS + bar * BAR_MS] = 1e7 + 1e6 * place
        watched.venue.volumes[FIRST_END_MS] = 2e6
        await watched.run_until(until_s(FIRST_END_MS + BAR_MS))
        assert watched.venue.asked[0][2] == 14 * 288 + 21
        assert watched.told() == []
        (report,) = watched.watch.reports()
        assert report.expected_per_day is not None
        assert 0 < report.expected_per_day <= 0.2

    run_virtual(main)
