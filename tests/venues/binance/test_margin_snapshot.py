"""The dated copy of brackets: what it says, and that nothing else is guessed."""

import msgspec
import pytest
from tests.venues.binance.hand_market import HandMarket

from headwater.core.errors import NotSupported
from headwater.venues.binance.margin_snapshot import snapshot_of
from headwater.venues.binance.market_rest import BinanceMarketRest


def test_the_copy_is_marked_as_one_and_has_the_venues_deductions() -> None:
    """50 k × 0.1 % = 50; + 600 k × 0.15 % = 950; + 3 M × 0.35 % = 11 450; + 12 M × 1 % = 131 450.

    These four are the `cum` that the venue itself published with the brackets.
    """
    found = snapshot_of(HandMarket().table.resolve("BTCUSDT"))
    assert found.source == "snapshot of 2024-10"
    assert found.timestamp_ms == 1_727_740_800_000
    deductions = [tier.maintenance_deduction for tier in found.tiers[:5]]
    assert deductions == pytest.approx([0.0, 50.0, 950.0, 11_450.0, 131_450.0], abs=1e-6)
    assert [tier.leverage_max for tier in found.tiers] == [125, 100, 75, 50, 25, 20, 10]


def test_no_request_is_needed() -> None:
    market = HandMarket()
    call = BinanceMarketRest(market.table).margin_tiers(market.table.resolve("BTCUSDT"))
    with pytest.raises(StopIteration):
        next(call)


def test_other_contracts_are_not_guessed() -> None:
    table = HandMarket().table
    other = msgspec.structs.replace(table.resolve("BTCUSDT"), native_symbol="PEPEUSDT")
    with pytest.raises(NotSupported, match="not of PEPEUSDT"):
        next(BinanceMarketRest(table).margin_tiers(other))
