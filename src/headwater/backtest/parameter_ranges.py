"""Ranges of parameters: which values of each one a sweep tries."""

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.core.errors import RequestError

__all__ = ["RANGE_VALUES_MAX", "ParameterRange", "range_of_text"]

RANGE_VALUES_MAX: Final = 100_000
"""Most values of one range."""

# Values are start + i × step, rounded to so many digits of the step: 0.1 + 2 × 0.1 is 0.3.
_DIGITS: Final = 12


class ParameterRange(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one parameter; made by `of`, `listed` or `range_of_text`.

    Attributes:
        name: as the strategy declares it.
        values: in the order in which a grid goes through them, without repetition.
    """

    name: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, name: str, start: float, stop: float, step: float = 1) -> "ParameterRange":
        """Evenly spaced values from `start` to `stop`, which is included where a step meets it.

        Raises:
            RequestError: a number is not finite, the step is not above 0, `stop` is below `start`,
                or there are more than 100,000 values.
        """
        for field, value in (("start", start), ("stop", stop), ("step", step)):
            if not math.isfinite(value):
                raise RequestError(f"{name}: {field}", value, "a finite number")
        if step <= 0:
            raise RequestError(f"{name}: step", step, "a number above 0")
        if stop < start:
            raise RequestError(f"{name}: stop", stop, f"at least the start, {start:g}")
        count = math.floor((stop - start) / step * (1 + 1e-12) + 1e-9) + 1
        if count > RANGE_VALUES_MAX:
            raise RequestError(f"{name}: values", count, f"at most {RANGE_VALUES_MAX:,}")
        if all(float(one).is_integer() for one in (start, step)):
            return cls(name=name, values=tuple(int(start) + i * int(step) for i in range(count)))
        return cls(
            name=name, values=tuple(float(f"{start + i * step:.{_DIGITS}g}") for i in range(count))
        )

    @classmethod
    def listed(cls, name: str, values: Sequence[Any]) -> "ParameterRange":
        """The values as they are given.

        Raises:
            RequestError: there is none, one is there twice, or there are more than 100,000.
        """
        if not values or len(values) > RANGE_VALUES_MAX:
            raise RequestError(f"{name}: values", len(values), f"from 1 to {RANGE_VALUES_MAX:,}")
        if len(set(values)) != len(values):
            raise RequestError(f"{name}: values", list(values), "each value once")
        return cls(name=name, values=tuple(values))


def range_of_text(text: str) -> ParameterRange:
    """A range as a command line writes it: `fast=5:50:5`, `fast=5:50` or `fast=5,10,20`.

    Raises:
        RequestError: it is none of these; shows the forms.
    """
    name, equals, body = text.partition("=")
    name = name.strip()
    allowed = "name=start:stop:step, name=start:stop or name=value,value,…"
    if not equals or not name or not body.strip():
        raise RequestError("range", text, allowed)
    if ":" not in body:
        return ParameterRange.listed(name, [_value(part) for part in body.split(",")])
    parts = body.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError as error:
        raise RequestError("range", text, allowed) from error
    if not 2 <= len(numbers) <= 3:
        raise RequestError("range", text, allowed)
    return ParameterRange.of(name, *numbers)


def _value(text: str) -> Any:
    """A number where it is one, else the word."""
    word = text.strip()
    try:
        number = float(word)
    except ValueError:
        return word
    return int(number) if number.is_integer() and "." not in word else number
