"""Cells counted outwards from the price, and maps poured into them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.skill_windows import (
    Forecast,
    cells_of,
    coarser_mass,
    mass_of_buckets,
    mass_of_levels,
)


def forecast(mass: object, price: float = 100.0, horizon_ms: int = 1) -> Forecast:
    return Forecast(
        model="e1",
        version="1",
        symbol="BTCUSDT",
        issued_ms=0,
        horizon_ms=horizon_ms,
        price=price,
        mass_usd=np.array(mass, dtype=float),
    )


@pytest.mark.parametrize(
    "mass",
    [[1.0, 2.0], [[1.0]], [[1.0], [2.0], [3.0]], [[], []], [[-1.0], [0.0]],
     [[float("nan")], [0.0]], [[float("inf")], [0.0]]],
)  # fmt: skip
def test_a_map_is_two_rows_of_finite_amounts(mass: object) -> None:
    with pytest.raises(ValueError, match="mass_usd"):
        forecast(mass)


@pytest.mark.parametrize(("price", "horizon_ms"), [(0.0, 1), (float("nan"), 1), (1.0, 0)])
def test_price_and_horizon_are_positive(price: float, horizon_ms: int) -> None:
    with pytest.raises(ValueError, match=r"price=.* horizon_ms="):
        forecast([[1.0], [1.0]], price, horizon_ms)


def test_cells_are_counted_from_the_price_on_the_side_that_is_asked_for() -> None:
    """P = 100, width 1 %: longs below, 99.5 → 0, 98.5 → 1; shorts above, 103.5 → 3.

    The price itself is in cell 0 of both; 100.5 is on the wrong side for a long.
    """
    prices = np.array([99.5, 98.5, 103.5, 100.0, 100.0, 100.5, 99.5])
    is_long = np.array([True, True, False, True, False, True, False])
    assert cells_of(100.0, prices, is_long, 0.01).tolist() == [0, 1, 3, 0, 0, -1, -1]


def test_levels_are_added_up_and_what_is_beyond_the_cells_is_left_out() -> None:
    """P = 100, two cells of 1 %: longs 99.5 + 99.2 in cell 0, 98.5 in cell 1, 90 beyond."""
    mass = mass_of_levels(
        100.0,
        2,
        np.array([99.5, 99.2, 98.5, 90.0, 101.5, 101.0 - 2.0]),
        np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
        np.array([True, True, True, True, False, False]),
        0.01,
    )
    assert mass.tolist() == [[3.0, 4.0], [0.0, 16.0]]


def test_a_bucket_over_several_cells_is_spread_evenly() -> None:
    """P = 100, cells of 1 %. Longs: 4 USD in [98, 102): half lie below P, 1 in each of two cells.

    Shorts: 4 USD there likewise, and 6 in [102, 105), of which a third is in the third cell.
    """
    mass = mass_of_buckets(
        100.0,
        3,
        np.array([98.0, 102.0, 105.0]),
        np.array([4.0, 6.0]),
        np.array([4.0, 6.0]),
        0.01,
    )
    np.testing.assert_allclose(mass, [[1.0, 1.0, 0.0], [1.0, 1.0, 2.0]], rtol=1e-12)


@given(
    usd=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=20),
    bottom=st.floats(91.0, 99.0),
    width=st.floats(0.01, 0.4),
)
def test_no_usd_is_lost_where_the_cells_cover_the_buckets(
    usd: list[float], bottom: float, width: float
) -> None:
    """Below the price longs are kept whole, above it shorts; 100 cells of 0.1 % are ±10 %."""
    edges = np.linspace(bottom, bottom + width * len(usd), len(usd) + 1, dtype=np.float64)
    amounts = np.array(usd)
    mass = mass_of_buckets(100.0, 100, edges, amounts, amounts)
    below = np.interp(100.0, edges, np.concatenate([[0.0], np.cumsum(amounts)]))
    np.testing.assert_allclose(mass[0].sum(), below, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(mass.sum(), amounts.sum(), rtol=1e-9, atol=1e-6)


def test_cells_are_joined_outwards_and_the_rest_is_left_out() -> None:
    """Of seven cells two of three each: 1 + 2 + 3 and 4 + 5 + 6; the seventh is left."""
    mass = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 1.0]])
    assert coarser_mass(mass, 3).tolist() == [[6.0, 15.0], [9.0, 0.0]]
    with pytest.raises(ValueError, match="cannot be made"):
        coarser_mass(mass, 8)


@given(st.lists(st.floats(0.0, 1e9), min_size=40, max_size=40), st.sampled_from([2, 5]))
def test_joined_cells_are_those_of_wider_ones(amounts: list[float], join: int) -> None:
    """Levels put into fine cells and joined are the levels put into wide cells.

    Levels stand in the middle of fine cells, so that no rounding puts one into its neighbour.
    """
    away = (np.arange(40) // 2 + 0.5) * 0.0005
    is_long = np.arange(40) % 2 == 0
    levels = 100.0 * np.where(is_long, 1.0 - away, 1.0 + away)
    usd = np.array(amounts)
    fine = mass_of_levels(100.0, 20, levels, usd, is_long, 0.0005)
    wide = mass_of_levels(100.0, 20 // join, levels, usd, is_long, 0.0005 * join)
    assert coarser_mass(fine, join) == pytest.approx(wide)
