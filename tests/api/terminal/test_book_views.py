"""Views of one book: rendered once, at the pace of their viewers, bounded, gone with the last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.api.served import Platform
from tests.api.terminal.book_scene import PATH, booked, delta, feeds_of, live_book, side, snapshot
from tests.api.terminal.viewing import Viewing, viewing

from headwater.api.terminal.book_views import ROUNDINGS_MAX, VIEWS_MAX
from headwater.core.clock import SystemClock


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """Served, with a live book."""
    async with booked() as served:
        yield served


async def test_o_s5_a_slow_pace_conflates_and_each_message_is_the_newest(
    platform: Platform,
) -> None:
    """Four changes within one pace are one message, which has all of them; then silence."""
    async with viewing(platform.port, f"{PATH}&pace_ms=1000") as client:
        await client.hear()
        for number in range(1, 5):
            platform.bus.publish(delta(10 + number, bids=[(100.4, float(number))]))
            assert await client.until_pong() == []
        platform.advance(0.9)
        live_book(platform).views.tick()
        assert await client.until_pong() == []
        platform.advance(0.2)
        live_book(platform).views.tick()
        assert side(await client.hear(), "bids")[0] == (100.4, 4, 4)
        platform.advance(5.0)
        live_book(platform).views.tick()
        assert await client.until_pong() == []
        platform.bus.publish(delta(15, bids=[(100.4, 11.0)]))
        assert side(await client.hear(), "bids")[0] == (100.4, 11, 11), "due long since: at once"


async def test_the_timer_brings_what_waits_for_its_pace() -> None:
    """On a clock that runs: nobody has to say anything for the last change to come."""
    async with (
        booked(Platform(clock=SystemClock())) as platform,
        viewing(platform.port, f"{PATH}&pace_ms=50") as client,
    ):
        await client.hear()
        for number in range(1, 51):
            platform.bus.publish(delta(10 + number, bids=[(100.4, float(number))]))
            await asyncio.sleep(0)
        while side(await client.hear(), "bids")[0] != (100.4, 50, 50):
            pass


async def test_viewers_share_the_feed_and_what_is_rendered(platform: Platform) -> None:
    """Three views, one upstream; the last leaver takes it away, each its own topic."""
    paths = [PATH, PATH, f"{PATH}&pace_ms=500", "orderbook/btc-usdt?rounding=0.10&limit=5"]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(viewing(platform.port, one)) for one in paths]
        for client in clients:
            await client.hear()
        views = live_book(platform).views
        assert (views.count, views.renderings) == (2, 1)
        assert len(platform.source.leases) == 1
        assert [one for one in platform.source.calls if one.startswith("book")] == [
            "book BTCUSDT 100000"
        ]
        await clients[2].socket.close()
        while views.count > 1:
            await asyncio.sleep(0)
        assert len([key for key in topic_keys(platform) if "orderbook" in key]) == 1
    while feeds_of(platform):
        await asyncio.sleep(0)
    assert [lease.released for lease in platform.source.leases] == [1]
    assert not [key for key in topic_keys(platform) if "orderbook" in key]


def topic_keys(platform: Platform) -> list[str]:
    return [topic.key for topic in platform.hub.stats().topics]


async def test_views_of_one_book_are_bounded(platform: Platform) -> None:
    """One more is refused: a newcomer with 1011, on an open socket without harm."""
    async with AsyncExitStack() as stack:
        for pace in range(VIEWS_MAX):
            path = f"{PATH}&pace_ms={1_000 + pace}"
            client = await stack.enter_async_context(viewing(platform.port, path))
            await client.hear()
        await client.say("update_params", paceMs=50)
        assert (await client.hear())["code"] == "TOO_MANY_STREAMS"
        assert await client.until_pong() == []
        newcomer: Viewing = await stack.enter_async_context(viewing(platform.port, f"{PATH}0"))
        (error,), close_code, _ = await newcomer.closing()
        assert (error["code"], close_code) == ("TOO_MANY_STREAMS", 1011)
        assert live_book(platform).views.count == VIEWS_MAX
        plain = await stack.enter_async_context(viewing(platform.port, "orderbook/BTCUSDT"))
        assert (await plain.hear())["rounding"] == 10, "there is always room for what is offered"
        assert live_book(platform).views.count == VIEWS_MAX + 1


async def test_roundings_of_one_book_are_bounded(platform: Platform) -> None:
    async with AsyncExitStack() as stack:
        for number in range(ROUNDINGS_MAX):
            path = f"orderbook/BTCUSDT?rounding={number + 0.5}"
            client = await stack.enter_async_context(viewing(platform.port, path))
            await client.hear()
        await client.say("update_params", rounding=0.3)
        assert (await client.hear())["code"] == "TOO_MANY_STREAMS"
        plain = await stack.enter_async_context(viewing(platform.port, "orderbook/BTCUSDT"))
        assert (await plain.hear())["rounding"] == 10, "the offered ones do not count"
        await client.say("update_params", rounding=0.5, limit=30)
        assert (await client.hear())["success"], "an old rounding is no new one"
        await client.hear()
        await client.say("update_params", rounding=0.3)
        assert (await client.hear())["success"], "what it had is free now"


async def test_a_book_deeper_than_a_message_is_cut_and_says_so(platform: Platform) -> None:
    """A socket sends at most 1,000 levels a side (O-D2), whatever is asked for."""
    levels = [(1_000 + n / 10, 1.0) for n in range(3_000)]
    bids = [(price - 500, 1.0) for price, _ in reversed(levels)]
    platform.source.books["BTCUSDT"] = snapshot(bids, levels)
    async with viewing(platform.port, "orderbook/BTCUSDT?rounding=0.1&limit=5000") as client:
        message = await client.hear()
    assert (len(message["bids"]), len(message["asks"])) == (1_000, 1_000)
    info = message["marketDepthInfo"]
    assert (info["actualLevels"], info["isMarketDepthLimited"]) == (1_000, True)
    assert (info["rawBids"], info["hasInsufficientRawData"]) == (3_000, True)
