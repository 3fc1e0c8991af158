"""Sums of floats that do not depend on the order of adding: whole numbers of 2^−64.

A float sum of the same numbers in another order, or gathered in parts, differs in its last digits;
two views of the same events then disagree by a cent now and then. Whole numbers do not. A float of
2^−12 or more is a whole number of these units exactly; a smaller one is rounded to the nearest.
"""

import math
from typing import Final

_UNITS_LOG2: Final = 64


def units_of(value: float) -> int:
    """A number in whole units of 2^−64, to be added to others.

    Args:
        value: finite, in any unit of measurement.

    Raises:
        ValueError: NaN or infinite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    top, bottom = value.as_integer_ratio()
    # The denominator of a float is a power of two.
    shift = _UNITS_LOG2 - (bottom.bit_length() - 1)
    if shift >= 0:
        return top << shift
    return round(value * 2.0**_UNITS_LOG2)


def value_of(units: int) -> float:
    """The float nearest to a sum of units."""
    return units / (1 << _UNITS_LOG2)
