"""Symbols: every common spelling finds the instrument, a wrong one gets suggestions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.errors import UnknownSymbol
from headwater.core.instruments import Instrument, InstrumentTable, canonical_spelling


def _instrument(symbol: str, native: str) -> Instrument:
    return Instrument(
        exchange="okx",
        symbol=symbol,
        native_symbol=native,
        timestamp_ms=0,
        received_ns=0,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
        min_quantity=None,
        min_notional=None,
        funding_interval_h=8.0,
        listed_at_ms=None,
        expires_at_ms=None,
    )


_TABLE = InstrumentTable(
    "okx",
    [
        _instrument("BTCUSDT", "BTC-USDT-SWAP"),
        _instrument("ETHUSDT", "ETH-USDT-SWAP"),
        _instrument("1000PEPEUSDT", "kPEPE"),
    ],
)


@pytest.mark.parametrize(
    "text",
    [
        "BTCUSDT",
        "btcusdt",
        "BTC",
        "BTC-USDT",
        "BTC/USDT",
        "BTC/USDT:USDT",
        "BTC-USDT-SWAP",
        "BTC%2FUSDT%3AUSDT",
        " btc_usdt ",
        "BTCUSDT-PERP",
    ],
)
def test_common_spellings(text: str) -> None:
    assert _TABLE.resolve(text).native_symbol == "BTC-USDT-SWAP"


def test_native_symbols_are_found_as_they_are() -> None:
    assert _TABLE.resolve("kPEPE").symbol == _TABLE.resolve("kpepe").symbol == "1000PEPEUSDT"
    assert _TABLE.by_native("ETH-USDT-SWAP") is _TABLE.by_symbol("ETHUSDT")


def test_a_native_symbol_in_any_case_goes_before_a_guess() -> None:
    """Bybit's USDC contract is `BTCPERP`; without its suffix it would read as `BTC`."""
    table = InstrumentTable(
        "bybit", [_instrument("BTCUSDT", "BTCUSDT"), _instrument("BTCUSDC", "BTCPERP")]
    )
    for text in ("BTCPERP", "btcperp", "BtcPerp", "BTCUSDC", "BTC-USDC"):
        assert table.resolve(text).symbol == "BTCUSDC", text
    assert table.resolve("btc").symbol == "BTCUSDT"


def test_an_unknown_symbol_gets_suggestions() -> None:
    with pytest.raises(UnknownSymbol) as caught:
        _TABLE.resolve("BTCUSDTT")
    assert caught.value.suggestions[0] == "BTCUSDT"
    assert caught.value.exchange == "okx"


@given(st.text(max_size=400))
def test_any_text_resolves_or_is_refused(text: str) -> None:
    try:
        assert _TABLE.resolve(text) in list(_TABLE)
    except UnknownSymbol as error:
        assert len(error.suggestions) <= 3
        assert len(error.value) <= 80


@given(st.text(max_size=200))
def test_spelling_twice_is_spelling_once_for_plain_text(text: str) -> None:
    once = canonical_spelling(text)
    if "%" not in once and ":" not in once and not once.endswith(("SWAP", "PERP", "PERPETUAL")):
        assert canonical_spelling(once) == once


def test_find_is_resolve_without_suggestions() -> None:
    table = InstrumentTable("binance", [])
    assert table.find("BTCUSDT") is None
    assert table.find("B" * 1000) is None
