"""The bench that tests of the simulated venues' sockets share."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.simulator.venue_bench import START_MS, Bench

from headwater.core.clock import ManualClock
from headwater.simulator.admin import answer_admin
from headwater.simulator.faults import FaultPlan
from headwater.simulator.hosting import host_venue
from headwater.simulator.venue_server import VenueServer
from headwater.venues.discovery import venue as venue_of


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A calm venue with two symbols."""
    clock = ManualClock()
    hosted = host_venue(
        venue_of("binance"), seed=1, start_ms=START_MS, symbols=["BTCUSDT", "ETHUSDT"]
    )
    venue = VenueServer(
        hosted, admin=answer_admin, clock=clock, plan=FaultPlan(), host="127.0.0.1", port=0
    )
    await venue.start()
    async with aiohttp.ClientSession() as client:
        yield Bench(venue, clock, client)
        await venue.stop()
