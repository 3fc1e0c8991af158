"""One look at a venue from outside."""

import pytest
from tests.feeds.simulated_venue import scene
from tests.virtual_time import in_virtual_time, loop_clock

from headwater.core.clock import SystemClock
from headwater.core.errors import VenueUnavailable
from headwater.feeds.probe import probe_stream, probe_time
from headwater.transport.ws import ConnectFailed
from headwater.venues.discovery import venue
from headwater.venues.facts import Addresses

NOWHERE = Addresses(rest="http://127.0.0.1:9", streams={"public": "ws://127.0.0.1:9/public"})


@in_virtual_time
async def test_a_venue_that_answers_is_measured() -> None:
    async with scene(1) as stage:
        found = await probe_time(
            venue("binance"), stage.server.addresses, loop_clock(), timeout_s=5.0
        )
        assert 0 <= found.round_trip_ms < 5000
        assert abs(found.offset_ms) < 10_000
        taken_ms = await probe_stream(
            venue("binance"), stage.server.addresses, "public", loop_clock()
        )
        assert 0 <= taken_ms < 5000


async def test_a_venue_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(VenueUnavailable):
        await probe_time(venue("binance"), NOWHERE, SystemClock(), timeout_s=5.0)
    with pytest.raises(ConnectFailed):
        await probe_stream(venue("binance"), NOWHERE, "public", SystemClock())
