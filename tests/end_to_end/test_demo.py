"""The demo as a newcomer meets it: one command, then curl and a WebSocket client."""

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

VENUES = ("binance", "bybit", "hyperliquid", "okx")
READY_WITHIN_S = 10.0
START_S = 150.0
LIVES_S = 600
SPEED = 10
"""Simulated seconds per second, so that a minute's candle closes while the test looks on."""


class Demo:
    """A running demo: where it listens and how long it took to be healthy."""

    def __init__(self, base: str, healthy_after_s: float) -> None:
        self.base = base
        self.healthy_after_s = healthy_after_s


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headwater.app", "demo"),
        *("--port", "0", "--for", str(LIVES_S), "--speed", str(SPEED)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    base = said = ""
    async with asyncio.timeout(START_S):
        while not base:
            line = (await process.stderr.readline()).decode()
            said += line
            assert line, f"the demo ended: {said}"
            found = re.search(r"Headwater runs on (http://\S+)", line)
            base = found.group(1) if found else ""
    listening = time.monotonic()
    # Whoever starts a program and never reads what it says stops it when the pipe is full.
    drain = asyncio.create_task(process.stderr.read(), name="drain")
    try:
        async with asyncio.timeout(START_S):
            while (await _get(base, "/health"))["status"] != "healthy":
                await asyncio.sleep(0.05)
        yield Demo(base, time.monotonic() - listening)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), START_S)
        said = (await drain).decode()
        assert "Traceback" not in said
        assert "This process:" in said


async def _get(base: str, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(base + path) as reply:
        assert reply.status == 200, f"{path}: {reply.status} {await reply.text()}"
        return await reply.json()


async def _candles(base: str, count: int) -> list[dict[str, Any]]:
    """The newest candles, as of a moment in which the last one is forming.

    Between the end of one minute and the first trade of the next there is none that does, and
    the one before may still be waiting for its last word.
    """
    async with asyncio.timeout(START_S):
        while True:
            rows: list[dict[str, Any]] = await _get(base, f"/binance/ohlc/BTCUSDT/1m?limit={count}")
            assert len(rows) == count
            if [row["is_closed"] for row in rows[-2:]] == [True, False]:
                return rows
            await asyncio.sleep(0.05)


async def _collect(base: str, path: str, enough: int) -> list[dict[str, Any]]:
    """Reads messages until there are `enough`.

    For candles also until one of them is closed, and over all venues until each was heard.
    """
    messages: list[dict[str, Any]] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(base + path) as stream,
        asyncio.timeout(120),
    ):
        async for message in stream:
            messages.append(json.loads(message.data))
            closed = any(one.get("is_closed") for one in messages)
            if "ohlc" in path and not closed:
                continue
            if "/all/large" in path and len({one["exchange"] for one in messages}) < len(VENUES):
                continue
            if len(messages) >= enough:
                break
    return messages


async def _look_at_venue(base: str, venue: str) -> None:
    """What can be asked of each venue is there."""
    book = await _get(base, f"/{venue}/orderbook/BTCUSDT?limit=20")
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await _get(base, f"/{venue}/oi/BTCUSDT"))["open_interest"] > 0
    assert abs((await _get(base, f"/{venue}/funding/BTCUSDT"))["funding_rate"]) < 0.01
    assert len(await _get(base, f"/{venue}/ohlc/BTCUSDT/1m?limit=5")) == 5


async def _look_back(base: str) -> None:
    """Candles and trades of before are in order."""
    candles = await _candles(base, 100)
    assert [row["timestamp"] for row in candles] == sorted(row["timestamp"] for row in candles)
    assert {row["is_closed"] for row in candles[:-1]} == {True}
    trades = await _get(base, "/binance/trades/btc-usdt?limit=50")
    assert [row["timestamp"] for row in trades] == sorted(
        (row["timestamp"] for row in trades), reverse=True
    )


@pytest.mark.timeout(LIVES_S + 60)
async def test_a_newcomer_sees_live_data_within_seconds(demo: Demo) -> None:
    assert demo.healthy_after_s < READY_WITHIN_S
    health = await _get(demo.base, "/health")
    assert health["simulated"] is True
    assert health["exchanges"] == dict.fromkeys(VENUES, True)

    # At once: every second that it lives keeps a processor busy, with waiting too.
    async with asyncio.TaskGroup() as group:
        for venue in VENUES:
            group.create_task(_look_at_venue(demo.base, venue))
        group.create_task(_look_back(demo.base))
        streams = [
            group.create_task(_collect(demo.base, path, enough))
            for path, enough in (
                ("/ws/binance/BTCUSDT/trades", 20),
                ("/ws/binance/BTCUSDT/ohlc?interval=1m", 3),
                ("/ws/binance/all/liquidations", 1),
                ("/ws/all/large_trades?min_value_usd=1000", 200),
            )
        ]
    found_trades, found_candles, liquidations, anywhere = (one.result() for one in streams)
    numbers = [int(trade["trade_id"]) for trade in found_trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert {candle["is_closed"] for candle in found_candles} == {True, False}
    assert {trade["exchange"] for trade in anywhere} == set(VENUES)
    assert {trade["type"] for trade in anywhere} == {"large_trade"}
    assert all(trade["value"] >= 1000 for trade in anywhere)
    assert liquidations[0]["is_floor"] is True
    sides = (liquidations[0]["side"], liquidations[0]["position_side"])
    assert sides in {("sell", "long"), ("buy", "short")}
