"""The socket of an order book, over a venue in memory: O-W1, O-S5 and the defects around it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.api.terminal.viewing import Message, Viewing, viewing

from headwater.api.terminal.book_views import ROUNDINGS_MAX, VIEWS_MAX
from headwater.api.terminal.desk import FeedDesk, SharedFeed
from headwater.api.terminal.live_book import DELTAS_MAX, LiveBook, default_of, rounding_options
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel, FeedState
from headwater.core.errors import NotSupported, VenueUnavailable
from headwater.core.records import BookDelta, BookSnapshot, ConnectionState, Level

BIDS: Sequence[Level] = ((100.4, 1.0), (100.3, 2.0), (100.2, 4.0))
ASKS: Sequence[Level] = ((100.5, 8.0), (100.6, 16.0), (100.8, 32.0))
PATH = "orderbook/BTCUSDT?rounding=0.1&limit=5"

Side = list[tuple[float, float, float]]


def snapshot(
    bids: Sequence[Level] = BIDS,
    asks: Sequence[Level] = ASKS,
    *,
    sequence: int = 10,
    is_start: bool = True,
) -> BookSnapshot:
    return BookSnapshot(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS + sequence,
        received_ns=1,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=sequence,
        is_start=is_start,
    )


def delta(sequence: int, bids: Sequence[Level] = (), asks: Sequence[Level] = ()) -> BookDelta:
    return BookDelta(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS + sequence,
        received_ns=1,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=sequence,
    )


def state(now: FeedState, channel: Channel | None = Channel.BOOK) -> ConnectionState:
    return ConnectionState(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS,
        received_ns=1,
        channel=channel,
        state=now,
        reason="",
        since_ms=NOW_MS,
    )


def side(message: Message, name: str) -> Side:
    """A side as prices, amounts and sums."""
    return [(one["price"], one["amount"], one["cumulative"]) for one in message[name]]


def feeds_of(platform: Platform) -> Mapping[str, SharedFeed]:
    """What somebody views now."""
    owners = (getattr(closer, "__self__", None) for closer in platform.hub._closers)
    (desk,) = (one for one in owners if isinstance(one, FeedDesk))
    return desk.feeds


def live_book(platform: Platform) -> LiveBook:
    """The only feed."""
    (feed,) = feeds_of(platform).values()
    assert isinstance(feed, LiveBook)
    return feed


@pytest.fixture(autouse=True)
def _book(request: pytest.FixtureRequest) -> None:
    """Binance has a live book."""
    if "platform" in request.fixturenames:
        request.getfixturevalue("platform").source.books["BTCUSDT"] = snapshot()


@pytest.mark.parametrize(
    "path",
    [
        "orderbook?symbol=BTCUSDT&limit=20&rounding=0.25",
        "orderbook/BTCUSDT?limit=20&rounding=0.25",
        "orderbook/BTC%2FUSDT%3AUSDT?limit=20&rounding=0.25&exchange=BINANCE",
    ],
)
async def test_o_w1_o_d1_both_forms_of_the_address_connect(platform: Platform, path: str) -> None:
    """The seed's sample, rounding 0.25 on a tick of 0.1.

    Bids 100.4 (1) and 100.3 (2) go down to 100.25, 100.2 (4) to 100.00; asks 100.5 (8) stay, 100.6
    (16) goes up to 100.75 and 100.8 (32) to 101.00.
    """
    async with viewing(platform.port, path) as client:
        message = await client.hear()
    assert message["type"] == "orderbook_update"
    assert (message["exchange"], message["symbol"]) == ("binance", "BTCUSDT")
    assert (message["state"], message["rounding"], message["aggregated"]) == ("live", 0.25, True)
    assert side(message, "bids") == [(100.25, 3, 3), (100.0, 4, 7)]
    assert side(message, "asks") == [(100.5, 8, 8), (100.75, 16, 24), (101.0, 32, 56)]
    assert message["bids"][0] == {
        "price": 100.25,
        "priceFormatted": "100.25",
        "amount": 3,
        "amountFormatted": "3.000",
        "cumulative": 3,
        "cumulativeFormatted": "3.000",
    }
    assert message["timestamp"] == NOW_MS + 10
    assert message["time"] == NOW_MS // 1000
    assert message["marketDepthInfo"] == {
        "actualLevels": 2,
        "requestedLevels": 20,
        "isMarketDepthLimited": True,
        "hasInsufficientRawData": True,
        "rawBids": 3,
        "rawAsks": 3,
        "minRequiredRawData": 200,
    }


async def test_o_w1_the_default_view(platform: Platform) -> None:
    """Options of a price of 100.4 with one place: 0.1, 1, 10 (a tenth is 10.04); the third."""
    async with viewing(platform.port, "orderbook/BTCUSDT") as client:
        message = await client.hear()
    assert message["roundingOptions"] == [0.1, 1, 10]
    assert message["rounding"] == 10
    assert message["marketDepthInfo"]["requestedLevels"] == 20
    assert side(message, "bids") == [(100, 7, 7)]
    assert side(message, "asks") == [(110, 56, 56)]


async def test_asks_highest_first_when_asked_for(platform: Platform) -> None:
    async with viewing(platform.port, f"{PATH}&asks=highest_first") as client:
        message = await client.hear()
    assert side(message, "asks") == [(100.8, 32, 56), (100.6, 16, 24), (100.5, 8, 8)]


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("orderbook", "BAD_PARAMETER", "symbol"),
        ("orderbook/NOSUCH", "UNKNOWN_SYMBOL", "symbol"),
        ("orderbook/BTCUSDT?exchange=mtgox", "UNKNOWN_EXCHANGE", "exchange"),
        ("orderbook/BTCUSDT?limit=4", "BAD_PARAMETER", "limit"),
        ("orderbook/BTCUSDT?limit=5001", "BAD_PARAMETER", "limit"),
        ("orderbook/BTCUSDT?limit=many", "BAD_PARAMETER", "limit"),
        ("orderbook/BTCUSDT?rounding=0", "BAD_PARAMETER", "rounding"),
        ("orderbook/BTCUSDT?rounding=-1", "BAD_PARAMETER", "rounding"),
        ("orderbook/BTCUSDT?rounding=NaN", "BAD_PARAMETER", "rounding"),
        ("orderbook/BTCUSDT?rounding=1e-13", "BAD_PARAMETER", "rounding"),
        ("orderbook/BTCUSDT?rounding=1e13", "BAD_PARAMETER", "rounding"),
        ("orderbook/BTCUSDT?asks=up", "BAD_PARAMETER", "asks"),
        ("orderbook/BTCUSDT?pace_ms=49", "BAD_PARAMETER", "pace_ms"),
        ("orderbook/BTCUSDT?pace_ms=10001", "BAD_PARAMETER", "pace_ms"),
        ("orderbook/BTCUSDT?depth=5", "BAD_PARAMETER", "depth"),
    ],
)
async def test_o_w1_what_is_wrong_in_the_address_is_told_and_closes_4000(
    platform: Platform, path: str, code: str, field: str
) -> None:
    async with viewing(platform.port, path) as client:
        (error,), close_code, _ = await client.closing()
    assert (error["type"], error["code"], error["field"]) == ("error", code, field)
    assert close_code == 4000
    assert not feeds_of(platform)


async def test_o_w1_a_venue_without_live_books_closes_4000(platform: Platform) -> None:
    platform.source.acquire_error = NotSupported("binance", "book", "it has none")
    async with viewing(platform.port, PATH) as client:
        (error,), close_code, _ = await client.closing()
    assert (error["code"], close_code) == ("NOT_SUPPORTED", 4000)


async def test_o_w1_a_book_that_cannot_be_begun_closes_1011(platform: Platform) -> None:
    platform.source.error = VenueUnavailable("binance", "connection refused")
    async with viewing(platform.port, PATH) as client:
        (error,), close_code, _ = await client.closing()
    assert (error["type"], error["code"], close_code) == ("error", "VENUE_ERROR", 1011)
    assert not feeds_of(platform)


async def test_o_w1_update_params_changes_the_view_on_the_open_socket(platform: Platform) -> None:
    """The seed's sample: limit 50, rounding 0.5 (O-D2: 50 is allowed)."""
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        await client.say("update_params", limit=50, rounding=0.5)
        assert await client.hear() == {
            "type": "params_updated",
            "limit": 50,
            "rounding": 0.5,
            "asks": "best_first",
            "paceMs": 100,
            "success": True,
        }
        message = await client.hear()
        assert side(message, "bids") == [(100.0, 7, 7)]
        assert side(message, "asks") == [(100.5, 8, 8), (101.0, 48, 56)]
        assert message["marketDepthInfo"]["requestedLevels"] == 50
        await client.say("update_params", rounding="0.25", asks="highest_first", paceMs=50)
        assert (await client.hear())["paceMs"] == 50
        assert side(await client.hear(), "asks")[0] == (101.0, 32, 56)
        platform.bus.publish(delta(11, bids=[(100.4, 5.0)]))
        platform.advance(0.05)
        later = await client.hear()
        assert side(later, "bids") == [(100.25, 7, 7), (100.0, 4, 11)]
        assert side(later, "asks")[0] == (101.0, 32, 56)
        assert await client.until_pong() == [], "nothing of the former views"
    while feeds_of(platform):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 4},
        {"limit": 5001},
        {"limit": 20.5},
        {"limit": "20"},
        {"limit": None},
        {"rounding": 0},
        {"rounding": -0.5},
        {"rounding": "NaN"},
        {"rounding": "sNaN"},
        {"rounding": "Infinity"},
        {"rounding": "1e999999999"},
        {"rounding": "1e-999999999"},
        {"rounding": "0." + "1" * 5_000},
        {"rounding": [1]},
        {"asks": "up"},
        {"paceMs": 49},
        {"paceMs": 10_001},
        {"pace_ms": 100},
        {"limit": 50, "rounding": 0},
    ],
)
async def test_o_d12_wrong_parameters_change_nothing_and_the_socket_stays_open(
    platform: Platform, fields: dict[str, Any]
) -> None:
    async with viewing(platform.port, PATH) as client:
        await client.hear()
        await client.say("update_params", **fields)
        error = await client.hear()
        assert error["type"] == "error", error
        platform.bus.publish(delta(11, bids=[(100.4, 5.0)]))
        platform.advance(0.1)
        message = await client.hear()
        assert (message["rounding"], message["marketDepthInfo"]["requestedLevels"]) == (0.1, 5)


