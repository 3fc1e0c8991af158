"""Other people's client libraries, unmodified but for the addresses, against `headwater simulate`.

ccxt and python-binance know nothing of this project: what they accept is what the venue sends.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.end_to_end.simulated import PATIENCE_S, simulated, watch_all

SYMBOL = "BTC/USDT:USDT"
WANTED = {"order book": 40, "trades": 5, "candles": 2, "tickers": 5, "mark price": 2}


@pytest.fixture(scope="module")
def rest() -> Iterator[str]:
    """REST address of a simulated Binance in a process of its own."""
    with simulated("binance") as venue:
        yield venue.rest


def _point(exchange: Any, rest: str) -> Any:
    """Gives a ccxt exchange other addresses, and changes nothing else."""
    api = exchange.urls["api"]
    for name in ("fapiPublic", "fapiPublicV2", "fapiPublicV3", "fapiData"):
        api[name] = api[name].replace("https://fapi.binance.com", rest)
    if "ws" in api:
        api["ws"]["future"] = rest.replace("http", "ws", 1) + "/ws"
    return exchange


@pytest.fixture
async def ccxt_pro(rest: str) -> AsyncIterator[Any]:
    """Ccxt's asynchronous Binance USD-M client."""
    import ccxt.pro

    exchange = _point(ccxt.pro.binanceusdm(), rest)
    yield exchange
    await exchange.close()


def test_ccxt_reads_markets_and_candles_synchronously(rest: str) -> None:
    """The plain client, over requests."""
    import ccxt

    exchange = _point(ccxt.binanceusdm(), rest)
    markets = exchange.load_markets()
    assert len(markets) >= 10
    assert markets[SYMBOL]["linear"]
    assert markets[SYMBOL]["active"]
    assert markets[SYMBOL]["precision"]["price"] == 0.1
    candles = exchange.fetch_ohlcv(SYMBOL, "5m", limit=20)
    assert [later[0] - earlier[0] for earlier, later in pairwise(candles)] == ([300_000] * 19)
    with pytest.raises(ccxt.BadSymbol):
        exchange.fetch_ticker("NOPE/USDT:USDT")
    exchange.session.close()


async def test_ccxt_reads_everything_public(ccxt_pro: Any) -> None:
    """Trades, book, tickers, funding, open interest."""
    trades = await ccxt_pro.fetch_trades(SYMBOL, limit=50)
    ids = [int(trade["id"]) for trade in trades]
    assert ids == list(range(ids[0], ids[0] + 50))
    again = await ccxt_pro.fetch_trades(SYMBOL, params={"fromId": ids[10]}, limit=5)
    assert [int(trade["id"]) for trade in again] == ids[10:15]
    book = await ccxt_pro.fetch_order_book(SYMBOL, 100)
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = await ccxt_pro.fetch_ticker(SYMBOL)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert len(await ccxt_pro.fetch_tickers()) == len(ccxt_pro.symbols)
    assert len(await ccxt_pro.fetch_funding_rates()) == len(ccxt_pro.symbols)
    rate = await ccxt_pro.fetch_funding_rate(SYMBOL)
    assert abs(rate["fundingRate"]) < 0.05
    assert rate["markPrice"] > 0
    past = await ccxt_pro.fetch_funding_rate_history(SYMBOL, limit=5)
    moments = [row["timestamp"] for row in past]
    assert moments == sorted(moments)
    assert len(set(moments)) == 5
    now = await ccxt_pro.fetch_open_interest(SYMBOL)
    assert now["openInterestAmount"] > 0
    history = await ccxt_pro.fetch_open_interest_history(SYMBOL, "1h", limit=10)
    assert len(history) == 10
    assert all(row["openInterestValue"] > 0 for row in history)
    since = await ccxt_pro.fetch_time() - 3_600_000
    rows = await ccxt_pro.fetch_ohlcv(SYMBOL, "1m", since=since, limit=30)
    assert len(rows) == 30
    assert rows[0][0] >= since


@pytest.mark.parametrize("seconds", [0.0, pytest.param(60.0, marks=pytest.mark.soak)])
async def test_ccxt_watches_without_an_error(ccxt_pro: Any, seconds: float) -> None:
    """Ccxt checks the chain of its book itself and raises when an update is missing."""

    def heard(name: str, answer: Any) -> None:
        assert answer, name
        if name == "order book":
            assert answer["bids"][0][0] < answer["asks"][0][0]

    await ccxt_pro.load_markets()
    counts = await watch_all(
        {
            "order book": lambda: ccxt_pro.watch_order_book(SYMBOL),
            "trades": lambda: ccxt_pro.watch_trades(SYMBOL),
            "candles": lambda: ccxt_pro.watch_ohlcv(SYMBOL, "1m"),
            "tickers": lambda: ccxt_pro.watch_tickers([SYMBOL, "ETH/USDT:USDT"]),
            "mark price": lambda: ccxt_pro.watch_mark_price(SYMBOL),
        },
        WANTED,
        heard,
        seconds,
    )
    assert counts["order book"] > 4 * seconds


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_python_binance_reads_and_streams(rest: str) -> None:
    """python-binance: its futures calls, and sockets on the paths it chooses itself."""
    from binance.async_client import AsyncClient
    from binance.ws.streams import BinanceSocketManager

    client = AsyncClient()
    client.FUTURES_URL = f"{rest}/fapi"
    client.FUTURES_DATA_URL = f"{rest}/futures/data"
    try:
        assert len((await client.futures_exchange_info())["symbols"]) >= 10
        assert len(await client.futures_klines(symbol="BTCUSDT", interval="15m", limit=7)) == 7
        assert len(await client.futures_aggregate_trades(symbol="BTCUSDT", limit=9)) == 9
        assert len(await client.futures_recent_trades(symbol="BTCUSDT", limit=9)) == 9
        assert (await client.futures_order_book(symbol="BTCUSDT", limit=5))["lastUpdateId"] > 0
        assert float((await client.futures_mark_price(symbol="BTCUSDT"))["markPrice"]) > 0
        assert len(await client.futures_funding_rate(symbol="BTCUSDT", limit=2)) == 2
        assert float((await client.futures_open_interest(symbol="BTCUSDT"))["openInterest"]) > 0
        assert float((await client.futures_ticker(symbol="BTCUSDT"))["lastPrice"]) > 0
        manager = BinanceSocketManager(client)
        manager.FSTREAM_URL = rest.replace("http", "ws", 1) + "/"
        sockets = {
            "aggTrade": manager.aggtrade_futures_socket("BTCUSDT"),
            "depthUpdate": manager.futures_depth_socket("BTCUSDT"),
            "continuous_kline": manager.kline_futures_socket("BTCUSDT"),
            "bookTicker": manager.symbol_ticker_futures_socket("BTCUSDT"),
        }
        for event, socket in sockets.items():
            async with socket as stream, asyncio.timeout(PATIENCE_S):
                message = await stream.recv()
                assert message.get("data", message)["e"] == event
    finally:
        await client.close_connection()
