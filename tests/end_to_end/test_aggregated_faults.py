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
from typing import Any, NamedTuple, cast

import aiohttp
import msgspec
import pytest
from tests.feeds.simulated_venue import Freezable
from tests.virtual_time import in_virtual_time, loop_clock

from headwater.api.schemas.base import iso_of
from headwater.app.settings import load
from headwater.app.wiring import Platform
from headwater.core.enums import Channel, FeedState, GapState
from headwater.core.records import ALL_SYMBOLS
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.faults import FaultPlan, FrameFaults, MuteFaults, SocketFaults
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import MovingMarket
from headwater.venues.discovery import venues

SYMBOLS = ("BTCUSDT", "SOLUSDT")
CLIENTS = 200
WEATHER_S = 4.0
SEED = 11
BACKFILL_DAYS = 0.5
"""Past that is fetched at the start: the usual week is a tenth of the work."""
BOOK_LEVELS = 50
"""Levels a side: a deep book would show nothing more here, and take a quarter of the time."""
GAP_SLACK_MS = 1_000
"""A hole begins when it is noticed: what was on its way then is in it too."""
SEND_EVERY_MS = 1_000
"""Longest time a venue gathers liquidations before it sends them (venues/*.md)."""
UNTHROTTLED = {"bybit"}
"""Venues that publish every liquidation (venues/*.md); the others send at most one a second."""

