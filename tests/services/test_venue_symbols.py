"""When a venue's list is loaded, who waits for it, and what is said when it cannot be had."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from threading import get_ident

import pytest
from tests.services.symbol_market import VENUE, MemoryVenue, virtual

from headwater.core.clock import SourceClock
from headwater.core.errors import NotSupported, RateLimited, VenueUnavailable, WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.services.listed_symbols import SymbolList
from headwater.services.symbols import SymbolService
from headwater.services.venue_symbols import (
    FIRST_WAIT_S,
    RELOAD_EVERY_S,
    RETRY_MAX_S,
    TTL_S,
    VenueSymbolStats,
)


@asynccontextmanager
async def at_work(venue: MemoryVenue, clock: SourceClock) -> AsyncIterator[SymbolService]:
    """The service of one venue; at the end no task is left."""
    service = SymbolService({VENUE: venue}, clock)
    task = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}


def stats_of(service: SymbolService) -> VenueSymbolStats:
    (stats,) = service.stats()
    return stats


def volumes(found: SymbolList) -> dict[str, float | None]:
    return {row.base_asset: row.volume_24h for row in found.rows}


def test_o_s2_callers_at_the_start_share_one_load() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0, "B": 2.0})
        async with at_work(venue, clock) as service:
            found = await asyncio.gather(*(service.listed(VENUE) for _ in range(50)))
            assert all(one is found[0] for one in found)
            assert clock.monotonic() == pytest.approx(1.0), (
                "markets and tickers, half a second each"
            )
            assert [name for name, _ in venue.asked] == ["markets", "tickers"]
            assert [row.base_asset for row in found[0].rows] == ["B", "A"]
            assert not found[0].is_stale
            stats = stats_of(service)
            assert (stats.questions, stats.shared, stats.loads) == (50, 50, 1)
            assert (stats.market_loads, stats.ticker_calls, stats.failures) == (1, 1, 0)
            assert stats.duration_ms == pytest.approx(1000)

    virtual(work)


def test_o_s2_the_load_of_the_feed_is_not_done_again() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.list_now()
        async with at_work(venue, clock) as service:
            assert volumes(await service.listed(VENUE)) == {"A": 1.0}
            assert venue.questions("markets") == []
            assert stats_of(service).market_loads == 1

    virtual(work)


def test_o_d5_markets_expire_like_tickers_and_nobody_waits_for_it() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            first = await service.listed(VENUE)
            venue.volumes = {"B": 5.0, "C": None}
            await asyncio.sleep(TTL_S - 1)
            assert await service.listed(VENUE) is first
            await asyncio.sleep(1.25)  # the load is under way
            before = clock.monotonic()
            assert await service.listed(VENUE) is first
            assert clock.monotonic() == before
            await asyncio.sleep(1)
            second = await service.listed(VENUE)
            assert volumes(second) == {"B": 5.0, "C": None}
            assert second.version > first.version
            assert venue.questions("markets") == pytest.approx([0, TTL_S + 1])
            assert venue.questions("tickers") == pytest.approx([0.5, TTL_S + 1.5])

    virtual(work)


def test_o_s2_a_thousand_callers_at_the_moment_of_expiry_make_one_load() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            for _ in range(20):
                await asyncio.gather(*(service.listed(VENUE) for _ in range(1000)))
                await asyncio.sleep(TTL_S / 10)
            # Two times five minutes: ten thousand questions a load.
            assert len(venue.questions("markets")) == len(venue.questions("tickers")) == 2
            stats = stats_of(service)
            assert (stats.questions, stats.shared, stats.loads) == (20_001, 1, 2)

    virtual(work)


def test_o_s2_a_venue_that_is_down_keeps_its_list_without_old_volumes() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0, "B": 2.0})
        async with at_work(venue, clock) as service:
            fresh = await service.listed(VENUE)
            venue.go_away()
            await asyncio.sleep(TTL_S + 1)
            stale = await service.listed(VENUE)
            assert stale.is_stale
            assert "is down" in stale.problem
            assert [row.symbol for row in stale.rows] == [row.symbol for row in fresh.rows]
            assert volumes(stale) == {"A": None, "B": None}
            assert all(row.is_stale for row in stale.rows)
            assert [row.rounding for row in stale.rows] == [row.rounding for row in fresh.rows]
            stats = stats_of(service)
            assert (stats.is_stale, stats.failures, stats.symbols) == (True, 1, 2)
            assert stats.age_s == pytest.approx(TTL_S + 1)

            await asyncio.sleep(3600)
            tries = venue.questions("markets")[1:]
            pauses = [after - before for before, after in pairwise(tries)]
            assert pauses[:5] == pytest.approx([5.5, 10.5, 20.5, 40.5, RETRY_MAX_S + 0.5])
            assert max(pauses) == pytest.approx(RETRY_MAX_S + 0.5)

            venue.come_back()
            await asyncio.sleep(RETRY_MAX_S + 1)
            found = await service.listed(VENUE)
            assert volumes(found) == {"A": 1.0, "B": 2.0}
            assert not found.is_stale
            assert stats_of(service).loads == 2

    virtual(work)


def test_o_d5_a_venue_that_was_never_reached_has_well_known_names() -> None:
    """The source system had such names inside and listed nothing."""

    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.go_away()
        async with at_work(venue, clock) as service:
            found = await service.listed(VENUE)
            assert clock.monotonic() == pytest.approx(0.5), "as soon as it is known"
            assert (len(found.rows), found.version) == (28, 0)
            assert "is down" in found.problem
            assert set(volumes(found).values()) == {None}
            venue.come_back()
            await asyncio.sleep(10)
            assert volumes(await service.listed(VENUE)) == {"A": 1.0}

    virtual(work)


def test_a_venue_that_hangs_delays_nobody_for_longer_than_the_limit() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.took_s = 60.0
        async with at_work(venue, clock) as service:
            found = await asyncio.gather(*(service.listed(VENUE) for _ in range(5)))
            assert clock.monotonic() == pytest.approx(FIRST_WAIT_S)
            assert all(one.is_stale and len(one.rows) == 28 for one in found)
            assert len(venue.asked) == 1

    virtual(work)


def test_tickers_that_fail_leave_new_markets_without_volumes() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0, "B": 2.0})
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            venue.volumes = {"A": 1.0, "B": 2.0, "NEW": 9.0}
            venue.tickers_error = WireError(VENUE, "tickers", "no JSON", b"<html>")
            await asyncio.sleep(TTL_S + 2)
            found = await service.listed(VENUE)
            assert volumes(found) == {"B": None, "A": None, "NEW": None}
            assert found.is_stale
            await asyncio.sleep(20)
            assert len(venue.questions("markets")) == 2, "a young list is not loaded again"
            venue.come_back()
            await asyncio.sleep(30)
            assert volumes(await service.listed(VENUE)) == {"NEW": 9.0, "B": 2.0, "A": 1.0}

    virtual(work)


def test_a_venue_without_tickers_is_not_stale() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.tickers_error = NotSupported(VENUE, "tickers", "a tape holds none")
        async with at_work(venue, clock) as service:
            found = await service.listed(VENUE)
            assert volumes(found) == {"A": None}
            assert not found.is_stale
            assert stats_of(service).failures == 0

    virtual(work)


def test_other_contracts_of_the_feed_are_listed_soon() -> None:
    """A tape meets its contracts as it plays; a feed may have loaded its list by itself."""

    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            venue.volumes["B"] = 2.0
            venue.list_now()
            await asyncio.sleep(7)
            assert volumes(await service.listed(VENUE)) == {"B": 2.0, "A": 1.0}
            assert len(venue.questions("markets")) == 1

    virtual(work)


def test_o_r6_a_reload_on_demand_brings_both_anew() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            venue.volumes = {"B": 7.0}
            assert volumes(await service.reload(VENUE)) == {"B": 7.0}
            assert volumes(service.newest(VENUE)) == {"B": 7.0}
            assert len(venue.questions("markets")) == len(venue.questions("tickers")) == 2
            await asyncio.sleep(TTL_S - 1)
            assert len(venue.questions("markets")) == 2, "five minutes begin anew"

    virtual(work)


def test_o_r6_a_stampede_of_reloads_makes_one_load_and_many_refusals() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            answers = await asyncio.gather(
                *(service.reload(VENUE) for _ in range(100)), return_exceptions=True
            )
            refused = [one for one in answers if isinstance(one, RateLimited)]
            assert len(refused) == 99
            assert all(one.retry_after_s == pytest.approx(RELOAD_EVERY_S) for one in refused)
            assert len(venue.questions("markets")) == 2
            with pytest.raises(RateLimited) as late:
                await service.reload(VENUE)
            assert late.value.retry_after_s == pytest.approx(RELOAD_EVERY_S - 1)
            assert stats_of(service).refused == 100
            await asyncio.sleep(RELOAD_EVERY_S)
            assert volumes(await service.reload(VENUE)) == {"A": 1.0}
            assert stats_of(service).forced == 2

    virtual(work)


def test_a_reload_while_one_is_under_way_shares_it() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            await asyncio.sleep(0.25)
            found = await asyncio.gather(*(service.reload(VENUE) for _ in range(10)))
            assert {one.version for one in found} == {1}
            assert len(venue.asked) == 2
            assert stats_of(service).shared == 10

    virtual(work)


def test_a_reload_that_fails_says_why_and_the_list_is_stale() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            venue.go_away()
            with pytest.raises(VenueUnavailable, match="is down"):
                await service.reload(VENUE)
            assert service.newest(VENUE).is_stale

    virtual(work)


class Watched(InstrumentTable):
    """Notes the thread in which it is read."""

    readers: set[int]

    def __iter__(self) -> Iterator[Instrument]:
        self.readers.add(get_ident())
        return super().__iter__()


def test_o_d12_thousands_of_rows_are_made_off_the_event_loop() -> None:
    """The source system asked its venue and made its rows on the loop, and every socket waited."""

    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.list_now()
        table = Watched(VENUE, venue.table)
        table.readers = set()
        venue._table = table
        async with at_work(venue, clock) as service:
            assert volumes(await service.listed(VENUE)) == {"A": 1.0}
        assert table.readers
        assert get_ident() not in table.readers

    virtual(work)


def test_a_venue_that_says_for_how_long_is_left_alone() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.markets_error = RateLimited(VENUE, "banned", retry_after_s=120.0)
        async with at_work(venue, clock) as service:
            await service.listed(VENUE)
            await asyncio.sleep(119)
            assert len(venue.questions("markets")) == 1
            await asyncio.sleep(3)
            assert len(venue.questions("markets")) == 2

    virtual(work)


def test_who_waits_goes_on_when_the_service_ends() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        venue.took_s = 5.0
        service = SymbolService({VENUE: venue}, clock)
        task = asyncio.create_task(service.run())
        waiting = asyncio.create_task(service.listed(VENUE))
        await asyncio.sleep(1)
        task.cancel()
        assert len((await waiting).rows) == 28
        assert clock.monotonic() == pytest.approx(1.0)
        await asyncio.wait([task])

    virtual(work)


def test_a_caller_that_gives_up_takes_nothing_from_the_others() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        async with at_work(venue, clock) as service:
            callers = [asyncio.create_task(service.listed(VENUE)) for _ in range(10)]
            await asyncio.sleep(0.25)
            for one in callers[:9]:
                one.cancel()
            assert volumes(await callers[9]) == {"A": 1.0}
            assert len(venue.asked) == 2

    virtual(work)
