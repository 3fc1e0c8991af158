"""Four venues, one of them away: the others answer and flow as before, and health says which.

The running platform over the simulated venues' sockets, on a loop that skips all waiting: every
time that is looked at here is virtual, so a limit of ten seconds is exactly that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.virtual_time import run_in_virtual_time

from headwater.app.settings import VenueAddressSettings, load
from headwater.app.wiring import Platform
from headwater.bus.memory import MemoryReader
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SourceClock
from headwater.core.records import Trade
from headwater.simulator.faults import FaultPlan, HttpFaults
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.venues.discovery import venues

pytestmark = pytest.mark.no_cover  # traced, it takes two to three times as long

START_NS = 1_790_000_000_000_000_000
VICTIM = "okx"
OTHERS = tuple(name for name in venues() if name != VICTIM)
QUESTION = "/multi/ohlc/BTCUSDT/1h?limit=3"
MULTI_TIMEOUT_S = 5.0
UNHEALTHY_WITHIN_S = 10.0
HEALTHY_WITHIN_S = 60.0
AT_ONCE_S = 2.0
LOOK_EVERY_S = 0.5
SILENCE_MAX_S = 3.0
KEPT_ANSWERS_S = 6.0
BACKFILL_DAYS = 0.5
"""Past that is fetched at the start: the usual week is a tenth of the work."""
BOOK_LEVELS = 50
"""Levels a side: a deep book would show nothing more here, and take a quarter of the time."""


class Scene:
    """The platform, the venues it reads, and a client of its API."""

    def __init__(
        self,
        clock: SourceClock,
        simulator: SimulatorServer,
        platform: Platform,
        client: aiohttp.ClientSession,
        trades: MemoryReader,
    ) -> None:
        self.clock = clock
        self.simulator = simulator
        self.platform = platform
        self._client = client
        self._trades = trades

    async def get(self, path: str) -> tuple[int, Any, float]:
        """Status, body and seconds of one answer."""
        began = self.clock.monotonic()
        async with self._client.get(self.platform.base_url + path) as reply:
            body = await reply.json(content_type=None)
        return reply.status, body, self.clock.monotonic() - began

    async def health(self) -> dict[str, bool]:
        _, body, took = await self.get("/health")
        assert took < AT_ONCE_S
        return dict(body["exchanges"])

    async def until_health(self, *, healthy: bool, within_s: float) -> None:
        """Waits until the victim is in that state; the others are healthy all the while."""
        began = self.clock.monotonic()
        while (found := await self.health())[VICTIM] is not healthy:
            assert all(found[name] for name in OTHERS), found
            assert self.clock.monotonic() - began < within_s, found
            await asyncio.sleep(LOOK_EVERY_S)

    async def others_answer_at_once(self) -> None:
        for name in OTHERS:
            status, rows, took = await self.get(f"/{name}/ohlc/BTCUSDT/15m?limit=2")
            assert (status, len(rows)) == (200, 2)
            assert took < AT_ONCE_S, name

    def assert_others_flow(self) -> None:
        """Nobody else's trades came late or ceased since the last look."""
        last: dict[str, int] = {}
        for record in self._trades.drain():
            assert isinstance(record, Trade)
            before = last.get(record.exchange, record.received_ns)
            last[record.exchange] = record.received_ns
            if record.exchange in OTHERS:
                assert record.received_ns - before < SILENCE_MAX_S * 1e9, record.exchange
                age_s = record.received_ns / 1e9 - record.timestamp_ms / 1e3
                assert age_s < AT_ONCE_S, record.exchange
        now_ns = self.clock.now_ns()
        for name in OTHERS:
            assert now_ns - last[name] < SILENCE_MAX_S * 1e9, name


