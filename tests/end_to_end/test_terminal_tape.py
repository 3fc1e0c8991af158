"""The terminal's trades and candles against what really happened on four simulated venues.

The running platform over the simulated venues' sockets, in virtual time. At the end the markets
stand still, so that what every client has can be held against the simulators' own books. One order
that meets several others is one message on some venues and several on others: trades are compared
as sums over (time, side, price), on Binance also number by number.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import aiohttp
import msgspec
import pytest
from tests.feeds.simulated_venue import Freezable
from tests.virtual_time import run_in_virtual_time

from headwater.app.settings import VenueAddressSettings, load
from headwater.app.wiring import Platform
from headwater.core.clock import SourceClock
from headwater.core.formatting import read_formatted
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.faults import SocketFault
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import MovingMarket
from headwater.venues.discovery import venues

START_NS = 1_790_000_000_000_000_000
"""Twenty seconds after the beginning of a minute."""
LATE_START_NS = START_NS + 30_000_000_000
"""Ten seconds before its end."""
SYMBOL = "BTCUSDT"
TIMEFRAMES = "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"
HEALTHY_WITHIN_S = 60.0
CALM_S = 8.0
"""Time in which all that was on its way arrives."""
ROWS = 100
BACKFILL_DAYS = 0.5
"""Past that is fetched at the start: the usual week is a tenth of the work."""
BOOK_LEVELS = 50
"""Levels a side: a deep book would show nothing more here, and take a quarter of the time."""

Key = tuple[int, str, float]
Message = dict[str, Any]


class Client:
    """One socket of the terminal; remembers everything it is told."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.heard: list[Message] = []
        self.close_code: int | None = None

    async def listen(self, session: aiohttp.ClientSession, base: str) -> None:
        async with session.ws_connect(f"{base}/api/v1/ws/{self.path}") as socket:
            async for message in socket:
                self.heard.append(json.loads(message.data))
            self.close_code = socket.close_code

    def of(self, kind: str) -> list[Message]:
        """Messages of a type."""
        return [one for one in self.heard if one["type"] == kind]


