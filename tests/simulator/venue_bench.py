"""One simulated venue on a port, stepped by hand, with a client beside it."""

import asyncio
import json
from typing import Any

import aiohttp

from headwater.core.clock import ManualClock
from headwater.simulator.faults import FaultPlan
from headwater.simulator.venue_server import VenueServer

START_MS = 1_800_000_000_000
PATIENCE_S = 10.0


class Bench:
    """One venue on a port, stepped by hand, and a client."""

    def __init__(
        self, venue: VenueServer, clock: ManualClock, client: aiohttp.ClientSession
    ) -> None:
        self.venue = venue
        self.clock = clock
        self.client = client
        self.rest = venue.addresses.rest
        self.now_ms = venue.market.now_ms()

    async def steps(self, count: int, step_ms: int = 100) -> None:
        """Lets simulated and real time pass together."""
        for _ in range(count):
            self.now_ms += step_ms
            self.clock.advance(step_ms / 1000)
            await self.venue.step(self.now_ms, step_ms / 1000)

    async def read(self, path: str, **query: str) -> Any:
        async with self.client.get(self.rest + path, params=query) as reply:
            assert reply.status == 200, await reply.text()
            return json.loads(await reply.read())

    async def status(self, path: str) -> tuple[int, str | None]:
        async with self.client.get(self.rest + path) as reply:
            return reply.status, reply.headers.get("Retry-After")

    async def open(self, endpoint: str, *streams: str) -> aiohttp.ClientWebSocketResponse:
        url = f"{self.venue.addresses.streams[endpoint]}/ws/{'/'.join(streams)}"
        return await self.client.ws_connect(url, autoping=False)

    def weather(self, **switches: Any) -> None:
        self.venue.injector.set_plan(FaultPlan(seed=1, **switches))


async def texts(peer: aiohttp.ClientWebSocketResponse, count: int) -> list[Any]:
    """The next messages."""
    async with asyncio.timeout(PATIENCE_S):
        return [json.loads((await peer.receive()).data) for _ in range(count)]


async def rest_of(peer: aiohttp.ClientWebSocketResponse) -> tuple[list[str], aiohttp.WSMessage]:
    """Messages up to the end of the connection, and how it ended."""
    texts: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await peer.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return texts, message
            texts.append(message.data)


def levels(rows: list[list[str]]) -> list[tuple[float, float]]:
    return [(float(price), float(quantity)) for price, quantity in rows]
