"""The terminal's liquidations over simulated exchanges: what clients are told is what happened.

The running platform over the simulated venues' sockets, on a loop that skips all waiting. The truth
is what the simulated markets say of themselves.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.api.terminal.viewing import Message, Viewing, viewing
from tests.feeds.simulated_venue import Freezable
from tests.virtual_time import run_in_virtual_time

from headwater.app.settings import VenueAddressSettings, load
from headwater.app.wiring import Platform
from headwater.core.clock import SourceClock
from headwater.core.enums import Channel, FeedState
from headwater.core.records import ALL_SYMBOLS, Liquidation
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import MovingMarket
from headwater.venues.discovery import venues

START_NS = 1_790_000_010_000_000_000
"""Ten seconds after the beginning of a minute."""
LIVE_WITHIN_S = 60.0
WATCHED_S = 90.0
LINGER_S = 30.0
BACKFILL_DAYS = 0.5
"""Past that is fetched at the start: the usual week is a tenth of the work."""
BOOK_LEVELS = 50
"""Levels a side: a deep book would show nothing more here, and take a quarter of the time."""
SENT_WITHIN_MS = 2_000
"""Venues gather liquidations for a second at most before they send them."""
THROTTLED, WHOLE = "binance", "bybit"
"""A venue that tells one a second and symbol at most, and one that tells all."""
CHAIN = "liquidations/BTCUSDT"


class Listener:
    """A client that remembers everything."""

    def __init__(self, client: Viewing) -> None:
        self._client = client
        self.heard: list[Message] = []
        self.task = asyncio.create_task(self._listen(), name="test listener")

    async def _listen(self) -> None:
        async for message in self._client.socket:
            self.heard.append(message.json())

    def of(self, kind: str) -> list[Message]:
        """Messages of one type."""
        return [one for one in self.heard if one["type"] == kind]

    @property
    def closes(self) -> list[Message]:
        """Every close that it was told of, those of the beginning included."""
        first = [row for one in self.of("liquidations") for row in reversed(one["data"])]
        return [*first, *(one["data"] for one in self.of("liquidation"))]

    @property
    def buckets(self) -> dict[int, Message]:
        """The chart as it stands now."""
        rows = (row for one in self.of("liquidation_volume") for row in one["data"])
        return {row["timestamp"]: row for row in rows}


class Scene:
    """The platform and the venues that it reads."""

    def __init__(
        self,
        clock: SourceClock,
        simulator: SimulatorServer,
        markets: list[Freezable],
        platform: Platform,
        stack: AsyncExitStack,
    ) -> None:
        self.clock = clock
        self.simulator = simulator
        self.platform = platform
        self._markets = markets
        self._stack = stack

    @property
    def port(self) -> int:
        """Where the API listens."""
        return urlsplit(self.platform.base_url).port or 0

    async def listener(self, path: str) -> Listener:
        """A client of a terminal socket, until the scene ends."""
        return Listener(await self._stack.enter_async_context(viewing(self.port, path)))

    def truth(self, venue: str, since_ms: int) -> list[Liquidation]:
        """What was closed by force on a venue since a time."""
        return [
            one for one in self.simulator.venues[venue].liquidations if one.timestamp_ms >= since_ms
        ]

    def state(self, venue: str, symbol: str) -> FeedState | None:
        """State of the liquidations of a symbol, `*` for the whole market's."""
        for one in self.platform.sources[venue].health().channels:
            if (one.channel, one.symbol) == (Channel.LIQUIDATIONS, symbol):
                return one.state
        return None

    def is_live(self, venue: str) -> bool:
        """Whether what is held of a venue's liquidations all the time carries data."""
        channels = self.platform.sources[venue].health().channels
        states = [one.state for one in channels if one.channel is Channel.LIQUIDATIONS]
        return bool(states) and set(states) == {FeedState.LIVE}

    def carried(self, stream: str) -> list[str]:
        """Paths of the connections of the simulated Binance that carry a stream."""
        sockets = self.simulator.venues[THROTTLED].connections
        return [one.target for one in sockets if stream in cast("Any", one.side)._names]

    def _is_all_sent(self) -> bool:
        """Whether every venue has had the time to send what was closed."""
        least_ms = self.clock.now_ms() - SENT_WITHIN_MS
        servers = self.simulator.venues.values()
        closed = [one.liquidations[-1] for one in servers if one.liquidations]
        return all(one.timestamp_ms < least_ms for one in closed)

    async def until(self, condition: Callable[[], bool], within_s: float = LIVE_WITHIN_S) -> None:
        """Waits for something to come true."""
        end = self.clock.monotonic() + within_s
        while not condition():
            assert self.clock.monotonic() < end
            await asyncio.sleep(0.25)

    async def rest(self) -> None:
        """Stops the markets, and lets what is on its way arrive.

        Not within a burst of closes: what a venue still gathers when its market stops is never
        sent.
        """
        await self.until(self._is_all_sent)
        for market in self._markets:
            market.frozen = True
        await asyncio.sleep(5.0)


