"""The route of candles for charts (O-R5)."""

from typing import Any, cast

import pytest
from tests.api.served import Platform
from tests.api.terminal.charted import chart_at
from tests.api.terminal.viewing import viewing

from headwater.core.errors import VenueUnavailable

SHORT = ("1m", "3m", "5m", "15m", "30m")
LONG = ("1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")


async def rows_of(platform: Platform, target: str) -> list[dict[str, Any]]:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return cast("list[dict[str, Any]]", reply.json())


@pytest.mark.parametrize(
    ("query", "call"),
    [
        ("", "candles BTCUSDT 1m 100 None None"),
        ("?limit=1000&timeframe=1h", "candles BTCUSDT 1h 1000 None None"),
        (
            "?limit=5&start_time=1731000000&end_time=2024-11-07T17:20:00.123Z",
            "candles BTCUSDT 1m 5 1731000000000 1731000000123",
        ),
    ],
)
async def test_o_r5_parameters_reach_the_venue(platform: Platform, query: str, call: str) -> None:
    await rows_of(platform, f"/api/v1/candles/btc-usdt{query}")
    assert platform.source.calls == [call]


async def test_o_r5_the_rows_are_those_of_the_socket(platform: Platform) -> None:
    chart_at(platform)
    rows = await rows_of(platform, "/api/v1/candles/BTCUSDT?limit=400")
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)
    async with viewing(platform.port, "candles/BTCUSDT/1m") as client:
        assert (await client.hear())["data"] == rows


@pytest.mark.parametrize("timeframe", SHORT + LONG)
async def test_o_r5_each_of_the_fifteen_timeframes_is_there(
    platform: Platform, timeframe: str
) -> None:
    """On a venue that has them all; what is built where one lacks is the venue's own matter."""
    platform.source.offer_everything()
    (row,) = await rows_of(platform, f"/api/v1/candles/BTCUSDT?timeframe={timeframe}&limit=1")
    assert row["time"] * 1000 == row["timestamp"]
    assert row["closeFormatted"] == "105.2"


async def test_o_r5_an_unknown_symbol_is_404_with_up_to_three_suggestions(
    platform: Platform,
) -> None:
    reply = await platform.get("/api/v1/candles/BTCUSDX")
    assert reply.status == 404
    problem = cast("dict[str, Any]", reply.json())
    assert 1 <= len(problem["suggestions"]) <= 3
    assert problem["suggestions"][0] == "BTCUSDT"


async def test_o_r5_wrong_parameters_are_named(platform: Platform) -> None:
    for target, status, word in (
        ("/api/v1/candles/BTCUSDT?timeframe=7m", 422, b"timeframe"),
        ("/api/v1/candles/BTCUSDT?limit=0", 422, b"limit"),
        ("/api/v1/candles/BTCUSDT?limit=1001", 422, b"limit"),
        ("/api/v1/candles/BTCUSDT?start_time=5&end_time=4", 422, b"end_time"),
        ("/api/v1/candles/BTCUSDT?interval=1m", 422, b"interval"),
        ("/api/v1/candles/BTCUSDT?exchange=nope", 404, b"exchange"),
    ):
        reply = await platform.get(target)
        assert (reply.status, word in reply.body) == (status, True), (target, reply)
    assert platform.source.calls == []


async def test_o_d4_a_venue_that_is_down_is_a_problem_and_never_made_up_candles(
    platform: Platform,
) -> None:
    platform.source.error = VenueUnavailable("binance", "connection refused")
    assert (await platform.get("/api/v1/candles/BTCUSDT")).status == 503
