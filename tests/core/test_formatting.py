"""Numbers and times as text: what is shown can be read back, to the last place that is shown."""

import math
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import make_instrument

from headwater.core.formatting import (
    PLACES_MAX,
    SymbolFormat,
    UnitText,
    clock_text,
    compact,
    exact,
    fixed,
    read_formatted,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**18))
numbers = st.one_of(finite, decimals, st.integers(-(10**18), 10**18).map(Decimal))
places = st.integers(0, PLACES_MAX)


def rounded(value: float | Decimal, count: int) -> Decimal:
    """Half to even, with room for every digit of the largest float."""
    with localcontext() as context:
        context.prec = 400
        step = Decimal(1).scaleb(-count)
        return Decimal(str(value)).quantize(step, rounding=ROUND_HALF_EVEN)


@given(numbers, places)
def test_fixed_is_read_back_as_the_number_rounded_half_to_even(
    value: float | Decimal, count: int
) -> None:
    text = fixed(value, count)
    assert read_formatted(text) == rounded(value, count)
    assert not (text.startswith("-") and read_formatted(text) == 0), "zero has no sign"
    whole, _, fraction = text.removeprefix("-").partition(".")
    assert len(fraction) == count
    groups = whole.split(",")
    assert 1 <= len(groups[0]) <= 3
    assert all(len(group) == 3 for group in groups[1:])


@given(numbers)
def test_compact_is_read_back_within_its_two_decimals(value: float | Decimal) -> None:
    text = compact(value)
    shown = read_formatted(text)
    step = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}.get(text[-1], 1)
    with localcontext() as context:
        context.prec = 400
        assert abs(shown - Decimal(str(value))) <= Decimal(step) * Decimal("0.005")
    assert not (text.startswith("-") and shown == 0)
    digits = text.removeprefix("-").rstrip("KMBT")
    assert step == 10**12 or len(digits) <= len("999.99")


@pytest.mark.parametrize(
    ("value", "count", "text"),
    [
        (2.675, 2, "2.68"),  # the binary fraction is 2.67499…; its digits say 2.675, 8 is even
        (2.665, 2, "2.66"),
        (0.1 + 0.2, 2, "0.30"),
        (0.1 + 0.2, 12, "0.300000000000"),
        (1e21, 2, "1,000,000,000,000,000,000,000.00"),
        (1e-7, 8, "0.00000010"),
        (1234567.5, 0, "1,234,568"),
        (1234566.5, 0, "1,234,566"),
        (-0.0, 2, "0.00"),
        (-0.004, 2, "0.00"),
        (-0.005, 2, "0.00"),
        (-0.015, 2, "-0.02"),
        (-1234.5, 1, "-1,234.5"),
        (Decimal("1E+3"), 1, "1,000.0"),
        (999.995, 2, "1,000.00"),
    ],
)
def test_fixed_by_hand(value: float | Decimal, count: int, text: str) -> None:
    assert fixed(value, count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (-0.001, "0.00"),
        (999.99, "999.99"),
        (999.994, "999.99"),
        (999.995, "1.00K"),
        (1234.5, "1.23K"),
        (999_994.99, "999.99K"),
        (999_995.0, "1.00M"),
        (456_780_000, "456.78M"),
        (12_590_000_000.0, "12.59B"),
        (999_995_000_000.0, "1.00T"),
        (-1_500_000.0, "-1.50M"),
        (1.5e15, "1500.00T"),
        (1e300, "1" + "0" * 288 + ".00T"),
    ],
)
def test_compact_by_hand(value: float, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, math.nan, Decimal("NaN"), Decimal("Infinity")]
)
def test_what_is_not_finite_has_no_text(value: float | Decimal) -> None:
    for write in (exact, compact, lambda one: fixed(one, 2)):
        with pytest.raises(ValueError, match="not finite"):
            write(value)


@given(finite)
def test_exact_is_the_shortest_spelling(value: float) -> None:
    assert float(exact(value)) == value
    assert exact(value) == Decimal(repr(value))


def test_a_contract_says_how_its_numbers_are_written() -> None:
    """The tick is 0.10: one place; the step 0.001: three."""
    found = SymbolFormat.of(make_instrument())
    assert (found.price_places, found.amount_places) == (1, 3)
    assert found.price(97123.45) == "97,123.4", "half to even"
    assert found.price(97123.4) == "97,123.4"
    assert found.amount(1234.5) == "1,234.500"
    assert found.amount(Decimal("0.0005")) == "0.000"


@given(st.integers(0, 4_102_444_800_000))
def test_the_clock_is_that_of_utc(timestamp_ms: int) -> None:
    seconds = timestamp_ms // 1000 % 86_400
    expected = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    assert clock_text(timestamp_ms) == expected


def test_the_clock_by_hand() -> None:
    assert clock_text(1_731_000_000_123) == "17:20:00"
    assert clock_text(0) == "00:00:00"
    assert clock_text(86_399_999) == "23:59:59"


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
