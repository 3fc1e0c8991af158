"""ccxt's OKX, unmodified but for the addresses, against `headwater simulate`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.end_to_end.simulated import Image, Simulated, image, simulated, watch_all

SYMBOL = "BTC/USDT:USDT"
OTHER = "ETH/USDT:USDT"
CONTRACT = 0.01
"""BTC in a contract of `SYMBOL`."""
DEPTH = 400
WANTED = {"order book": 40, "trades": 5, "candles": 2, "ticker": 10, "mark price": 3}


@pytest.fixture(scope="module")
def venue() -> Iterator[Simulated]:
    with simulated("okx") as found:
        yield found


def _point(exchange: Any, venue: Simulated) -> Any:
    """Gives a ccxt exchange other addresses, and changes nothing else."""
    exchange.urls["api"]["rest"] = venue.rest
    if "ws" in exchange.urls["api"]:
        exchange.urls["api"]["ws"] = f"{venue.ws}/ws/v5"
    return exchange


@pytest.fixture
async def client(venue: Simulated) -> AsyncIterator[Any]:
    """Ccxt's asynchronous client, with its sockets."""
    import ccxt.pro

    exchange = _point(ccxt.pro.okx(), venue)
    yield exchange
    await exchange.close()


def test_ccxt_reads_markets_and_candles_synchronously(venue: Simulated) -> None:
    """All kinds of instrument are asked for; those that are not simulated are empty, no errors."""
    import ccxt

    exchange = _point(ccxt.okx(), venue)
    listed = exchange.fetch_markets()
    assert len(listed) >= 10
    assert all(market["linear"] and market["swap"] and market["active"] for market in listed)
    market = exchange.load_markets()[SYMBOL]
    assert market["contractSize"] == CONTRACT
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.1)
    candles = exchange.fetch_ohlcv(SYMBOL, "5m", limit=20)
    assert [later[0] - earlier[0] for earlier, later in pairwise(candles)] == [300_000] * 19
    assert all(low <= min(a, z) <= max(a, z) <= high for _, a, high, low, z, _ in candles)
    with pytest.raises(ccxt.BadSymbol):
        exchange.fetch_ticker("NOPE/USDT:USDT")
    with pytest.raises(ccxt.BadSymbol):
        exchange.public_get_market_ticker({"instId": "NOPE-USDT-SWAP"})
    exchange.apiKey = exchange.secret = exchange.password = "none"
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
    exchange.session.close()


async def test_ccxt_reads_everything_public(client: Any, venue: Simulated) -> None:
    """Status, trades, book, tickers, candles."""
    assert (await client.fetch_status())["status"] == "ok"
    near = int((await client.watch_trades(SYMBOL))[-1]["info"]["seqId"])
    trades = await client.fetch_trades(SYMBOL, limit=50)
    _check_fills(venue, trades, near)
    assert len(trades) == 50
    book = await client.fetch_order_book(SYMBOL, 100)
    assert (len(book["bids"]), len(book["asks"])) == (100, 100)
    _check_book(book)
    ticker = await client.fetch_ticker(SYMBOL)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]
    assert set(await client.fetch_tickers([SYMBOL, OTHER])) == {SYMBOL, OTHER}
    assert len(await client.fetch_tickers(params={"instType": "SWAP"})) == len(client.symbols)
    assert await client.fetch_tickers() == {}, "of ccxt's first choice, spot, there is nothing"
    since = await client.fetch_time() - 3_600_000
    rows = await client.fetch_ohlcv(SYMBOL, "1m", since=since, limit=30)
    assert len(rows) == 30
    assert since <= rows[0][0] < since + 60_000
    for price in ("mark", "index"):
        rows = await client.fetch_ohlcv(SYMBOL, "1h", limit=5, params={"price": price})
        assert [later[0] - earlier[0] for earlier, later in pairwise(rows)] == [3_600_000] * 4
    assert (await client.fetch_mark_price(SYMBOL))["markPrice"] > 0
    assert len(await client.fetch_mark_prices()) == len(client.symbols)


