"""The in-process bus: order, policies, counting, leaving."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.bus import memory
from headwater.bus.bus import Reader, ReaderClosed
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import POLICIES, SlowPolicy, TopicFilter
from headwater.core.enums import Side
from headwater.core.records import BookDelta, MarkPrice, Record, Ticker, Trade


def _trade(number: int, symbol: str = "BTCUSDT", exchange: str = "binance") -> Trade:
    return Trade(
        exchange=exchange,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=number,
        received_ns=number,
        side=Side.BUY,
        price=1.0,
        quantity=1.0,
        value=1.0,
        trade_id=str(number),
        sequence=number,
    )


def _mark(number: int, symbol: str = "BTCUSDT") -> MarkPrice:
    return MarkPrice(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=number,
        received_ns=number,
        mark=1.0,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )


def _numbers(batch: list[Record]) -> list[int]:
    return [record.timestamp_ms for record in batch]


def test_filters_choose_by_kind_venue_and_symbol() -> None:
    bus = MemoryBus()
    every = bus.subscribe("every", [TopicFilter(Trade)], 10)
    one = bus.subscribe("one", [TopicFilter(Trade, "binance", "ETHUSDT")], 10)
    both = bus.subscribe("both", [TopicFilter(Trade, None, "BTCUSDT"), TopicFilter(MarkPrice)], 10)
    bus.publish(_trade(1))
    bus.publish(_trade(2, "ETHUSDT"))
    bus.publish(_trade(3, "ETHUSDT", "bybit"))
    bus.publish(_mark(4))
    assert _numbers(list(every.drain())) == [1, 2, 3]
    assert _numbers(list(one.drain())) == [2]
    assert _numbers(list(both.drain())) == [1, 4]
    assert bus.published == 4


@given(st.integers(1, 50), st.integers(0, 200))
def test_events_keep_the_newest_in_order_and_count_the_rest(capacity: int, count: int) -> None:
    bus = MemoryBus()
    reader = bus.subscribe("slow", [TopicFilter(Trade)], capacity)
    for number in range(count):
        bus.publish(_trade(number))
    batch = _numbers(list(reader.drain()))
    assert batch == list(range(max(0, count - capacity), count))
    assert reader.stats.dropped == max(0, count - capacity)
    assert reader.stats.delivered + reader.stats.dropped == count


@given(st.lists(st.sampled_from(["bus", "outlet", "topic", "drain", "late", "other"]), max_size=60))
def test_every_event_is_delivered_dropped_or_waiting(steps: list[str]) -> None:
    """Whatever comes between: all ways to publish, a late reader, draining at any time."""
    bus = MemoryBus()
    readers = {"first": bus.subscribe("first", [TopicFilter(Trade)], 3)}
    heard = {"first": 0}
    ways = {
        "outlet": bus.outlet(Trade, "binance"),
        "topic": bus.outlet(Trade, "binance", "BTCUSDT"),
    }
    for number, step in enumerate(steps):
        if step == "drain":
            readers["first"].drain()
        elif step == "late" and "late" not in readers:
            readers["late"] = bus.subscribe("late", [TopicFilter(Trade, "binance")], 2)
            heard["late"] = 0
        else:
            symbol = "ETHUSDT" if step == "other" else "BTCUSDT"
            ways.get(step, bus.publish)(_trade(number, symbol))
            heard = {name: count + 1 for name, count in heard.items()}
        for name, reader in readers.items():
            stats = reader.stats
            assert stats.delivered + stats.dropped + stats.queued == heard[name]
            assert stats.dropped >= 0
    assert bus.published == heard["first"]
    readers["first"].close()
    bus.publish(_trade(0))
    assert readers["first"].stats.delivered + readers["first"].stats.dropped <= heard["first"]


@pytest.mark.parametrize("policy", list(SlowPolicy))
def test_topics_beyond_the_bound_are_delivered_and_counted_too(
    monkeypatch: pytest.MonkeyPatch, policy: SlowPolicy
) -> None:
    monkeypatch.setattr(memory, "ROUTES_MAX", 1)
    policies = dict(POLICIES)
    policies[Trade] = policy
    monkeypatch.setattr(memory, "POLICIES", policies)
    bus = MemoryBus()
    reader = bus.subscribe("reader", [TopicFilter(Trade)], 2)
    for number, symbol in enumerate(["BTCUSDT", "ETHUSDT", "SOLUSDT"]):
        bus.publish(_trade(number, symbol))
    bus.outlet(Trade, "binance", "SOLUSDT")(_trade(3, "SOLUSDT"))
    expected = {
        SlowPolicy.DROP_OLDEST: ([2, 3], 2),
        SlowPolicy.LATEST: ([1, 3], 1),
        SlowPolicy.DISCONNECT: ([0, 1], 0),
    }
    assert (_numbers(list(reader.drain())), reader.stats.dropped) == expected[policy]
    assert bus.published == 4


def test_state_keeps_only_the_latest_of_each_topic() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("slow", [TopicFilter(MarkPrice)], 10)
    for number in range(100):
        bus.publish(_mark(number, "BTCUSDT" if number % 2 else "ETHUSDT"))
    assert sorted(_numbers(list(reader.drain()))) == [98, 99]
    assert reader.stats.dropped == 0


def test_a_policy_of_disconnect_ends_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    policies = dict(POLICIES)
    policies[BookDelta] = SlowPolicy.DISCONNECT
    monkeypatch.setattr(memory, "POLICIES", policies)
    bus = MemoryBus()
    reader = bus.subscribe("slow", [TopicFilter(BookDelta)], 2)
    for number in range(3):
        bus.publish(
            BookDelta(
                exchange="binance",
                symbol="BTCUSDT",
                native_symbol="BTCUSDT",
                timestamp_ms=number,
                received_ns=number,
                bids=(),
                asks=(),
                sequence=number,
            )
        )
    assert bus.readers == []
    assert _numbers(list(reader.drain())) == [0, 1]


async def test_a_waiting_reader_is_woken_once_with_all_that_came() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("reader", [TopicFilter(Trade), TopicFilter(MarkPrice)], 10)
    waiting = asyncio.create_task(_batch(reader), name="reader")
    await asyncio.sleep(0)
    bus.publish(_trade(1))
    bus.publish(_mark(2))
    bus.publish(_trade(3))
    async with asyncio.timeout(5):
        assert _numbers(await waiting) == [1, 3, 2]


async def test_closing_wakes_and_ends_a_waiting_reader() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("reader", [TopicFilter(Trade)], 10)
    waiting = asyncio.create_task(_batch(reader), name="reader")
    await asyncio.sleep(0)
    reader.close()
    reader.close()
    with pytest.raises(ReaderClosed):
        await waiting
    bus.publish(_trade(1))
    assert list(reader.drain()) == []


def test_a_reader_needs_filters_and_room() -> None:
    with pytest.raises(ValueError, match="needs a filter"):
        MemoryBus().subscribe("none", [], 10)
    with pytest.raises(ValueError, match="capacity"):
        MemoryBus().subscribe("none", [TopicFilter(Trade)], 0)


async def _batch(reader: Reader) -> list[Record]:
    return list(await reader.next_batch())


def _ticker(number: int, **told: float) -> Ticker:
    return Ticker(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=number,
        received_ns=number,
        **told,
    )


def test_parts_of_a_state_are_joined_instead_of_replacing_each_other() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("slow", [TopicFilter(Ticker)], 10)
    bus.publish(_ticker(1, last=10.0, volume_24h=5.0))
    bus.publish(_ticker(2, bid=9.0, ask=11.0))
    bus.publish(_ticker(3, bid=9.5))
    assert list(reader.drain()) == [_ticker(3, last=10.0, volume_24h=5.0, bid=9.5, ask=11.0)]


@pytest.mark.parametrize("symbol", [None, "BTCUSDT"])
def test_an_outlet_publishes_like_the_bus_to_readers_that_come_and_go(symbol: str | None) -> None:
    bus = MemoryBus()
    publish = bus.outlet(Trade, "binance", symbol)
    first = bus.subscribe("first", [TopicFilter(Trade)], 10)
    publish(_trade(1))
    second = bus.subscribe("second", [TopicFilter(Trade, None, "BTCUSDT")], 10)
    publish(_trade(2))
    first.close()
    publish(_trade(3))
    bus.publish(_trade(4, "ETHUSDT"))
    assert _numbers(list(first.drain())) == [1, 2]
    assert _numbers(list(second.drain())) == [2, 3]
    assert bus.published == 4
