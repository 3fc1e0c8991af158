"""ccxt's Hyperliquid, unmodified but for the addresses, against `headwater simulate`."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SYMBOL = "BTC/USDC:USDC"
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def rest() -> Iterator[str]:
    """REST address of a simulated Hyperliquid in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "headwater.app", "simulate", "--stop-with-stdin"]
    with subprocess.Popen(
        [*command, "--seed", "3", "--venues", "hyperliquid"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        announcement = json.loads(process.stdout.readline())
        yield announcement["venues"]["hyperliquid"]["rest"]
        process.stdin.close()
        assert process.wait(timeout=PATIENCE_S) == 0


@pytest.fixture
async def client(rest: str) -> AsyncIterator[Any]:
    """Ccxt's asynchronous client, with its sockets."""
    import ccxt.pro

    exchange = ccxt.pro.hyperliquid()
    api = exchange.urls["api"]
    api["public"] = api["private"] = rest
    api["ws"]["public"] = rest.replace("http", "ws", 1) + "/ws"
    yield exchange
    await exchange.close()


async def test_ccxt_reads_everything_public(client: Any) -> None:
    """Markets, candles, book, tickers, funding, open interest."""
    markets = await client.load_markets()
    assert markets[SYMBOL]["linear"]
    candles = await client.fetch_ohlcv(SYMBOL, "5m", limit=20)
    assert {later[0] - earlier[0] for earlier, later in pairwise(candles)} == {300_000}
    book = await client.fetch_order_book(SYMBOL)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await client.fetch_tickers())[SYMBOL]["previousClose"] > 0
    assert (await client.fetch_ticker(SYMBOL))["symbol"] == SYMBOL
    rate = await client.fetch_funding_rate(SYMBOL)
    assert abs(rate["fundingRate"]) < 0.05
    past = await client.fetch_funding_rate_history(SYMBOL, limit=5)
    moments = [row["timestamp"] for row in past]
    assert moments == sorted(set(moments))
    assert moments
    assert (await client.fetch_open_interest(SYMBOL))["openInterestAmount"] > 0


async def test_ccxt_watches(client: Any) -> None:
    """Trades, book, ticker, candles, each three times."""
    async with asyncio.timeout(60):
        for _ in range(3):
            assert (await client.watch_trades(SYMBOL))[-1]["symbol"] == SYMBOL
            book = await client.watch_order_book(SYMBOL)
            assert book["bids"][0][0] < book["asks"][0][0]
            assert (await client.watch_ohlcv(SYMBOL, "1m"))[-1][4] > 0
        assert (await client.watch_ticker(SYMBOL))["symbol"] == SYMBOL
