"""The streams over all venues on real sockets: every event once to each client that wants it."""

import asyncio
import json
import random
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api import fake_source as fake
from tests.api.served import Platform

from headwater.core.errors import VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation, Record, Trade

VENUES = ("binance", "bybit", "okx")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
CLIENTS = 200

Socket = aiohttp.ClientWebSocketResponse


async def connect(stack: AsyncExitStack, platform: Platform, path: str) -> Socket:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    url = f"http://127.0.0.1:{platform.port}{path}"
    return await stack.enter_async_context(session.ws_connect(url))


async def until_joined(platform: Platform, clients: int) -> None:
    async with asyncio.timeout(20):
        while sum(topic.subscribers for topic in platform.hub.stats().topics) < clients:
            await asyncio.sleep(0.01)


def make_events(rng: random.Random, count: int) -> list[Liquidation | Trade]:
    """Liquidations and trades of all venues and symbols, every value another one."""
    events: list[Liquidation | Trade] = []
    for number in range(count):
        symbol, value = rng.choice(SYMBOLS), round(rng.lognormvariate(9, 2), 2) + number * 1e-6
        one: Liquidation | Trade = fake.make_trade(number, symbol)
        if rng.random() < 0.5:
            one = fake.make_liquidation(symbol)
        events.append(msgspec.structs.replace(one, exchange=rng.choice(VENUES), value=value))
    return events


async def read_until(socket: Socket, last: float) -> list[dict[str, Any]]:
    """Everything up to the event of this value."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not found or found[-1]["value"] != last:
            found.append(json.loads(await socket.receive_str()))
    return found[:-1]


async def test_each_of_200_clients_gets_each_event_it_wants_once() -> None:
    """Acceptance: exactly once to each of 200 clients with different filters."""
    rng = random.Random(7)
    events = make_events(rng, 400)
    last = 1e9
    ends = [
        msgspec.structs.replace(fake.make_trade(symbol=symbol), exchange=venue, value=last)
        for venue in VENUES
        for symbol in SYMBOLS
    ] + [
        msgspec.structs.replace(fake.make_liquidation(symbol), exchange=venue, value=last)
        for venue in VENUES
        for symbol in SYMBOLS
    ]
    platform = Platform(venues=VENUES)
    async with platform.served(), AsyncExitStack() as stack:
        clients = []
        for number in range(CLIENTS):
            kind, name = (Trade, "large_trades") if number % 2 else (Liquidation, "liquidations")
            least = round(rng.lognormvariate(9, 2), 2)
            venues = rng.sample(VENUES, rng.randint(1, 3))
            symbols = rng.sample(SYMBOLS, rng.randint(1, 3))
            query = (
                f"min_value_usd={least}&exchanges={','.join(venues)}&symbols={','.join(symbols)}"
            )
            socket = await connect(stack, platform, f"/ws/all/{name}?{query}")
            expected = [
                (one.exchange, one.symbol, one.value)
                for one in events
                if isinstance(one, kind)
                and one.value >= least
                and one.exchange in venues
                and one.symbol in symbols
            ]
            clients.append((socket, expected))
        await until_joined(platform, CLIENTS)
        for event in [*events, *ends]:
            platform.bus.publish(event)
        for socket, expected in clients:
            heard = await read_until(socket, last)
            told = [(one["exchange"], one["symbol"], one["value"]) for one in heard]
            assert [one for one in told if one[2] != last] == expected


@pytest.mark.parametrize(
    ("path", "small", "large", "kind"),
    [
        ("liquidations", 4_999.99, 5_000.0, "liquidation"),
        ("large_trades", 99_999.99, 100_000.0, "large_trade"),
    ],
)
async def test_without_a_filter_the_documented_least_value_holds(
    path: str, small: float, large: float, kind: str
) -> None:
    record: Record = fake.make_liquidation() if kind == "liquidation" else fake.make_trade()
    platform = Platform(venues=VENUES)
    async with platform.served(), AsyncExitStack() as stack:
        socket = await connect(stack, platform, f"/ws/all/{path}")
        await until_joined(platform, 1)
        for value in (small, large):
            platform.bus.publish(msgspec.structs.replace(record, value=value))
        heard = json.loads(await socket.receive_str())
        assert (heard["type"], heard["value"]) == (kind, large)


async def test_spikes_come_by_their_bars() -> None:
    platform = Platform(venues=VENUES)
    async with platform.served(), AsyncExitStack() as stack:
        socket = await connect(stack, platform, "/ws/oi-vol?timeframes=1h,15m&symbols=eth")
        await until_joined(platform, 1)
        platform.bus.publish(fake.make_spike("ETHUSDT", interval=Interval.M5))
        platform.bus.publish(fake.make_spike("BTCUSDT", interval=Interval.H1))
        platform.bus.publish(fake.make_spike("ETHUSDT", "okx", Interval.H1))
        heard = json.loads(await socket.receive_str())
        told = (heard["type"], heard["exchange"], heard["symbol"], heard["timeframe"])
        assert told == ("oi_spike", "okx", "ETHUSDT", "1h")


async def test_one_venue_that_refuses_keeps_no_other_away() -> None:
    platform = Platform(venues=VENUES)
    platform.sources["okx"].acquire_error = VenueUnavailable("okx", "down")
    async with platform.served(), AsyncExitStack() as stack:
        socket = await connect(stack, platform, "/ws/all/liquidations?min_value_usd=0")
        await until_joined(platform, 1)
        platform.bus.publish(fake.make_liquidation())
        assert json.loads(await socket.receive_str())["exchange"] == "binance"
        for source in platform.sources.values():
            source.acquire_error = VenueUnavailable(source.facts.venue_id, "down")
        refused = await connect(stack, platform, "/ws/all/liquidations?min_value_usd=1")
        assert (await refused.receive()).data == 1013
    held = [lease for source in platform.sources.values() for lease in source.leases]
    assert [lease.released for lease in held] == [1, 1]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("all/liquidations?min_value_usd=-1", "min_value_usd='-1'"),
        ("all/large_trades?exchanges=kraken", "exchanges='kraken'"),
        ("all/large_trades?symbols=NOPE", "symbol='NOPE'"),
        ("oi-vol?timeframes=4h", "timeframes='4h'"),
    ],
)
async def test_a_wrong_filter_is_refused_with_its_name(path: str, words: str) -> None:
    platform = Platform(venues=VENUES)
    async with platform.served(), AsyncExitStack() as stack:
        socket = await connect(stack, platform, f"/ws/{path}")
        message = await socket.receive()
        assert (message.data, words in str(message.extra)) == (1008, True), message
