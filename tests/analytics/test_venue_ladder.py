"""A venue's own ladder: the usual size, the leverages on offer, anchors that stand still."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.leverage_weights import parse_leverage_weights
from headwater.analytics.margin import build_tiers
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.venue_ladder import (
    ANCHORS_MAX,
    TAKER_FEE_RATE,
    anchors_between,
    ladder_of,
    offered,
    price_by,
    quantity_at,
)
from headwater.core.enums import PositionSide
from headwater.core.margin_tiers import MarginTier

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
TIERS = build_tiers([(0.0, 0.004, 125.0), (50e3, 0.005, 100.0)], 600e3)


def test_the_usual_size_is_the_middle_of_the_first_tier() -> None:
    """Half of 50,000 at a price of 1000 is 25; by quantity 0 … 8 it is 4."""
    assert quantity_at(TIERS, 1000.0) == 25.0
    by_quantity = MarginTier(
        notional_floor=0.0,
        notional_cap=math.inf,
        maintenance_rate=0.01,
        maintenance_deduction=0.0,
        leverage_max=50.0,
        quantity_floor=0.0,
        quantity_cap=8.0,
    )
    assert quantity_at([by_quantity], 1000.0) == 4.0
    assert quantity_at(build_tiers([(0.0, 0.01, 50.0)]), 1000.0) == 100.0


def test_prices_are_those_of_the_venue() -> None:
    """At 100× and 0.4 % a long of 1000 is liquidated at 990 / 0.996; with the fee at 990 / 0.9955.

    A short at 1010 / 1.004.
    """
    price_of = price_by(TIERS, is_fee_demanded=False)
    assert price_of(LONG, 1000.0, 100.0) == pytest.approx(990.0 / 0.996)
    assert price_of(SHORT, 1000.0, 100.0) == pytest.approx(1010.0 / 1.004)
    with_fee = price_by(TIERS, is_fee_demanded=True)
    assert with_fee(LONG, 1000.0, 100.0) == pytest.approx(990.0 / (0.996 - TAKER_FEE_RATE))


def test_leverages_that_are_not_offered_leave_their_weight_to_the_others() -> None:
    classes = parse_leverage_weights("10:1,25:1,100:2")
    found = offered(classes, build_tiers([(0.0, 0.01, 25.0)]))
    assert [(one.leverage, one.weight) for one in found.classes] == [(10.0, 0.5), (25.0, 0.5)]
    assert found.left_out == (100.0,)
    assert offered(classes, build_tiers([(0.0, 0.1, 3.0)])).classes == ()


@given(st.floats(100.0, 5000.0), st.floats(1.0, 3.0), st.sampled_from([1, 10, 250]))
def test_anchors_hold_the_range_and_are_few(low: float, factor: float, units: int) -> None:
    buckets = PriceBuckets(units=units, places=0)
    anchors = anchors_between(buckets, low, low * factor)
    assert len(anchors) <= ANCHORS_MAX
    assert anchors[-1] >= low * factor
    assert anchors[0] <= max(low, *np.diff(anchors[:2]), units)
    assert (np.diff(anchors) > 0.0).all()


def test_a_wider_range_moves_no_price() -> None:
    """Anchors are counted from zero: between two of them a price is read off the same line."""
    classes = parse_leverage_weights("10:1,50:1")
    price_of = price_by(TIERS, is_fee_demanded=False)
    buckets = PriceBuckets(units=10, places=0)
    near = ladder_of(classes, price_of, buckets, 995.0, 1005.0)
    far = ladder_of(classes, price_of, buckets, 700.0, 1500.0)
    entries = np.linspace(995.0, 1005.0, 21)
    for side in (LONG, SHORT):
        assert near.targets(side, entries).tobytes() == far.targets(side, entries).tobytes()
