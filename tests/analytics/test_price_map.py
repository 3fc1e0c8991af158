"""A map over price: what went in comes out, and cannot be changed."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.price_buckets import grid_between
from headwater.analytics.price_map import PriceMap, shares_of
from headwater.core.enums import PositionSide

GRID = grid_between(Decimal(10), 100.0, 129.0)
AMOUNTS = st.lists(st.floats(0.0, 1e12), min_size=3, max_size=3).map(np.array)


@given(AMOUNTS, AMOUNTS)
def test_the_amounts_come_back(
    long: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    short: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> None:
    one = PriceMap.of(GRID, long, short)
    assert one.side(PositionSide.LONG).tolist() == long.tolist()
    assert one.side(PositionSide.SHORT).tolist() == short.tolist()
    assert one == PriceMap.of(GRID, long.copy(), short.copy())


def test_a_map_keeps_no_door_to_its_makers_array() -> None:
    made_of = np.array([1.0, 2.0, 3.0])
    one = PriceMap.of(GRID, made_of, made_of)
    made_of[0] = 9.0
    assert one.long.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="read-only"):
        one.short[0] = 9.0


@pytest.mark.parametrize("bad", [[1.0, 2.0], [1.0, -1.0, 0.0], [1.0, np.nan, 0.0], [np.inf, 0, 0]])
def test_what_is_no_amount_is_refused(bad: list[float]) -> None:
    good = np.zeros(3)
    for long, short in ((np.array(bad), good), (good, np.array(bad))):
        with pytest.raises(ValueError, match=r"shape|finite"):
            PriceMap.of(GRID, long, short)


def test_shares() -> None:
    assert shares_of(np.array([1.0, 3.0, 0.0])).tolist() == [0.25, 0.75, 0.0]
    assert shares_of(np.zeros(2)).tolist() == [0.0, 0.0]
