"""Rounding options (O-S6) and price formats (O-S3)."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.rounding_options import (
    CEILING_UNKNOWN,
    OPTIONS_MAX,
    price_format,
    rounding_options,
)
from headwater.core.formatting import SymbolFormat
from headwater.core.numbers import places_of

PLACES = st.integers(0, 12)
PRICES = st.decimals("1E-12", "1E+9", allow_nan=False, allow_infinity=False)


def texts(places: int, price: float | None) -> tuple[list[str], str]:
    found = rounding_options(places, price)
    return [str(one) for one in found.options], str(found.default)


def test_o_s6_golden_values() -> None:
    """By hand.

    A tick of 0.1 and a price of 97,123.4: 0.1, 1, 10, 100, 1000; 10,000 is above 9,712.34.
    Two places and no price: from 0.01 to the ceiling of 1000, six of them.
    Five places and a price of 0.2: 0.00001 to 0.01; 0.1 is above 0.02.
    Six places at 97,123.4: seven, so it ends at 1 although 1000 would be allowed.
    A tick of 1 at a price of 5: 1 is above 0.5, and is the finest, so it stays alone.
    Exactly a tenth is not above it: 100 at 1,000.
    """
    assert texts(1, 97_123.4) == (["0.1", "1", "10", "100", "1000"], "10")
    assert texts(2, None) == (["0.01", "0.1", "1", "10", "100", "1000"], "1")
    assert texts(5, 0.2) == (["0.00001", "0.0001", "0.001", "0.01"], "0.001")
    assert texts(6, 97_123.4) == (
        ["0.000001", "0.00001", "0.0001", "0.001", "0.01", "0.1", "1"],
        "0.0001",
    )
    assert texts(0, 5.0) == (["1"], "1")
    assert texts(1, 20.0) == (["0.1", "1"], "1")
    assert texts(0, 1000.0) == (["1", "10", "100"], "100")
    assert texts(0, 999.9) == (["1", "10"], "10")


@given(places=PLACES, price=PRICES | st.none())
def test_o_s6_laws(places: int, price: Decimal | None) -> None:
    found = rounding_options(places, price)
    options = found.options
    finest = Decimal(10) ** -places
    assert options[0] == finest
    assert all(after == before * 10 for before, after in pairwise(options))
    assert 1 <= len(options) <= OPTIONS_MAX
    ceiling = CEILING_UNKNOWN if price is None else price / 10
    assert all(one <= ceiling for one in options[1:])
    # None is left out that would be allowed.
    assert len(options) == OPTIONS_MAX or options[-1] * 10 > ceiling
    assert found.default == options[min(2, len(options) - 1)]
    assert all(places_of(one) <= places for one in options)


@given(places=PLACES, low=PRICES, high=PRICES)
def test_o_s6_a_dearer_contract_has_no_fewer_options(
    places: int, low: Decimal, high: Decimal
) -> None:
    low, high = sorted((low, high))
    fewer, more = rounding_options(places, low).options, rounding_options(places, high).options
    assert more[: len(fewer)] == fewer


@given(places=st.integers(0, 20))
def test_o_s3_the_smallest_move_is_that_of_the_precision(places: int) -> None:
    found = price_format(places)
    assert found.precision == min(places, 8)
    assert found.min_move == Decimal(10) ** -found.precision


@pytest.mark.parametrize(
    ("tick", "precision", "least"),
    [("1", 0, "1"), ("5", 0, "1"), ("10", 0, "1"), ("1E+2", 0, "1"), ("0.5", 1, "0.1"),
     ("0.10", 1, "0.1"), ("0.25", 2, "0.01"), ("0.00001000", 5, "0.00001"),
     ("0.0000000001", 8, "1E-8")],
)  # fmt: skip
def test_o_d12_ticks_of_one_and_more_have_no_decimal_places(
    tick: str, precision: int, least: str
) -> None:
    """The source system took the places of a tick from its text: 10 had as many as 0.1."""
    places = places_of(Decimal(tick))
    assert price_format(places).precision == precision
    assert price_format(places).min_move == Decimal(least)
    if Decimal(tick) >= 1:
        written = SymbolFormat(price_places=places, amount_places=0).price(123_450.0)
        assert written == "123,450"
        assert rounding_options(places, 123_450.0).options[0] == 1
