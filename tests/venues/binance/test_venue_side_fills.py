"""Prints as single fills and by time."""

import json
from bisect import bisect_left
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.venues.binance.hand_market import START_MS, Bench, HandMarket

from headwater.venues.binance.venue_side_fills import fills_of, first_sequence_at
from headwater.venues.binance.venue_side_text import SymbolTexts
from headwater.venues.side import ServerRequest


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_fills_are_counted_without_holes_and_sum_to_their_print(bench: Bench) -> None:
    bench.market.trade(100.0, 0.007, fills=3)
    rows = bench.read("/fapi/v1/trades", symbol="BTCUSDT")
    assert [row["id"] for row in rows] == [1000, 1001, 1002]
    assert sum(Decimal(row["qty"]) for row in rows) == Decimal("0.007")
    reply = bench.side.answer(
        ServerRequest(
            method="GET",
            path="/fapi/v1/historicalTrades",
            query=(("symbol", "BTCUSDT"), ("fromId", "1001")),
            client="a",
            headers={"x-mbx-apikey": "k"},
        )
    )
    assert [row["id"] for row in json.loads(reply.body)] == [1001, 1002]
    assert bench.refused("/fapi/v1/historicalTrades", symbol="BTCUSDT") == (401, -2014)


@given(
    gaps=st.lists(st.integers(0, 5000), max_size=40),
    asked=st.integers(START_MS - 10, START_MS + 200_000),
)
def test_the_first_print_of_a_moment_is_found_by_halving(gaps: list[int], asked: int) -> None:
    market = HandMarket()
    for gap in gaps:
        market.clock_ms += gap
        market.trade(100.0, 1.0)
    times = [found.trade.timestamp_ms for found in market.made["BTCUSDT"]]
    expected = bisect_left(times, asked) + 1 if times else None
    assert first_sequence_at(market, "BTCUSDT", asked) == expected


@given(quantity=st.integers(1, 10_000), fills=st.integers(1, 50))
@example(quantity=43, fills=43)  # 0.043 / 0.001 is less than 43
def test_a_print_splits_into_whole_steps(quantity: int, fills: int) -> None:
    market = HandMarket()
    market.trade(100.0, quantity / 1000, fills=fills)
    text = SymbolTexts(market.table).of("BTCUSDT")
    sizes = [
        Decimal(text.quantity(fill.quantity)) for fill in fills_of(text, market.made["BTCUSDT"][0])
    ]
    assert len(sizes) == fills
    assert sum(sizes) == Decimal(quantity) / 1000
    assert all(size >= 0 for size in sizes)
    assert fills > quantity or all(size > 0 for size in sizes)
