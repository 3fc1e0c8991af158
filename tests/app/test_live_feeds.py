"""Live feeds of a simulated exchange: standing streams, a tape, nothing left behind."""

import asyncio
from pathlib import Path

import pytest

from headwater.app.live_feeds import LiveFeeds
from headwater.app.settings import load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.app.wiring import Platform
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.errors import ConfigError
from headwater.core.records import Trade

NOWHERE = {
    "rest": "http://127.0.0.1:9",
    "streams": {"market": "ws://127.0.0.1:9", "public": "ws://127.0.0.1:9"},
}


async def test_standing_streams_flow_and_are_taped(tmp_path: Path) -> None:
    exchanges = SimulatedExchanges(SimulatorOptions(symbols=("BTCUSDT",)))
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
        async with asyncio.timeout(60), feeds as by_venue:
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


async def _crash(*_: object) -> None:
    raise ArithmeticError("a mistake of ours")


async def test_a_crash_of_what_must_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a platform would go on without its standing streams, or record nothing, unnoticed."""
    monkeypatch.setattr("headwater.app.live_feeds.hold_standing", _crash)
    settings = load(
        options={"venues": "binance", "venue_addresses": {"binance": NOWHERE}}, environ={}
    )
    feeds = LiveFeeds(settings, bus=MemoryBus(), clock=SystemClock(), simulated=True)
    async with asyncio.timeout(60), feeds:
        with pytest.raises(ArithmeticError):
            await feeds.failed
    async with (
        asyncio.timeout(60),
        Platform(settings.model_copy(update={"port": 0}), simulated=True) as platform,
    ):
        with pytest.raises(ArithmeticError):
            await platform.failed


async def test_what_was_begun_ends_when_a_later_venue_cannot_start() -> None:
    before = asyncio.all_tasks()
    incomplete = {"rest": NOWHERE["rest"], "streams": {}}
    settings = load(
        options={
            "venues": "binance,okx",
            "venue_addresses": {"binance": NOWHERE, "okx": incomplete},
        },
        environ={},
    )
    with pytest.raises(ConfigError):
        await LiveFeeds(settings, bus=MemoryBus(), clock=SystemClock(), simulated=True).__aenter__()
    assert asyncio.all_tasks() == before
