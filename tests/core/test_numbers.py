"""The border between decimals and floats."""

from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.numbers import Rounding, decimal_of, finite, places_of, round_to_step

_VALUES = st.decimals(min_value=-(10**9), max_value=10**9, places=8)
_STEPS = st.sampled_from(
    [Decimal(text) for text in ("0.001", "0.01", "0.5", "1", "5", "0.00000100")]
)


@given(_VALUES, _STEPS, st.sampled_from(Rounding))
def test_rounding_twice_is_rounding_once(value: Decimal, step: Decimal, mode: Rounding) -> None:
    once = round_to_step(value, step, mode)
    assert round_to_step(once, step, mode) == once
    assert once % step == 0
    assert abs(once - value) < step


def test_directions() -> None:
    assert round_to_step(Decimal("1.999"), Decimal("0.01")) == Decimal("1.99")
    assert round_to_step(Decimal("1.991"), Decimal("0.01"), Rounding.UP) == Decimal("2.00")
    assert round_to_step(Decimal("1.995"), Decimal("0.01"), Rounding.NEAREST) == Decimal("2.00")
    with pytest.raises(ValueError, match="step"):
        round_to_step(Decimal(1), Decimal(0))


@pytest.mark.parametrize("text", ["", "nan", "Infinity", "1e", "0x1", "--1", "١٢x"])
def test_what_is_no_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        decimal_of(text)


def test_places() -> None:
    assert [places_of(Decimal(step)) for step in ("0.10", "1", "5", "0.0001", "100")] == [
        1,
        0,
        0,
        4,
        0,
    ]


@pytest.mark.parametrize("value", [inf, -inf, nan])
def test_measurements_are_finite(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        finite(value)
    assert finite(1.5) == 1.5
