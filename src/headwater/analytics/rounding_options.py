"""What a screen may round a contract's prices to, and how its chart writes them.

Exact: decimals in, decimals out. Knows nothing of venues; the facts are a contract's decimal places
and, where it is known, a price. Source of the rules: requirements O-S3 and O-S6; the price format
is what TradingView's charts take (`priceFormat`).
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from headwater.core.formatting import exact

OPTIONS_MAX: Final = 7
"""Most roundings offered."""

CEILING_UNKNOWN: Final = Decimal(1000)
"""No rounding above it is offered while no price is known."""

DEFAULT_PLACE: Final = 2
"""The third option is the one to begin with, or the last where there are fewer."""

PRECISION_MAX: Final = 8
"""Most decimal places of a chart's prices."""

PRICE_PARTS: Final = 10
"""No rounding above this part of the price is offered: it would leave a handful of levels."""

SCALES_CACHED: Final = 4096
"""Pairs of decimal places and ceilings whose options are remembered."""


class RoundingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Roundings of prices that are offered.

    Attributes:
        options: powers of ten, quote currency, ascending; at least one.
        default: the one to begin with.
    """

    options: tuple[Decimal, ...]
    default: Decimal


class PriceFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a chart writes prices.

    Attributes:
        precision: decimal places, 0 to 8.
        min_move: the smallest step it shows: 10 to the power of minus `precision`.
    """

    precision: int
    min_move: Decimal


def rounding_options(places: int, price: float | Decimal | None) -> RoundingOptions:
    """The roundings of a contract (O-S6).

    Args:
        places: decimal places of its prices, ≥ 0; 0 for ticks of 1 and more.
        price: a recent price, > 0; None when none is known.

    Returns:
        Powers of ten from 10^-places, at most seven, none above a tenth of the price (1000 when
        it is unknown); the finest one always.
    """
    ceiling = CEILING_UNKNOWN if price is None else exact(price) / PRICE_PARTS
    return _options(places, ceiling.adjusted() if ceiling > 0 else -places)


def price_format(places: int) -> PriceFormat:
    """How a chart writes the prices of a contract (O-S3).

    Args:
        places: decimal places of its prices, ≥ 0; more than eight count as eight.
    """
    precision = min(places, PRECISION_MAX)
    return PriceFormat(precision=precision, min_move=power_of_ten(-precision))


def power_of_ten(exponent: int) -> Decimal:
    """10 to the power of a whole number, exactly and written plainly (100, not 1E+2)."""
    return Decimal(1).scaleb(exponent) if exponent < 0 else Decimal(10**exponent)


@lru_cache(maxsize=SCALES_CACHED)
def _options(places: int, highest: int) -> RoundingOptions:
    """Powers of ten from 10^-places to at most 10^highest.

    10^highest is the greatest that is not above the ceiling: it has the place of its first digit.
    """
    last = max(-places, min(highest, OPTIONS_MAX - 1 - places))
    options = tuple(power_of_ten(one) for one in range(-places, last + 1))
    return RoundingOptions(options=options, default=options[min(DEFAULT_PLACE, len(options) - 1)])