class Scene:
    """The platform, the venues it reads, and clients of its terminal API."""

    def __init__(
        self,
        clock: SourceClock,
        simulator: SimulatorServer,
        markets: list[Freezable],
        platform: Platform,
        session: aiohttp.ClientSession,
    ) -> None:
        self.clock = clock
        self.simulator = simulator
        self.platform = platform
        self.session = session
        self._markets = markets
        self._tasks: list[asyncio.Task[None]] = []

    def client(self, path: str) -> Client:
        """A client that is connected from now on."""
        made = Client(path)
        listening = made.listen(self.session, self.platform.base_url)
        self._tasks.append(asyncio.create_task(listening, name=path))
        return made

    async def get(self, path: str) -> Any:
        """An answer, which must be a good one."""
        async with self.session.get(self.platform.base_url + path) as reply:
            assert reply.status == 200, (path, await reply.text())
            return await reply.json()

    async def pass_ends(self, count: int) -> None:
        """Waits until so many minutes have ended, and some seconds more."""
        end_ms = (self.clock.now_ms() // 60_000 + count) * 60_000 + 5_000
        while self.clock.now_ms() < end_ms:
            await asyncio.sleep(1)

    async def stand_still(self) -> None:
        """Stops the markets, well within a minute so that no candle ends, and lets all arrive."""
        while not 15 <= self.clock.now_ms() / 1000 % 60 < 35:
            await asyncio.sleep(1)
        for market in self._markets:
            market.frozen = True
        await asyncio.sleep(CALM_S)

    def cut_all(self) -> None:
        """Cuts every connection of every venue."""
        for server in self.simulator.venues.values():
            assert server.cut_all(SocketFault.RESET) > 0

    def prints(self, venue: str) -> list[Any]:
        """What was traded, oldest first."""
        market = cast("Any", self.simulator.venues[venue].market)
        exchange = cast("SimulatedExchange", market._market)
        return [one.trade for one in exchange.prints(SYMBOL, limit=20_000)]

    async def close(self) -> None:
        """Ends the clients."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def in_virtual_time(
    main: Callable[[Scene], Coroutine[Any, Any, None]],
    start_ns: int = START_NS,
    *,
    levels: int | None = None,
) -> None:
    """Runs `main` on a scene; its books have so many levels a side, None for the usual ones."""

    async def run(clock: SourceClock) -> None:
        async with staged(clock, levels) as scene:
            await main(scene)

    run_in_virtual_time(run, start_ns)


@asynccontextmanager
async def staged(clock: SourceClock, levels: int | None) -> AsyncIterator[Scene]:
    """Everything running and every venue healthy."""
    hosted = host_venues(
        list(venues().values()),
        seed=6,
        start_ms=clock.now_ms(),
        symbols=[SYMBOL],
        levels=levels,
    )
    markets = [Freezable(one.market) for one in hosted]
    wrapped = [
        msgspec.structs.replace(one, market=cast("MovingMarket", market))
        for one, market in zip(hosted, markets, strict=True)
    ]
    simulator = SimulatorServer(wrapped, clock=clock)
    await simulator.start()
    addresses = {
        name: VenueAddressSettings(rest=where.rest, streams=dict(where.streams))
        for name, where in simulator.addresses.items()
    }
    options = {
        "venue_addresses": addresses,
        "supported_symbols": SYMBOL,
        "backfill_days": BACKFILL_DAYS,
        "port": 0,
    }
    async with AsyncExitStack() as stack:
        stack.push_async_callback(simulator.stop)
        platform = Platform(load(options=options, environ={}), simulated=True, clock=clock)
        await stack.enter_async_context(platform)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        scene = Scene(clock, simulator, markets, platform, session)
        stack.push_async_callback(scene.close)
        while not all(one.health().healthy for one in platform.sources.values()):
            assert clock.monotonic() < HEALTHY_WITHIN_S
            await asyncio.sleep(0.5)
        yield scene


def sums_of_prints(trades: list[Any], since_ms: int) -> dict[Key, float]:
    """Base units by (time, side, price) from a moment on."""
    sums: dict[Key, float] = defaultdict(float)
    for one in trades:
        if one.timestamp_ms >= since_ms:
            sums[one.timestamp_ms, one.side.value, one.price] += one.quantity
    return {key: round(value, 6) for key, value in sums.items()}


def sums_of_rows(rows: list[Message], since_ms: int) -> dict[Key, float]:
    sums: dict[Key, float] = defaultdict(float)
    for one in rows:
        if one["timestamp"] >= since_ms:
            sums[one["timestamp"], one["side"], one["price"]] += one["amount"]
    return {key: round(value, 6) for key, value in sums.items()}


def assert_truth(scene: Scene, venue: str, rows: list[Message]) -> None:
    """A list is what was traded, newest first, each trade once.

    Of its oldest millisecond it may have a part only.
    """
    times = [one["timestamp"] for one in rows]
    assert times == sorted(times, reverse=True), venue
    assert len({one["id"] for one in rows}) == len(rows), venue
    prints = scene.prints(venue)
    since_ms = rows[-1]["timestamp"] + 1
    assert sums_of_rows(rows, since_ms) == sums_of_prints(prints, since_ms), venue
    if venue == "binance":
        newest = [str(one.trade_id) for one in prints[: -len(rows) - 1 : -1]]
        assert [one["id"] for one in rows] == newest
    for one in rows:
        assert float(read_formatted(one["priceFormatted"])) == one["price"]
        assert float(read_formatted(one["amountFormatted"])) == pytest.approx(one["amount"])


def assert_lists_are_true(scene: Scene, clients: dict[str, Client], rows: int) -> None:
    for venue, client in clients.items():
        lists = client.of("trades_update")
        assert [one["initial"] for one in lists] == [True, *[False] * (len(lists) - 1)], venue
        assert lists[-1]["exchange"] == venue
        assert len(lists[-1]["trades"]) >= rows, venue
        assert_truth(scene, venue, lists[-1]["trades"])


def trade_clients(scene: Scene) -> dict[str, Client]:
    """One of each venue, half of them by the other form of the address."""
    forms = ("trades?symbol=BTCUSDT&exchange={}", "trades/BTC-USDT?exchange={}")
    return {
        name: scene.client(forms[at % 2].format(name)) for at, name in enumerate(sorted(venues()))
    }


def test_o_w2_o_s7_on_four_venues_the_list_equals_what_was_traded() -> None:
    """From the first list on, in each that came later, and for who comes last."""

    async def main(scene: Scene) -> None:
        clients = trade_clients(scene)
        await asyncio.sleep(25)
        await scene.stand_still()
        assert_lists_are_true(scene, clients, ROWS)
        for venue, client in clients.items():
            assert client.of("error") == [], venue
            for one in client.of("trades_update")[::7]:
                rows = one["trades"]
                if rows:
                    until_ms = rows[0]["timestamp"]
                    since_ms = rows[-1]["timestamp"] + 1
                    truth = sums_of_prints(scene.prints(venue), since_ms)
                    told = sums_of_rows(rows, since_ms)
                    # Of its newest millisecond more may have been on its way.
                    assert {key: told[key] for key in told if key[0] < until_ms} == {
                        key: truth[key] for key in truth if key[0] < until_ms
                    }, venue
        late = {venue: scene.client(f"trades/{SYMBOL}?exchange={venue}") for venue in clients}
        await asyncio.sleep(2)
        for venue, client in late.items():
            (only,) = client.of("trades_update")
            assert only["trades"] == clients[venue].of("trades_update")[-1]["trades"], venue

    in_virtual_time(main, LATE_START_NS, levels=BOOK_LEVELS)


@pytest.mark.soak
def test_o_s7_after_cuts_of_every_connection_the_list_equals_what_was_traded() -> None:
    async def main(scene: Scene) -> None:
        clients = trade_clients(scene)
        await asyncio.sleep(10)
        for _ in range(2):
            scene.cut_all()
            await asyncio.sleep(12)
        await scene.stand_still()
        assert_lists_are_true(scene, clients, 10)
        for venue, client in clients.items():
            assert {one["code"] for one in client.of("error")} <= {"VENUE_ERROR"}, venue

    in_virtual_time(main)


@pytest.mark.soak
def test_o_s7_o_d4_of_a_venue_that_is_down_there_is_an_error_and_nothing_made_up() -> None:
    """Who is there keeps the true list and is told; who comes is told; with nothing to show, 1011.

    Candles of a minute are in storage and shown, those of twelve hours can be had nowhere.
    """

    async def main(scene: Scene) -> None:
        there = scene.client(f"trades/{SYMBOL}?exchange=okx")
        other = scene.client(f"trades/{SYMBOL}?exchange=bybit")
        await asyncio.sleep(5)
        prints = scene.prints("okx")
        for name in ("okx", "hyperliquid"):
            await scene.simulator.venues[name].stop()
        await asyncio.sleep(40)
        lists, heard = len(there.of("trades_update")), len(other.of("trades_update"))
        late = scene.client(f"trades/{SYMBOL}?exchange=okx")
        stored = scene.client(f"candles/{SYMBOL}/1m?exchange=okx")
        gone = [
            scene.client(f"{path}?exchange=hyperliquid")
            for path in (f"trades/{SYMBOL}", f"candles/{SYMBOL}/12h")
        ]
        await asyncio.sleep(30)
        for client in gone:
            assert client.close_code == 1011, client.path
            assert [one["type"] for one in client.heard] == ["error"], client.path
            assert client.heard[0]["code"] == "VENUE_ERROR", client.path
        for client in (late, stored, there):
            assert client.close_code is None, client.path
            assert {one["code"] for one in client.of("error")} == {"VENUE_ERROR"}, client.path
        (chart,) = stored.of("historical_candles")
        assert chart["count"] > 0
        assert "missing" in chart["incomplete"]
        assert len(there.of("trades_update")) == lists
        rows = there.of("trades_update")[-1]["trades"]
        assert late.of("trades_update")[0]["trades"] == rows
        told = sums_of_rows(rows, rows[-1]["timestamp"] + 1)
        truth = sums_of_prints(prints, rows[-1]["timestamp"] + 1)
        assert {key: truth.get(key) for key in told} == told
        assert len(other.of("trades_update")) > heard, "the others flow as before"

        await scene.simulator.venues["okx"].start()
        await asyncio.sleep(60)
        await scene.stand_still()
        for client in (there, late):
            assert_truth(scene, "okx", client.of("trades_update")[-1]["trades"])

    in_virtual_time(main)


def chart_of(client: Client) -> dict[int, Message]:
    """What a chart shows that does what it is told: candles by opening time, ms."""
    (first,) = client.of("historical_candles")
    shown = {one["timestamp"]: one for one in first["data"]}
    names = next(iter(shown.values())).keys()
    for update in client.of("candle_update"):
        shown[update["timestamp"]] = {name: update[name] for name in names}
    return shown


async def assert_charts_are_true(scene: Scene, clients: dict[str, Client]) -> None:
    """Each chart shows what the route tells, without a candle missing."""
    for venue, client in clients.items():
        shown = chart_of(client)
        openings = sorted(shown)
        assert openings == list(range(openings[0], openings[-1] + 60_000, 60_000)), venue
        path = f"/api/v1/candles/{SYMBOL}?exchange={venue}&limit=300"
        told = await scene.get(path)
        pairs = [(shown[one["timestamp"]], one) for one in told]
        other = [pair for pair in pairs[:-1] if pair[0] != pair[1]]
        assert other == [], (venue, scene.clock.now_ms(), other[:3])
        # Of the forming one the route may know a moment more than was streamed before the stop.
        mine, newest = pairs[-1]
        assert not mine["isClosed"], venue
        assert mine["open"] == newest["open"], venue
        assert newest["low"] <= mine["low"] <= mine["high"] <= newest["high"], venue
        assert told[-1]["timestamp"] == openings[-1], venue


def test_o_w3_on_four_venues_the_chart_equals_the_route_as_candles_come_and_close() -> None:
    async def main(scene: Scene) -> None:
        forms = ("candles/BTCUSDT/1m?exchange={}", "candles?symbol=BTCUSDT&exchange={}")
        clients = {
            name: scene.client(forms[at % 2].format(name))
            for at, name in enumerate(sorted(venues()))
        }
        await scene.pass_ends(2)
        await scene.stand_still()
        await assert_charts_are_true(scene, clients)
        for venue, client in clients.items():
            (first,) = client.of("historical_candles")
            assert first["count"] == 400, venue
            last_ms = first["data"][-1]["timestamp"]
            updates = client.of("candle_update")
            assert {one["timestamp"] for one in updates} >= {last_ms, last_ms + 60_000}, venue
            closed = [one["timestamp"] for one in updates if one["isClosed"]]
            assert set(closed) >= {last_ms, last_ms + 60_000}, venue
            assert client.of("error") == [], venue

    in_virtual_time(main, LATE_START_NS, levels=BOOK_LEVELS)


@pytest.mark.soak
def test_o_w3_after_a_cut_over_a_candles_end_none_is_missing() -> None:
    async def main(scene: Scene) -> None:
        clients = {
            name: scene.client(f"candles/{SYMBOL}?exchange={name}") for name in sorted(venues())
        }
        await asyncio.sleep(20)
        for server in scene.simulator.venues.values():
            await server.stop()
        await asyncio.sleep(70)
        for server in scene.simulator.venues.values():
            await server.start()
        await asyncio.sleep(60)
        await scene.stand_still()
        await assert_charts_are_true(scene, clients)
        for venue, client in clients.items():
            assert client.of("error"), f"{venue}: the client was not told"

    in_virtual_time(main)


def test_o_r5_each_venue_answers_all_fifteen_timeframes_and_pages_to_the_left() -> None:
    async def main(scene: Scene) -> None:
        for name, source in scene.platform.sources.items():
            for timeframe in TIMEFRAMES.split():
                path = f"/api/v1/candles/{SYMBOL}?exchange={name}&timeframe={timeframe}&limit=2"
                rows = await scene.get(path)
                is_built = timeframe not in source.facts.intervals
                assert all(("builtFrom" in row) == is_built for row in rows), (name, timeframe)
                assert rows, (name, timeframe)
        await scene.stand_still()
        path = f"{scene.platform.base_url}/api/v1/ws/candles/{SYMBOL}/15m?container_width=300"
        async with scene.session.ws_connect(path) as socket:
            shown = json.loads(await socket.receive_str())["data"]
            while len(shown) < 900:
                request = {"type": "load_history", "before": shown[0]["timestamp"], "limit": 250}
                await socket.send_str(json.dumps(request))
                page = json.loads(await socket.receive_str())
                while page["type"] != "historical_candles":
                    page = json.loads(await socket.receive_str())
                shown = page["data"] + shown
                if page["isLast"]:
                    break
        told = await scene.get(f"/api/v1/candles/{SYMBOL}?timeframe=15m&limit={len(shown)}")
        assert len(shown) > 200
        assert shown[:-1] == told[:-1]

    in_virtual_time(main, levels=BOOK_LEVELS)
