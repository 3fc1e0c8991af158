"""The fuel curve: added up by hand, rising, and complete."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.max_pain import FuelPoint, MaxPain, fuel_curve
from headwater.analytics.price_buckets import grid_between
from headwater.analytics.price_map import PriceMap
from headwater.core.enums import PositionSide

GRID = grid_between(Decimal(10), 100.0, 159.0)
"""Middles at 105, 115, 125, 135, 145 and 155."""


def test_a_curve_by_hand() -> None:
    """Mark 130: longs at 125 and 105, shorts at 135 and 155; what is beyond the mark is gone."""
    held = PriceMap.of(
        GRID,
        np.array([7.0, 0.0, 2.0, 50.0, 0.0, 0.0]),
        np.array([0.0, 0.0, 60.0, 3.0, 0.0, 8.0]),
    )
    curve = fuel_curve(held, 130.0)
    assert curve.longs == (
        FuelPoint(price=125.0, usd=2.0, cumulative_usd=2.0),
        FuelPoint(price=105.0, usd=7.0, cumulative_usd=9.0),
    )
    assert curve.shorts == (
        FuelPoint(price=135.0, usd=3.0, cumulative_usd=3.0),
        FuelPoint(price=155.0, usd=8.0, cumulative_usd=11.0),
    )
    assert curve.max_pain_long == MaxPain(side=PositionSide.LONG, price=105.0, usd=7.0)
    assert curve.max_pain_short == MaxPain(side=PositionSide.SHORT, price=155.0, usd=8.0)
    assert curve.max_pain == curve.max_pain_short


def test_a_bucket_whose_middle_is_the_mark_is_reached_on_both_sides() -> None:
    held = PriceMap.of(GRID, np.full(6, 1.0), np.full(6, 1.0))
    curve = fuel_curve(held, 125.0)
    assert [one.price for one in curve.longs] == [115.0, 105.0]
    assert [one.price for one in curve.shorts] == [135.0, 145.0, 155.0]


def test_of_equal_buckets_the_nearest_counts() -> None:
    held = PriceMap.of(
        GRID, np.array([5.0, 5.0, 0.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.0, 5.0, 5.0])
    )
    curve = fuel_curve(held, 128.0)
    assert curve.max_pain_long == MaxPain(side=PositionSide.LONG, price=115.0, usd=5.0)
    assert curve.max_pain_short == MaxPain(side=PositionSide.SHORT, price=145.0, usd=5.0)
    # 13 below against 17 above.
    assert curve.max_pain == curve.max_pain_long


def test_an_empty_map_has_no_pain() -> None:
    curve = fuel_curve(PriceMap.of(GRID, np.zeros(6), np.zeros(6)), 130.0)
    assert (curve.longs, curve.shorts, curve.max_pain) == ((), (), None)


AMOUNTS = st.lists(st.floats(0.0, 1e9), min_size=6, max_size=6)


@given(AMOUNTS, AMOUNTS, st.floats(90.0, 170.0))
def test_curves_rise_away_from_the_mark_and_hold_all_of_their_side(
    long: list[float], short: list[float], mark: float
) -> None:
    curve = fuel_curve(PriceMap.of(GRID, np.array(long), np.array(short)), mark)
    for points, amounts, sign in ((curve.longs, long, -1.0), (curve.shorts, short, 1.0)):
        distances = [sign * (one.price - mark) for one in points]
        assert distances == sorted(distances)
        assert all(one > 0.0 for one in distances)
        sums = [one.cumulative_usd for one in points]
        assert sums == sorted(sums)
        middles = GRID.centres.tolist()
        expected = {
            middle: usd
            for middle, usd in zip(middles, amounts, strict=True)
            if usd > 0.0 and sign * (middle - mark) > 0.0
        }
        assert {one.price: one.usd for one in points} == expected
