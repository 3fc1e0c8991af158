"""How Binance writes the numbers of a symbol."""

from tests.venues.binance.hand_market import HandMarket

from headwater.venues.binance.venue_side_text import SymbolTexts

TEXTS = SymbolTexts(HandMarket().table)


def test_numbers_have_the_decimals_of_their_symbol() -> None:
    bitcoin, doge = TEXTS.of("BTCUSDT"), TEXTS.of("DOGEUSDT")
    assert bitcoin.price(61_800.2) == "61800.20"  # a tick of 0.10 asks for two
    assert bitcoin.quantity(0.1 + 0.2) == "0.300"
    assert doge.price(0.1) == "0.10000"
    assert doge.quantity(0.0) == "0"
    assert bitcoin.levels([(1.0, 2.0), (0.9, 0.0)]) == '["1.00","2.000"],["0.90","0.000"]'
    assert bitcoin.levels([]) == ""


def test_symbols_are_found_by_every_spelling() -> None:
    assert TEXTS.native("BTCUSDT") is TEXTS.stream("btcusdt")
    assert TEXTS.native("btcusdt") is None
    assert TEXTS.stream("BTCUSDT") is None


def test_only_main_coins_have_a_coin_margined_twin() -> None:
    twin = TEXTS.of("BTCUSDT").twin
    assert twin is not None
    assert (twin.native, twin.contracts(60_000.0, 0.01)) == ("BTCUSD_PERP", 6)
    assert twin.contracts(1.0, 1.0) == 1
    assert TEXTS.of("DOGEUSDT").twin is None
