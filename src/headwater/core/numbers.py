"""The border between decimals (money, orders, tick sizes) and floats (measurements).

Market prices, quantities and indicators are floats: a book of floats costs a third of one of
decimals. What is traded with (tick, step, order price, balances) is `Decimal` and rounded here.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal, InvalidOperation
from enum import Enum
from math import isfinite


class Rounding(Enum):
    """Direction of rounding to a grid."""

    DOWN = ROUND_DOWN
    UP = ROUND_UP
    NEAREST = ROUND_HALF_EVEN


def decimal_of(text: str) -> Decimal:
    """Reads a finite decimal.

    Args:
        text: digits as a venue or a person writes them.

    Returns:
        The exact value.

    Raises:
        ValueError: not a number, infinite or NaN.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is not a decimal number") from error
    if not value.is_finite():
        raise ValueError(f"{text[:40]!r} is not finite")
    return value


def round_to_step(value: Decimal, step: Decimal, rounding: Rounding = Rounding.DOWN) -> Decimal:
    """Rounds to a whole multiple of `step`, exactly. Rounding twice is rounding once.

    Args:
        value: what to round.
        step: the grid: a price tick or quantity step, > 0.
        rounding: direction; DOWN is towards zero.

    Returns:
        The multiple of `step`.

    Raises:
        ValueError: `step` is not positive.
    """
    if step <= 0:
        raise ValueError(f"step={step}: must be > 0")
    return (value / step).to_integral_value(rounding=rounding.value) * step


def places_of(step: Decimal) -> int:
    """Decimal places that a value on the grid `step` needs (0.10 → 1, 1 → 0, 5 → 0)."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def finite(value: float) -> float:
    """Passes a finite measurement on.

    Raises:
        ValueError: NaN or infinite.
    """
    if not isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value
