"""The socket of an order book, over a venue in memory: O-W1 and the defects around it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.api.terminal.book_scene import PATH, booked, delta, feeds_of, side
from tests.api.terminal.viewing import viewing

from headwater.core.errors import NotSupported, VenueUnavailable


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """Served, with a live book."""
    async with booked() as served:
        yield served


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
    assert message["roundingOptionsFormatted"] == ["0.1", "1", "10"]
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
            "roundingFormatted": "0.5",
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
