"""ccxt's Hyperliquid, unmodified but for the addresses, against `headwater simulate`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.end_to_end.simulated import Image, Simulated, image, simulated, watch_all

SYMBOL = "BTC/USDC:USDC"
DEPTH = 20
WANTED = {"order book": 5, "trades": 5, "candles": 2, "ticker": 2}


@pytest.fixture(scope="module")
def venue() -> Iterator[Simulated]:
    with simulated("hyperliquid") as found:
        yield found


@pytest.fixture
async def client(venue: Simulated) -> AsyncIterator[Any]:
    """Ccxt's asynchronous client, with its sockets."""
    import ccxt.pro

    exchange = ccxt.pro.hyperliquid()
    api = exchange.urls["api"]
    api["public"] = api["private"] = venue.rest
    api["ws"]["public"] = f"{venue.ws}/ws"
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


@pytest.mark.parametrize("seconds", [0.0, pytest.param(60.0, marks=pytest.mark.soak)])
async def test_ccxt_watches_without_an_error(client: Any, venue: Simulated, seconds: float) -> None:
    """Each trade once, and the book that ccxt keeps is the market's."""
    seen: set[Image] = set()
    trades: list[Any] = []

    def heard(name: str, answer: Any) -> None:
        if name == "trades":
            trades.extend(answer)
        elif name == "order book":
            seen.add(image(answer["bids"], answer["asks"], DEPTH))
            assert answer["bids"][0][0] < answer["asks"][0][0]

    await client.load_markets()
    counts = await watch_all(
        {
            "order book": lambda: client.watch_order_book(SYMBOL),
            "trades": lambda: client.watch_trades(SYMBOL),
            "candles": lambda: client.watch_ohlcv(SYMBOL, "1m"),
            "ticker": lambda: client.watch_ticker(SYMBOL),
        },
        WANTED,
        heard,
        seconds,
    )
    assert counts["order book"] > seconds
    assert len({trade["id"] for trade in trades}) == len(trades)
    await _meet_the_truth(client, venue, seen)


async def _meet_the_truth(client: Any, venue: Simulated, seen: set[Image]) -> None:
    """At some moment the book that ccxt keeps equals the market's, all levels of it."""
    truths: set[Image] = set()
    for _ in range(200):
        truths.add(await asyncio.to_thread(venue.book, "BTCUSDT", DEPTH))
        book = await client.watch_order_book(SYMBOL)
        seen.add(image(book["bids"], book["asks"], DEPTH))
        if truths & seen:
            return
    pytest.fail("the book of ccxt was never the market's")
