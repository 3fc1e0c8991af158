"""What the recording service keeps of what the bus brings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from tests.storage.samples import (
    T0,
    candle,
    funding,
    gap,
    large,
    liquidation,
    open_interest,
    trade,
)

from headwater.bus.memory import MemoryBus
from headwater.core.enums import Channel, FeedState, StoredTrades
from headwater.core.records import ConnectionState, FundingRate, MarkCandle, MarkPrice
from headwater.services import recording
from headwater.services.recording import SAMPLE_MS, RecordingService

MINUTE_0 = T0 // SAMPLE_MS * SAMPLE_MS


@asynccontextmanager
async def _recording(
    bus: MemoryBus, trades: StoredTrades = StoredTrades.LARGE
) -> AsyncIterator[list[Any]]:
    kept: list[Any] = []
    working = RecordingService(bus, kept.append, trades).run()
    service = asyncio.create_task(working, name="recording")
    await asyncio.sleep(0)
    try:
        yield kept
    finally:
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
    assert bus.readers == []


def _mark(at_ms: int, **changes: Any) -> MarkPrice:
    made = MarkPrice(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=8,
        mark=100.0,
        index=None,
        funding_rate=0.0001,
        next_funding_ms=T0 + 3_600_000,
    )
    return msgspec.structs.replace(made, **changes)


async def test_events_are_kept_and_running_candles_and_small_trades_are_not() -> None:
    bus = MemoryBus()
    events = [candle(), large(trade(1)), liquidation(), gap(), funding()]
    async with _recording(bus) as kept:
        for event in [*events, candle(is_closed=False), trade(2)]:
            bus.publish(event)
    assert sorted(kept, key=repr) == sorted(events, key=repr)


async def test_what_still_waits_at_the_end_is_kept() -> None:
    bus = MemoryBus()
    async with _recording(bus) as kept:
        bus.publish(liquidation())
        assert kept == []
    assert kept == [liquidation()]


async def test_states_are_sampled_once_a_minute_and_series(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "SERIES_MAX", 2)
    bus = MemoryBus()
    async with _recording(bus) as kept:
        for at_ms in (0, 1, SAMPLE_MS - 1, SAMPLE_MS, SAMPLE_MS + 5):
            bus.publish(open_interest(MINUTE_0 + at_ms))
            await _taken()
        bus.publish(open_interest(MINUTE_0 + SAMPLE_MS + 6, exchange="okx"))
        await _taken()
    assert [one.timestamp_ms - MINUTE_0 for one in kept] == [0, SAMPLE_MS, SAMPLE_MS + 6]


async def test_funding_is_taken_from_mark_prices() -> None:
    bus = MemoryBus()
    async with _recording(bus) as kept:
        for mark in (
            _mark(MINUTE_0),
            _mark(MINUTE_0 + 1, funding_rate=0.9),
            _mark(MINUTE_0 + SAMPLE_MS, funding_rate=None),
            _mark(MINUTE_0 + SAMPLE_MS + 1, next_funding_ms=None),
        ):
            bus.publish(mark)
            await _taken()
    (only,) = kept
    assert isinstance(only, FundingRate)
    assert (only.rate, only.funding_time_ms) == (0.0001, T0 + 3_600_000)
    assert (only.timestamp_ms, only.interval_h) == (MINUTE_0, None)


async def test_whole_minutes_of_the_mark_price_are_kept() -> None:
    """The first minute and the third; the second was interrupted, the fourth still forms."""
    bus = MemoryBus()
    async with _recording(bus) as kept:
        for second in range(-1, 200):
            if second == 100:
                bus.publish(_state(Channel.MARK_PRICES, FeedState.STALE))
            if second in (30, 150):
                bus.publish(_state(Channel.TRADES, FeedState.DOWN))
                bus.publish(_state(Channel.MARK_PRICES, FeedState.LIVE))
            at_ms = MINUTE_0 + 1_000 * second
            bus.publish(_mark(at_ms, mark=100.0 + second % 60, funding_rate=None))
            await _taken()
    assert [(one.timestamp_ms - MINUTE_0) // SAMPLE_MS for one in kept] == [0, 2]
    first = kept[0]
    assert isinstance(first, MarkCandle)
    assert (first.open, first.high, first.low, first.close) == (100.0, 159.0, 100.0, 159.0)
    assert (first.readings, first.is_closed) == (60, True)


async def test_minutes_of_chosen_symbols_are_kept() -> None:
    """The mark stream brings the whole market; of the others only funding is sampled."""
    bus = MemoryBus()
    kept: list[Any] = []
    service = RecordingService(bus, kept.append, marks_of=["BTCUSDT"])
    working = asyncio.create_task(service.run(), name="recording")
    await asyncio.sleep(0)
    for second in range(-1, 70):
        for symbol in ("BTCUSDT", "PEPEUSDT"):
            bus.publish(_mark(MINUTE_0 + 1_000 * second, symbol=symbol))
        await _taken()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert {one.symbol for one in kept if isinstance(one, MarkCandle)} == {"BTCUSDT"}
    assert {one.symbol for one in kept if isinstance(one, FundingRate)} == {"BTCUSDT", "PEPEUSDT"}


def _state(channel: Channel, state: FeedState) -> ConnectionState:
    return ConnectionState(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=MINUTE_0,
        received_ns=1,
        channel=channel,
        state=state,
        reason="",
        since_ms=MINUTE_0,
    )


async def _taken() -> None:
    """Lets the service run: states replace each other until they are taken."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("trades", "count"), [(StoredTrades.LARGE, 1), (StoredTrades.ALL, 3), (StoredTrades.NONE, 0)]
)
async def test_the_trades_that_are_wanted_are_kept(trades: StoredTrades, count: int) -> None:
    """Two trades, one of them large, which comes as itself and marked."""
    bus = MemoryBus()
    async with _recording(bus, trades) as kept:
        for record in (trade(1), trade(2), large(trade(2)), liquidation()):
            bus.publish(record)
        while len(kept) < count + 1:
            await asyncio.sleep(0)
    assert sum(one.kind != "liquidation" for one in kept) == count
