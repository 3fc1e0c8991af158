"""Binance's book, trade and candle streams."""

import json
from itertools import pairwise
from typing import Any

import pytest
from tests.venues.binance.hand_market import START_MS, Bench

from headwater.core.order_book import OrderBook
from headwater.venues.side import ServerSocket


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_depth_windows_chain_whatever_their_speed(bench: Bench) -> None:
    fast = bench.open("/public/ws/btcusdt@depth@100ms")
    slow = bench.open("/public/ws/btcusdt@depth@500ms")
    top = bench.open("/public/ws/btcusdt@depth5@100ms")
    heard: dict[ServerSocket, list[Any]] = {fast: [], slow: [], top: []}
    update = 500
    for step in range(40):
        record = bench.market.change([(100.0 - step % 3, float(step))], [], update + 3, update + 9)
        update += 9
        for socket in heard:
            socket.deliver(record)
        for socket, events in zip(heard, bench.after(50, *heard), strict=True):
            heard[socket] += events
    for socket in (fast, slow):
        events = heard[socket]
        assert events[0]["pu"] == 500
        assert all(b["pu"] == a["u"] for a, b in pairwise(events))
        assert all(event["pu"] < event["U"] <= event["u"] for event in events)
    assert len(heard[fast]) > 4 * len(heard[slow]) - 4
    assert len(heard[top][-1]["b"]) == len(bench.market.book("BTCUSDT", 5).bids)


def test_diffs_rebuild_the_book(bench: Bench) -> None:
    socket = bench.open("/public/ws/btcusdt@depth@100ms")
    mirror = OrderBook()
    start = bench.market.book("BTCUSDT", 10)
    mirror.replace(start.bids, start.asks, start.sequence)
    for step in range(30):
        price = 100.0 + (step % 7) / 10
        record = bench.market.change(
            [(price - 1, step % 4)], [(price + 1, step % 3)], 600 + step * 2, 601 + step * 2
        )
        socket.deliver(record)
        for event in bench.after(70, socket)[0]:
            mirror.apply(
                [(float(p), float(q)) for p, q in event["b"]],
                [(float(p), float(q)) for p, q in event["a"]],
                event["u"],
            )
    for event in bench.after(200, socket)[0]:
        mirror.apply(
            [(float(p), float(q)) for p, q in event["b"]],
            [(float(p), float(q)) for p, q in event["a"]],
            event["u"],
        )
    assert mirror.bids() == bench.market.books["BTCUSDT"].bids()
    assert mirror.asks() == bench.market.books["BTCUSDT"].asks()


def test_quotes_follow_every_change_of_the_best(bench: Bench) -> None:
    socket = bench.open("/public/ws/btcusdt@bookTicker")
    quiet = bench.market.change([(99.0, 5.0)], [], 501, 501)
    better = bench.market.change([(100.05, 3.0)], [], 502, 503)
    gone = bench.market.change([(100.05, 0.0)], [], 504, 504)
    frames = [json.loads(text) for r in (quiet, better, gone) for text in socket.deliver(r).texts]
    assert [(f["u"], f["b"], f["B"]) for f in frames] == [
        (503, "100.05", "3.000"),
        (504, "100.00", "1.000"),
    ]


def test_klines_form_close_once_and_skip_empty_candles(bench: Bench) -> None:
    socket = bench.open("/market/ws/btcusdt@kline_1m")
    heard: list[Any] = []
    for second in range(180):
        if second in (3, 4, 130):
            socket.deliver(bench.market.trade(100.0 + second, 0.5, fills=2))
        heard += bench.after(1000, socket)[0]
    bars = [(e["k"]["t"] - START_MS, e["k"]["x"], e["k"]["c"], e["k"]["n"]) for e in heard]
    assert bars == [
        (0, False, "103.00", 2),
        (0, False, "104.00", 4),
        (0, True, "104.00", 4),
        (120_000, False, "230.00", 2),
        (120_000, True, "230.00", 2),
    ]
    closed = heard[2]["k"]
    assert (closed["f"], closed["L"], closed["T"]) == (1000, 1003, START_MS + 59_999)


def test_continuous_klines_name_the_pair(bench: Bench) -> None:
    socket = bench.open("/market/ws/btcusdt_perpetual@continuousKline_1m")
    socket.deliver(bench.market.trade(100.0, 0.5))
    (event,) = bench.after(250, socket)[0]
    assert (event["e"], event["ps"], event["ct"]) == ("continuous_kline", "BTCUSDT", "PERPETUAL")
    assert "s" not in event["k"]


def test_single_fills_have_a_stream_of_their_own(bench: Bench) -> None:
    socket = bench.open("/public/ws/btcusdt@trade")
    socket.deliver(bench.market.trade(100.0, 0.003, fills=3))
    (events,) = bench.after(100, socket)
    assert [(event["e"], event["t"], event["q"]) for event in events] == [
        ("trade", 1000, "0.001"),
        ("trade", 1001, "0.001"),
        ("trade", 1002, "0.001"),
    ]


def test_a_trade_of_the_next_candle_closes_the_one_before(bench: Bench) -> None:
    bench.market.trade(100.0, 0.5)
    socket = bench.open("/market/ws/btcusdt@kline_1m")
    assert bench.after(50, socket) == [[]]
    bench.market.clock_ms += 61_000
    (closed,) = socket.deliver(bench.market.trade(101.0, 0.5)).texts
    assert json.loads(closed)["k"]["x"] is True
    assert json.loads(closed)["k"]["c"] == "100.00"
    (forming,) = bench.after(250, socket)[0]
    assert (forming["k"]["x"], forming["k"]["o"]) == (False, "101.00")


def test_quotes_start_again_from_the_book_after_a_hole(bench: Bench) -> None:
    socket = bench.open("/public/ws/btcusdt@bookTicker")
    bench.market.change([(100.05, 1.0)], [], 501, 501)  # nobody hears of it
    record = bench.market.change([(100.06, 2.0)], [], 502, 502)
    (text,) = socket.deliver(record).texts
    assert (json.loads(text)["b"], json.loads(text)["u"]) == ("100.06", 502)
    assert socket.deliver(record).texts == ()
