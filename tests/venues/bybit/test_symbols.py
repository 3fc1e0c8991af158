"""Bybit's names and ours."""

import pytest

from headwater.core.enums import InstrumentKind
from headwater.core.intervals import Interval
from headwater.venues.bybit.market_replies import instruments_in
from headwater.venues.bybit.symbols import INTERVALS, canonical_symbol, is_linear

ROW = (
    b'{"symbol":"%s","contractType":"%s","status":"Trading","baseCoin":"BTC","quoteCoin":"%s",'
    b'"settleCoin":"%s","launchTime":"1","deliveryTime":"%s","priceFilter":{"tickSize":"0.10"},'
    b'"lotSizeFilter":{"qtyStep":"0.001","minOrderQty":"0.001","minNotionalValue":"5"},'
    b'"fundingInterval":480}'
)


@pytest.mark.parametrize(
    ("native", "ours"),
    [
        ("BTCUSDT", "BTCUSDT"), ("1000PEPEUSDT", "1000PEPEUSDT"), ("BTCPERP", "BTCUSDC"),
        ("BTC-28MAR25", "BTCUSDC250328"), ("BTCUSDT-4APR25", "BTCUSDT250404"),
    ],
)  # fmt: skip
def test_names(native: str, ours: str) -> None:
    assert canonical_symbol(native) == ours
    assert is_linear(native)


@pytest.mark.parametrize("native", ["BTCUSD", "BTCUSDU23", "BTC-28JUN24-60000-P", "BTC-USDT"])
def test_other_categories_are_told_by_their_names(native: str) -> None:
    assert not is_linear(native)


def test_instruments_of_a_page() -> None:
    """Perpetuals and dated ones; inverse ones are left out; the cursor is handed on."""
    rows = (
        ROW % (b"BTCUSDT", b"LinearPerpetual", b"USDT", b"USDT", b"0"),
        ROW % (b"BTC-28MAR25", b"LinearFutures", b"USDC", b"USDC", b"1743148800000"),
        ROW % (b"BTCUSD", b"InversePerpetual", b"USD", b"BTC", b"0"),
    )
    body = b'{"retCode":0,"result":{"list":[%s],"nextPageCursor":"x"},"time":7}' % b",".join(rows)
    (perpetual, dated), cursor = instruments_in(body, 1)
    assert cursor == "x"
    assert (perpetual.symbol, perpetual.funding_interval_h) == ("BTCUSDT", 8.0)
    assert (dated.symbol, dated.instrument_kind) == ("BTCUSDC250328", InstrumentKind.FUTURE)
    assert dated.expires_at_ms == 1743148800000
    assert dated.funding_interval_h is None


def test_intervals_are_those_of_the_venue() -> None:
    assert INTERVALS["720"] is Interval.H12
    assert Interval.H8 not in INTERVALS.values()
