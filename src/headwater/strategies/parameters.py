"""Declared parameters: what a strategy can be told, within which bounds, and why.

A strategy lists them once; checking, `get_parameters`, the API's documentation, the command line
and the ranges of a sweep all read this list.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from headwater.core.errors import RequestError

__all__ = ["Choice", "Integer", "Number", "Parameter", "Switch", "Text", "checked_parameters"]

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


class Parameter(msgspec.Struct, frozen=True):
    """One parameter; its kinds are the classes below.

    Attributes:
        name: as users write it.
        default: value when it is not given; None is "off" and is allowed only then.
        description: what it does, in one sentence, with its unit.
    """

    name: str
    default: Any
    description: str

    def read(self, value: Any) -> Any:
        """The value in its type, checked; text as a command line gives it is understood.

        Raises:
            RequestError: names parameter, value and what is allowed.
        """
        raise RequestError(self.name, value, "a parameter of one of the kinds below")

    def described(self) -> dict[str, Any]:
        """Type, default, bounds and description, as `get_parameters` tells them."""
        return _described(self, "any")


class Integer(Parameter, frozen=True):
    """A whole number from `least` to `most`, both included."""

    least: int = 0
    most: int = 1_000_000

    def read(self, value: Any) -> int:
        """The whole number."""
        allowed = f"a whole number from {self.least} to {self.most}"
        number = _number(self.name, value, allowed)
        if not number.is_integer() or not self.least <= number <= self.most:
            raise RequestError(self.name, value, allowed)
        return int(number)

    def described(self) -> dict[str, Any]:
        """Its type is `integer`."""
        return _described(self, "integer", min=self.least, max=self.most)


class Number(Parameter, frozen=True):
    """A finite number from `least` to `most`, both included; None is "off" where it is default."""

    least: float = 0.0
    most: float = 1e12

    def read(self, value: Any) -> float | None:
        """The number."""
        if self.default is None and (value is None or _is_off(value)):
            return None
        allowed = f"a number from {self.least:g} to {self.most:g}"
        if self.default is None:
            allowed += ", or none"
        number = _number(self.name, value, allowed)
        if not self.least <= number <= self.most:
            raise RequestError(self.name, value, allowed)
        return number

    def described(self) -> dict[str, Any]:
        """Its type is `number`."""
        return _described(self, "number", min=self.least, max=self.most)


class Choice(Parameter, frozen=True):
    """One of a few words."""

    options: tuple[str, ...] = ()

    def read(self, value: Any) -> str:
        """The word."""
        word = str(value).strip().lower()
        if word not in self.options:
            raise RequestError(self.name, value, f"one of {', '.join(self.options)}")
        return word

    def described(self) -> dict[str, Any]:
        """Its type is `string`, with its options."""
        return _described(self, "string", min=None, max=None) | {"options": list(self.options)}


class Switch(Parameter, frozen=True):
    """Yes or no."""

    def read(self, value: Any) -> bool:
        """The truth value; `true`, `yes`, `on`, `1` and their opposites are understood."""
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise RequestError(self.name, value, "true or false")

    def described(self) -> dict[str, Any]:
        """Its type is `boolean`."""
        return _described(self, "boolean", min=None, max=None)


class Text(Parameter, frozen=True):
    """Free text of at most `most` letters."""

    most: int = 100

    def read(self, value: Any) -> str:
        """The text."""
        text = str(value)
        if len(text) > self.most:
            raise RequestError(self.name, text, f"text of at most {self.most} letters")
        return text

    def described(self) -> dict[str, Any]:
        """Its type is `string`."""
        return _described(self, "string", min=None, max=None)


def checked_parameters(
    declared: Sequence[Parameter], given: Mapping[str, Any], strategy: str
) -> Mapping[str, Any]:
    """All parameters of a strategy with their values: the given ones checked, else the defaults.

    Args:
        declared: what the strategy lists.
        given: values by name, of any type that `read` understands.
        strategy: its name, for the error.

    Returns:
        A read-only mapping of every declared name.

    Raises:
        RequestError: an unknown name, or a value that is not allowed.
    """
    known = {one.name: one for one in declared}
    for name in given:
        if name not in known:
            there = ", ".join(known) or "none at all"
            raise RequestError("parameter", name, f"{strategy} has {there}")
    return MappingProxyType(
        {
            name: one.read(given[name]) if name in given else one.default
            for name, one in known.items()
        }
    )


def _is_off(value: Any) -> bool:
    """Whether a text says that there is none."""
    return isinstance(value, str) and value.strip().lower() in {"", "none", "null"}


def _number(name: str, value: Any, allowed: str) -> float:
    """The value as a finite number.

    Raises:
        RequestError: it is none.
    """
    # Python's own spellings, such as 1_000 and digits of other scripts, are nobody's numbers.
    is_odd = isinstance(value, str) and (not value.isascii() or "_" in value)
    if isinstance(value, bool) or is_odd:
        raise RequestError(name, value, allowed)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(name, value, allowed) from error
    if not math.isfinite(number):
        raise RequestError(name, value, allowed)
    return number


def _described(one: Parameter, kind: str, **bounds: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "default": one.default,
        **bounds,
        "description": one.description,
    }
