"""Binance's REST servers as a whole: paths, weights, limits, errors, trouble."""

import json

import pytest
from tests.venues.binance.hand_market import START_MS, Bench

from headwater.core.enums import Channel


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/fapi/v1/klines", {"interval": "1m"}, (400, -1102)),
        ("/fapi/v1/klines", {"symbol": "NOPEUSDT", "interval": "1m"}, (400, -1121)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1s"}, (400, -1120)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 0}, (400, -1130)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1501}, (400, -1130)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "x"}, (400, -1130)),
        ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": 7}, (400, -1130)),
        ("/fapi/v1/aggTrades", {"symbol": "BTCUSDT", "startTime": -5}, (400, -1130)),
        (
            "/fapi/v1/aggTrades",
            {"symbol": "BTCUSDT", "startTime": 0, "endTime": 3_600_000},
            (400, -1127),
        ),
        (
            "/futures/data/openInterestHist",
            {"symbol": "BTCUSDT", "period": "5m", "startTime": 1},
            (400, -1130),
        ),
        ("/fapi/v1/allForceOrders", {}, (400, -1000)),
        ("/fapi/v1/nothing", {}, (404, -5000)),
        ("/fapi/v2/account", {}, (401, -2014)),
    ],
)
def test_bad_requests_get_the_documented_code(
    bench: Bench, path: str, query: dict[str, object], expected: tuple[int, int]
) -> None:
    assert bench.refused(path, **query) == expected


def test_weights_are_counted_per_ip_and_minute(bench: Bench) -> None:
    query = {"symbol": "BTCUSDT", "interval": "1m"}
    assert bench.get("/fapi/v1/klines", limit=1500, **query).headers["X-MBX-USED-WEIGHT-1M"] == "10"
    assert bench.get("/fapi/v1/depth", symbol="BTCUSDT").headers["X-MBX-USED-WEIGHT-1M"] == "20"
    assert bench.get("/fapi/v1/ticker/24hr").headers["X-MBX-USED-WEIGHT-1M"] == "60"
    other = bench.get("/fapi/v1/time", client="192.0.2.9")
    assert other.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    bench.market.clock_ms += 60_000
    assert bench.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_over_the_limit_comes_429_and_going_on_a_ban(bench: Bench) -> None:
    bench.market.clock_ms += 15_000
    statuses = [bench.get("/fapi/v1/ticker/24hr").status for _ in range(60)]
    assert set(statuses) == {200}
    first = bench.get("/fapi/v1/time")
    assert (first.status, first.headers["Retry-After"]) == (429, "45")
    replies = [bench.get("/fapi/v1/time") for _ in range(20)]
    assert replies[0].status == 429
    assert replies[-1].status == 418
    banned_until = bench.market.clock_ms + 120_000
    assert f"banned until {banned_until}" in json.loads(replies[-1].body)["msg"]
    bench.market.clock_ms += 60_000
    assert bench.get("/fapi/v1/time").status == 418
    bench.market.clock_ms += 61_000
    assert bench.get("/fapi/v1/time").status == 200
    assert bench.side.breaches() == 22


def test_funding_and_open_interest_history_have_their_own_pools(bench: Bench) -> None:
    statuses = [bench.get("/fapi/v1/fundingInfo").status for _ in range(501)]
    assert statuses[-2:] == [200, 429]
    reply = bench.get("/futures/data/openInterestHist", symbol="BTCUSDT", period="5m")
    assert reply.status == 200
    assert reply.headers["X-MBX-USED-WEIGHT-1M"] == "0"


def test_paths_of_websockets(bench: Bench) -> None:
    for path in ("/public/ws", "/market/ws/btcusdt@aggTrade", "/ws", "/stream", "/public/ws/0"):
        assert bench.side.open(path, [], "c") is not None
    for path in ("/private/ws", "/private/ws/key", "/nothing", "/"):
        assert bench.side.open(path, [], "c") is None


def test_frame_marks_find_the_frames_of_one_channel(bench: Bench) -> None:
    socket = bench.open("/market/ws/btcusdt@aggTrade/btcusdt@kline_1m")
    socket.deliver(bench.market.trade(100.0, 1.0))
    bench.market.clock_ms += 250
    texts = socket.tick(bench.market.clock_ms).texts
    marks = bench.side.frame_marks(Channel.TRADES, "BTCUSDT")
    assert [all(mark in text for mark in marks) for text in texts] == [True, False]


def test_trouble_speaks_as_the_venue_does(bench: Bench) -> None:
    reply = bench.side.trouble(418, "192.0.2.1", 120)
    assert reply.headers["Retry-After"] == "120"
    assert f"banned until {START_MS + 120_000}" in json.loads(reply.body)["msg"]
    assert json.loads(bench.side.trouble(503, "192.0.2.1", None).body)["code"] == -1000
