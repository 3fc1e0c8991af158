"""Predicted funding: by coin, for the venue that publishes it."""

from typing import Any

import pytest
from tests.api.served import Platform

from headwater.core.errors import VenueUnavailable

PATH = "/binance/predicted-funding"


@pytest.fixture
def publisher(platform: Platform) -> Platform:
    """The venue publishes a table."""
    platform.source.offer_everything()
    return platform


async def rows_of(platform: Platform, target: str) -> list[dict[str, Any]]:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    rows = reply.json()
    assert isinstance(rows, list)
    return rows


async def test_one_entry_per_coin_with_its_venues(publisher: Platform) -> None:
    rows = await rows_of(publisher, PATH)
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert rows[0]["venues"] == [
        {
            "venue": "HlPerp",
            "funding_rate": 0.0000125,
            "next_funding_time": "2024-11-08T00:00:00.000Z",
            "interval_h": 1.0,
        },
        {
            "venue": "BinPerp",
            "funding_rate": None,
            "next_funding_time": None,
            "interval_h": None,
        },
    ]


@pytest.mark.parametrize("coin", ["BTC", "btc-usdt", "BTC%2FUSDT:USDT"])
async def test_one_coin_in_any_spelling(publisher: Platform, coin: str) -> None:
    [row] = await rows_of(publisher, f"{PATH}?coin={coin}")
    assert row["symbol"] == "BTCUSDT"


async def test_an_unknown_coin_is_404_and_named(publisher: Platform) -> None:
    reply = await publisher.get(f"{PATH}?coin=BTCC")
    body = reply.json()
    assert isinstance(body, dict)
    assert (reply.status, body["code"]) == (404, "unknown_symbol")
    assert body["errors"][0]["field"] == "coin"
    assert "BTCUSDT" in body["suggestions"]
    assert not publisher.source.calls


async def test_a_venue_without_a_table_says_so(platform: Platform) -> None:
    reply = await platform.get(PATH)
    body = reply.json()
    assert isinstance(body, dict)
    assert (reply.status, body["code"]) == (404, "not_supported")
    assert body["errors"][0]["allowed"] == ["the venue keeps none"]


async def test_a_failure_is_no_empty_list(publisher: Platform) -> None:
    publisher.source.error = VenueUnavailable("binance", "closed")
    assert (await publisher.get(PATH)).status == 503
