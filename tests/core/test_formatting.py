"""Texts of numbers, held against each other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.formatting import PLACES_MAX, UnitText, fixed


@given(
    places=st.integers(0, PLACES_MAX),
    values=st.lists(st.integers(0, 10**21) | st.integers(0, 10**6), max_size=5),
)
def test_units_are_written_as_their_decimals_are(places: int, values: list[int]) -> None:
    writer = UnitText(places)
    decimals = [Decimal(value).scaleb(-places) for value in values]
    heads = [str(number) for number in range(len(values))]
    assert writer.twice(heads, values, "|", ";") == [
        f"{head}{value:.{places}f}|{fixed(value, places)};"
        for head, value in zip(heads, decimals, strict=True)
    ]


@pytest.mark.parametrize(
    ("places", "value", "plain", "grouped"),
    [
        (0, 0, "0", "0"),
        (0, 1_234, "1234", "1,234"),
        (3, 7, "0.007", "0.007"),
        (3, 999_999, "999.999", "999.999"),
        (3, 1_000_000, "1000.000", "1,000.000"),
        (1, 12_345_678_9, "12345678.9", "12,345,678.9"),
        (8, 123_456_000_000_001, "1234560.00000001", "1,234,560.00000001"),
    ],
)
def test_single_values(places: int, value: int, plain: str, grouped: str) -> None:
    writer = UnitText(places)
    assert (writer.plain(value), writer.grouped(value)) == (plain, grouped)


def test_as_many_heads_as_values() -> None:
    with pytest.raises(ValueError, match="zip"):
        UnitText(3).twice(["a"], [1, 2], "", "")
