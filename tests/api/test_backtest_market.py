"""The market of a back-test: what is stored, what a venue lists, and what nobody knows."""

import pytest
from tests.api.fake_source import FakeSource

from headwater.api.backtest_market import market_of
from headwater.api.lookup import UnknownExchange
from headwater.core.errors import RequestError, UnknownSymbol

STORED = {("kraken", "XBTUSDT"), ("binance", "OLDUSDT")}


async def has_candles(exchange: str, symbol: str) -> bool:
    return (exchange, symbol) in STORED


@pytest.mark.parametrize(
    ("exchange", "symbol", "found"),
    [
        ("binance", "btc-usdt", ("binance", "BTCUSDT")),
        ("BINANCE", "BTC", ("binance", "BTCUSDT")),
        ("binance", "old", ("binance", "OLDUSDT")),
        ("kraken", "xbt/usdt", ("kraken", "XBTUSDT")),
        # Not connected, so its list cannot be asked: the job will say what it lacks.
        ("okx", "eth-usdt", ("okx", "ETHUSDT")),
    ],
)
async def test_any_spelling_of_what_is_there(
    exchange: str, symbol: str, found: tuple[str, str]
) -> None:
    sources = {"binance": FakeSource("binance")}
    assert await market_of(sources, has_candles, exchange, symbol) == found


async def test_what_nobody_knows_is_refused_with_what_is_near() -> None:
    sources = {"binance": FakeSource("binance")}
    with pytest.raises(UnknownSymbol) as unknown:
        await market_of(sources, has_candles, "binance", "BTCUSDX")
    assert "BTCUSDT" in unknown.value.suggestions
    with pytest.raises(UnknownExchange) as nowhere:
        await market_of(sources, has_candles, "binanse", "BTCUSDT")
    assert nowhere.value.suggestions == ("binance",)
    for exchange, symbol, field in (("a\0", "BTC", "exchange"), ("okx", "BTC\n", "symbol")):
        with pytest.raises(RequestError) as refused:
            await market_of(sources, has_candles, exchange, symbol)
        assert refused.value.field == field
