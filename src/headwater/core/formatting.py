"""Numbers and times as the text that a screen shows: the only place where the terminal API formats.

A measurement is a float that a venue wrote as decimal digits. Its shortest spelling gives those
digits back, and from there on everything is decimal: no text shows an artefact of binary
fractions. Thousands are separated by commas, halves round to even, zero has no sign, times are UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Final, Self

import msgspec

from headwater.core.instruments import Instrument
from headwater.core.numbers import places_of

PLACES_MAX: Final = 12
"""Most decimal places of any text."""

SECONDS_CACHED: Final = 4096
"""Seconds whose clock text is remembered."""

TABLE_PLACES: Final = 4
"""Decimal places that come out of one table of texts; there are ten to the power of so many."""

WHOLES_MAX: Final = 10_000
"""Whole parts below it come out of a table."""

_STEPS: Final = (
    (Decimal(10) ** 12, "T"),
    (Decimal(10) ** 9, "B"),
    (Decimal(10) ** 6, "M"),
    (Decimal(10) ** 3, "K"),
)
_LETTERS: Final = {letter: step for step, letter in _STEPS}
_ROUNDS_UP: Final = Decimal("0.999995")
_WHOLES: Final = tuple(f"{one}" for one in range(WHOLES_MAX))
_TRIPLES: Final = tuple(f"{one:03d}" for one in range(1_000))
_GROUPED: Final = tuple(f"{one:,}" for one in range(WHOLES_MAX))


class SymbolFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How one contract's numbers are written.

    Attributes:
        price_places: decimal places of a price, 0 to 12.
        amount_places: decimal places of a quantity in base units, 0 to 12.
    """

    price_places: int
    amount_places: int

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """The places that the contract's price tick and quantity step need (tick 0.10: one)."""
        return cls(
            price_places=min(places_of(instrument.price_tick), PLACES_MAX),
            amount_places=min(places_of(instrument.quantity_step), PLACES_MAX),
        )

    def price(self, value: float | Decimal) -> str:
        """A price: 97123.4 is 97,123.4 where the tick is 0.1.

        Raises:
            ValueError: not finite.
        """
        return fixed(value, self.price_places)

    def amount(self, value: float | Decimal) -> str:
        """A quantity in base units: 1234.5 is 1,234.500 where the step is 0.001.

        Raises:
            ValueError: not finite.
        """
        return fixed(value, self.amount_places)


def exact(value: float | Decimal) -> Decimal:
    """The decimal whose digits a venue wrote: that of the shortest spelling of a float.

    Raises:
        ValueError: not finite.
    """
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is not finite")
    found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not found.is_finite():
        raise ValueError(f"{value} is not finite")
    return found


def fixed(value: float | Decimal, places: int) -> str:
    """A number with a fixed count of decimal places and commas between thousands.

    Args:
        value: any finite number.
        places: decimal places, 0 to 12.

    Returns:
        Such as `1,234.50`; `0.00`, never `-0.00`.

    Raises:
        ValueError: not finite.
    """
    return _unsigned_zero(f"{exact(value):,.{places}f}")


def compact(value: float | Decimal) -> str:
    """A number with two decimals and K, M, B or T for its thousands: 1234567 is 1.23M.

    Args:
        value: any finite number.

    Raises:
        ValueError: not finite.
    """
    number = exact(value)
    size = abs(number)
    for step, letter in _STEPS:
        # Where two decimals would round up to 1000.00 the next letter takes over.
        if size >= step * _ROUNDS_UP:
            return f"{number / step:.2f}{letter}"
    return _unsigned_zero(f"{number:.2f}")


def read_formatted(text: str) -> Decimal:
    """The number that a text of this module shows, as far as the text shows it.

    Args:
        text: as `fixed`, `compact` or a method of `SymbolFormat` wrote it.
    """
    digits = text.replace(",", "")
    scale = _LETTERS.get(digits[-1:])
    return Decimal(digits) if scale is None else Decimal(digits[:-1]) * scale


