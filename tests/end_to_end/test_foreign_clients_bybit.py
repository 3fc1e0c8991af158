"""ccxt's Bybit, unmodified but for the addresses, against `headwater simulate`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.end_to_end.simulated import Image, Simulated, image, simulated, watch_all

SYMBOL = "BTC/USDT:USDT"
OTHER = "ETH/USDT:USDT"
DEPTH = 50
WANTED = {"order book": 40, "trades": 5, "candles": 2, "ticker": 10, "tickers": 5}


@pytest.fixture(scope="module")
def venue() -> Iterator[Simulated]:
    with simulated("bybit") as found:
        yield found


def _point(exchange: Any, venue: Simulated) -> Any:
    """Gives a ccxt exchange other addresses, and changes nothing else."""
    api = exchange.urls["api"]
    api["public"] = api["private"] = venue.rest
    if "ws" in api:
        streams = api["ws"]["public"]
        for name, address in streams.items():
            streams[name] = address.replace("wss://stream.{hostname}", venue.ws)
    return exchange


@pytest.fixture
async def client(venue: Simulated) -> AsyncIterator[Any]:
    """Ccxt's asynchronous client, with its sockets."""
    import ccxt.pro

    exchange = _point(ccxt.pro.bybit(), venue)
    yield exchange
    await exchange.close()


def test_ccxt_reads_markets_and_candles_synchronously(venue: Simulated) -> None:
    """All categories are asked for; the ones that are not simulated are empty, not errors."""
    import ccxt

    exchange = _point(ccxt.bybit(), venue)
    listed = exchange.fetch_markets()
    assert len(listed) >= 10
    assert len({market["id"] for market in listed}) == len(listed)
    assert all(market["linear"] and market["active"] for market in listed)
    market = exchange.load_markets()[SYMBOL]
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    candles = exchange.fetch_ohlcv(SYMBOL, "5m", limit=20)
    assert [later[0] - earlier[0] for earlier, later in pairwise(candles)] == [300_000] * 19
    assert all(low <= min(a, z) <= max(a, z) <= high for _, a, high, low, z, _ in candles)
    with pytest.raises(ccxt.BadSymbol):
        exchange.fetch_ticker("NOPE/USDT:USDT")
    exchange.apiKey = exchange.secret = "none"
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
    exchange.session.close()


async def test_ccxt_reads_everything_public(client: Any, venue: Simulated) -> None:
    """Status, trades, book, tickers, candles, funding, open interest."""
    assert (await client.fetch_status())["status"] == "ok"
    trades = await client.fetch_trades(SYMBOL, limit=50)
    _check_trades(venue, trades)
    assert len(trades) == 50
    book = await client.fetch_order_book(SYMBOL, 100)
    assert (len(book["bids"]), len(book["asks"])) == (100, 100)
    _check_book(book)
    ticker = await client.fetch_ticker(SYMBOL)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]
    assert len(await client.fetch_tickers()) == len(client.symbols)
    assert set(await client.fetch_bids_asks([SYMBOL, OTHER])) == {SYMBOL, OTHER}
    since = await client.fetch_time() - 3_600_000
    rows = await client.fetch_ohlcv(SYMBOL, "1m", since=since, limit=30)
    assert len(rows) == 30
    assert since <= rows[0][0] < since + 60_000
    for price in ("mark", "index", "premiumIndex"):
        rows = await client.fetch_ohlcv(SYMBOL, "1h", limit=5, params={"price": price})
        assert len(rows) == 5
    assert rows[0][1:5] == [0, 0, 0, 0]
    with pytest.raises(Exception, match="params error: status invalid"):
        await client.public_get_v5_market_instruments_info(
            {"category": "linear", "status": "Sleeping"}
        )


async def test_ccxt_reads_funding_and_open_interest(client: Any) -> None:
    """Now and history, oldest first as ccxt sorts them."""
    assert len(await client.fetch_funding_rates()) == len(client.symbols)
    rate = await client.fetch_funding_rate(SYMBOL)
    assert abs(rate["fundingRate"]) < 0.05
    assert rate["markPrice"] > 0
    assert rate["interval"] == "8h"
    since = rate["fundingTimestamp"] - 10 * 86_400_000
    for wanted in (None, since):
        past = await client.fetch_funding_rate_history(SYMBOL, wanted, limit=5)
        moments = [row["timestamp"] for row in past]
        assert [later - earlier for earlier, later in pairwise(moments)] == [8 * 3_600_000] * 4
    assert since <= moments[0] <= since + 8 * 3_600_000
    assert (await client.fetch_open_interest(SYMBOL))["openInterestAmount"] > 0
    history = await client.fetch_open_interest_history(SYMBOL, "1h", limit=10)
    moments = [row["timestamp"] for row in history]
    assert [later - earlier for earlier, later in pairwise(moments)] == [3_600_000] * 9
    assert all(row["openInterestAmount"] > 0 for row in history)


@pytest.mark.parametrize("seconds", [0.0, pytest.param(60.0, marks=pytest.mark.soak)])
async def test_ccxt_watches_without_an_error(client: Any, venue: Simulated, seconds: float) -> None:
    """Trades are the market's, each once; the book that ccxt keeps is the market's book."""
    seen: set[Image] = set()
    trades: list[Any] = []

    def heard(name: str, answer: Any) -> None:
        if name == "trades":
            trades.extend(answer)
        elif name == "order book":
            _check_book(answer)
            seen.add(image(answer["bids"], answer["asks"], DEPTH))

    await client.load_markets()
    counts = await watch_all(
        {
            "order book": lambda: client.watch_order_book(SYMBOL, DEPTH),
            "trades": lambda: client.watch_trades(SYMBOL),
            "candles": lambda: client.watch_ohlcv(SYMBOL, "1m"),
            "ticker": lambda: client.watch_ticker(SYMBOL),
            "tickers": lambda: client.watch_tickers([SYMBOL, OTHER]),
        },
        WANTED,
        heard,
        seconds,
    )
    assert counts["order book"] > 4 * seconds
    _check_trades(venue, trades)
    await _meet_the_truth(client, venue, seen)


async def _meet_the_truth(client: Any, venue: Simulated, seen: set[Image]) -> None:
    """At some moment the book that ccxt keeps equals the market's, all levels of it."""
    truths: set[Image] = set()
    for _ in range(200):
        truths.add(await asyncio.to_thread(venue.book, "BTCUSDT", DEPTH))
        for _ in range(3):
            book = await client.watch_order_book(SYMBOL, DEPTH)
            seen.add(image(book["bids"], book["asks"], DEPTH))
        if truths & seen:
            return
    pytest.fail("the book of ccxt was never the market's")


def _check_book(book: Any) -> None:
    bids, asks = [row[0] for row in book["bids"]], [row[0] for row in book["asks"]]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < asks[0]


def _check_trades(venue: Simulated, trades: list[Any]) -> None:
    """Consecutive prints of the market, with its values."""
    numbers = [int(trade["info"]["seq"]) for trade in trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    truth = venue.trades("BTCUSDT", numbers[0], numbers[-1])
    assert len({trade["id"] for trade in trades}) == len(trades)
    for number, trade in zip(numbers, trades, strict=True):
        one = truth[number]
        assert trade["price"] == pytest.approx(one["price"])
        assert trade["amount"] == pytest.approx(one["quantity"])
        assert (trade["side"], trade["timestamp"]) == (one["side"], one["timestamp_ms"])
