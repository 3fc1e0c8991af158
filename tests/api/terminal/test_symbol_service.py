"""What the symbol service tells the sockets of a contract."""

from decimal import Decimal

import pytest
from tests.api.served import Platform

from headwater.api.lookup import UnknownExchange
from headwater.api.terminal.symbols import terminal_symbol
from headwater.core.errors import UnknownSymbol, VenueUnavailable


async def test_o_s1_the_symbol_service_says_what_a_screen_needs() -> None:
    """The price is 100: roundings end at 10. Before the list is there they end at 1000."""
    async with Platform(lists_symbols=True).served() as platform:
        before = terminal_symbol(platform.sources, "binance", "BTC")
        await platform.symbols.listed("binance")
        found = terminal_symbol(platform.sources, "BINANCE", "btc/usdt", platform.symbols)
        assert (found.exchange, found.symbol) == ("binance", "BTCUSDT")
        assert found.source is platform.source
        assert found.instrument == before.instrument
        assert found.format == before.format
        assert found.price_format == before.price_format
        assert found.price_format.min_move == Decimal("0.1")
        assert [str(one) for one in found.rounding_options] == ["0.1", "1", "10"]
        assert str(found.default_rounding) == "10"
        assert str(before.rounding_options[-1]) == "1000"


def test_a_contract_that_is_not_in_the_list_yet_has_its_own_format() -> None:
    platform = Platform()
    found = terminal_symbol(platform.sources, "binance", "ETH", platform.symbols)
    assert found.symbol == "ETHUSDT"
    assert found.rounding == terminal_symbol(platform.sources, "binance", "ETH").rounding


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
