"""OKX's names, sizes and lengths."""

import pytest

from headwater.core.intervals import Interval
from headwater.venues.okx.market_replies import instruments_of
from headwater.venues.okx.symbols import BARS, PERIODS, Sizes, canonical_symbol, is_swap

ROW = (
    '{"instType":"SWAP","instId":"%s","uly":"%s","ctType":"%s","ctVal":"%s","ctMult":"1",'
    '"settleCcy":"%s","tickSz":"0.1","lotSz":"0.01","minSz":"0.01","listTime":"7","state":"live"}'
)


def test_names() -> None:
    assert canonical_symbol("BTC-USDT-SWAP") == "BTCUSDT"
    assert canonical_symbol("BTC-USD-SWAP") == "BTCUSD"
    assert not is_swap("BTC-USDT-220527")


def test_linear_and_inverse_contracts_are_two_and_sized_apart() -> None:
    rows = (
        ROW % ("BTC-USDT-SWAP", "BTC-USDT", "linear", "0.01", "USDT"),
        ROW % ("BTC-USD-SWAP", "BTC-USD", "inverse", "100", "BTC"),
        ROW.replace("SWAP", "FUTURES", 1) % ("BTC-USD-220527", "BTC-USD", "inverse", "100", "BTC"),
    )
    body = f'{{"code":"0","msg":"","data":[{",".join(rows)}]}}'.encode()
    linear, inverse = instruments_of(body, 1)
    assert (linear.symbol, linear.is_linear, inverse.symbol, inverse.is_linear) == (
        "BTCUSDT", True, "BTCUSD", False,
    )  # fmt: skip
    assert float(linear.quantity_step) == pytest.approx(0.0001)
    assert Sizes(linear).base(3, 40_000) == pytest.approx(0.03)
    assert Sizes(linear).base(4.1, 40_000) == 0.041, "not 0.040999999999999995"
    assert Sizes(inverse).base(20, 40_000) == pytest.approx(0.05)


def test_daily_bars_are_the_ones_that_begin_at_midnight_utc() -> None:
    assert BARS["1Dutc"] is Interval.D1
    assert "1D" not in BARS
    assert BARS["1m"] is Interval.M1
    assert BARS["1Mutc"] is Interval.MONTH1
    assert Interval.H8 not in BARS.values()
    assert PERIODS[Interval.D1] == "1Dutc"