def in_virtual_time(main: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def run(clock: SourceClock) -> None:
        async with staged(clock) as scene:
            await main(scene)

    run_in_virtual_time(run, START_NS)


@asynccontextmanager
async def staged(clock: SourceClock) -> AsyncIterator[Scene]:
    """Everything running, every venue healthy and asked once."""
    hosted = host_venues(
        list(venues().values()),
        seed=4,
        start_ms=clock.now_ms(),
        symbols=["BTCUSDT"],
        levels=BOOK_LEVELS,
    )
    simulator = SimulatorServer(hosted, clock=clock)
    await simulator.start()
    addresses = {
        name: VenueAddressSettings(rest=where.rest, streams=dict(where.streams))
        for name, where in simulator.addresses.items()
    }
    settings = load(
        options={
            "venue_addresses": addresses,
            "supported_symbols": "BTCUSDT",
            "backfill_days": BACKFILL_DAYS,
            "port": 0,
        },
        environ={},
    )
    try:
        async with (
            Platform(settings, simulated=True, clock=clock) as platform,
            aiohttp.ClientSession() as client,
        ):
            trades = platform.bus.subscribe("test", [TopicFilter(Trade)], 1_000_000)
            assert isinstance(trades, MemoryReader)
            scene = Scene(clock, simulator, platform, client, trades)
            while not all((await scene.health()).values()):
                assert clock.monotonic() < HEALTHY_WITHIN_S
                await asyncio.sleep(LOOK_EVERY_S)
            status, body, _ = await scene.get(QUESTION)
            assert status == 200
            assert body.pop("errors") == {}
            assert set(body) == set(venues())
            await asyncio.sleep(KEPT_ANSWERS_S)
            trades.drain()  # at first some venues send older ones
            await asyncio.sleep(KEPT_ANSWERS_S)
            scene.assert_others_flow()
            yield scene
    finally:
        await simulator.stop()


async def assert_three_answer(scene: Scene, status: int) -> None:
    """Data of three, and for the fourth what is wrong with it, in no more than its time."""
    code, body, took = await scene.get(QUESTION)
    assert code == 200
    assert took <= MULTI_TIMEOUT_S + AT_ONCE_S
    problems = body.pop("errors")
    assert set(body) == set(OTHERS)
    assert all(len(rows) == 3 for rows in body.values())
    assert set(problems) == {VICTIM}
    assert problems[VICTIM]["status"] == status
    assert problems[VICTIM]["code"]
    assert VICTIM in problems[VICTIM]["detail"]


def test_a_venue_that_is_gone_is_told_and_comes_back() -> None:
    async def main(scene: Scene) -> None:
        server = scene.simulator.venues[VICTIM]
        await server.stop()
        await asyncio.gather(
            scene.until_health(healthy=False, within_s=UNHEALTHY_WITHIN_S),
            assert_three_answer(scene, 503),
            scene.others_answer_at_once(),
        )
        for _ in range(3):
            await asyncio.sleep(KEPT_ANSWERS_S)
            await assert_three_answer(scene, 503)
            await scene.others_answer_at_once()
        scene.assert_others_flow()

        await server.start()
        await scene.until_health(healthy=True, within_s=HEALTHY_WITHIN_S)
        await asyncio.sleep(KEPT_ANSWERS_S)
        status, body, _ = await scene.get(QUESTION)
        assert (status, body.pop("errors")) == (200, {})
        assert set(body) == set(venues())
        scene.assert_others_flow()
        assert not scene.platform.failed.done()

    in_virtual_time(main)


def test_a_venue_that_keeps_silent_costs_the_others_nothing() -> None:
    async def main(scene: Scene) -> None:
        injector = scene.simulator.venues[VICTIM].injector
        injector.set_plan(FaultPlan(http=HttpFaults(timeout_before=1.0, timeout_s=(60.0, 60.0))))
        await asyncio.gather(assert_three_answer(scene, 504), scene.others_answer_at_once())
        scene.assert_others_flow()
        assert all((await scene.health()).values()), "its streams still flow"

    in_virtual_time(main)
