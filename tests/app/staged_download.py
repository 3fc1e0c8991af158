"""A download beside the simulated venue that it asks."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from headwater.api.schemas.base import View
from headwater.app.download import VenueDownload
from headwater.app.fetch_request import FetchRequest, Kind
from headwater.core.clock import SystemClock
from headwater.core.intervals import Interval
from headwater.feeds.settings import RestSettings
from headwater.feeds.venue_rest import venue_rest
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.faults import FaultPlan
from headwater.simulator.hosting import host_venue
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import VenueServer
from headwater.transport.http import HttpClient
from headwater.venues.discovery import venue


class Stage:
    """A download and the server it asks."""

    def __init__(self, download: VenueDownload, server: VenueServer, told: list[str]) -> None:
        self.download = download
        self.server = server
        self.told = told

    @property
    def market(self) -> SimulatedExchange:
        market = self.server.market
        assert isinstance(market, SimulatedExchange)
        return market

    def request(
        self, kind: Kind, interval: Interval | None = None, **changes: object
    ) -> FetchRequest:
        request = FetchRequest(
            kind=kind,
            instrument=self.download.table.resolve("BTCUSDT"),
            interval=interval,
            since_ms=None,
            until_ms=self.download.now_ms(),
            limit=None,
        )
        return msgspec.structs.replace(request, **changes)

    async def rows(self, request: FetchRequest) -> list[View]:
        return [row async for page in self.download.pages(request) for row in page]


@asynccontextmanager
async def staged(name: str, plan: FaultPlan | None = None) -> AsyncIterator[Stage]:
    clock = SystemClock()
    chosen = venue(name)
    # Nothing closes or settles within the next minute.
    start_ms = Interval.H1.opens_at_ms(clock.now_ms()) + 5_000
    hosted = host_venue(chosen, seed=3, start_ms=start_ms, symbols=["BTCUSDT"])
    simulator = SimulatorServer([hosted], clock=clock, plan=plan)
    await simulator.start()
    server = simulator.venues[name]
    http = HttpClient(clock)
    await http.start()
    told: list[str] = []
    try:
        rng = random.Random(1)
        address = server.addresses.rest
        rest = venue_rest(chosen, address, http, clock, rng, RestSettings(backoff_base_s=0.01))
        download = VenueDownload(chosen, rest, clock, rng, told.append)
        async with asyncio.timeout(60):
            await download.open()
            yield Stage(download, server, told)
        if plan is None:
            assert server._side.breaches() == 0
    finally:
        await http.close()
        await simulator.stop()
