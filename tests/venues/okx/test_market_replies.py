"""Position tiers of OKX, worked by hand from a small reply; the rest is held by conformance."""

import msgspec
import pytest
from tests.venues.okx.test_market_events import swap

from headwater.analytics.margin import liquidation_price, margin_of
from headwater.core.enums import PositionSide
from headwater.core.errors import WireError
from headwater.core.margin_tiers import MarginTiers
from headwater.venues.okx.market_replies import margin_tiers_of
from headwater.venues.okx.symbols import Sizes
from headwater.venues.okx.wire_rest import MarkRow

MARK = MarkRow(native_symbol="BTC-USDT-SWAP", mark=50_000.0, ts=1_692_266_434_000)
SMALL = {"minSz": "0", "maxSz": "1000", "mmr": "0.004", "imr": "0.01", "maxLever": "100"}
LARGE = {"minSz": "1001", "maxSz": "5000", "mmr": "0.01", "imr": "0.02", "maxLever": "50"}


def tiers(*rows: dict[str, str]) -> MarginTiers | None:
    body = msgspec.json.encode({"code": "0", "msg": "", "data": list(rows)})
    return margin_tiers_of(body, Sizes(swap("BTC-USDT-SWAP", 0.01)), MARK, 9)


def test_contracts_become_base_units_and_notionals_at_the_mark() -> None:
    """1 000 contracts of 0.01 BTC are 10 BTC, at 50 000 worth 500 000; 5 000 are 50 BTC."""
    found = tiers(LARGE, SMALL)
    assert found is not None
    assert found.reference_price == 50_000.0
    assert found.is_fee_demanded
    assert found.timestamp_ms == MARK.ts
    first, second = found.tiers
    assert (first.quantity_floor, first.quantity_cap) == (0.0, 10.0)
    assert (second.quantity_floor, second.quantity_cap) == (10.0, 50.0)
    assert (second.notional_floor, second.notional_cap) == (500_000.0, 2_500_000.0)
    assert (first.maintenance_rate, second.leverage_max) == (0.004, 50.0)


def test_the_tier_of_a_position_does_not_change_with_the_price() -> None:
    """20 BTC at 50 000, 10×, fee 0.05 %: (1 000 000 − 100 000) / (20 × (1 − 0.0105)) = 45 477.51.

    At that price the notional is 909 550: by notional it would be the second tier as well, but
    9 BTC at 200 000 are worth as much and stay in the first.
    """
    found = tiers(SMALL, LARGE)
    assert found is not None
    margin = margin_of(50_000.0, 20.0, 10.0)
    price = liquidation_price(PositionSide.LONG, 50_000.0, 20.0, margin, found.tiers, 0.0005)
    assert price == pytest.approx(45_477.51, abs=0.005)
    # 200 000 × 0.9 / (1 − 0.0045)
    margin = margin_of(200_000.0, 9.0, 10.0)
    price = liquidation_price(PositionSide.LONG, 200_000.0, 9.0, margin, found.tiers, 0.0005)
    assert price == pytest.approx(180_000 / 0.9955, rel=1e-12)


def test_a_contract_without_tiers_has_none() -> None:
    assert tiers() is None


@pytest.mark.parametrize(
    "wrong", [{"maxSz": "0"}, {"maxSz": "1e400"}, {"mmr": "1"}, {"mmr": "x"}, {"maxLever": ""}]
)
def test_tiers_that_mean_nothing_are_a_wire_error(wrong: dict[str, str]) -> None:
    with pytest.raises(WireError):
        tiers(SMALL | wrong)
    with pytest.raises(WireError):
        tiers(SMALL, SMALL)
