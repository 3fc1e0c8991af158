"""One Binance connection: requests, limits, pings, end of life."""

import json

import pytest
from tests.venues.binance.hand_market import START_MS, Bench

from headwater.venues.binance.venue_side_stream import StreamRules


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", 3),
        ("[1]", 2),
        ('{"params":[],"id":1}', 2),
        ('{"method":"FLY","params":[],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":["a"]}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":-1}', 2),
        ('{"method":"SUBSCRIBE","params":"a","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[5],"id":1}', 2),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
    ],
)
def test_malformed_requests_get_error_bodies(bench: Bench, text: str, code: int) -> None:
    frames = bench.open("/market/ws").receive(text, START_MS)
    body = json.loads(frames.texts[0])
    assert body["code"] == code
    assert body["msg"]
    assert frames.close_code is None


def test_combined_mode_by_path_and_by_property(bench: Bench) -> None:
    wrapped = bench.open("/market/stream", "btcusdt@aggTrade")
    raw = bench.open("/market/ws/btcusdt@aggTrade")
    assert bench.say(raw, {"method": "GET_PROPERTY", "params": ["combined"], "id": 1})[
        "result"
    ] is (False)
    record = bench.market.trade(100.0, 0.1)
    wrapped.deliver(record)
    (first,), (second,) = bench.after(100, wrapped, raw)
    assert first == {"stream": "btcusdt@aggTrade", "data": second}
    assert (second["a"], second["f"], second["l"], second["st"]) == (1, 1000, 1000, 1)
    change = {"method": "SET_PROPERTY", "params": ["combined", True], "id": 2}
    assert bench.say(raw, change) == {"result": None, "id": 2}


def test_too_many_messages_end_the_connection(bench: Bench) -> None:
    socket = bench.open("/market/ws")
    request = json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    for _ in range(9):
        assert socket.receive(request, START_MS).close_code is None
    assert socket.receive_pong(START_MS).close_code is None
    assert socket.receive_ping(START_MS + 1001).close_code is None
    for _ in range(9):
        assert socket.receive(request, START_MS + 1500).close_code is None
    assert bench.side.breaches() == 0
    assert socket.receive(request, START_MS + 1600).close_code == 1008
    assert bench.side.breaches() == 1


def test_more_streams_than_allowed_end_the_connection() -> None:
    bench = Bench(StreamRules(max_streams=3))
    socket = bench.open("/market/ws/a/b/c")
    request = json.dumps({"method": "SUBSCRIBE", "params": ["c", "d"], "id": 1})
    assert socket.receive(request, START_MS).close_code == 1008
    assert bench.side.breaches() == 1


def test_pings_pong_deadline_and_end_of_life() -> None:
    hour = 3_600_000
    bench = Bench()
    mute, alive = bench.open("/market/ws"), bench.open("/market/ws")
    pings = 0
    for minute in range(1, 24 * 60):
        now_ms = START_MS + minute * 60_000
        frames = alive.tick(now_ms)
        assert frames.close_code is None
        if frames.ping is not None:
            pings += 1
            alive.receive_pong(now_ms)
    assert pings == 24 * 20 - 1
    assert mute.tick(START_MS + 599_999).close_code is None
    assert mute.tick(START_MS + 600_000).close_code == 1008
    assert alive.tick(START_MS + 24 * hour).close_code == 1001
