import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.parameter_ranges import ParameterRange, range_of_text
from headwater.core.errors import RequestError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5:20:5", (5, 10, 15, 20)),
        ("fast=5:7", (5, 6, 7)),
        # The stop is no multiple of the step away: the last value lies before it.
        ("fast=1:10:4", (1, 5, 9)),
        # 0.1 + 2 × 0.1 is 0.30000000000000004 in floats; a person means 0.3.
        ("entry=0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("direction=long, both", ("long", "both")),
        ("stop=0.5,1", (0.5, 1)),
        ("fast=7", (7,)),
    ],
)
def test_ranges_as_a_command_line_writes_them(text: str, values: tuple[Any, ...]) -> None:
    read = range_of_text(text)
    assert read.values == values
    assert [type(one) for one in read.values] == [type(one) for one in values]


@pytest.mark.parametrize("text", ["", "fast", "fast=", "=1:2", "fast=1:2:3:4", "fast=a:b", "f=:"])
def test_what_is_no_range_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(RequestError, match="start:stop:step"):
        range_of_text(text)


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ((1, 5, 0), "step"),
        ((1, 5, -1), "step"),
        ((5, 1, 1), "stop"),
        ((math.nan, 1, 1), "start"),
        ((0, math.inf, 1), "stop"),
        ((0, 1, 1e-9), "values"),
    ],
)
def test_impossible_numbers_are_named(numbers: tuple[float, ...], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        ParameterRange.of("fast", *numbers)


@pytest.mark.parametrize("values", [[], [1, 2, 1]])
def test_lists_need_values_and_each_once(values: list[int]) -> None:
    with pytest.raises(RequestError, match="values"):
        ParameterRange.listed("fast", values)


@given(st.integers(-50, 50), st.integers(0, 300), st.integers(1, 20))
def test_values_are_within_and_one_step_apart(start: int, reach: int, step: int) -> None:
    values = ParameterRange.of("fast", start, start + reach, step).values
    assert values == tuple(range(start, start + reach + 1, step))
