"""The platform put together: starts, serves, says what failed, stops without leaving anything."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api.fake_source import NOW_MS, FakeSource, make_candle
from tests.storage.samples import T0, candle, liquidation, mark_candle, open_interest

from headwater.app.settings import Settings, load
from headwater.app.wiring import Platform, StartFailed
from headwater.bus.memory import MemoryBus
from headwater.core.clock import ManualClock
from headwater.core.enums import PositionSide
from headwater.core.errors import ConfigError, StorageError
from headwater.core.wallet_positions import WalletPosition
from headwater.storage import liquidations
from headwater.storage.base import Span
from headwater.storage.parquet_parts import TapeQuery
from headwater.storage.parquet_reading import read

_NOWHERE = {
    "binance": {
        "rest": "http://127.0.0.1:1",
        "streams": {"public": "ws://127.0.0.1:1/public", "market": "ws://127.0.0.1:1/market"},
    }
}


def _settings(**options: object) -> Settings:
    given = {"venue_addresses": _NOWHERE, "venues": "binance", "port": 0} | options
    return load(options=given, environ={})


async def test_starts_and_stops_while_no_venue_answers() -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(60), Platform(_settings(), simulated=False) as platform:
        assert platform.base_url.startswith("http://127.0.0.1:")
        assert not platform.failed.done()
        assert not platform.sources["binance"].health().healthy
    assert asyncio.all_tasks() == before


async def test_a_taken_port_is_named_and_nothing_stays_behind() -> None:
    before = asyncio.all_tasks()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed, match=str(port)):
            async with asyncio.timeout(60), Platform(_settings(port=port), simulated=False):
                pass
    assert asyncio.all_tasks() == before


async def test_what_the_bus_carries_is_stored_and_found_again(tmp_path: Path) -> None:
    settings = _settings(data_dir=tmp_path)
    query = liquidations.between(Span())
    async with asyncio.timeout(60), Platform(settings, simulated=False) as platform:
        platform.bus.publish(liquidation())
        await asyncio.sleep(0)
        platform.bus.publish(liquidation(T0 + 1))
    async with asyncio.timeout(60), Platform(settings, simulated=False) as platform:
        assert await platform.store.fetch(query) == [liquidation(), liquidation(T0 + 1)]
        with pytest.raises(StorageError, match="only one may"):
            async with Platform(settings, simulated=False):
                pass
    assert (tmp_path / "headwater.sqlite3").exists()
    async with asyncio.timeout(60), Platform(settings, simulated=True) as platform:
        assert await platform.store.fetch(query) == []


async def test_a_tape_of_records_is_written_and_shown(tmp_path: Path) -> None:
    options = {"data_dir": tmp_path, "tape_dir": tmp_path / "tape", "tape_kinds": "liquidation"}
    settings = _settings(**options)
    async with asyncio.timeout(60), Platform(settings, simulated=True) as platform:
        platform.bus.publish(liquidation())
    assert not (tmp_path / "tape").exists()
    async with asyncio.timeout(60), Platform(settings, simulated=False) as platform:
        platform.bus.publish(liquidation())
        async with (
            aiohttp.ClientSession(platform.base_url) as session,
            session.get("/health") as health,
            session.get("/metrics") as metrics,
        ):
            shown = (await health.json())["components"]["tape.records"]
            assert shown["status"] == "healthy"
            assert 'headwater_tape_dropped_total{tape="records"} 0.0' in await metrics.text()
    assert list(read(tmp_path / "tape", TapeQuery(kind="liquidation"))) == [liquidation()]


def test_kinds_of_the_tape_are_checked() -> None:
    assert _settings(tape_kinds="trade, gap,trade").tape_kinds == ("trade", "gap")
    with pytest.raises(ConfigError, match=r"tape_kinds.*book_delta"):
        _settings(tape_kinds="trades")


async def test_l_w1_the_map_is_made_of_what_is_stored_and_sent(tmp_path: Path) -> None:
    """Two hours of minutes at 50,000 with rising open interest: longs below, shorts above.

    Before anything is stored the client is told so, once; the price beside the map is of now.
    """
    clock, symbol = ManualClock(NOW_MS * 1_000_000), {"exchange": "binance", "symbol": "BTCUSDT"}
    settings = _settings(data_dir=tmp_path, oi_volume_timeframes="")
    platform = Platform(
        settings, simulated=False, sources={"binance": FakeSource()}, bus=MemoryBus(), clock=clock
    )
    async with asyncio.timeout(60), platform, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{platform.base_url}/ws/heatmap") as client:
            await client.send_json({"action": "subscribe", "symbols": ["btc"]})
            refusal = await client.receive_json()
            assert (refusal["type"], refusal["code"]) == ("error", "SERVER_ERROR")
            assert "candles are stored" in refusal["message"]
            first_ms = NOW_MS - NOW_MS % 60_000 - 120 * 60_000
            span = {"open": 50e3, "high": 50_010.0, "low": 49_990.0, "close": 50e3}
            for number in range(120):
                at_ms = first_ms + number * 60_000
                platform.store.put(candle(at_ms, **symbol, **span))
                platform.store.put(mark_candle(at_ms, **symbol, **span))
                interest = {"open_interest": 1000.0 + number, "value": None}
                platform.store.put(open_interest(at_ms, **symbol, **interest))
            forming = msgspec.structs.replace(make_candle(), close=50_005.5)
            platform.bus.publish(forming)
            clock.advance(5.0)
            snapshot = await client.receive_json()
            assert (snapshot["type"], snapshot["symbol"]) == ("snapshot", "BTCUSDT")
            assert snapshot["timestamp"] == "2024-11-07T17:15:00.000Z"
            data = snapshot["data"]
            assert data["current_price"] == 50_005.5
            assert data["positions_created"] > 0
            longs = [one["price"] for one in data["levels"] if one["long_density"]]
            shorts = [one["price"] for one in data["levels"] if one["short_density"]]
            assert max(longs) < 50_000 < min(shorts)
        stats = await (await session.get(f"{platform.base_url}/ws/stats")).json()
        assert (stats["failed"], stats["computed"]) == (1, 1)


async def test_named_wallets_are_the_observed_map_and_their_reader_is_in_the_health(
    tmp_path: Path,
) -> None:
    """One long of 2 that ends at 45,000: 90,000 USD; worth 100,000 of 1,000 × 50,000: 0.2 %.

    The bar that is asked for begins at the full minute before the reading and ends after it.
    """
    opened_ms = NOW_MS - NOW_MS % 60_000
    clock, symbol = ManualClock(opened_ms * 1_000_000), {"symbol": "BTCUSDT"}
    address = f"0x{7:040x}"
    venue = FakeSource("hyperliquid")
    venue.wallets[address] = [
        WalletPosition(
            exchange="hyperliquid",
            symbol="BTCUSDT",
            native_symbol="BTC",
            timestamp_ms=opened_ms,
            received_ns=0,
            address=address,
            position_side=PositionSide.LONG,
            quantity=2.0,
            entry_price=50_000.0,
            liquidation_price=45_000.0,
            notional_usd=100_000.0,
            leverage=10.0,
            is_cross=True,
        )
    ]
    named = {"hyperliquid_wallets": address, "data_dir": tmp_path, "oi_volume_timeframes": ""}
    sources = {"hyperliquid": venue}
    platform = Platform(
        _settings(**named), simulated=False, sources=sources, bus=MemoryBus(), clock=clock
    )
    async with asyncio.timeout(60), platform, aiohttp.ClientSession() as session:

        async def told(path: str) -> Any:
            async with session.get(platform.base_url + path) as reply:
                assert reply.status == 200, await reply.text()
                return await reply.json()

        # Asked at the start; the answer is read a moment after the question.
        while (part := (await told("/health"))["components"]["wallets"])["status"] != "healthy":
            await asyncio.sleep(0.01)
        assert part["detail"].startswith("1 of 1 wallets known, 1 positions, 1 readings")
        assert f"wallet_positions {address}" in venue.calls
        of = {"exchange": "hyperliquid", "open": 50e3, "high": 50e3, "low": 50e3, "close": 50e3}
        platform.store.put(candle(opened_ms, **symbol, **of))
        platform.store.put(mark_candle(opened_ms, **symbol, **of))
        interest = {"exchange": "hyperliquid", "open_interest": 1000.0, "value": None}
        platform.store.put(open_interest(opened_ms, **symbol, **interest))
        clock.advance(80.0)
        made = await told(
            "/liquidations/heatmap-timeseries?symbol=BTCUSDT&model=observed&interval=1m"
            f"&start_time={opened_ms}&end_time={opened_ms + 60_000}"
        )
        assert made["meta"]["coverage"][0]["known_positions"] == pytest.approx(0.002)
        held = [level for level in made["data"][-1]["levels"] if level["long_density"]]
        assert [level["long_density"] for level in held] == [90_000.0]
        assert address not in str(made)