async def test_ccxt_reads_funding_and_open_interest(client: Any) -> None:
    """Now and history, oldest first as ccxt sorts them."""
    assert len(await client.fetch_funding_rates()) == len(client.symbols)
    rate = await client.fetch_funding_rate(SYMBOL)
    assert abs(rate["fundingRate"]) < 0.05
    assert rate["interval"] == "8h"
    past = await client.fetch_funding_rate_history(SYMBOL, limit=5)
    moments = [row["timestamp"] for row in past]
    assert [later - earlier for earlier, later in pairwise(moments)] == [8 * 3_600_000] * 4
    now = await client.fetch_open_interest(SYMBOL)
    assert now["baseVolume"] == pytest.approx(now["openInterestAmount"] * CONTRACT)
    assert now["openInterestValue"] > 0
    assert len(await client.fetch_open_interests()) == len(client.symbols)
    history = await client.fetch_open_interest_history(SYMBOL, "1h", limit=10)
    moments = [row["timestamp"] for row in history]
    assert [later - earlier for earlier, later in pairwise(moments)] == [3_600_000] * 9
    assert all(row["openInterestValue"] > 0 and row["quoteVolume"] > 0 for row in history)
    since = moments[-1] - 20 * 300_000
    history = await client.fetch_open_interest_history(SYMBOL, "5m", since, limit=10)
    assert [row["timestamp"] for row in history] == [since + n * 300_000 for n in range(10)]


@pytest.mark.parametrize("seconds", [0.0, pytest.param(60.0, marks=pytest.mark.soak)])
async def test_ccxt_watches_without_an_error(client: Any, venue: Simulated, seconds: float) -> None:
    """Trades are the market's, each once; the book that ccxt keeps is the market's book.

    Ccxt checks the chain of the book's numbers itself and raises when a link is missing.
    """
    seen: set[Image] = set()
    trades: list[Any] = []

    def heard(name: str, answer: Any) -> None:
        if name == "trades":
            trades.extend(answer)
        elif name == "order book":
            _check_book(answer)
            seen.add(image(answer["bids"], answer["asks"], DEPTH, CONTRACT))

    await client.load_markets()
    counts = await watch_all(
        {
            "order book": lambda: client.watch_order_book(SYMBOL),
            "trades": lambda: client.watch_trades(SYMBOL),
            "candles": lambda: client.watch_ohlcv(SYMBOL, "1m"),
            "ticker": lambda: client.watch_ticker(SYMBOL),
            "mark price": lambda: client.watch_mark_price(SYMBOL),
        },
        WANTED,
        heard,
        seconds,
    )
    assert counts["order book"] > 4 * seconds
    assert abs((await client.watch_funding_rate(SYMBOL))["fundingRate"]) < 0.05
    _check_trades(venue, trades)
    await _meet_the_truth(client, venue, seen)


async def _meet_the_truth(client: Any, venue: Simulated, seen: set[Image]) -> None:
    """At some moment the book that ccxt keeps equals the market's, all levels of it."""
    truths: set[Image] = set()
    for _ in range(200):
        truths.add(await asyncio.to_thread(venue.book, "BTCUSDT", DEPTH))
        for _ in range(3):
            book = await client.watch_order_book(SYMBOL)
            seen.add(image(book["bids"], book["asks"], DEPTH, CONTRACT))
        if truths & seen:
            return
    pytest.fail("the book of ccxt was never the market's")


def _check_book(book: Any) -> None:
    bids, asks = [row[0] for row in book["bids"]], [row[0] for row in book["asks"]]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < asks[0]


def _check_trades(venue: Simulated, trades: list[Any]) -> None:
    """Consecutive prints of the market, with its values; each named after its last fill."""
    numbers = [int(trade["info"]["seqId"]) for trade in trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    truth = venue.prints("BTCUSDT", numbers[0], numbers[-1])
    for one, trade in zip(truth, trades, strict=True):
        count = one["last_fill_id"] - one["first_fill_id"] + 1
        assert (int(trade["id"]), int(trade["info"]["count"])) == (one["last_fill_id"], count)
        assert trade["amount"] == pytest.approx(one["trade"]["quantity"] / CONTRACT)
        _check_terms(trade, one["trade"])


def _check_fills(venue: Simulated, trades: list[Any], near: int) -> None:
    """Consecutive fills of the prints around `near`; those of a whole print add up to it."""
    amounts = {int(trade["id"]): trade["amount"] for trade in trades}
    numbers = [int(trade["id"]) for trade in trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    prints = venue.prints("BTCUSDT", near - len(trades), near + len(trades))
    by_fill = {
        fill: one for one in prints for fill in range(one["first_fill_id"], one["last_fill_id"] + 1)
    }
    for trade in trades:
        one = by_fill[int(trade["id"])]
        fills = range(one["first_fill_id"], one["last_fill_id"] + 1)
        if amounts.keys() >= set(fills):
            whole = sum(amounts[fill] for fill in fills)
            assert whole == pytest.approx(one["trade"]["quantity"] / CONTRACT)
        _check_terms(trade, one["trade"])


def _check_terms(trade: Any, true: Any) -> None:
    """Price, side and moment."""
    assert trade["price"] == pytest.approx(true["price"])
    assert (trade["side"], trade["timestamp"]) == (true["side"], true["timestamp_ms"])
