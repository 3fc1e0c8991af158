"""Binance's replies about market data, row by row."""

import pytest
from tests.venues.binance.hand_market import START_MS, Bench

from headwater.core.enums import Side


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_klines_have_the_documented_row(bench: Bench) -> None:
    bench.market.trade(100.0, 0.5, fills=2)
    bench.market.trade(101.0, 0.25)
    (row,) = bench.read("/fapi/v1/klines", symbol="BTCUSDT", interval="1m")
    assert row == [
        START_MS,
        "100.00",
        "101.00",
        "100.00",
        "101.00",
        "0.750",
        START_MS + 59_999,
        "75.25000",
        3,
        "0.000",
        "0.00000",
        "0",
    ]


def test_agg_trades_by_id_by_time_and_newest(bench: Bench) -> None:
    for step in range(10):
        bench.market.clock_ms = START_MS + step * 1000
        bench.market.trade(100.0 + step, 0.001, side=Side.SELL)
    path, symbol = "/fapi/v1/aggTrades", "BTCUSDT"
    by_id = bench.read(path, symbol=symbol, fromId=4, limit=3)
    assert [row["a"] for row in by_id] == [4, 5, 6]
    assert by_id[0] == {
        "a": 4,
        "p": "103.00",
        "q": "0.001",
        "nq": "0.001",
        "f": 1003,
        "l": 1003,
        "T": START_MS + 3000,
        "m": True,
    }
    by_time = bench.read(path, symbol=symbol, startTime=START_MS + 2000, endTime=START_MS + 4000)
    assert [row["a"] for row in by_time] == [3, 4, 5]
    until = bench.read(path, symbol=symbol, endTime=START_MS + 4000, limit=2)
    assert [row["a"] for row in until] == [4, 5]
    assert [row["a"] for row in bench.read(path, symbol=symbol, limit=2)] == [9, 10]
    assert bench.read(path, symbol="DOGEUSDT", endTime=START_MS) == []


def test_replies_of_every_other_endpoint(bench: Bench) -> None:
    bench.market.trade(100.0, 1.0)
    assert bench.read("/fapi/v1/time") == {"serverTime": START_MS}
    assert bench.read("/fapi/v1/ping") == {}
    depth = bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
    assert depth["lastUpdateId"] == 500
    assert depth["bids"] == [["100.00", "1.000"], ["99.90", "2.000"]]
    day = bench.read("/fapi/v1/ticker/24hr", symbol="BTCUSDT")
    assert (day["priceChangePercent"], day["firstId"], day["volume"]) == (
        "5.000",
        1000,
        "1000.000",
    )
    assert len(bench.read("/fapi/v1/ticker/24hr")) == 2
    assert bench.read("/fapi/v2/ticker/price", symbol="BTCUSDT")["price"] == "100.00"
    assert bench.read("/fapi/v1/ticker/bookTicker", symbol="BTCUSDT")["askPrice"] == "100.10"
    premium = bench.read("/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert (premium["markPrice"], premium["lastFundingRate"]) == ("100.05000000", "0.00010000")
    assert bench.read("/fapi/v1/openInterest", symbol="BTCUSDT")["openInterest"] == "1234.500"
    history = bench.read("/futures/data/openInterestHist", symbol="BTCUSDT", period="5m")
    assert history[0]["sumOpenInterestValue"] == "123450.00000000"
    funding = bench.read("/fapi/v1/fundingRate", symbol="BTCUSDT")
    assert funding[0]["fundingRate"] == "-0.00012000"
    assert [row["symbol"] for row in bench.read("/fapi/v1/fundingInfo")] == ["DOGEUSDT"]
    info = bench.read("/fapi/v1/exchangeInfo")
    assert info["rateLimits"][0]["limit"] == 2400
    assert info["symbols"][0]["filters"][0]["tickSize"] == "0.10"
    continuous = bench.read(
        "/fapi/v1/continuousKlines", pair="BTCUSDT", contractType="PERPETUAL", interval="1h"
    )
    assert len(continuous) == 1
    mark = bench.read("/fapi/v1/markPriceKlines", symbol="BTCUSDT", interval="1m")
    assert mark[0][5] == "0"
    traded = bench.read("/fapi/v1/klines", symbol="BTCUSDT", interval="1m")
    for column in range(1, 5):
        assert float(mark[0][column]) == float(traded[0][column]) + 0.5
