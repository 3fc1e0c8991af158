"""Four simulated venues in bad weather, the whole platform, 200 clients: each event exactly once.

The truth is what the simulated markets say of themselves. Sums over (venue, symbol, time, side,
price) are compared because one order that meets several others is one message on some venues and
several on others (`shared` evidence: venues/*/README.md).
"""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import aiohttp
import msgspec
import pytest

from headwater.api.schemas.base import iso_of
from headwater.app.settings import load
from headwater.app.wiring import Platform
from headwater.core.clock import SystemClock
from headwater.core.enums import FeedState
from headwater.core.records import Record
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.faults import FaultPlan, FrameFaults
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import MovingMarket
from headwater.venues.discovery import venues

SYMBOLS = ("BTCUSDT", "SOLUSDT")
CLIENTS = 200
WEATHER_S = 4.0
SEED = 11
SEND_EVERY_MS = 1_000
"""Longest time a venue gathers liquidations before it sends them (venues/*.md)."""
UNTHROTTLED = {"bybit"}
"""Venues that publish every liquidation (venues/*.md); the others send at most one a second."""

Event = dict[str, Any]
Key = tuple[str, str, str, str, float]


class Freezable:
    """A market that can be stopped, so that both ends come to rest."""

    def __init__(self, market: Any) -> None:
        self._market = market
        self.frozen = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def advance_to(self, now_ms: int) -> list[Record]:
        """Moves on, unless frozen."""
        return [] if self.frozen else cast("list[Record]", self._market.advance_to(now_ms))


class Client:
    """One socket; remembers everything it is told."""

    def __init__(self, name: str, wants: Callable[[Event], bool], query: str) -> None:
        self.name = name
        self.wants = wants
        self.path = f"/ws/all/{name}?{query}"
        self.heard: list[Event] = []

    async def listen(self, session: aiohttp.ClientSession, base: str) -> None:
        async with session.ws_connect(base + self.path) as socket:
            async for message in socket:
                self.heard.append(json.loads(message.data))


def make_clients(rng: random.Random, exchanges: list[str]) -> list[Client]:
    """One that hears everything of each kind, and others with a filter each."""
    clients = [Client(name, lambda _: True, "min_value_usd=0") for name in KINDS]
    while len(clients) < CLIENTS:
        chosen = rng.sample(exchanges, rng.randint(1, len(exchanges)))
        symbols = rng.sample(SYMBOLS, rng.randint(1, len(SYMBOLS)))
        least = round(rng.lognormvariate(8, 2), 2)

        def wants(
            event: Event,
            chosen: list[str] = chosen,
            symbols: list[str] = symbols,
            least: float = least,
        ) -> bool:
            return (
                event["exchange"] in chosen
                and event["symbol"] in symbols
                and event["value"] >= least
            )

        query = f"min_value_usd={least}&exchanges={','.join(chosen)}&symbols={','.join(symbols)}"
        clients.append(Client(rng.choice(KINDS), wants, query))
    return clients


KINDS = ("large_trades", "liquidations")


@asynccontextmanager
async def scene() -> AsyncIterator[tuple[SimulatorServer, list[Freezable], Platform]]:
    """The simulated exchanges and the platform that reads them."""
    clock = SystemClock()
    hosted = host_venues(
        list(venues().values()), seed=SEED, start_ms=clock.now_ms(), symbols=SYMBOLS
    )
    markets = [Freezable(one.market) for one in hosted]
    wrapped = [
        msgspec.structs.replace(one, market=cast("MovingMarket", market))
        for one, market in zip(hosted, markets, strict=True)
    ]
    simulator = SimulatorServer(wrapped, clock=clock)
    await simulator.start()
    try:
        addresses = {
            name: {"rest": where.rest, "streams": dict(where.streams)}
            for name, where in simulator.addresses.items()
        }
        options = {"venue_addresses": addresses, "supported_symbols": SYMBOLS, "port": 0}
        async with Platform(load(options=options, environ={}), simulated=True) as platform:
            yield simulator, markets, platform
    finally:
        await simulator.stop()


async def until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Waits for `condition`; false when it did not come true in time."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


def all_live(platform: Platform) -> bool:
    """Whether every wanted stream of every venue carries data."""
    states = [one.state for s in platform.sources.values() for one in s.health().channels]
    healthy = all(source.health().healthy for source in platform.sources.values())
    return healthy and len(states) > 40 and set(states) == {FeedState.LIVE}


