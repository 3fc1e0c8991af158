"""Topics open with their first client, are shared, linger, and end with everything given back."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from tests.api import fake_source as fake

from headwater.api import topic_board
from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.stream_wishes import StreamWish, understand
from headwater.api.topic_board import LINGER_S, TooManyTopics, TopicBoard
from headwater.api.topic_channel import TopicChannel
from headwater.bus.memory import MemoryBus
from headwater.core.clock import ManualClock
from headwater.core.errors import RequestError, VenueUnavailable

TRADES, TICKER = "binance/BTCUSDT/trades", "binance/BTCUSDT/ticker"


class Listener:
    """A client that waits."""

    def __init__(self) -> None:
        self.begun = 0

    def begin(self, channel: TopicChannel) -> None:
        """Counts."""
        self.begun += 1


async def refuse(request: StreamRequest) -> StreamAccepted | StreamRefused:
    raise AssertionError("no client here")


class World:
    """A board with everything around it."""

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self.clock = ManualClock(fake.NOW_MS * 1_000_000)
        self.source = fake.FakeSource()
        self.publisher = StreamPublisher(MemoryBus(), 100)
        self.hub = StreamHub(refuse, limits)
        self.publisher.attach(self.hub)
        self.answer: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self.loads = 0
        self.board = TopicBoard(self.publisher, self.understand, self.load, self.clock)

    def understand(self, path: str, query: str) -> StreamWish:
        return understand({"binance": self.source}, (), path, query)

    async def load(self, _wish: StreamWish) -> Sequence[bytes]:
        self.loads += 1
        return await asyncio.shield(self.answer)

    def join(self, text: str, listener: Listener) -> TopicChannel:
        return self.board.join(self.board.understand(text), listener)

    @property
    def released(self) -> list[int]:
        return [lease.released for lease in self.source.leases]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.board.close()


async def test_equal_wishes_share_a_channel_and_its_leases(world: World) -> None:
    one, two = Listener(), Listener()
    channel = world.join("binance/btc-usdt/trades", one)
    assert channel.key == TRADES
    assert channel.seq == fake.NOW_MS * 1000
    assert world.join("binance/BTC%2FUSDT/trades", two) is channel
    assert len(world.source.leases) == 1
    world.publisher.publish([fake.make_trade()])
    assert channel.seq == fake.NOW_MS * 1000 + 1


async def test_a_topic_lingers_with_its_messages_and_then_ends(world: World) -> None:
    one = Listener()
    channel = world.join(TRADES, one)
    world.board.leave(channel, one)
    world.board.leave(channel, one)
    world.publisher.publish([fake.make_trade()])
    world.clock.advance(LINGER_S - 1)
    world.board.sweep()
    assert world.join(TRADES, one) is channel
    world.clock.advance(LINGER_S)
    world.board.sweep()
    assert world.released == [0], "it has a client again"
    world.board.leave(channel, one)
    world.clock.advance(LINGER_S)
    world.board.sweep()
    assert world.released == [1]
    assert not world.hub.stats().topics
    world.publisher.publish([fake.make_trade()])
    again = world.join(TRADES, one)
    assert again is not channel
    assert again.seq > channel.seq, "no number of this life was one of the other"


async def test_numbers_rise_from_life_to_life_even_when_the_clock_is_set_back() -> None:
    world, one = World(), Listener()
    channel = world.join(TRADES, one)
    for _ in range(3):
        world.publisher.publish([fake.make_trade()])
    world.board.leave(channel, one)
    world.board._end(TRADES)
    assert world.join(TRADES, one).seq > channel.seq, "the clock has not moved"
    await world.board.close()


async def test_no_more_topics_linger_than_may(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_board, "LINGER_MAX", 2)
    one = Listener()
    for symbol in ("BTC", "ETH", "SOL"):
        world.board.leave(world.join(f"binance/{symbol}/trades", one), one)
    assert world.released == [1, 0, 0], "the one left first goes"


async def test_no_more_topics_are_open_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_board, "CHANNELS_MAX", 1)
    world, one = World(), Listener()
    channel = world.join(TRADES, one)
    with pytest.raises(TooManyTopics):
        world.join("binance/ETH/trades", one)
    world.board.leave(channel, one)
    world.join("binance/ETH/trades", one)
    await world.board.close()


async def test_the_hub_has_the_last_word_on_the_number_of_topics() -> None:
    one = Listener()
    full = World(StreamLimits(max_topics=1))
    full.join(TRADES, one)
    with pytest.raises(TooManyTopics):
        full.join("binance/ETH/trades", one)
    assert full.released == [0, 1]
    await full.board.close()


async def test_a_refused_lease_opens_nothing(world: World) -> None:
    world.source.acquire_error = VenueUnavailable("binance", "no")
    with pytest.raises(VenueUnavailable):
        world.join(TRADES, Listener())
    with pytest.raises(RequestError):
        world.board.understand("binance/BTCUSDT/nothing")
    assert not world.hub.stats().topics


async def test_a_state_is_loaded_once_for_all_who_wait(world: World) -> None:
    one, two = Listener(), Listener()
    for listener in (one, two):
        world.board.wait(world.join(TICKER, listener), listener)
    await asyncio.sleep(0)
    assert world.loads == 1
    world.answer.set_result([b"{}"])
    async with asyncio.timeout(5):
        while not two.begun:
            await asyncio.sleep(0)
    assert (one.begun, two.begun) == (1, 1)


@pytest.mark.parametrize("error", [VenueUnavailable("binance", "no"), RuntimeError("fault")])
async def test_when_a_state_cannot_be_loaded_a_live_one_will_do(
    world: World, error: Exception
) -> None:
    one = Listener()
    channel = world.join(TICKER, one)
    world.board.wait(channel, one)
    world.answer.set_exception(error)
    async with asyncio.timeout(5):
        while world.board._open[TICKER].loading is not None:
            await asyncio.sleep(0)
    assert one.begun == 0
    world.publisher.publish([fake.make_ticker()])
    assert one.begun == 1


async def test_a_load_that_takes_too_long_ends() -> None:
    world, one = World(StreamLimits(resolve_timeout_s=0.01)), Listener()
    world.board.wait(world.join(TICKER, one), one)
    async with asyncio.timeout(5):
        while world.board._open[TICKER].loading is not None:
            await asyncio.sleep(0.001)
    assert one.begun == 0
    await world.board.close()


async def test_closing_ends_topics_loads_and_timer_once(world: World) -> None:
    one = Listener()
    waiting = world.join(TICKER, one)
    world.board.wait(waiting, one)
    lingering = world.join(TRADES, one)
    world.board.leave(lingering, one)
    await asyncio.sleep(0)
    await world.board.close()
    await world.board.close()
    world.board.leave(waiting, one)
    assert world.released == [1] * len(world.source.leases)
    assert not world.hub.stats().topics
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("topic-state")]
    with pytest.raises(TooManyTopics):
        world.join(TRADES, one)


async def test_the_timer_sweeps_what_is_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Listener()
    world.board.leave(world.join(TRADES, one), one)
    timer = world.board._timer
    assert timer is not None
    world.clock.advance(LINGER_S)
    world.board._on_timer()
    assert world.released == [1]
    assert world.board._timer is None
    timer.cancel()
