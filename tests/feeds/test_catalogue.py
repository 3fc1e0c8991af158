"""Instrument list and clock of a venue against the simulated exchange."""

import asyncio

import msgspec
from tests.feeds.simulated_venue import SETTINGS, SYMBOLS, scene
from tests.virtual_time import in_virtual_time

from headwater.feeds.settings import FeedSettings


@in_virtual_time
async def test_the_list_is_loaded_and_the_clock_read() -> None:
    async with scene(1) as stage:
        catalogue = stage.feed._catalogue
        assert {one.symbol for one in catalogue.table} == set(SYMBOLS)
        offset_ms = await catalogue.probe()
        assert abs(offset_ms) < 5000
        assert catalogue.offset_ms() == offset_ms
        assert catalogue.problem == ""
        assert catalogue.symbol_of("BTCUSDT") == "BTCUSDT"
        assert catalogue.symbol_of("NOPE") == "NOPE"


@in_virtual_time
async def test_a_venue_that_does_not_answer_keeps_the_old_list_and_is_asked_again() -> None:
    quick = FeedSettings(
        session=SETTINGS.session,
        connection=SETTINGS.connection,
        rest=msgspec.structs.replace(SETTINGS.rest, attempts_max=2),
        catalogue_refresh_s=0.1,
        probe_interval_s=0.1,
    )
    async with scene(2, settings=quick) as stage:
        catalogue = stage.feed._catalogue
        table = catalogue.table
        await stage.server.refuse(3.0)
        assert await stage.until(lambda: catalogue.problem != "", 10)
        assert len(catalogue.table) == len(table)
        assert await stage.until(lambda: catalogue.problem == "", 20), catalogue.problem
        assert await stage.until(lambda: catalogue.table is not table, 10)
        async with asyncio.timeout(1):
            await stage.feed.wait_ready()


@in_virtual_time
async def test_o_s2_a_load_is_shared_and_a_young_list_is_not_loaded_again() -> None:
    async with scene(3) as stage:
        feed = stage.feed
        assert await feed.load_instruments(max_age_s=60.0) == 1
        table = feed.table
        assert await asyncio.gather(*(feed.load_instruments() for _ in range(20))) == [2] * 20
        assert feed.table is not table
        assert await feed.load_instruments(max_age_s=60.0) == 2
        assert feed._catalogue.loads == 2


@in_virtual_time
async def test_whoever_gives_up_a_load_leaves_it_to_the_others() -> None:
    async with scene(4) as stage:
        first = asyncio.create_task(stage.feed.load_instruments())
        second = asyncio.create_task(stage.feed.load_instruments())
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 2
        assert first.cancelled()