Event = dict[str, Any]
Key = tuple[str, str, str, str, float]


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
    clock = loop_clock()
    hosted = host_venues(
        list(venues().values()),
        seed=SEED,
        start_ms=clock.now_ms(),
        symbols=SYMBOLS,
        levels=BOOK_LEVELS,
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
        options = {
            "venue_addresses": addresses,
            "supported_symbols": SYMBOLS,
            "backfill_days": BACKFILL_DAYS,
            "port": 0,
        }
        async with Platform(
            load(options=options, environ={}), simulated=True, clock=clock
        ) as platform:
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


class Weather(NamedTuple):
    """What is left when the weather is over and the markets stand still."""

    simulator: SimulatorServer
    platform: Platform
    clients: list[Client]
    first: str
    """Time from which everything is to be told, ISO-8601."""

    @property
    def trades(self) -> list[Event]:
        """What the client that wants every trade heard."""
        return self.clients[0].heard

    @property
    def liquidations(self) -> list[Event]:
        """What the client that wants every liquidation heard."""
        return self.clients[1].heard


@asynccontextmanager
async def weather(
    plan_of: Callable[[str], FaultPlan], is_settled: Callable[[Platform], bool]
) -> AsyncIterator[Weather]:
    """Some seconds of faults, then calm until `is_settled`, then markets that stand still.

    Args:
        plan_of: what goes wrong with a venue.
        is_settled: whether the platform has got over it.
    """
    async with scene() as (simulator, markets, platform), AsyncExitStack() as stack:
        assert await until(lambda: all_live(platform), 40), platform.sources
        clients = make_clients(random.Random(SEED), list(simulator.venues))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        tasks = [asyncio.create_task(one.listen(session, platform.base_url)) for one in clients]
        stack.callback(lambda: [task.cancel() for task in tasks])
        assert await until(lambda: bool(clients[0].heard), 20)
        await asyncio.sleep(1.0)
        first = max(event["timestamp"] for event in clients[0].heard)
        for name, server in simulator.venues.items():
            server.injector.set_plan(plan_of(name))
        for market in markets:
            for symbol in SYMBOLS:
                market.markets[symbol].hunt()
        await asyncio.sleep(WEATHER_S)
        for server in simulator.venues.values():
            server.injector.set_plan(FaultPlan())
            server.injector.mutes.clear()
        await asyncio.sleep(0.5)
        settled = await until(lambda: is_settled(platform), 75)
        assert settled, [source.health() for source in platform.sources.values()]
        for market in markets:
            market.frozen = True
        # What was sent last arrives at the platform, and from there at every client.
        await asyncio.sleep(2.0)
        yield Weather(simulator, platform, clients, first)


def compare_clients(seen: Weather) -> None:
    """Each client was told what its filter lets pass of what was told at all, each event once."""
    for client in seen.clients:
        whole = seen.trades if client.name == "large_trades" else seen.liquidations
        expected = Counter(map(json.dumps, filter(client.wants, whole)))
        told = Counter(map(json.dumps, client.heard))
        late = {one for one in expected - told if json.loads(one)["timestamp"] >= seen.first}
        assert not late, (client.path, len(late))
        assert not told - expected, client.path


@pytest.mark.timeout(180)
@in_virtual_time
async def test_each_of_200_clients_gets_each_event_exactly_once_in_bad_weather() -> None:
    """Frames are doubled, swapped and late on all venues; nothing is lost, nothing told twice."""
    plan = FaultPlan(frames=FrameFaults(duplicate=0.2, swap=0.1, delay=0.2))
    async with weather(lambda _: plan, lambda _: True) as seen:
        truth = traded(seen.simulator)
        settled = await until(lambda: not difference(seen.trades, truth, seen.first), 30)
        assert settled, difference(seen.trades, truth, seen.first)
        await asyncio.sleep(1.0)
        compare_clients(seen)
        compare_liquidations(seen, known_gaps=False)


def is_whole(platform: Platform) -> bool:
    """Everything is live again and no hole is being worked on."""
    gaps = (gap for source in platform.sources.values() for gap in source.gaps())
    return all_live(platform) and not any(gap.state is GapState.OPEN for gap in gaps)


def is_known(seen: Weather, channel: Channel, exchange: str, symbol: str, moment: str) -> bool:
    """Whether the ledger has a hole of that stream at that time that could not be filled."""
    return any(
        gap.channel is channel
        and gap.state is GapState.UNRECOVERABLE
        and gap.symbol in (symbol, ALL_SYMBOLS)
        and iso_of(gap.timestamp_ms - GAP_SLACK_MS) <= moment
        and (gap.until_ms is None or moment <= iso_of(gap.until_ms + GAP_SLACK_MS))
        for gap in seen.platform.sources[exchange].gaps()
    )


def hidden_trades(seen: Weather, truth: dict[Key, float]) -> list[Key]:
    """Trades that were not told rightly and of which the ledger says nothing.

    Binance numbers its trades and gives all of them again: there the ledger excuses none.
    """
    return [
        key
        for key in difference(seen.trades, truth, seen.first)
        if key[0] == "binance" or not is_known(seen, Channel.TRADES, key[0], key[1], key[2])
    ]


@pytest.mark.timeout(240)
@in_virtual_time
async def test_cuts_and_mutes_double_nothing_and_hide_nothing() -> None:
    """What 200 clients were not told stands in the ledger; trades that count are all there.

    Connections of every venue are cut. Channels are muted where trades are numbered: elsewhere a
    venue that leaves messages out, for a shorter time than silence is allowed, cannot be found out.
    """
    cuts_alone = FaultPlan(sockets=SocketFaults(resets_per_min=30, half_frames_per_min=15))
    mutes = MuteFaults(mutes_per_min=30, mute_s=(0.5, 3.0))
    plans = {"binance": msgspec.structs.replace(cuts_alone, mutes=mutes)}
    async with weather(lambda name: plans.get(name, cuts_alone), is_whole) as seen:
        truth = traded(seen.simulator)
        cuts = sum(source.health().reconnects for source in seen.platform.sources.values())
        assert cuts > 0, "no connection was cut: the test showed nothing"
        await until(lambda: not hidden_trades(seen, truth), 30)
        assert not hidden_trades(seen, truth)
        left = difference(seen.trades, truth, seen.first)
        assert not [key for key, quantity in left.items() if quantity > 0], "told, but not traded"
        ids = Counter((one["exchange"], one["symbol"], one["trade_id"]) for one in seen.trades)
        assert max(ids.values()) == 1
        compare_clients(seen)
        compare_liquidations(seen, known_gaps=True)


def compare_liquidations(seen: Weather, *, known_gaps: bool) -> None:
    """Each was told once and is true; venues that do not throttle have told all.

    What happened shortly before the markets were stopped may not have been sent; what happened
    in a hole that the ledger has may be missing where `known_gaps` says so.
    """
    heard = seen.liquidations
    doubles = [one for one, count in Counter(map(json.dumps, heard)).items() if count > 1]
    assert not doubles
    for name, server in seen.simulator.venues.items():
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
            missing = [one for one in truth - told if seen.first <= one[1] <= until_then]
            hidden = [
                one
                for one in missing
                if not known_gaps or not is_known(seen, Channel.LIQUIDATIONS, name, one[0], one[1])
            ]
            assert not hidden, (name, hidden, until_then)
            assert told, f"{name} closed nobody by force: the test showed nothing"
