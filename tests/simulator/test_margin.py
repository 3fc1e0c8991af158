"""The invented tiers keep the shape of the venues' tables; bankruptcy lies beyond liquidation."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.margin import liquidation_price, maintenance_margin, margin_of, tier_of
from headwater.core.enums import PositionSide
from headwater.simulator.margin import bankruptcy_price, tiers_for


def test_bankruptcy_by_hand() -> None:
    """10 000 with 10×: a tenth away."""
    assert bankruptcy_price(is_long=True, entry=10_000, leverage=10) == 9_000
    assert bankruptcy_price(is_long=False, entry=10_000, leverage=10) == 11_000


@given(
    is_long=st.booleans(),
    entry=st.floats(0.001, 100_000),
    notional=st.floats(10, 3e8),
    leverage=st.sampled_from([3, 5, 10, 20, 50, 75, 100]),
    table=st.sampled_from([75, 100, 125]),
)
def test_bankruptcy_lies_beyond_liquidation_and_that_beyond_the_entry(
    is_long: bool, entry: float, notional: float, leverage: int, table: int
) -> None:
    tiers = tiers_for(table)
    allowed = min(float(leverage), tier_of(tiers, notional).leverage_max)
    quantity = notional / entry
    side = PositionSide.LONG if is_long else PositionSide.SHORT
    margin = margin_of(entry, quantity, allowed)
    price = liquidation_price(side, entry, quantity, margin, tiers)
    bankrupt = bankruptcy_price(is_long=is_long, entry=entry, leverage=allowed)
    assert price is not None
    assert bankrupt < price < entry if is_long else entry < price < bankrupt


def test_maintenance_is_continuous_across_tiers() -> None:
    """No jump of the required margin where a tier begins."""
    for table in (75, 100, 125):
        tiers = tiers_for(table)
        assert tiers[0].leverage_max >= table
        for below, above in pairwise(tiers):
            at = above.notional_floor
            assert maintenance_margin(below, at) == pytest.approx(maintenance_margin(above, at))