@asynccontextmanager
async def staged(clock: SourceClock, chosen: tuple[str, ...]) -> AsyncIterator[Scene]:
    """Everything running, the whole market's liquidations live on each venue."""
    hosted = host_venues(
        [venues()[name] for name in chosen],
        seed=4,
        start_ms=clock.now_ms(),
        symbols=["BTCUSDT"],
        levels=BOOK_LEVELS,
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
        "venues": ",".join(chosen),
        "venue_addresses": addresses,
        "supported_symbols": "BTCUSDT",
        "backfill_days": BACKFILL_DAYS,
        "port": 0,
    }
    settings = load(options=options, environ={})
    try:
        async with (
            Platform(settings, simulated=True, clock=clock) as platform,
            AsyncExitStack() as stack,
        ):
            scene = Scene(clock, simulator, markets, platform, stack)
            await scene.until(lambda: all(scene.is_live(name) for name in chosen))
            yield scene
    finally:
        await simulator.stop()


def in_virtual_time(main: Callable[[Scene], Coroutine[Any, Any, None]], *chosen: str) -> None:
    async def run(clock: SourceClock) -> None:
        async with staged(clock, chosen) as scene:
            await main(scene)

    run_in_virtual_time(run, START_NS)


def told(rows: list[Message], venue: str, since_ms: int) -> Counter[tuple[Any, ...]]:
    """What a client was told of a venue. Venues tell different prices of a close."""
    return Counter(
        (row["timestamp"], row["side"], round(row["quantity"], 8))
        for row in rows
        if row["exchange"] == venue and row["timestamp"] >= since_ms
    )


def begun(client: Listener) -> bool:
    """Whether a client has its first list."""
    return bool(client.of("liquidations"))


def happened(events: list[Liquidation]) -> Counter[tuple[Any, ...]]:
    return Counter((one.timestamp_ms, one.side.value, round(one.quantity, 8)) for one in events)


