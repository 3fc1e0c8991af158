"""The large-trades service over the real bus."""

import asyncio

from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Side
from headwater.core.records import LargeTrade, Trade
from headwater.services.large_trades import LargeTradesService


def _trade(number: int, value: float) -> Trade:
    return Trade(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=number,
        received_ns=number,
        side=Side.BUY,
        price=value,
        quantity=1.0,
        value=value,
        trade_id=str(number),
        sequence=number,
    )


async def test_only_large_trades_are_published_in_order() -> None:
    bus = MemoryBus()
    reader = bus.subscribe("test", [TopicFilter(LargeTrade)], 100)
    service = asyncio.create_task(LargeTradesService(bus, 100.0).run(), name="large_trades")
    await asyncio.sleep(0)
    for number in range(10):
        bus.publish(_trade(number, 50.0 if number % 2 else 150.0))
    async with asyncio.timeout(5):
        batch = list(await reader.next_batch())
    assert [int(record.timestamp_ms) for record in batch] == [0, 2, 4, 6, 8]
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    assert [stats.name for stats in bus.readers] == ["test"]
