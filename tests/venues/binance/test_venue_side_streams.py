"""Which stream a name means, who hears it, and that it stops."""

import pytest
from tests.venues.binance.hand_market import START_MS, Bench

from headwater.core.records import Record


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_streams_of_the_other_class_are_acknowledged_and_silent(bench: Bench) -> None:
    public, market = bench.open("/public/ws"), bench.open("/market/ws")
    legacy = bench.open("/ws/btcusdt@aggTrade/btcusdt@depth@100ms")
    names = ["btcusdt@aggTrade", "btcusdt@depth@100ms", "what@ever"]
    for socket in (public, market):
        answer = bench.say(socket, {"method": "SUBSCRIBE", "params": names, "id": 1})
        assert answer == {"result": None, "id": 1}
    listed = bench.say(public, {"method": "LIST_SUBSCRIPTIONS", "id": 3})
    assert listed == {"result": names, "id": 3}
    records: list[Record] = [
        bench.market.trade(100.0, 1.0),
        bench.market.change([(100.0, 0.0)], [], 501, 505),
    ]
    for socket in (public, market, legacy):
        for record in records:
            socket.deliver(record)
    heard = bench.after(250, public, market, legacy)
    assert [{event["e"] for event in events} for events in heard] == [
        {"depthUpdate"},
        {"aggTrade"},
        {"depthUpdate"},
    ]


def test_a_closed_socket_is_forgotten_and_streams_stop(bench: Bench) -> None:
    gone, left = (
        bench.open("/market/ws/btcusdt@aggTrade"),
        bench.open("/market/ws/btcusdt@aggTrade"),
    )
    gone.closed()
    left.deliver(bench.market.trade(1.0, 1.0))
    assert len(bench.after(100, left)[0]) == 1
    assert gone.tick(bench.market.clock_ms + 1).texts == ()
    left.receive('{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}', START_MS)
    left.deliver(bench.market.trade(1.0, 1.0))
    assert bench.after(100, left) == [[]]
