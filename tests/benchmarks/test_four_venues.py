"""The measurement of four venues reads, counts and tells rightly."""

import pytest
from benchmarks.bench_four_venues import CONFLATED, Found, describe, percentiles
from tests.feeds.made import EXCHANGE, trade

from benchmarks import four_venues_platform
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.records import BookSnapshot, Trade


def _book(exchange: str) -> BookSnapshot:
    return BookSnapshot(
        exchange=exchange,
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=0,
        received_ns=1,
        bids=(),
        asks=(),
        sequence=1,
    )


async def test_what_was_read_is_counted_by_venue_and_kind_and_books_by_how_they_come() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("benchmark", [TopicFilter(Trade), TopicFilter(BookSnapshot)], 10)
    for record in (trade(1), _book("binance"), _book("hyperliquid")):
        bus.publish(record)
    found = await four_venues_platform.read(reader, 5.0, iter([0.0, 1.0, 6.0, 7.0]).__next__)
    assert found.seconds == 7.0
    assert found.records == {
        f"{EXCHANGE} trade": 1,
        "binance book_snapshot": 1,
        "hyperliquid book_snapshot": 1,
    }  # fmt: skip
    assert {kind: len(ages) for kind, ages in found.ages_us.items()} == {
        "trade": 1, CONFLATED: 1, "book_snapshot": 1,
    }  # fmt: skip
    assert four_venues_platform.CONFLATED == CONFLATED
    assert found.symbols == {EXCHANGE: 1, "binance": 1, "hyperliquid": 1}


def _found(cpu_s: float, age_us: int) -> Found:
    return Found(
        seconds=10.0,
        cpu_s=cpu_s,
        records={"binance trade": 100, "okx book_snapshot": 50},
        ages_us={"trade": [age_us] * 100, CONFLATED: [99_000] * 50},
        dropped=0,
        gaps={},
        symbols={"binance": 50},
        resident_bytes=1,
    )


@pytest.mark.parametrize(
    ("cpu_s", "age_us", "word"), [(6.0, 20_000, "kept"), (6.1, 1, "missed"), (1, 20_001, "missed")]
)
def test_the_goal_is_judged_on_cpu_and_on_what_is_passed_on(
    cpu_s: float, age_us: int, word: str
) -> None:
    assert f"Goal {word}" in describe(_found(cpu_s, age_us), 50, "trades", 1.0, 0.5)


def test_percentiles_are_of_the_sorted_ages() -> None:
    assert percentiles([3_000, 1_000, 2_000]) == (2.0, 3.0, 3.0)
