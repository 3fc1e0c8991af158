"""Several venues, what drives them, and how they end."""

import asyncio
import contextlib
import socket

import aiohttp
import msgspec
import pytest
from tests.simulator.venue_bench import PATIENCE_S, START_MS, texts

from headwater.core.clock import SystemClock
from headwater.core.records import Record
from headwater.simulator.hosting import host_venue
from headwater.simulator.server import SimulatorServer
from headwater.venues.discovery import venue as venue_of


async def test_the_driver_moves_the_markets_and_stops_cleanly() -> None:
    clock = SystemClock()
    hosted = host_venue(venue_of("binance"), seed=2, start_ms=clock.now_ms(), symbols=["BTCUSDT"])
    server = SimulatorServer([hosted], clock=clock, speed=5.0)
    await server.start()
    url = f"{server.addresses['binance'].streams['public']}/stream?streams=btcusdt@depth@100ms"
    async with aiohttp.ClientSession() as client, client.ws_connect(url) as peer:
        first, second = await texts(peer, 2)
        assert first["stream"] == "btcusdt@depth@100ms"
        assert second["data"]["pu"] == first["data"]["u"]
    await server.stop()
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.venues["binance"]._port)


async def test_a_taken_port_is_said_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        hosted = host_venue(venue_of("binance"), seed=2, start_ms=START_MS, symbols=["BTCUSDT"])
        server = SimulatorServer([hosted], clock=SystemClock(), base_port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await server.start()


async def test_a_market_that_fails_ends_the_server_with_its_error() -> None:
    class Broken(Exception):
        """What the market dies of."""

    hosted = host_venue(venue_of("binance"), seed=2, start_ms=START_MS, symbols=["BTCUSDT"])

    class Dying:
        """A market that cannot be moved on."""

        def __init__(self) -> None:
            self.__dict__.update(
                {
                    name: getattr(hosted.market, name)
                    for name in dir(hosted.market)
                    if name[0] != "_"
                }
            )

        def advance_to(self, now_ms: int) -> list[Record]:
            raise Broken

    market = Dying()
    market.__dict__.pop("advance_to")
    server = SimulatorServer(
        [msgspec.structs.replace(hosted, market=market)],
        clock=SystemClock(),
    )
    await server.start()
    with pytest.raises(Broken):
        async with asyncio.timeout(PATIENCE_S):
            await server.wait_failed()
    with contextlib.suppress(Broken):
        await server.stop()
