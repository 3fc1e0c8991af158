"""Candles: what is asked of the venue, and what comes back."""

import pytest
from tests.api.served import Platform


@pytest.mark.parametrize(
    ("query", "call"),
    [
        ("", "candles BTCUSDT 1m 500 None None"),
        ("?limit=1500", "candles BTCUSDT 1m 1500 None None"),
        (
            "?limit=5&start_time=1731000000&end_time=1731000000123",
            "candles BTCUSDT 1m 5 1731000000000 1731000000123",
        ),
        (
            "?limit=5&start_time=2024-11-07T17:20:00Z",
            "candles BTCUSDT 1m 5 1731000000000 None",
        ),
    ],
)
async def test_parameters_reach_the_venue(platform: Platform, query: str, call: str) -> None:
    reply = await platform.get(f"/binance/ohlc/btc-usdt/1m{query}")
    assert reply.status == 200
    assert platform.source.calls == [call]


async def test_oldest_first_and_the_last_one_forming(platform: Platform) -> None:
    rows = (await platform.get("/binance/ohlc/BTCUSDT/1h?limit=3")).json()
    assert isinstance(rows, list)
    assert [row["timestamp"][11:16] for row in rows] == ["15:00", "16:00", "17:00"]
    assert [row["is_closed"] for row in rows] == [True, True, False]
    assert {row["interval"] for row in rows} == {"1h"}
