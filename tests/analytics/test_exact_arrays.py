"""Sums of columns: to the last digit those of `exact_sums`, whatever the numbers and portions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.exact_arrays import UnitSums
from headwater.analytics.exact_sums import units_of, value_of

GROUPS = 4
NUMBERS = st.lists(
    st.tuples(
        st.integers(0, GROUPS - 1),
        st.one_of(
            st.floats(0.0, 1e6),
            st.floats(0.0, 1e-3),
            st.floats(0.0, 2.0**52),
            st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0**-64, 1.5 * 2.0**-64, 2.0**-65, 2.0**51]),
        ),
    ),
    max_size=60,
)
ANY = st.lists(
    st.tuples(st.integers(0, GROUPS - 1), st.floats(allow_nan=False, allow_infinity=False)),
    max_size=20,
)


def summed(numbers: list[tuple[int, float]]) -> UnitSums:
    """All of them in one portion."""
    sums = UnitSums(GROUPS)
    sums.add(
        np.array([group for group, _ in numbers], np.int64),
        np.array([value for _, value in numbers], np.float64),
    )
    return sums


def by_hand(numbers: list[tuple[int, float]]) -> list[float]:
    """One by one in whole units."""
    units = [0] * GROUPS
    for group, value in numbers:
        units[group] += units_of(value)
    return [value_of(one) for one in units]


@given(NUMBERS)
def test_columns_sum_to_the_same_digits(numbers: list[tuple[int, float]]) -> None:
    assert summed(numbers).values().tolist() == by_hand(numbers)


def test_numbers_that_no_market_has_are_summed_too() -> None:
    numbers = [(0, -1.5), (0, 2.0**60), (1, 0.1), (2, -0.1), (2, 1e18), (3, 3e15), (0, 1.0)]
    assert summed(numbers).values().tolist() == by_hand(numbers)
    assert not summed(numbers).is_plain
    assert summed(numbers[3:3]).is_plain


@given(ANY.filter(lambda some: all(abs(value) < 1e300 for _, value in some)))
def test_any_floats_sum_to_the_same_digits(numbers: list[tuple[int, float]]) -> None:
    assert summed(numbers).values().tolist() == by_hand(numbers)


@given(NUMBERS, NUMBERS)
def test_sums_of_sums_are_sums(
    first: list[tuple[int, float]], second: list[tuple[int, float]]
) -> None:
    together = summed(first)
    together.add_all(np.arange(GROUPS), summed(second))
    assert together.values().tolist() == by_hand(first + second)


def test_a_sum_that_outgrows_its_word_goes_on_in_whole_numbers() -> None:
    """2^52 − 1 each, 1,200 of them, are more than 2^62."""
    numbers = [(0, 2.0**52 - 1)] * 1_200
    sums = summed(numbers)
    sums.add_all(np.zeros(GROUPS, np.int64), summed(numbers[:1_000]))
    assert sums.values()[0] == by_hand(numbers + numbers[:1_000])[0]


def test_just_above_the_middle_of_two_floats_is_rounded_up() -> None:
    """2^52 + 1/2 lies between two floats and goes to the even one; one unit more goes up."""
    half = [(0, 2.0**51), (0, 2.0**51), (0, 0.5)]
    assert summed(half).values()[0] == 2.0**52
    assert summed([*half, (0, 2.0**-64)]).values()[0] == 2.0**52 + 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        summed([(0, 1.0), (0, value)])