async def test_a_request_without_anything_new_is_answered(platform: Platform) -> None:
    async with viewing(platform.port, PATH) as client:
        first = await client.hear()
        await client.say("update_params")
        assert (await client.hear())["success"]
        assert await client.hear() == first
        assert await client.until_pong() == []


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
    platform = Platform(clock=SystemClock())
    platform.source.books["BTCUSDT"] = snapshot()
    async with platform.served(), viewing(platform.port, f"{PATH}&pace_ms=50") as client:
        await client.hear()
        for number in range(1, 51):
            platform.bus.publish(delta(10 + number, bids=[(100.4, float(number))]))
            await asyncio.sleep(0)
        while side(await client.hear(), "bids")[0] != (100.4, 50, 50):
            pass


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


async def test_roundings_of_one_book_are_bounded(platform: Platform) -> None:
    async with AsyncExitStack() as stack:
        for number in range(1, ROUNDINGS_MAX + 1):
            path = f"orderbook/BTCUSDT?rounding={number}"
            client = await stack.enter_async_context(viewing(platform.port, path))
            await client.hear()
        await client.say("update_params", rounding=0.1)
        assert (await client.hear())["code"] == "TOO_MANY_STREAMS"
        await client.say("update_params", rounding=1, limit=30)
        assert (await client.hear())["success"], "an old rounding is no new one"


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


@pytest.mark.parametrize(
    ("places", "price", "options", "default"),
    [
        (1, 97_123.4, "0.1 1 10 100 1000", "10"),
        (2, None, "0.01 0.1 1 10 100 1000", "1"),
        (8, 5.0, "0.00000001 0.0000001 0.000001 0.00001 0.0001 0.001 0.01", "0.000001"),
        (0, 15.0, "1", "1"),
        (0, 3.0, "1", "1"),
        (1, 10.0, "0.1 1", "1"),
    ],
)
def test_o_s6_rounding_options(
    places: int, price: float | None, options: str, default: str
) -> None:
    """At most seven powers of ten from 10^-places, none above a tenth of the price; the third."""
    found = rounding_options(places, price)
    assert list(found) == [Decimal(one) for one in options.split()]
    assert default_of(found) == Decimal(default)
