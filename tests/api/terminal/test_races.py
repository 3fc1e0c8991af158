"""500 clients that come and go at every point leave nothing behind (O-W6)."""

import asyncio
import gc
import logging
from collections import Counter
from itertools import count

import pytest
from tests.api.fake_source import make_trade
from tests.api.streaming import until
from tests.api.terminal.racing import WAYS, race
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import WatchFeed, WatchSession, World

from headwater.api.stream_contract import StreamLimits
from headwater.core.errors import VenueUnavailable

PATHS = (
    "watch/BTCUSDT",
    "watch?symbol=ETHUSDT",
    "watch/SOLUSDT?exchange=okx",
    "watch/NOSUCH",
)
REQUESTS = (
    {"type": "ping"},
    {"type": "load", "limit": 3},
    {"type": "load", "limit": 0},
)


@pytest.mark.parametrize("venue", ["quick", "slow", "failing", "broken"])
async def test_o_w6_five_hundred_races_leave_nothing_behind(
    venue: str, caplog: pytest.LogCaptureFixture
) -> None:
    """0 sockets, 0 tasks, 0 leases, 0 feeds, 0 readers, 0 topics, however slow the venue is."""
    world = World(StreamLimits(close_timeout_s=0.1, sweep_interval_s=0.05))
    seen: Counter[str] = Counter()
    if venue == "slow":
        for source in world.sources.values():
            source.wait_for = asyncio.Event()
    requests = (*REQUESTS, {"type": "break"}) if venue == "broken" else REQUESTS
    numbers = count(1)

    def between() -> None:
        for name, now in world.left.items():
            seen[name] = max(seen[name], now)
        if venue == "failing":
            down = next(numbers) % 2 == 0
            world.source.error = VenueUnavailable("binance", "down") if down else None
        for symbol in ("BTCUSDT", "ETHUSDT"):
            world.bus.publish(make_trade(next(numbers), symbol))

    async with world.served() as at:
        loop = asyncio.get_running_loop()
        failures: list[object] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        await race(at.port, PATHS, 500, seed=7, requests=requests, between=between)
        await world.until_nothing_is_left()
        world.source.error = None
        for source in world.sources.values():
            source.wait_for = None
        async with viewing(at.port, PATHS[0]) as client:
            await until(lambda: "book BTCUSDT 5" in world.source.calls)
            assert (await client.hear())["type"] == "seen", "and it still serves"
        await world.until_nothing_is_left()
    assert failures == []
    assert all(seen[name] for name in world.left), "there was something to leave behind"
    faults = [one for one in caplog.records if one.levelno >= logging.ERROR]
    if venue == "broken":
        assert {one.message for one in faults} == {"a terminal socket's request failed"}
    else:
        assert faults == []
    if caplog.records:
        return  # they hold the frames of what went wrong, and so feeds and sessions
    assert venue in ("quick", "slow")
    gc.collect()
    kinds = WatchFeed | WatchSession
    remains = [one for one in gc.get_objects() if isinstance(one, kinds)]
    assert [one for one in remains if one.desk is world.desk] == []


def test_every_way_to_go_is_tried_on_every_path() -> None:
    assert len(WAYS) * len(PATHS) * 10 <= 500


async def test_o_w6_a_symbol_that_is_joined_and_left_in_turns_has_at_most_one_upstream() -> None:
    """A hundred clients one after the other, each gone before the next is answered."""
    world = World()
    async with world.served() as at:
        for _ in range(100):
            async with viewing(at.port, PATHS[0]):
                assert world.leases_held <= 1
        await world.until_nothing_is_left()