def clock_text(timestamp_ms: int) -> str:
    """A moment as `17:20:00`, UTC.

    Args:
        timestamp_ms: ms since 1970.
    """
    return _clock_of(timestamp_ms // 1000)


class UnitText:
    """Writes whole units of 10^-places, many at a time: 45678 is 45.678 where there are three.

    The same texts as `fixed` makes, in a tenth of its time: what stands before the point and behind
    it comes out of tables, and only great numbers are left to format specifications.

    Args:
        places: decimal places, 0 to 12.
    """

    def __init__(self, places: int) -> None:
        self.places: Final = places
        self.scale: Final = 10**places
        head = min(places, TABLE_PLACES)
        middle = min(places - head, TABLE_PLACES)
        self._heads: Final = _fractions(head, ".")
        self._middles: Final = _fractions(middle, "")
        self._middle_scale: Final = 10**middle
        self._ends: Final = _fractions(places - head - middle, "")
        self._end_scale: Final = 10 ** (places - head - middle)

    def plain(self, value: int) -> str:
        """A number without commas, as JSON has it.

        Args:
            value: units, ≥ 0.
        """
        return self._both(value)[0]

    def grouped(self, value: int) -> str:
        """A number with commas between thousands, as a screen shows it.

        Args:
            value: units, ≥ 0.
        """
        return self._both(value)[2]

    def twice(
        self, heads: Iterable[str], values: Iterable[int], between: str, end: str
    ) -> list[str]:
        """Each number twice, without commas and with, in the midst of other text.

        Args:
            heads: what stands before each number.
            values: units, ≥ 0, as many as heads.
            between: what stands between the number without and the one with commas.
            end: what stands behind.
        """
        units = list(values)
        scale = self.scale
        wholes = [value // scale for value in units]
        parts = self._parts(units)
        most = max(wholes, default=0)
        if most < WHOLES_MAX:
            return [
                f"{head}{_WHOLES[whole]}{part}{between}{_GROUPED[whole]}{part}{end}"
                for head, whole, part in zip(heads, wholes, parts, strict=True)
            ]
        if most < WHOLES_MAX * 1_000:
            return [
                f"{head}{whole}{part}{between}{_GROUPED[whole]}{part}{end}"
                if whole < WHOLES_MAX
                else f"{head}{whole}{part}{between}"
                f"{_GROUPED[whole // 1_000]},{_TRIPLES[whole % 1_000]}{part}{end}"
                for head, whole, part in zip(heads, wholes, parts, strict=True)
            ]
        return [
            f"{head}{whole}{part}{between}{whole:,}{part}{end}"
            for head, whole, part in zip(heads, wholes, parts, strict=True)
        ]

    def _parts(self, units: Sequence[int]) -> Sequence[str]:
        """What stands behind the whole part of each number, the point included."""
        heads, scale = self._heads, self.scale
        if self.places <= TABLE_PLACES:
            return [heads[value % scale] for value in units]
        middles, middle_scale = self._middles, self._middle_scale
        if self._end_scale == 1:
            return [
                heads[value % scale // middle_scale] + middles[value % middle_scale]
                for value in units
            ]
        ends, end_scale = self._ends, self._end_scale
        rest = middle_scale * end_scale
        return [
            heads[value % scale // rest]
            + middles[value % rest // end_scale]
            + ends[value % end_scale]
            for value in units
        ]

    def _both(self, value: int) -> tuple[str, str, str]:
        (text,) = self.twice(("",), (value,), "|", "")
        return text.partition("|")


@lru_cache(maxsize=SECONDS_CACHED)
def _clock_of(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def _unsigned_zero(text: str) -> str:
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


@lru_cache(maxsize=2 * (TABLE_PLACES + 1))
def _fractions(places: int, point: str) -> tuple[str, ...]:
    """What can follow a point, or further behind it; one empty text where there are no places."""
    return tuple(f"{point}{one:0{places}d}" if places else "" for one in range(10**places))