@pytest.mark.timeout(240)
def test_o_d6_every_subscriber_gets_every_event_as_the_venue_sent_it() -> None:
    """Two clients each, with and without a time frame, and one that comes half-way.

    Bybit tells all: what they got is the truth. Binance tells one a second: what they got is true.
    """

    async def main(scene: Scene) -> None:
        paths = (f"{CHAIN}?exchange={WHOLE}", f"{CHAIN}/1m?exchange={WHOLE}")
        firsts = [await scene.listener(path) for path in paths]
        throttled = [await scene.listener(path) for path in (CHAIN, f"{CHAIN}/1m")]
        everyone = await scene.listener(f"{CHAIN}/1m?exchange=all")
        # What is closed before the first list is made stands in it: the test begins after all.
        await scene.until(lambda: all(map(begun, (*firsts, *throttled, everyone))))
        since_ms = scene.clock.now_ms()
        await asyncio.sleep(WATCHED_S / 2)
        late = await scene.listener(paths[1])
        await asyncio.sleep(WATCHED_S / 2)
        await scene.rest()

        until_ms = max(one.timestamp_ms for one in scene.truth(WHOLE, 0))
        truth = happened(scene.truth(WHOLE, since_ms))
        assert len(truth) > 5, "nobody was closed: the test showed nothing"
        for one in (*firsts, late, everyone):
            assert told(one.closes, WHOLE, since_ms) == truth
        live = told([one["data"] for one in firsts[0].of("liquidation")], WHOLE, since_ms)
        assert live == truth, "none of them was in the first list"

        real = happened(scene.truth(THROTTLED, since_ms))
        heard = told(throttled[0].closes, THROTTLED, since_ms)
        assert heard, "nobody was closed"
        assert {row["isFloor"] for row in throttled[0].closes} == {True}
        assert sum(heard.values()) == len(heard), "each once"
        assert {key[:2] for key in heard} <= {key[:2] for key in real}
        assert told(throttled[1].closes, THROTTLED, since_ms) == heard
        assert told(everyone.closes, THROTTLED, since_ms) == heard
        assert until_ms > since_ms

    in_virtual_time(main, WHOLE, THROTTLED)


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_o_w4_each_of_four_venues_and_all_of_them_together() -> None:
    """What the client of all venues hears is what the clients of each hear, no more and no less."""

    async def main(scene: Scene) -> None:
        single = {name: await scene.listener(f"{CHAIN}?exchange={name}") for name in venues()}
        together = await scene.listener(f"{CHAIN}/5m?exchange=all")
        since_ms = scene.clock.now_ms()
        await asyncio.sleep(60.0)
        await scene.rest()
        for name, one in single.items():
            heard = told(one.closes, name, since_ms)
            assert heard, f"nobody was closed on {name}: the test showed nothing"
            assert {row["exchange"] for row in one.closes} == {name}
            assert told(together.closes, name, since_ms) == heard
        assert not together.of("error")
        newest = together.buckets[max(together.buckets)]
        opened_ms = newest["timestamp"]
        assert newest["count"] == sum(row["timestamp"] >= opened_ms for row in together.closes)

    in_virtual_time(main, *venues())


@pytest.mark.timeout(240)
def test_o_d9_the_volume_is_that_of_the_truth_after_the_hand_over() -> None:
    """Clients come while the market runs, one in the middle of a bucket with a past.

    Each bucket of the time in which the stream was live is the sum of what the venue closed then,
    at the price that the venue tells, which a client without a chart heard singly.
    """

    async def main(scene: Scene) -> None:
        live_ms = scene.clock.now_ms()
        since_ms = live_ms - live_ms % 60_000 + 60_000
        first = await scene.listener(f"{CHAIN}/1m?exchange={WHOLE}")
        single = await scene.listener(f"{CHAIN}?exchange={WHOLE}")
        await asyncio.sleep(100.0)
        late = await scene.listener(f"{CHAIN}/1m?exchange={WHOLE}")
        await scene.until(lambda: bool(late.of("liquidation_volume")))
        begun = late.buckets[max(late.buckets)]
        assert begun["count"] > 0
        await asyncio.sleep(70.0)
        await scene.rest()
        truth = happened(scene.truth(WHOLE, since_ms))
        assert told(single.closes, WHOLE, since_ms) == truth
        sums: dict[int, list[float]] = {}
        for one in single.closes:
            if one["timestamp"] >= since_ms:
                at = one["timestamp"] - one["timestamp"] % 60_000
                bucket = sums.setdefault(at, [0.0, 0.0, 0])
                bucket[0 if one["positionSide"] == "short" else 1] += one["priceUsdt"]
                bucket[2] += 1
        assert len(sums) >= 2
        for client in (first, late):
            shown = {at: row for at, row in client.buckets.items() if at >= since_ms}
            assert set(sums) <= set(shown)
            for at, row in shown.items():
                buy, sell, count = sums.get(at, [0.0, 0.0, 0])
                assert row["buyVolume"] == pytest.approx(buy)
                assert row["sellVolume"] == pytest.approx(sell)
                assert row["deltaVolume"] == pytest.approx(buy - sell)
                assert row["count"] == count
        assert first.buckets == late.buckets
        updates = [one["timestamp"] for one in first.of("liquidation_volume")]
        steps = [after - before for before, after in pairwise(updates[1:])]
        assert min(steps) >= 990, "at most every second"

    in_virtual_time(main, WHOLE)


