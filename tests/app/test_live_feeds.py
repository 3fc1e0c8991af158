"""Live feeds of a simulated exchange: standing streams, a tape, nothing left behind."""

import asyncio
from pathlib import Path

from headwater.app.live_feeds import LiveFeeds
from headwater.app.settings import load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.records import Trade


async def test_standing_streams_flow_and_are_taped(tmp_path: Path) -> None:
    exchanges = SimulatedExchanges(SimulatorOptions())
    addresses = await exchanges.start()
    before = asyncio.all_tasks()
    settings = load(
        options={
            "venue_addresses": addresses,
            "supported_symbols": "BTCUSDT,NOSUCHCOIN",
            "record_dir": tmp_path,
        },
        environ={},
    )
    bus = MemoryBus()
    reader = bus.subscribe("test", [TopicFilter(Trade)], 1000)
    feeds = LiveFeeds(settings, bus=bus, clock=SystemClock(), simulated=True)
    try:
        async with asyncio.timeout(30), feeds as by_venue:
            heard: set[tuple[str, str]] = set()
            while len(heard) < len(addresses):
                heard |= {(trade.exchange, trade.symbol) for trade in await reader.next_batch()}
            assert heard == {(venue, "BTCUSDT") for venue in addresses}
            wanted = {(one.channel, one.symbol) for one in by_venue["binance"].health().channels}
            assert (Channel.BOOK, "BTCUSDT") in wanted
            assert (Channel.LIQUIDATIONS, "*") in wanted
            assert not any("NOSUCHCOIN" in symbol for _, symbol in wanted)
    finally:
        await exchanges.stop()
    assert feeds.tapes["binance"].written > 0
    assert feeds.tapes["binance"].dropped == 0
    assert list(tmp_path.glob("binance/*.ndjson.gz"))
    assert asyncio.all_tasks() == before
