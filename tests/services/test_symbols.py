"""The symbol service's three questions, and several venues at once."""

import asyncio

import pytest
from tests.services.symbol_market import VENUE, MemoryVenue, virtual

from headwater.core.clock import SourceClock
from headwater.core.errors import RequestError, UnknownSymbol, VenueUnavailable
from headwater.services.symbols import SymbolService


def test_o_s1_any_spelling_is_resolved_to_the_venues_own() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"BTC": 1.0, "ETH": 2.0})
        service = SymbolService({VENUE: venue}, clock)
        with pytest.raises(VenueUnavailable) as loading:
            service.resolve(VENUE, "BTC")
        assert loading.value.retry_after_s
        assert not service.knows(VENUE, "BTC")
        venue.list_now()
        for spelling in ("btcusdt", "BTC", "BTC/USDT", "BTC/USDT:USDT", "btc-usdt", "BTC%2FUSDT"):
            assert service.resolve(VENUE, spelling).native_symbol == "BTC-USDT"
            assert service.knows(VENUE, spelling)
        assert not service.knows(VENUE, "DOGE")
        with pytest.raises(UnknownSymbol) as unknown:
            service.resolve(VENUE, "ETHUSD")
        assert "ETHUSDT" in unknown.value.suggestions

    virtual(work)


def test_o_s1_what_resolves_is_what_is_listed() -> None:
    async def work(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"BTC": 1.0})
        service = SymbolService({VENUE: venue}, clock)
        venue.list_now()
        bitcoin = service.resolve(VENUE, "BTC")
        task = asyncio.create_task(service.run())
        (row,) = (await service.listed(VENUE)).rows
        assert (row.symbol, row.native_symbol) == (bitcoin.symbol, bitcoin.native_symbol)
        assert row.volume_24h == 1.0
        task.cancel()
        await asyncio.wait([task])

    virtual(work)


def test_a_venue_that_fails_keeps_no_other_away() -> None:
    async def work(clock: SourceClock) -> None:
        venues = {name: MemoryVenue(clock, {"A": 1.0}) for name in ("good", "hung", "down")}
        venues["hung"].took_s = 1e6
        venues["down"].go_away()
        service = SymbolService(venues, clock)
        task = asyncio.create_task(service.run())
        assert not (await service.listed("good")).is_stale
        assert clock.monotonic() == pytest.approx(1.0)
        assert (await service.listed("down")).is_stale
        await asyncio.sleep(3600)
        stats = {one.exchange: one for one in service.stats()}
        assert stats["good"].loads == 12, "at once, and then each 301 s: 3601 / 301 is 11.96"
        assert stats["hung"].loads == stats["down"].loads == 0
        task.cancel()
        await asyncio.wait([task])

    virtual(work)


def test_no_such_venue() -> None:
    async def work(clock: SourceClock) -> None:
        service = SymbolService({VENUE: MemoryVenue(clock, {})}, clock)
        with pytest.raises(RequestError, match="one of venue"):
            service.newest("nowhere")
        with pytest.raises(RequestError, match="one of venue"):
            await service.reload("nowhere")

    virtual(work)