@pytest.mark.timeout(240)
def test_o_s8_o_s17_o_d15_the_upstream_is_one_and_closes_with_the_last() -> None:
    """Of three clients two leave: the stream stays; the last leaves, and it lingers, then goes.

    A client that comes back within the linger keeps it. It is the routed path of 2026: the retired
    one is acknowledged and silent, on the simulated venue too.
    """

    async def main(scene: Scene) -> None:
        stream = "btcusdt@forceOrder"
        assert not scene.carried(stream)
        async with viewing(scene.port, f"{CHAIN}/1m") as last:
            async with viewing(scene.port, CHAIN), viewing(scene.port, CHAIN) as one:
                await one.hear()
                await scene.until(lambda: len(scene.carried(stream)) == 1)
                assert scene.state(THROTTLED, "BTCUSDT") is not None
                (path,) = scene.carried(stream)
                assert path.startswith("/market/")
            await asyncio.sleep(2 * LINGER_S)
            assert len(scene.carried(stream)) == 1
            await last.hear()
        await asyncio.sleep(LINGER_S / 2)
        async with viewing(scene.port, CHAIN) as back:
            await back.hear()
            await asyncio.sleep(LINGER_S)
            assert len(scene.carried(stream)) == 1
        await scene.until(lambda: not scene.carried(stream), LINGER_S + 10.0)
        assert scene.state(THROTTLED, "BTCUSDT") is None
        assert scene.state(THROTTLED, ALL_SYMBOLS) is FeedState.LIVE, "others hold that one"

    in_virtual_time(main, THROTTLED)


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_o_w4_a_heartbeat_after_30_seconds_of_silence() -> None:
    """A client whose least value nobody reaches hears one each 30 s; one with news fewer."""

    async def main(scene: Scene) -> None:
        quiet = await scene.listener(f"{CHAIN}?exchange={WHOLE}&min_value_usd=1e12")
        busy = await scene.listener(f"{CHAIN}?exchange={WHOLE}")
        await asyncio.sleep(95.0)
        sent = [quiet.of("liquidations")[0]["timestamp"]]
        sent += [one["timestamp"] for one in quiet.of("heartbeat")]
        assert [round((after - before) / 1_000) for before, after in pairwise(sent)] == [30] * 3
        news = [row["data"]["timestamp"] for row in busy.of("liquidation")]
        assert len(news) > 5, "the market was quiet: the test showed nothing"
        assert len(busy.of("heartbeat")) < 3

    in_virtual_time(main, WHOLE)


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_o_s14_a_cut_upstream_comes_back_and_clients_hear_on() -> None:
    """The venue refuses everybody for 20 s; the sockets of clients stay open and hear on."""

    async def main(scene: Scene) -> None:
        client = await scene.listener(f"{CHAIN}/1m?exchange={WHOLE}")
        await scene.until(lambda: bool(client.of("liquidation")))
        server = scene.simulator.venues[WHOLE]
        await server.refuse(20.0)
        await scene.until(lambda: scene.state(WHOLE, "BTCUSDT") is not FeedState.LIVE)
        await scene.until(lambda: scene.state(WHOLE, "BTCUSDT") is FeedState.LIVE, 90.0)
        since_ms = scene.clock.now_ms()
        await asyncio.sleep(30.0)
        await scene.rest()
        truth = happened(scene.truth(WHOLE, since_ms))
        assert truth, "nobody was closed: the test showed nothing"
        assert told(client.closes, WHOLE, since_ms) == truth
        every = told(client.closes, WHOLE, 0)
        assert sum(every.values()) == len(every), "none twice"
        assert not client.task.done()

    in_virtual_time(main, WHOLE)
