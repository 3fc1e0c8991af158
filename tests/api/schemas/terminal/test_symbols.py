"""Views of symbols: names, twins of numbers, and what is told when nothing is known."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.symbol_market import VENUE, contract, ticker

from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.symbols import symbol_view
from headwater.core.enums import InstrumentKind
from headwater.core.formatting import read_formatted
from headwater.core.instruments import InstrumentTable
from headwater.services.fallback_symbols import fallback_list
from headwater.services.listed_symbols import ListedSymbol, listed_symbols

GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "terminal.md"
TICKS = st.sampled_from(["0.0000001", "0.00001", "0.01", "0.25", "0.1", "1", "5", "10", "100"])
PRICES = st.floats(1e-7, 1e6)


def row_of(
    volume: float = 12_589_123_456.78, price: float = 97_123.4, **changes: Any
) -> ListedSymbol:
    one = contract("BTC", **changes)
    told = [ticker(one, last=price, quote_volume_24h=volume)]
    (row,) = listed_symbols(InstrumentTable(VENUE, [one]), told, is_stale=False)
    return row


def shown(row: ListedSymbol) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(encode(symbol_view(row)))
    return found


def test_o_r1_o_s3_o_s4_the_whole_of_a_symbol() -> None:
    assert shown(row_of(price_tick=Decimal("0.10"))) == {
        "id": "BTCUSDT",
        "exchange": VENUE,
        "symbol": "BTCUSDT",
        "nativeSymbol": "BTC-USDT",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "uiName": "BTC/USDT",
        "kind": "perpetual",
        "volume24h": 12_589_123_456.78,
        "volume24hFormatted": "12.59B",
        "volumeEstimated": False,
        "pricePrecision": 1,
        "amountPrecision": 3,
        "priceFormat": {"type": "price", "precision": 1, "minMove": 0.1},
        "roundingOptions": [0.1, 1, 10, 100, 1000],
        "roundingOptionsFormatted": ["0.1", "1", "10", "100", "1,000"],
        "defaultRounding": 10,
        "defaultRoundingFormatted": "10",
        "stale": False,
    }


@pytest.mark.parametrize(
    ("volume", "text"),
    [(0.0, "0.00"), (999.994, "999.99"), (12_590.0, "12.59K"), (456_780_000.0, "456.78M"),
     (12.59e9, "12.59B"), (3.4e12, "3.40T")],
)  # fmt: skip
def test_o_s3_volumes_with_letters(volume: float, text: str) -> None:
    assert shown(row_of(volume))["volume24hFormatted"] == text


@given(volume=st.floats(0, 1e14), price=PRICES, tick=TICKS)
def test_o_s4_every_twin_reads_back_as_its_number(volume: float, price: float, tick: str) -> None:
    found = shown(row_of(volume, price, price_tick=Decimal(tick)))
    text = found["volume24hFormatted"]
    read = float(read_formatted(text))
    scale = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(text[-1], 1.0)
    assert read == pytest.approx(volume, abs=0.00501 * scale)
    options = [float(read_formatted(one)) for one in found["roundingOptionsFormatted"]]
    assert options == found["roundingOptions"] == sorted(options)
    assert float(read_formatted(found["defaultRoundingFormatted"])) == found["defaultRounding"]
    assert found["defaultRounding"] in options
    chart = found["priceFormat"]
    assert chart["minMove"] == pytest.approx(10 ** -chart["precision"], rel=1e-12)


def test_the_guide_shows_a_symbol_as_it_is_sent() -> None:
    text = GUIDE.read_text().partition("## Symbols")[2]
    told = msgspec.json.decode(text.partition("```json\n")[2].partition("```")[0])
    changes: dict[str, Any] = {
        "exchange": "binance",
        "native_symbol": "BTCUSDT",
        "price_tick": Decimal("0.10"),
    }
    assert shown(row_of(**changes)) == told


def test_o_d12_a_tick_of_ten_has_no_decimal_places() -> None:
    found = shown(row_of(price_tick=Decimal(10)))
    assert found["pricePrecision"] == 0
    assert found["priceFormat"] == {"type": "price", "precision": 0, "minMove": 1}
    assert found["roundingOptionsFormatted"][0] == "1"


def test_dated_contracts_are_told_from_perpetuals() -> None:
    """1 743 148 800 000 ms are 2025-03-28 08:00 UTC."""
    dated: dict[str, Any] = {"instrument_kind": InstrumentKind.FUTURE, "symbol": "BTCUSDT250328"}
    found = shown(row_of(**dated, expires_at_ms=1_743_148_800_000))
    assert (found["uiName"], found["kind"]) == ("BTC/USDT 2025-03-28", "future")
    assert shown(row_of(**dated))["uiName"] == "BTC/USDT BTCUSDT250328"


def test_o_s2_what_is_not_known_is_null_and_never_made_up() -> None:
    for row in fallback_list(VENUE, "is down").rows:
        found = shown(row)
        assert found["stale"] is True
        assert found["volume24h"] is found["volume24hFormatted"] is found["nativeSymbol"] is None
        assert found["priceFormat"] == {"type": "price", "precision": 2, "minMove": 0.01}
        assert found["defaultRounding"] == 1
