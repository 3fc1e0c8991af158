"""500 clients race over the terminal's sockets of the running platform: no upstream is left.

Four simulated venues, the platform that reads them over their own sockets, on a loop that skips
all waiting. Clients look at a symbol that nothing else holds, in every way of coming and going;
when they are gone the venues are asked for what they were asked for before, and for nothing else.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from tests.api.terminal.racing import race
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import is_ours
from tests.virtual_time import run_in_virtual_time

from headwater.api.stream_hub import StreamHub
from headwater.app.settings import VenueAddressSettings, load
from headwater.app.wiring import Platform
from headwater.bus.memory import MemoryBus
from headwater.core.clock import SourceClock
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.venues.discovery import venues

START_NS = 1_790_000_010_000_000_000
LINGER_S = 40.0
"""Longer than a stream is kept after its last lease."""
SETTLED_S = 20.0
"""Until everything that stands is there."""
STANDING, LOOKED_AT = "BTCUSDT", "ETHUSDT"
PATHS = tuple(
    f"{path}exchange={venue}"
    for venue in ("binance", "bybit", "okx", "hyperliquid")
    for path in (
        f"orderbook/{LOOKED_AT}?pace_ms=50&",
        f"trades?symbol={LOOKED_AT}&",
        f"candles/{LOOKED_AT}/5m?",
        f"liquidations/{LOOKED_AT}?timeframe=1m&",
    )
)
REQUESTS = (
    {"type": "ping"},
    {"type": "update_params", "rounding": 10, "limit": 50},
    {"type": "load_history", "before": START_NS // 1_000_000, "limit": 5},
)
RACES = 500


class Scene:
    """The platform and what is there because of somebody."""

    def __init__(self, platform: Platform, simulator: SimulatorServer, bus: MemoryBus) -> None:
        self.platform = platform
        self.simulator = simulator
        self.bus = bus
        self.hub: StreamHub = cast("Any", platform)._server.config.ws.args[0]
        self.port = urlsplit(platform.base_url).port or 0

    def upstreams(self) -> Counter[str]:
        """Leases on each live subscription of each venue; those without one count as 0."""
        return Counter(
            {
                f"{name} {one.channel} {one.symbol} {one.interval}": one.subscribers
                for name, source in self.platform.sources.items()
                for one in source.health().channels
            }
        )

    def clients(self) -> dict[str, int]:
        """Sockets, topics, readers and tasks of clients of terminal sockets."""
        stats = self.hub.stats()
        return {
            "sockets": stats.clients,
            "topics": sum(one.key.startswith("terminal/") for one in stats.topics),
            "readers": sum(one.name.startswith("terminal/") for one in self.bus.readers),
            "tasks": sum(is_ours(task) for task in asyncio.all_tasks()),
        }


@asynccontextmanager
async def staged(clock: SourceClock) -> AsyncIterator[Scene]:
    hosted = host_venues(
        list(venues().values()), seed=5, start_ms=clock.now_ms(), symbols=[STANDING, LOOKED_AT]
    )
    simulator = SimulatorServer(hosted, clock=clock)
    await simulator.start()
    addresses = {
        name: VenueAddressSettings(rest=where.rest, streams=dict(where.streams))
        for name, where in simulator.addresses.items()
    }
    options = {"venue_addresses": addresses, "supported_symbols": STANDING, "port": 0}
    bus = MemoryBus()
    try:
        settings = load(options=options, environ={})
        async with Platform(settings, simulated=True, clock=clock, bus=bus) as platform:
            await asyncio.sleep(SETTLED_S)
            yield Scene(platform, simulator, bus)
    finally:
        await simulator.stop()


async def races(clock: SourceClock) -> None:
    async with staged(clock) as scene:
        before = scene.upstreams()
        assert before, "the standing symbol's"
        seen: Counter[str] = Counter()

        def between() -> None:
            for name, now in scene.clients().items():
                seen[name] = max(seen[name], now)
            seen["upstreams"] = max(seen["upstreams"], len(scene.upstreams() - before))

        await race(scene.port, PATHS, RACES, seed=3, requests=REQUESTS, between=between)
        async with asyncio.timeout(30):
            while any(scene.clients().values()):
                await asyncio.sleep(0.05)
        assert scene.upstreams() - before == Counter(), "no lease is left"
        assert all(seen[name] for name in (*scene.clients(), "upstreams")), seen
        await asyncio.sleep(LINGER_S)
        assert dict(scene.upstreams()) == dict(before), "asked for as before, and nothing else"
        for path in PATHS:
            async with viewing(scene.port, path) as client:
                message = await client.hear()
                assert message["type"] != "error", (path, message)


@pytest.mark.soak
def test_o_w6_races_over_the_running_platform_leave_no_upstream() -> None:
    run_in_virtual_time(races, START_NS)
