"""One feed per thing that is looked at, gone with its last viewer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.fake_source import make_trade
from tests.api.streaming import until
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import WatchFeed, World, is_ours

from headwater.api.schemas.terminal.common import TerminalErrorView
from headwater.api.terminal import desk as desk_module
from headwater.api.terminal.desk import FeedDesk, SharedFeed, TooManyFeeds
from headwater.api.terminal.symbols import terminal_symbol
from headwater.bus.topics import SlowPolicy
from headwater.core.errors import VenueUnavailable


class Told:
    """A viewer that remembers what it was told and how it was ended."""

    def __init__(self) -> None:
        self.told: list[SharedFeed | bytes] = []
        self.ends: list[tuple[str, int]] = []

    def start(self, feed: SharedFeed) -> None:
        self.told.append(feed)

    def tell(self, payload: bytes) -> None:
        self.told.append(payload)

    def end(self, error: TerminalErrorView, close_code: int) -> None:
        self.ends.append((error.code, close_code))


def maker(world: World, symbol: str = "BTCUSDT") -> tuple[str, Callable[[], WatchFeed]]:
    shown = terminal_symbol(world.sources, "binance", symbol)
    key = f"watch/binance:{symbol}"
    return key, lambda: WatchFeed(world.desk, key, shown, world.switches)


async def test_viewers_share_one_feed_that_ends_with_the_last_one() -> None:
    world = World()
    key, make = maker(world)
    viewers = [Told(), Told(), Told()]
    feeds = [world.desk.join(key, make, WatchFeed, one) for one in viewers]
    assert len(set(map(id, feeds))) == 1
    assert world.left == {
        "sockets": 0, "tasks": 1, "leases": 1, "feeds": 1, "readers": 1, "topics": 1,
    }  # fmt: skip
    for viewer in viewers[:2]:
        world.desk.leave(feeds[0], viewer)
        assert world.left["leases"] == 1
    world.desk.leave(feeds[0], viewers[2])
    assert {**world.left, "tasks": 0} == dict.fromkeys(world.left, 0), "at once, but for the task"
    await world.until_nothing_is_left()
    world.desk.leave(feeds[0], viewers[2])
    assert world.leases_held == 0, "leaving twice is harmless"


async def test_viewers_are_started_when_they_are_connected_and_the_feed_has_begun() -> None:
    world = World()
    key, make = maker(world)
    viewers = early, absent, left, late = [Told(), Told(), Told(), Told()]
    feed, *_ = [world.desk.join(key, make, WatchFeed, one) for one in viewers]
    feed.has_begun = False
    feed.greet(early)
    feed.greet(left)
    feed.begin_anew()
    feed.tell(b"1")
    assert [one.told for one in viewers] == [[], [], [], []], "nothing before the beginning"
    world.desk.leave(feed, left)
    feed.begin()
    feed.greet(late)
    feed.tell(b"2")
    feed.begin_anew()
    assert [one.told for one in viewers] == [[feed, b"2", feed], [], [], [feed, b"2", feed]]
    for one in (early, absent, late):
        world.desk.leave(feed, one)
    assert feed.listeners == ()
    await world.until_nothing_is_left()


async def test_o_w6_who_comes_after_the_last_left_gets_a_feed_of_its_own() -> None:
    world = World()
    key, make = maker(world)
    old = world.desk.join(key, make, WatchFeed, first := Told())
    world.desk.leave(old, first)
    new = world.desk.join(key, make, WatchFeed, second := Told())
    assert new is not old
    assert [lease.released for lease in world.source.leases] == [1, 0]
    world.desk.leave(old, first)
    assert world.desk.feeds == {key: new}, "the old one's end does not touch the new one"
    world.desk.leave(new, second)
    await world.until_nothing_is_left()


async def test_a_constructor_that_fails_gives_back_what_it_took() -> None:
    world = World()
    key, make = maker(world)
    for error in (VenueUnavailable("binance", "down"), RuntimeError("a bug")):
        world.switches.constructor = error
        with pytest.raises(type(error)):
            world.desk.join(key, make, WatchFeed, Told())
        assert world.left == dict.fromkeys(world.left, 0)
    assert [lease.released for lease in world.source.leases] == [1, 1]
    world.switches.constructor = None
    feed = world.desk.join(key, make, WatchFeed, viewer := Told())
    assert world.leases_held == 1
    world.desk.leave(feed, viewer)
    await world.until_nothing_is_left()


async def test_all_or_nothing_leaves_what_was_joined() -> None:
    world = World()
    first, second = maker(world), maker(world, "ETHUSDT")
    stays = Told()
    feed = world.desk.join(*first, WatchFeed, stays)

    def join_both(viewer: Told) -> None:
        with world.desk.all_or_nothing():
            world.desk.join(*first, WatchFeed, viewer)
            world.desk.join(*second, WatchFeed, viewer)
            raise VenueUnavailable("binance", "down")

    with pytest.raises(VenueUnavailable):
        join_both(Told())
    assert list(world.desk.feeds) == [feed.key]
    assert feed.viewers == {stays}
    with world.desk.all_or_nothing():
        world.desk.join(*second, WatchFeed, stays)
    assert len(world.desk.feeds) == 2
    for one in tuple(world.desk.feeds.values()):
        world.desk.leave(one, stays)
    await world.until_nothing_is_left()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VenueUnavailable("binance", "down"), "VENUE_ERROR"),
        (RuntimeError("a bug"), "INTERNAL_ERROR"),
        (None, "INTERNAL_ERROR"),
    ],
)
async def test_a_feed_that_ends_tells_its_viewers_and_the_next_one_gets_a_new_one(
    error: Exception | None, code: str
) -> None:
    world = World()
    key, make = maker(world)
    world.switches.running, world.switches.returns = error, True
    viewers = [Told(), Told()]
    for viewer in viewers:
        feed = world.desk.join(key, make, WatchFeed, viewer)
    await until(lambda: not world.desk.feeds)
    assert [viewer.ends for viewer in viewers] == [[(code, 1011)]] * 2
    assert world.leases_held == 0
    for viewer in viewers:
        world.desk.leave(feed, viewer)
    world.switches.running, world.switches.returns = None, False
    again = world.desk.join(key, make, WatchFeed, viewers[0])
    assert again is not feed
    world.desk.leave(again, viewers[0])
    await world.until_nothing_is_left()


async def test_there_is_a_most_of_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "FEEDS_MAX", 1)
    world = World()
    feed = world.desk.join(*maker(world), WatchFeed, viewer := Told())
    with pytest.raises(TooManyFeeds, match="already 1 feeds"):
        world.desk.join(*maker(world, "ETHUSDT"), WatchFeed, viewer)
    assert world.desk.join(*maker(world), WatchFeed, Told()) is feed, "those that are there"
    await world.desk.close()


async def test_closing_the_desk_ends_everything_and_it_takes_no_more() -> None:
    world = World()
    viewer = Told()
    feeds = [
        world.desk.join(*maker(world, symbol), WatchFeed, viewer)
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    await world.desk.close()
    assert world.left == dict.fromkeys(world.left, 0)
    world.desk.leave(feeds[0], viewer)
    with pytest.raises(TooManyFeeds):
        world.desk.join(*maker(world), WatchFeed, viewer)
    await world.desk.close()


async def test_a_topic_goes_with_its_last_hearer_and_a_hub_without_room_is_told() -> None:
    world = World()
    key, make = maker(world)
    feed = world.desk.join(key, make, WatchFeed, viewer := Told())
    extra = feed.topic("/fast", SlowPolicy.LATEST)
    assert extra.key == f"terminal/{key}/fast"
    assert feed.topic("/fast", SlowPolicy.LATEST) is extra
    with pytest.raises(TooManyFeeds, match="policy"):
        feed.topic("/fast", SlowPolicy.DROP_OLDEST)
    feed.drop_topic(extra.key)
    assert world.left["topics"] == 1
    world.desk.leave(feed, viewer)
    await world.until_nothing_is_left()


async def test_a_slow_client_is_told_how_much_it_missed() -> None:
    world = World()
    found: dict[str, Any] = json.loads(world.desk.slow_notice("terminal/x", 7))
    assert (found["type"], found["code"], found["timestamp"]) == (
        "error", "TOO_SLOW", world.clock.now_ms(),
    )  # fmt: skip
    assert "7 messages" in found["message"]
    assert world.desk.internal_error().code == "INTERNAL_ERROR"


async def test_a_key_means_one_kind_of_feed() -> None:
    class Other(SharedFeed):
        async def run(self) -> None:
            await asyncio.Event().wait()

    world = World()
    key, make = maker(world)
    world.desk.join(key, make, WatchFeed, Told())
    with pytest.raises(AssertionError, match="is a WatchFeed"):
        world.desk.join(key, lambda: Other(world.desk, key), Other, Told())
    with pytest.raises(AssertionError, match="is not other"):
        world.desk.join("other", lambda: Other(world.desk, "wrong"), Other, Told())
    await world.desk.close()
    assert not [task for task in asyncio.all_tasks() if is_ours(task)]
    with pytest.raises(AssertionError, match="attach"):
        _ = FeedDesk(world.sources, world.bus, world.clock).hub


async def test_every_viewer_hears_every_event_and_one_upstream_serves_them_all() -> None:
    world = World()
    async with world.served() as at:
        async with (
            viewing(at.port, "watch/BTCUSDT") as one,
            viewing(at.port, "watch?symbol=btc-usdt") as two,
        ):
            for client in (one, two):
                assert (await client.hear())["price"] == 0.0
            await until(lambda: "book BTCUSDT 5" in world.source.calls)
            for number in range(1, 4):
                world.bus.publish(make_trade(number))
            heard = [[await client.hear() for _ in range(3)] for client in (one, two)]
            assert heard[0] == heard[1]
            assert len(world.source.leases) == 1
            assert world.source.calls == ["book BTCUSDT 5"]
        await world.until_nothing_is_left()
