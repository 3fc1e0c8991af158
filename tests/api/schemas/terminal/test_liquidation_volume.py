"""Texts of volumes: short, two decimals, never a thousand of a letter."""

import pytest
from headwater.api.schemas.liquidation_volume import compact
from hypothesis import given
from hypothesis import strategies as st

FACTORS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (999.99, "999.99"),
        (999.996, "1.00K"),
        (1_234_567.0, "1.23M"),
        (-12_590_000_000.0, "-12.59B"),
        (999_995.0, "1.00M"),
        (3.2e15, "3200.00T"),
    ],
)
def test_samples(value: float, text: str) -> None:
    assert compact(value) == text


@given(st.floats(-1e14, 1e14))
def test_a_text_means_its_number_to_two_decimals(value: float) -> None:
    text = compact(value)
    letter = text[-1] if text[-1].isalpha() else ""
    number = float(text.removesuffix(letter))
    assert abs(number * FACTORS[letter] - value) <= 0.0051 * FACTORS[letter]
    assert abs(number) < 1_000 or letter == "T"
