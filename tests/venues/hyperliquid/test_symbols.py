"""Hyperliquid's coins and our symbols."""

import pytest

from headwater.core.instruments import InstrumentTable
from headwater.venues.hyperliquid.symbols import (
    canonical_symbol,
    coin_of,
    is_perpetual,
    symbol_in,
)


@pytest.mark.parametrize(
    ("coin", "symbol"),
    [("BTC", "BTCUSDT"), ("kPEPE", "1000PEPEUSDT"), ("kSHIB", "1000SHIBUSDT"), ("k", "KUSDT")],
)
def test_names(coin: str, symbol: str) -> None:
    assert canonical_symbol(coin) == symbol
    assert symbol_in(InstrumentTable("hyperliquid", []), coin) == symbol


def test_a_base_asset_has_one_coin() -> None:
    assert coin_of("1000PEPE") == "kPEPE"
    assert coin_of("BTC") == "BTC"


@pytest.mark.parametrize("coin", ["@107", "PURR/USDC", "xyz:NVDA", ""])
def test_other_markets_are_told_by_their_names(coin: str) -> None:
    assert not is_perpetual(coin)
