"""What the symbol service tells the sockets of a contract."""

import pytest
from tests.api.served import Platform

from headwater.api.lookup import UnknownExchange
from headwater.api.terminal.symbols import terminal_symbol
from headwater.core.errors import UnknownSymbol, VenueUnavailable


async def test_o_s1_the_symbol_service_says_which_contract_is_meant() -> None:
    """The same before its list is there and after."""
    async with Platform(lists_symbols=True).served() as platform:
        before = terminal_symbol(platform.sources, "binance", "BTC", platform.symbols)
        await platform.symbols.listed("binance")
        found = terminal_symbol(platform.sources, "BINANCE", "btc/usdt", platform.symbols)
        assert (found.exchange, found.symbol) == ("binance", "BTCUSDT")
        assert (found.source, found.name) == (platform.source, "binance:BTCUSDT")
        assert found == before == terminal_symbol(platform.sources, "binance", "BTC")


def test_what_is_wrong_is_named() -> None:
    platform = Platform()
    with pytest.raises(UnknownExchange):
        terminal_symbol(platform.sources, "nowhere", "BTC", platform.symbols)
    with pytest.raises(UnknownSymbol) as unknown:
        terminal_symbol(platform.sources, "binance", "BTCUSD", platform.symbols)
    assert "BTCUSDT" in unknown.value.suggestions
    platform.source.forget_instruments()
    with pytest.raises(VenueUnavailable):
        terminal_symbol(platform.sources, "binance", "BTC", platform.symbols)
