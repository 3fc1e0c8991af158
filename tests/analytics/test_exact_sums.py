"""Sums that no order changes."""

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.exact_sums import units_of, value_of

AMOUNTS = st.lists(st.floats(2.0**-12, 1e12), max_size=50)


@given(AMOUNTS, st.data())
def test_any_order_gives_the_correctly_rounded_sum(
    amounts: list[float], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(amounts))
    assert sum(map(units_of, amounts)) == sum(map(units_of, shuffled))
    assert value_of(sum(map(units_of, amounts))) == fsum(amounts)


def test_a_float_sum_would_differ() -> None:
    """0.1 + 0.2 + 0.3 is 0.6000000000000001 in floats, 0.6 in the other order."""
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    assert value_of(units_of(0.1) + units_of(0.2) + units_of(0.3)) == 0.6


@given(st.floats(-(2.0**-12), 2.0**-12))
def test_small_numbers_are_rounded_to_the_unit(value: float) -> None:
    assert abs(value_of(units_of(value)) - value) <= 2.0**-65


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        units_of(value)
