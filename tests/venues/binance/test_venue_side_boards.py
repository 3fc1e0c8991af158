"""Binance's streams of figures: marks, tickers, liquidations."""

from typing import Any

import pytest
from tests.venues.binance.hand_market import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_liquidations_show_the_latest_of_each_second(bench: Bench) -> None:
    one = bench.open("/market/ws/btcusdt@forceOrder")
    every = bench.open("/market/ws/!forceOrder@arr")
    for quantity in (0.1, 0.2, 0.3):
        record = bench.market.liquidation(quantity)
        for socket in (one, every):
            socket.deliver(record)
    assert bench.after(500, one, every) == [[], []]
    single, both = bench.after(500, one, every)
    assert [event["o"]["z"] for event in single] == ["0.300"]
    order = single[0]["o"]
    assert (order["S"], order["p"], order["ap"]) == ("SELL", "98.50", "99.00")
    assert [(event["st"], event["o"]["s"]) for event in both] == [
        (1, "BTCUSDT"),
        (2, "BTCUSD_PERP"),
    ]
    assert bench.after(3000, one, every) == [[], []]


def test_marks_and_tickers_carry_coin_contracts_in_all_market_streams(bench: Bench) -> None:
    marks = bench.open("/market/ws/!markPrice@arr@1s")
    tickers = bench.open("/market/ws/!ticker@arr")
    slow = bench.open("/market/ws/btcusdt@markPrice")
    heard: list[list[Any]] = [[], [], []]
    for _ in range(6):
        for symbol in ("BTCUSDT", "DOGEUSDT"):
            record = bench.market.mark_price(symbol)
            for socket in (marks, tickers, slow):
                socket.deliver(record)
        for kept, events in zip(heard, bench.after(1000, marks, tickers, slow), strict=True):
            kept += events
    assert [(row["s"], row["st"]) for row in heard[0][0]] == [
        ("BTCUSDT", 1),
        ("BTCUSD_PERP", 2),
        ("DOGEUSDT", 1),
    ]
    assert len(heard[0]) == 6
    assert len(heard[1]) == 1  # nobody traded since
    assert [row["s"] for row in heard[1][0]] == ["BTCUSDT", "BTCUSD_PERP", "DOGEUSDT"]
    assert len(heard[2]) == 2


def test_all_quotes_and_mini_tickers(bench: Bench) -> None:
    quotes = bench.open("/public/ws/!bookTicker")
    mini = bench.open("/market/ws/btcusdt@miniTicker")
    first, second = bench.after(50, quotes, mini)
    assert [event["st"] for event in first] == [1, 2, 1]
    assert second[0]["e"] == "24hrMiniTicker"
    assert bench.after(4000, quotes, mini) == [[], []]