def key_of(event: Event) -> Key:
    return (
        event["exchange"],
        event["symbol"],
        event["timestamp"],
        event["side"],
        event["price"],
    )


def traded(simulator: SimulatorServer) -> dict[Key, float]:
    """Base units printed by the venues, by venue, symbol, time, side and price."""
    sums: dict[Key, float] = defaultdict(float)
    for name, server in simulator.venues.items():
        exchange = cast("SimulatedExchange", cast("Any", server.market)._market)
        for symbol in SYMBOLS:
            for made in exchange.prints(symbol, limit=20_000):
                trade = made.trade
                moment = iso_of(trade.timestamp_ms)
                sums[name, symbol, moment, trade.side.value, trade.price] += trade.quantity
    return dict(sums)


def difference(heard: list[Event], truth: dict[Key, float], since: str) -> dict[Key, float]:
    """Base units told less base units traded, where they differ."""
    sums: dict[Key, float] = defaultdict(float)
    for event in heard:
        sums[key_of(event)] += event["quantity"]
    for key, quantity in truth.items():
        sums[key] -= quantity
    return {key: left for key, left in sums.items() if key[2] >= since and abs(left) > 1e-6}


@pytest.mark.timeout(180)
async def test_each_of_200_clients_gets_each_event_exactly_once_in_bad_weather() -> None:
    """Frames are doubled, swapped and late on all venues; nothing is lost, nothing told twice."""
    async with scene() as (simulator, markets, platform), AsyncExitStack() as stack:
        assert await until(lambda: all_live(platform), 40), platform.sources
        clients = make_clients(random.Random(SEED), list(simulator.venues))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        tasks = [asyncio.create_task(one.listen(session, platform.base_url)) for one in clients]
        stack.callback(lambda: [task.cancel() for task in tasks])
        everything, liquidations = clients[0], clients[1]
        assert await until(lambda: all(one.heard for one in clients[:1]), 20)
        await asyncio.sleep(1.0)
        first = max(event["timestamp"] for event in everything.heard)
        plan = FaultPlan(frames=FrameFaults(duplicate=0.2, swap=0.1, delay=0.2))
        for server in simulator.venues.values():
            server.injector.set_plan(plan)
        for market in markets:
            for symbol in SYMBOLS:
                market.markets[symbol].hunt()
        await asyncio.sleep(WEATHER_S)
        for server in simulator.venues.values():
            server.injector.set_plan(FaultPlan())
        await asyncio.sleep(0.5)
        for market in markets:
            market.frozen = True
        truth = traded(simulator)
        settled = await until(lambda: not difference(everything.heard, truth, first), 30)
        assert settled, difference(everything.heard, truth, first)
        # What is in flight to the other clients arrives: the platform sends to all at once.
        await asyncio.sleep(1.0)
        for client in clients:
            whole = everything if client.name == "large_trades" else liquidations
            expected = Counter(map(json.dumps, filter(client.wants, whole.heard)))
            told = Counter(map(json.dumps, client.heard))
            late = {one for one in expected - told if json.loads(one)["timestamp"] >= first}
            assert not late, (client.path, len(late))
            assert not told - expected, client.path
        compare_liquidations(simulator, liquidations.heard, first)


def compare_liquidations(simulator: SimulatorServer, heard: list[Event], since: str) -> None:
    """Each was told once and is true; venues that do not throttle have told all.

    What happened shortly before the markets were stopped may not have been sent.
    """
    doubles = [one for one, count in Counter(map(json.dumps, heard)).items() if count > 1]
    assert not doubles
    for name, server in simulator.venues.items():
        truth = Counter(
            (one.symbol, iso_of(one.timestamp_ms), one.side.value, round(one.quantity, 6))
            for one in server.liquidations
        )
        told = Counter(
            (one["symbol"], one["timestamp"], one["side"], round(one["quantity"], 6))
            for one in heard
            if one["exchange"] == name
        )
        assert not told - truth, name
        if name in UNTHROTTLED:
            until_then = iso_of(server.market.now_ms() - SEND_EVERY_MS)
            missing = [one for one in truth - told if since <= one[1] <= until_then]
            assert not missing, (name, missing, until_then)
            assert told, f"{name} closed nobody by force: the test showed nothing"
