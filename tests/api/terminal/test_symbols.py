"""Which contract an address means."""

import pytest
from tests.api.fake_source import FakeSource

from headwater.api.lookup import UnknownExchange
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE, terminal_symbol
from headwater.core.errors import UnknownSymbol, VenueUnavailable

SOURCES = {name: FakeSource(name) for name in ("binance", "okx")}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "btc-usdt", "BTC/USDT:USDT", "BTC"])
@pytest.mark.parametrize("exchange", ["binance", "BINANCE", "okx"])
def test_any_spelling_means_one_contract(exchange: str, symbol: str) -> None:
    found = terminal_symbol(SOURCES, exchange, symbol)
    assert (found.exchange, found.symbol) == (exchange.lower(), "BTCUSDT")
    assert found.source is SOURCES[exchange.lower()]
    assert found.format.price(1.0) == "1.0", "its tick has one place"


def test_what_is_not_there_is_named() -> None:
    assert DEFAULT_EXCHANGE == "binance"
    with pytest.raises(UnknownExchange, match="kraken"):
        terminal_symbol(SOURCES, "kraken", "BTCUSDT")
    with pytest.raises(UnknownSymbol) as caught:
        terminal_symbol(SOURCES, "okx", "BTCUSD")
    assert "BTCUSDT" in caught.value.suggestions
    empty = FakeSource("bybit")
    empty.forget_instruments()
    with pytest.raises(VenueUnavailable):
        terminal_symbol({"bybit": empty}, "bybit", "BTCUSDT")
