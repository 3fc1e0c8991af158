"""The terminal's order book against four simulated exchanges: what is shown is what they have.

The running platform over the venues' sockets, on a loop that skips all waiting. The markets are
stopped before a comparison, so that exchange, platform and screen come to rest at one book.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import accumulate
from typing import Any, NamedTuple, cast

import aiohttp
import msgspec
import pytest
from tests.api.terminal.viewing import Message, Viewing, viewing
from tests.feeds.simulated_venue import Freezable
from tests.virtual_time import run_in_virtual_time

from headwater.app.settings import VenueAddressSettings, load
from headwater.app.wiring import Platform
from headwater.core.clock import SourceClock
from headwater.core.records import BookSnapshot, Level
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.faults import FaultPlan, FrameFaults
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import MovingMarket
from headwater.venues.discovery import venues

START_NS = 1_790_000_000_000_000_000
SYMBOL = "BTCUSDT"
WITHIN_S = 60.0
"""Virtual time: only a failure takes so long."""
REST_S = 3.0
"""Longer than any venue waits with a change (Hyperliquid's images: 0.6 s) and any pace here."""
SHOWN_BY_HYPERLIQUID = 20
"""Levels of its images; the exchange behind it has more."""


class Screen(Viewing):
    """A viewer that remembers what it shows.

    Attributes:
        shown: the last update heard.
    """

    shown: Message

    async def hear(self) -> Message:
        """The next message."""
        message = await super().hear()
        if message["type"] == "orderbook_update":
            self.shown = message
        return message

    async def until_state(self, state: str) -> Message:
        """The first update of a state."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.hear_next("orderbook_update"))["state"] != state:
                pass
        return self.shown

    async def newest(self) -> Message:
        """What is shown once everything that was sent is heard."""
        await self.until_pong()
        return self.shown


class Scene(NamedTuple):
    """The platform, its exchanges, and their markets."""

    platform: Platform
    simulator: SimulatorServer
    markets: dict[str, Freezable]
    clock: SourceClock
    stack: AsyncExitStack

    async def connect(self, path: str) -> Screen:
        """A viewer."""
        port = int(self.platform.base_url.rpartition(":")[2])
        return Screen((await self.stack.enter_async_context(viewing(port, path))).socket)

    def truth(self, exchange: str) -> BookSnapshot:
        """What the exchange itself has, as far as it shows it."""
        book = cast("SimulatedExchange", self.markets[exchange]).truth.book(SYMBOL)
        most = SHOWN_BY_HYPERLIQUID if exchange == "hyperliquid" else None
        return msgspec.structs.replace(book, bids=book.bids[:most], asks=book.asks[:most])

    async def rest(self) -> None:
        """Stops the markets and lets everything arrive."""
        for market in self.markets.values():
            market.frozen = True
        await asyncio.sleep(REST_S)


def in_virtual_time(main: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def run(clock: SourceClock) -> None:
        async with staged(clock) as scene:
            await main(scene)

    run_in_virtual_time(run, START_NS)


@asynccontextmanager
async def staged(clock: SourceClock) -> AsyncIterator[Scene]:
    """Everything running."""
    hosted = host_venues(list(venues().values()), seed=4, start_ms=clock.now_ms(), symbols=[SYMBOL])
    markets = {one.venue_id: Freezable(one.market) for one in hosted}
    wrapped = [
        msgspec.structs.replace(one, market=cast("MovingMarket", markets[one.venue_id]))
        for one in hosted
    ]
    simulator = SimulatorServer(wrapped, clock=clock)
    await simulator.start()
    addresses = {
        name: VenueAddressSettings(rest=where.rest, streams=dict(where.streams))
        for name, where in simulator.addresses.items()
    }
    settings = load(
        options={"venue_addresses": addresses, "supported_symbols": "SOLUSDT", "port": 0},
        environ={},
    )
    try:
        async with (
            Platform(settings, simulated=True, clock=clock) as platform,
            AsyncExitStack() as stack,
        ):
            while not all(len(source.table) for source in platform.sources.values()):
                assert clock.monotonic() < WITHIN_S
                await asyncio.sleep(0.1)
            yield Scene(platform, simulator, markets, clock, stack)
    finally:
        await simulator.stop()


def naive(levels: Sequence[Level], rounding: str, limit: int, *, bids: bool) -> list[Any]:
    """A side in decimals: price, amount and running sum of each level, best first."""
    step = Decimal(rounding)
    sums: dict[Decimal, Decimal] = {}
    for price, quantity in levels:
        steps = Decimal(repr(price)) / step
        level = steps.to_integral_value(ROUND_FLOOR if bids else ROUND_CEILING) * step
        sums[level] = sums.get(level, Decimal()) + Decimal(repr(quantity))
    best = sorted(sums, reverse=bids)[:limit]
    amounts = [sums[one] for one in best]
    return list(zip(best, amounts, accumulate(amounts), strict=True))


def shown(message: Message, side: str) -> list[Any]:
    return [
        tuple(Decimal(repr(one[name])) for name in ("price", "amount", "cumulative"))
        for one in message[side]
    ]


def assert_true(message: Message, book: BookSnapshot, rounding: str, limit: int) -> None:
    """What is shown is what decimals make of a book."""
    assert message["state"] == "live"
    assert shown(message, "bids") == naive(book.bids, rounding, limit, bids=True)
    assert shown(message, "asks") == naive(book.asks, rounding, limit, bids=False)


def test_o_w1_o_s5_on_four_venues_the_screen_shows_the_exchanges_own_book() -> None:
    """Aggregated to 0.25 and 0.5 and as it is, in both forms of the address, after some life."""
    views = [("0.25", 20), ("0.5", 50), ("0.1", 100)]

    async def main(scene: Scene) -> None:
        clients = {}
        for name in venues():
            for number, (rounding, limit) in enumerate(views):
                tail = f"exchange={name}&limit={limit}&rounding={rounding}&pace_ms=1000"
                form = f"orderbook/{SYMBOL}?{tail}", f"orderbook?symbol={SYMBOL}&{tail}"
                clients[name, rounding, limit] = await scene.connect(form[number % 2])
        for client in clients.values():
            await client.until_state("live")
        await asyncio.sleep(10.0)
        await scene.rest()
        for (name, rounding, limit), client in clients.items():
            message = await client.newest()
            assert_true(message, scene.truth(name), rounding, limit)
            source = scene.platform.sources[name]
            instrument = source.table.resolve(SYMBOL)
            kept = await source.book(instrument, depth=100_000)
            assert_true(message, kept, rounding, limit)
            assert message["bids"]
            assert message["timestamp"] == kept.timestamp_ms

    in_virtual_time(main)


def test_o_w1_update_params_changes_the_view_without_reconnecting() -> None:
    """The seed's own sample: 20 levels of 0.25 become 50 of 0.5, on every venue."""

    async def main(scene: Scene) -> None:
        clients = {
            name: await scene.connect(
                f"orderbook?symbol={SYMBOL}&limit=20&rounding=0.25&exchange={name}"
            )
            for name in venues()
        }
        for client in clients.values():
            await client.until_state("live")
            await client.say("update_params", limit=50, rounding=0.5)
            answer = await client.hear_next("params_updated")
            assert (answer["limit"], answer["rounding"], answer["success"]) == (50, 0.5, True)
            following = await client.hear()
            assert following["rounding"] == 0.5
        await asyncio.sleep(5.0)
        await scene.rest()
        for name, client in clients.items():
            message = await client.newest()
            assert_true(message, scene.truth(name), "0.5", 50)

    in_virtual_time(main)


@pytest.mark.parametrize("name", [one for one in venues() if one != "hyperliquid"])
def test_no_gapped_book_is_shown_while_changes_are_missing(name: str) -> None:
    """Lost messages make holes: each is shown as such at once, and what follows is true again.

    Hyperliquid sends whole books, which cannot have holes.
    """

    async def main(scene: Scene) -> None:
        client = await scene.connect(f"orderbook/{SYMBOL}?exchange={name}&rounding=0.5&limit=50")
        await client.until_state("live")
        injector = scene.simulator.venues[name].injector
        injector.set_plan(FaultPlan(frames=FrameFaults(drop=0.3)))
        gapped = await client.until_state("resyncing")
        assert (gapped["bids"], gapped["asks"]) == ([], [])
        injector.set_plan(FaultPlan())
        await client.until_state("live")
        await asyncio.sleep(5.0)
        await scene.rest()
        message = await client.newest()
        assert_true(message, scene.truth(name), "0.5", 50)

    in_virtual_time(main)


def test_a_connection_that_is_lost_shows_nothing_until_it_is_back() -> None:
    async def main(scene: Scene) -> None:
        clients = {
            name: await scene.connect(f"orderbook/{SYMBOL}?exchange={name}&rounding=1")
            for name in venues()
        }
        for client in clients.values():
            await client.until_state("live")
        for server in scene.simulator.venues.values():
            await server.stop()
        for client in clients.values():
            gone = await client.until_state("resyncing")
            assert (gone["bids"], gone["asks"]) == ([], [])
        for server in scene.simulator.venues.values():
            await server.start()
        for client in clients.values():
            await client.until_state("live")
        await scene.rest()
        for name, client in clients.items():
            message = await client.newest()
            assert_true(message, scene.truth(name), "1", 20)

    in_virtual_time(main)


def test_a_slow_pace_is_kept_and_each_message_is_the_newest() -> None:
    """Updates of a pace of two seconds come two seconds apart, each with the newest book."""

    async def main(scene: Scene) -> None:
        client = await scene.connect(f"orderbook/{SYMBOL}?rounding=1&pace_ms=2000")
        await client.until_state("live")
        await client.hear()
        heard_s = scene.clock.monotonic()
        for _ in range(4):
            message = await client.hear()
            now_s = scene.clock.monotonic()
            assert 1.9 < now_s - heard_s < 2.5
            assert scene.clock.now_ms() - message["timestamp"] < 500, "the newest, not a queued one"
            heard_s = now_s

    in_virtual_time(main)


def test_o_r4_o_m4_the_route_gives_the_same_book() -> None:
    async def main(scene: Scene) -> None:
        client = await scene.connect(f"orderbook/{SYMBOL}?rounding=0.25&limit=50")
        await client.until_state("live")
        await scene.rest()
        message = await client.newest()
        path = f"/api/v1/orderbook/{SYMBOL}?rounding=0.25&limit=50"
        async with (
            aiohttp.ClientSession() as session,
            session.get(scene.platform.base_url + path) as reply,
        ):
            assert reply.status == 200
            body = json.loads(await reply.text())
        for side in ("bids", "asks"):
            shared = [
                {name: value for name, value in level.items() if "umulative" not in name}
                for level in message[side]
            ]
            assert body[side] == shared
        assert (body["timestamp"], body["time"]) == (message["timestamp"], message["time"])

    in_virtual_time(main)
