"""Names of contracts, and the list of them."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.venues.binance.symbols import (
    canonical_symbol,
    instruments_of,
    is_coin_margined,
    stream_symbol,
    symbol_in,
)
from headwater.venues.binance.wire_rest import ExchangeInfo

PERPETUAL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "1", "maxPrice": "2"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002", "maxQty": "1000"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
    ],
}


def listed(*entries: dict[str, Any], intervals: dict[str, float] | None = None) -> list[Instrument]:
    body = json.dumps({"serverTime": 5, "rateLimits": [], "symbols": entries})
    info = msgspec.json.decode(body, type=ExchangeInfo, strict=False)
    return instruments_of(info, {} if intervals is None else intervals, 7)


@pytest.mark.parametrize(
    ("native", "canonical"),
    [
        ("BTCUSDT", "BTCUSDT"),
        ("1000PEPEUSDT", "1000PEPEUSDT"),
        ("BTCUSDT_250328", "BTCUSDT250328"),
        ("btcusdc", "BTCUSDC"),
        ("币安人生USDT", "币安人生USDT"),
        ("%E5%B8%81%E5%AE%89USDT", "币安USDT"),
    ],
)
def test_canonical_spelling(native: str, canonical: str) -> None:
    assert canonical_symbol(native) == canonical


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("BTCUSD_PERP", True),
        ("BTCUSD_250328", True),
        ("BNBUSD_250328", True),
        ("BTCUSDT_250328", False),
        ("BTCUSDC_250328", False),
        ("BTCBUSD_210129", False),
        ("BTCUSDT", False),
        ("", False),
    ],
)
def test_coin_margined_contracts_are_told_by_their_spelling(native: str, expected: bool) -> None:
    assert is_coin_margined(native) is expected


def test_the_table_comes_before_the_rule() -> None:
    table = InstrumentTable("binance", listed(PERPETUAL))
    assert symbol_in(table, "BTCUSDT") == "BTCUSDT"
    assert symbol_in(table, "NEWUSDT_300101") == "NEWUSDT300101"
    assert symbol_in(table, "NEWUSD_PERP") is None


def test_stream_names_are_lower_case() -> None:
    assert stream_symbol("1000PEPEUSDT") == "1000pepeusdt"


def test_a_perpetual() -> None:
    (found,) = listed(PERPETUAL)
    assert found.instrument_kind is InstrumentKind.PERPETUAL
    assert found.status is InstrumentStatus.TRADING
    assert (found.price_tick, found.quantity_step) == (Decimal("0.10"), Decimal("0.001"))
    assert (found.min_quantity, found.min_notional) == (Decimal("0.002"), Decimal(100))
    assert (found.base_asset, found.quote_asset, found.settle_asset) == ("BTC", "USDT", "USDT")
    assert found.is_linear
    assert found.contract_size == 1
    assert found.funding_interval_h == 8
    assert found.listed_at_ms == 1569398400000
    assert found.expires_at_ms is None
    assert found.timestamp_ms == 5


def test_funding_intervals_are_of_perpetuals_and_only_when_known() -> None:
    (adjusted,) = listed(PERPETUAL, intervals={"BTCUSDT": 4.0})
    assert adjusted.funding_interval_h == 4
    info = msgspec.convert({"symbols": [PERPETUAL]}, ExchangeInfo, strict=False)
    (unknown,) = instruments_of(info, None, 9_000_000)
    assert unknown.funding_interval_h is None
    assert unknown.timestamp_ms == 9


def test_a_dated_contract() -> None:
    entry = PERPETUAL | {
        "symbol": "BTCUSDT_250328",
        "contractType": "CURRENT_QUARTER",
        "deliveryDate": 1743148800000,
    }
    (found,) = listed(entry)
    assert found.symbol == "BTCUSDT250328"
    assert found.instrument_kind is InstrumentKind.FUTURE
    assert found.expires_at_ms == 1743148800000
    assert found.funding_interval_h is None
    (last,) = listed(entry | {"contractType": "CURRENT_QUARTER DELIVERING"})
    assert last.instrument_kind is InstrumentKind.FUTURE


def test_missing_filters_fall_back_to_the_precision() -> None:
    (found,) = listed(PERPETUAL | {"filters": []})
    assert (found.price_tick, found.quantity_step) == (Decimal("0.01"), Decimal("0.001"))
    assert (found.min_quantity, found.min_notional) == (None, None)
    zero = [{"filterType": "PRICE_FILTER", "tickSize": "0"}]
    (found,) = listed(PERPETUAL | {"filters": zero})
    assert found.price_tick == Decimal("0.01")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("PENDING_TRADING", InstrumentStatus.PENDING),
        ("SETTLING", InstrumentStatus.HALTED),
        ("CLOSE", InstrumentStatus.CLOSED),
        ("SOMETHING", InstrumentStatus.UNKNOWN),
    ],
)
def test_statuses(given: str, expected: InstrumentStatus) -> None:
    (found,) = listed(PERPETUAL | {"status": given})
    assert found.status is expected


def test_unknown_kinds_of_contract_stay_unknown_and_tradfi_is_perpetual() -> None:
    (strange,) = listed(PERPETUAL | {"contractType": "BRAND_NEW"})
    assert strange.instrument_kind is InstrumentKind.UNKNOWN
    (tradfi,) = listed(PERPETUAL | {"contractType": "TRADIFI_PERPETUAL", "symbol": "TSLAUSDT"})
    assert tradfi.instrument_kind is InstrumentKind.PERPETUAL


def test_coin_margined_contracts_are_left_out() -> None:
    coin = PERPETUAL | {"symbol": "BTCUSD_PERP", "quoteAsset": "USD", "marginAsset": "BTC"}
    odd = PERPETUAL | {"symbol": "BTCUSD", "marginAsset": "BTC"}
    assert [found.symbol for found in listed(coin, PERPETUAL, odd)] == ["BTCUSDT"]


@pytest.mark.parametrize("text", ["x", "NaN", "1e99999999999999999999"])
def test_a_tick_that_is_no_number_is_a_value_error(text: str) -> None:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": text}]
    with pytest.raises(ValueError, match=r"number|finite"):
        listed(PERPETUAL | {"filters": filters})
