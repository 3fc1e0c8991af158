"""What the tape of records keeps of what the bus brings."""

import asyncio

from tests.storage.samples import large, liquidation, trade

from headwater.bus.memory import MemoryBus
from headwater.core.records import Record
from headwater.services.tape_recording import TAPE_KINDS, TapeRecording


async def test_only_the_kinds_that_are_wanted_and_all_that_still_waits() -> None:
    bus, kept = MemoryBus(), list[Record]()
    work = TapeRecording(bus, kept.append, ("trade", "liquidation")).run()
    service = asyncio.create_task(work, name="tape")
    await asyncio.sleep(0)
    bus.publish(trade(1))
    bus.publish(large(trade(2)))
    bus.publish(liquidation())
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    assert kept == [trade(1), liquidation()]
    assert bus.readers == []


def test_kinds_by_name() -> None:
    assert {"trade", "book_delta", "ticker", "gap"} <= set(TAPE_KINDS)
    assert all(kind.kind == name for name, kind in TAPE_KINDS.items())
