"""Golden values and laws of margin."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.simulator.margin import (
    bankruptcy_price,
    build_tiers,
    liquidation_price,
    tier_of,
    tiers_for,
)


def test_deductions_are_the_venues() -> None:
    """Published BTC table: 50 k × 0.1 % = 50, + 600 k × 0.15 % = 950, + 3 M × 0.35 % = 11 450."""
    rows = [(0.0, 0.004, 125), (50_000.0, 0.005, 100), (600_000.0, 0.0065, 75),
            (3_000_000.0, 0.01, 50), (12_000_000.0, 0.02, 25)]  # fmt: skip
    deductions = [round(tier.deduction, 6) for tier in build_tiers(rows)]
    assert deductions == [0.0, 50.0, 950.0, 11_450.0, 131_450.0]


def test_golden_liquidation_prices() -> None:
    """One unit at 10 000 with 10×, rate 0.4 %: long 9 000/0.996, short 11 000/1.004."""
    tiers = build_tiers([(0.0, 0.004, 125), (300_000.0, 0.005, 100)])
    long = liquidation_price(is_long=True, entry=10_000, quantity=1, leverage=10, tiers=tiers)
    short = liquidation_price(is_long=False, entry=10_000, quantity=1, leverage=10, tiers=tiers)
    assert long == pytest.approx(9_036.144578)
    assert short == pytest.approx(10_956.175299)
    assert bankruptcy_price(is_long=True, entry=10_000, leverage=10) == 9_000
    assert bankruptcy_price(is_long=False, entry=10_000, leverage=10) == 11_000


@given(
    is_long=st.booleans(),
    entry=st.floats(0.001, 100_000),
    notional=st.floats(10, 3e8),
    leverage=st.sampled_from([3, 5, 10, 20, 50, 75, 100]),
    table=st.sampled_from([75, 100, 125]),
)
def test_at_the_liquidation_price_margin_is_used_up_to_maintenance(
    is_long: bool, entry: float, notional: float, leverage: int, table: int
) -> None:
    """Margin + profit equals maintenance of the notional there, and bankruptcy lies beyond."""
    tiers = tiers_for(table)
    leverage = min(leverage, tier_of(tiers, notional).max_leverage)
    quantity = notional / entry
    price = liquidation_price(
        is_long=is_long, entry=entry, quantity=quantity, leverage=leverage, tiers=tiers
    )
    tier = tier_of(tiers, price * quantity)
    profit = quantity * (price - entry) * (1 if is_long else -1)
    left = notional / leverage + profit
    assert left == pytest.approx(price * quantity * tier.rate - tier.deduction, rel=1e-6, abs=1e-6)
    bankrupt = bankruptcy_price(is_long=is_long, entry=entry, leverage=leverage)
    assert bankrupt < price < entry if is_long else entry < price < bankrupt


def test_maintenance_is_continuous_across_tiers() -> None:
    """No jump of the required margin where a tier begins."""
    for table in (75, 100, 125):
        tiers = tiers_for(table)
        assert tiers[0].max_leverage >= table
        for below, above in pairwise(tiers):
            at = above.floor
            assert at * below.rate - below.deduction == pytest.approx(
                at * above.rate - above.deduction
            )
