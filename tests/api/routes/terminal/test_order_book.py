"""`/api/v1/orderbook/{symbol}`: O-R4 and O-M4."""

from typing import Any

import pytest
from tests.api.fake_source import NOW_MS, make_book
from tests.api.served import Platform

from headwater.core.errors import VenueUnavailable

PATH = "/api/v1/orderbook/BTCUSDT"


async def test_o_r4_o_m4_a_book_with_formatted_numbers(platform: Platform) -> None:
    """Of make_book: bids 100, 99, … of 1.5 each, asks 101, 102, … of 2.5 each."""
    reply = await platform.get(f"{PATH}?limit=2")
    assert reply.status == 200
    assert reply.json() == {
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "bids": [
            {
                "price": 100.0,
                "priceFormatted": "100.0",
                "amount": 1.5,
                "amountFormatted": "1.500",
            },
            {"price": 99.0, "priceFormatted": "99.0", "amount": 1.5, "amountFormatted": "1.500"},
        ],
        "asks": [
            {
                "price": 101.0,
                "priceFormatted": "101.0",
                "amount": 2.5,
                "amountFormatted": "2.500",
            },
            {
                "price": 102.0,
                "priceFormatted": "102.0",
                "amount": 2.5,
                "amountFormatted": "2.500",
            },
        ],
        "timestamp": NOW_MS,
        "time": NOW_MS // 1000,
    }
    assert platform.source.calls[-1] == "book BTCUSDT 2"


async def test_o_r4_a_hundred_levels_where_nothing_is_said(platform: Platform) -> None:
    body: Any = (await platform.get("/api/v1/orderbook/btc-usdt")).json()
    assert [len(body["bids"]), len(body["asks"])] == [100, 100]
    assert body["asks"] == sorted(body["asks"], key=lambda level: level["price"])
    assert body["bids"] == sorted(body["bids"], key=lambda level: -level["price"])


async def test_o_r4_aggregated_and_the_other_way_round(platform: Platform) -> None:
    """Three levels a side, rounding 2.5: bids 100 and 97.5 (99, 98), asks 102.5 (101, 102) and 105.

    So 1.5 and 3.0 against 5.0 and 2.5.
    """
    platform.source.books["BTCUSDT"] = make_book(depth=3)
    reply = await platform.get(f"{PATH}?rounding=2.50&asks=highest_first")
    body: Any = reply.json()
    assert [(one["price"], one["amount"]) for one in body["bids"]] == [(100, 1.5), (97.5, 3)]
    assert [(one["priceFormatted"], one["amount"]) for one in body["asks"]] == [
        ("105.0", 2.5),
        ("102.5", 5.0),
    ]
    assert platform.source.calls[-1] == "book BTCUSDT 5000"


async def test_o_d2_five_thousand_levels_are_allowed(platform: Platform) -> None:
    platform.source.books["BTCUSDT"] = make_book(depth=90)
    body: Any = (await platform.get(f"{PATH}?limit=5000")).json()
    assert len(body["asks"]) == 90


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("limit=1.5", "limit"),
        ("rounding=0", "rounding"),
        ("rounding=-1", "rounding"),
        ("rounding=NaN", "rounding"),
        ("rounding=0.0000000000001", "rounding"),
        ("rounding=1e3", "rounding"),
        ("rounding=1000000000000", "rounding"),
        ("rounding=.5", "rounding"),
        ("rounding=0.0", "rounding"),
        ("rounding=1e99", "rounding"),
        ("rounding=1e-99", "rounding"),
        ("rounding=", "rounding"),
        ("asks=up", "asks"),
        ("depth=5", "depth"),
    ],
)
async def test_a_wrong_parameter_is_named(platform: Platform, query: str, field: str) -> None:
    reply = await platform.get(f"{PATH}?{query}")
    body: Any = reply.json()
    assert reply.status == 422, body
    assert body["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "path", ["/api/v1/orderbook/NOSUCH", "/api/v1/orderbook/BTCUSDT?exchange=mtgox"]
)
async def test_o_d11_what_is_not_there_is_a_404(platform: Platform, path: str) -> None:
    assert (await platform.get(path)).status == 404


async def test_a_venue_that_is_away_is_told(platform: Platform) -> None:
    platform.source.error = VenueUnavailable("binance", "connection refused")
    assert (await platform.get(PATH)).status == 503
