"""What a callback hands over to open a position, and what it is shown of the open one."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.core.errors import RequestError

__all__ = ["Bracket", "Opening", "PositionView", "opening_of"]

_LONG = frozenset({"buy", "long"})
_SHORT = frozenset({"sell", "short"})


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """Where a position is closed by itself, measured from its entry price.

    Attributes:
        stop_loss: fraction of the entry price against the position, > 0; None is none. A long
            position has none of 1 or more.
        take_profit: fraction of the entry price in its favour, > 0; None is none.
    """

    stop_loss: float | None = None
    take_profit: float | None = None


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A position that shall be opened.

    Attributes:
        is_long: bought, else sold short.
        stop_loss: as `Bracket`.
        take_profit: as `Bracket`.
        size: share of the equity that is put in, in (0, 1].
        reason: why, for the list of trades.
    """

    is_long: bool = True
    stop_loss: float | None = None
    take_profit: float | None = None
    size: float = 1.0
    reason: str = "signal"


class PositionView:
    """The open position as `should_close_position` is shown it.

    Attributes:
        is_long: bought, else sold short.
        quantity: base units, > 0.
        entry_price: quote currency, slippage included.
        entry_bar: number of the bar in which it was filled.
        size: share of the equity that was put in.
    """

    __slots__ = ("entry_bar", "entry_price", "is_long", "quantity", "size")

    def __init__(
        self, *, is_long: bool, quantity: float, entry_price: float, entry_bar: int, size: float = 1
    ) -> None:
        self.is_long = is_long
        self.quantity = quantity
        self.entry_price = entry_price
        self.entry_bar = entry_bar
        self.size = size

    @property
    def side(self) -> str:
        """`long` or `short`."""
        return "long" if self.is_long else "short"

    def unrealised(self, price: float) -> float:
        """Profit at a price before the fee of leaving, quote currency."""
        move = price - self.entry_price
        return self.quantity * (move if self.is_long else -move)

    @classmethod
    def of(cls, given: Any) -> "PositionView":
        """A position from what a person writes: this, or a dictionary with `side`.

        Raises:
            RequestError: no side, or a number that no position has.
        """
        if isinstance(given, PositionView):
            return given
        if not isinstance(given, Mapping):
            raise RequestError("position", type(given).__name__, "a position or a dictionary")
        return cls(
            is_long=_is_long(given, "position"),
            quantity=_amount(given, "quantity", 1.0),
            entry_price=_amount(given, "entry_price", 0.0),
            entry_bar=int(_amount(given, "entry_bar", 0.0)),
        )


def opening_of(given: Any, where: str) -> Opening:
    """An opening from what `should_open_position` gave beside True.

    Args:
        given: an `Opening`, None (long, all in), `"long"` or `"short"`, or a dictionary with
            `side` or `direction` and the other fields of `Opening`.
        where: strategy and bar, for the error.

    Raises:
        RequestError: a field that is not known, or a value that is not allowed.
    """
    if given is None:
        return _ALL_IN
    if isinstance(given, str):
        given = {"side": given}
    if isinstance(given, Mapping):
        for name in given:
            if name not in _FIELDS:
                raise RequestError(f"{where}: {name}", given[name], f"one of {', '.join(_FIELDS)}")
        stop, target = given.get("stop_loss"), given.get("take_profit")
        given = Opening(
            is_long=_is_long(given, where),
            stop_loss=None if stop is None else _amount(given, "stop_loss", 0.0),
            take_profit=None if target is None else _amount(given, "take_profit", 0.0),
            size=_amount(given, "size", 1.0),
            reason=str(given.get("reason", "signal"))[:80],
        )
    if not isinstance(given, Opening):
        raise RequestError(where, given, "an Opening, a dictionary with side, or None beside True")
    check_bracket(given.stop_loss, given.take_profit, where, is_long=given.is_long)
    if not 0.0 < given.size <= 1.0:
        raise RequestError(f"{where}: size", given.size, "more than 0 and at most 1")
    return _with_plain_side(given, where)


def _with_plain_side(given: Opening, where: str) -> Opening:
    """The opening with a side that is Python's: what NumPy says of two numbers is as good as one.

    Raises:
        RequestError: it is neither true nor false.
    """
    side: Any = given.is_long
    if isinstance(side, bool):
        return given
    if side not in (True, False):
        raise RequestError(f"{where}: is_long", side, "True or False")
    return msgspec.structs.replace(given, is_long=bool(side))


def check_bracket(
    stop_loss: float | None, take_profit: float | None, where: str, *, is_long: bool
) -> None:
    """Refuses distances that no position can have.

    Raises:
        RequestError: names the field and its value.
    """
    for name, value, bound in (
        ("stop_loss", stop_loss, 1.0 if is_long else math.inf),
        ("take_profit", take_profit, math.inf if is_long else 1.0),
    ):
        if value is not None and not 0.0 < value < bound:
            allowed = "more than 0" + (f" and less than {bound:g}" if bound < math.inf else "")
            raise RequestError(f"{where}: {name}", value, f"{allowed}, as a fraction of the entry")


_ALL_IN = Opening()
_FIELDS = ("side", "direction", "stop_loss", "take_profit", "size", "reason")


def _is_long(given: Mapping[str, Any], where: str) -> bool:
    """Whether a dictionary's side is long.

    Raises:
        RequestError: it has none, or another word.
    """
    word = str(given.get("side", given.get("direction", "long"))).lower()
    if word in _LONG:
        return True
    if word in _SHORT:
        return False
    raise RequestError(f"{where}: side", word, "long, short, buy or sell")


def _amount(given: Mapping[str, Any], name: str, default: float) -> float:
    """A number of a dictionary.

    Raises:
        RequestError: it is not a finite number.
    """
    value = given.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise RequestError(name, value, "a number") from error
    if not math.isfinite(number):
        raise RequestError(name, value, "a finite number")
    return number
