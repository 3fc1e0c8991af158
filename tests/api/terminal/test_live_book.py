"""What the terminal shows of a book follows the bus: changes, holes, images, slow reading."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.api.terminal.book_scene import (
    ASKS,
    PATH,
    booked,
    delta,
    live_book,
    side,
    snapshot,
    state,
)
from tests.api.terminal.viewing import viewing

from headwater.api.terminal.live_book import DELTAS_MAX
from headwater.core.enums import Channel, FeedState
from headwater.core.errors import VenueUnavailable


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """Served, with a live book."""
    async with booked() as served:
        yield served


async def test_deltas_are_applied_and_an_update_comes_only_when_something_changed(
    platform: Platform,
) -> None:
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        platform.advance(1.0)
        platform.bus.publish(delta(11, bids=[(100.4, 0.0), (100.3, 2.5)], asks=[(100.55, 0.0)]))
        message = await client.hear()
        assert side(message, "bids") == [(100.3, 2.5, 2.5), (100.2, 4, 6.5)]
        assert message["timestamp"] == NOW_MS + 11
        platform.advance(1.0)
        platform.bus.publish(delta(12, bids=[(100.3, 2.5)], asks=[(100.5, 8.0)]))
        platform.bus.publish(snapshot(is_start=False, bids=((1.0, 1.0),)))
        platform.bus.publish(state(FeedState.LIVE))
        assert await client.until_pong() == []


@pytest.mark.parametrize("bad", [FeedState.RESYNCING, FeedState.DOWN, FeedState.STALE])
async def test_nothing_of_a_gapped_book_is_shown(platform: Platform, bad: FeedState) -> None:
    """At once, whatever the pace, and once; the new book comes at once too."""
    async with viewing(platform.port, f"{PATH}&pace_ms=10000") as client:
        await client.hear()
        platform.bus.publish(delta(11, bids=[(100.4, 5.0)]))
        platform.bus.publish(state(bad))
        message = await client.hear()
        assert message["state"] == "resyncing"
        assert (message["bids"], message["asks"]) == ([], [])
        assert message["marketDepthInfo"]["rawBids"] == 0
        platform.bus.publish(delta(13, bids=[(100.4, 9.0)]))
        platform.bus.publish(state(bad))
        platform.advance(60.0)
        live_book(platform).views.tick()
        assert await client.until_pong() == []
        async with viewing(platform.port, PATH) as other:
            assert (await other.hear())["state"] == "resyncing"
        platform.source.books["BTCUSDT"] = snapshot(((99.0, 1.5),), ((99.5, 2.0),), sequence=20)
        platform.bus.publish(platform.source.books["BTCUSDT"])
        platform.bus.publish(state(FeedState.LIVE))
        message = await client.hear()
        assert (message["state"], side(message, "bids")) == ("live", [(99.0, 1.5, 1.5)])
        assert await client.until_pong() == []


async def test_states_of_other_channels_do_not_concern_the_book(platform: Platform) -> None:
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        platform.bus.publish(state(FeedState.DOWN, Channel.TRADES))
        platform.bus.publish(state(FeedState.DOWN, None))
        assert await client.until_pong() == []


async def test_what_looks_the_same_is_not_sent_again(platform: Platform) -> None:
    """An image with the same levels, and a change below the levels that are shown."""
    levels = [(100.0 - n, 1.0) for n in range(9)]
    platform.source.books["BTCUSDT"] = snapshot(levels, ASKS)
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        platform.advance(1.0)
        platform.bus.publish(snapshot(levels, ASKS, sequence=11))
        assert await client.until_pong() == []
        platform.advance(1.0)
        platform.bus.publish(delta(12, bids=[(92.0, 3.0)]))
        assert await client.until_pong() == []
        platform.bus.publish(delta(13, bids=[(99.0, 3.0)]))
        assert (await client.hear())["timestamp"] == NOW_MS + 13


async def test_a_new_image_takes_the_place_of_a_live_book(platform: Platform) -> None:
    """As Bybit sends one after a restart, and Hyperliquid always; at the pace of the viewer."""
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        image = snapshot(((50.0, 1.0),), ((50.1, 2.0),), sequence=1)
        platform.source.books["BTCUSDT"] = image
        platform.bus.publish(image)
        assert await client.until_pong() == []
        platform.advance(0.1)
        live_book(platform).views.tick()
        message = await client.hear()
        assert (message["state"], side(message, "asks")) == ("live", [(50.1, 2, 2)])


async def test_an_image_after_which_the_book_is_not_live_shows_nothing(platform: Platform) -> None:
    """The next gap came before the image was read, and its state was dropped with the rest."""
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        platform.source.books["BTCUSDT"] = snapshot(is_start=False)
        platform.bus.publish(snapshot(sequence=11))
        assert (await client.hear())["state"] == "resyncing"


async def test_a_failure_to_begin_anew_shows_nothing_until_the_book_is_live(
    platform: Platform,
) -> None:
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        platform.source.error = VenueUnavailable("binance", "connection refused")
        platform.bus.publish(snapshot(sequence=11))
        assert (await client.hear())["state"] == "resyncing"
        platform.source.error = None
        platform.bus.publish(state(FeedState.LIVE))
        assert (await client.hear())["state"] == "live"


async def test_a_reader_that_was_too_slow_begins_anew(platform: Platform) -> None:
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        platform.source.books["BTCUSDT"] = snapshot(((7.0, 7.0),), sequence=5_000)
        for number in range(DELTAS_MAX + 5):
            platform.bus.publish(delta(11 + number, bids=[(100.4, 1.0 + number)]))
        platform.advance(0.1)
        message = await client.hear()
        assert (message["state"], side(message, "bids")) == ("live", [(7.0, 7, 7)])


async def test_a_venues_single_answer_is_called_a_snapshot_until_the_stream_is_live(
    platform: Platform,
) -> None:
    platform.source.books["BTCUSDT"] = snapshot(is_start=False)
    async with viewing(platform.port, PATH) as client:
        assert (await client.hear())["state"] == "snapshot"
        platform.bus.publish(state(FeedState.CONNECTING))
        platform.bus.publish(delta(11, bids=[(100.4, 5.0)]))
        assert await client.until_pong() == []
        platform.source.books["BTCUSDT"] = snapshot(sequence=12)
        platform.bus.publish(state(FeedState.LIVE))
        message = await client.hear()
        assert (message["state"], message["timestamp"]) == ("live", NOW_MS + 12)


async def test_what_came_while_the_book_was_asked_for_is_not_lost(platform: Platform) -> None:
    """The answer has everything up to 10; of three deltas that wait, two are news."""
    platform.source.wait_for = asyncio.Event()
    async with viewing(platform.port, PATH) as client:
        await client.say("update_params", limit=7)
        assert await client.until_pong() == [], "there is nothing to show yet"
        for number in (10, 11, 12):
            platform.bus.publish(delta(number, bids=[(100.0 - number, float(number))]))
        platform.source.wait_for.set()
        assert (await client.hear())["limit"] == 7
        first = await client.hear()
        assert first["marketDepthInfo"]["requestedLevels"] == 7
        platform.advance(0.1)
        live_book(platform).views.tick()
        assert side(await client.hear(), "bids")[3:] == [(89, 11, 18), (88, 12, 30)]
