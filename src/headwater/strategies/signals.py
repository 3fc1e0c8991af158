"""Signals: what a strategy wants at the close of each bar.

Inside they are four columns of yes or no, because a million bars are computed as columns. To whom
looks at them one by one they are a sequence of `Signal`, each with the direction of its order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Self, overload

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars, time_text

__all__ = ["Signal", "SignalAction", "Signals"]


class SignalAction(StrEnum):
    """What a signal asks for; each is one column of `Signals`, by the same name."""

    ENTER_LONG = "enter_long"
    EXIT_LONG = "exit_long"
    ENTER_SHORT = "enter_short"
    EXIT_SHORT = "exit_short"

    @property
    def direction(self) -> str:
        """Side of the order that does it: buy or sell."""
        return "buy" if self in {SignalAction.ENTER_LONG, SignalAction.EXIT_SHORT} else "sell"


_ACTIONS: Final = tuple(SignalAction)
_SIGNAL_FIELDS: Final = frozenset(
    {"bar", "timestamp_ms", "timestamp", "action", "direction", "close"}
)


class Signal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One wish at the close of one bar.

    Attributes:
        bar: number of the bar at whose close it was decided, from 0.
        timestamp_ms: opening time of that bar, ms since the epoch.
        action: what is asked for; it is done only where the position allows it (a flat account
            has nothing to exit).
        close: close of the bar, quote currency.
    """

    bar: int
    timestamp_ms: int
    action: SignalAction
    close: float

    @property
    def direction(self) -> str:
        """Side of the order: buy or sell."""
        return self.action.direction

    @property
    def timestamp(self) -> str:
        """The bar's time as ISO 8601 text with Z."""
        return time_text(self.timestamp_ms)

    def __getitem__(self, name: str) -> Any:
        """A field as if it were a dictionary's: `signal["direction"]`.

        Raises:
            KeyError: there is no such field.
        """
        if name not in _SIGNAL_FIELDS:
            raise KeyError(name)
        return getattr(self, name)


class Signals(Sequence[Signal]):
    """The wishes of a strategy over N bars.

    Attributes:
        bars: the bars they are of.
        enter_long: shape (N,), buy when there is no position.
        exit_long: shape (N,), sell the long position.
        enter_short: shape (N,), sell when there is no position.
        exit_short: shape (N,), buy the short position back.
    """

    __slots__ = ("bars", "enter_long", "enter_short", "exit_long", "exit_short")

    def __init__(
        self,
        bars: Bars,
        *,
        enter_long: BoolArray | None = None,
        exit_long: BoolArray | None = None,
        enter_short: BoolArray | None = None,
        exit_short: BoolArray | None = None,
    ) -> None:
        """Signals by their columns; one that is not given is "never".

        Raises:
            RequestError: a column is not one of yes and no for each bar, or a bar asks for both
                sides; names the column, or the bar by its time.
        """
        self.bars = bars
        self.enter_long = _column("enter_long", enter_long, bars)
        self.exit_long = _column("exit_long", exit_long, bars)
        self.enter_short = _column("enter_short", enter_short, bars)
        self.exit_short = _column("exit_short", exit_short, bars)
        if enter_long is not None and enter_short is not None:
            both = self.enter_long & self.enter_short
            if both.any():
                at = int(both.argmax())
                raise RequestError(
                    "signals",
                    f"bar {at} at {time_text(int(bars.timestamp_ms[at]))}",
                    "not to enter long and short at the same close",
                )

    @classmethod
    def of(cls, given: Any, bars: Bars) -> "Signals":
        """Signals from what a strategy gave back: `Signals`, or a list of items.

        An item is a `Signal` or a dictionary with `action` (as `SignalAction`) or `direction`
        (buy: enter long and leave short; sell: leave long and enter short only if the item says
        `"action": "enter_short"`), and `bar` or `timestamp` (ISO text or ms) or `timestamp_ms`.

        Raises:
            RequestError: it is neither, or an item names no bar or no wish; says which item.
        """
        if isinstance(given, Signals):
            if len(given.enter_long) != len(bars):
                raise RequestError(
                    "signals", f"of {len(given.enter_long)} bars", f"of the {len(bars)} given"
                )
            return given
        if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
            raise RequestError(
                "signals", type(given).__name__, "Signals or a list of signals with a direction"
            )
        columns = {action: np.zeros(len(bars), dtype=np.bool_) for action in _ACTIONS}
        numbers = {int(at): number for number, at in enumerate(bars.timestamp_ms)}
        for place, item in enumerate(given):
            bar, actions = _wish(item, place, numbers, len(bars))
            for action in actions:
                columns[action][bar] = True
        return cls(bars, **{action.value: column for action, column in columns.items()})

    def __len__(self) -> int:
        """How many wishes over all bars."""
        return sum(int(np.count_nonzero(getattr(self, action.value))) for action in _ACTIONS)

    def __iter__(self) -> Iterator[Signal]:
        """The wishes by time; within a bar exits before entries."""
        table = self._table()
        for bar, code in table:
            yield self._signal(bar, code)

    @overload
    def __getitem__(self, which: int) -> Signal: ...
    @overload
    def __getitem__(self, which: slice) -> list[Signal]: ...

    def __getitem__(self, which: int | slice) -> Signal | list[Signal]:
        """One wish by its number, or a list of some."""
        table = self._table()
        if isinstance(which, slice):
            return [self._signal(bar, code) for bar, code in table[which]]
        bar, code = table[which]
        return self._signal(bar, code)

    def prefix_equals(self, other: Self) -> int | None:
        """The first bar at which the shorter of two differs from the longer; None if none does."""
        length = min(len(self.enter_long), len(other.enter_long))
        first: int | None = None
        for action in _ACTIONS:
            mine = getattr(self, action.value)[:length]
            theirs = getattr(other, action.value)[:length]
            if mine.tobytes() == theirs.tobytes():
                continue
            differs = mine != theirs
            if differs.any():
                at = int(differs.argmax())
                first = at if first is None else min(first, at)
        return first

    def _table(self) -> list[tuple[int, int]]:
        """(bar, code) of all wishes in their order; the code orders exits before entries."""
        rows: list[tuple[int, int]] = []
        for code, action in enumerate(_ORDER):
            column = getattr(self, action.value)
            rows.extend((bar, code) for bar in np.flatnonzero(column).tolist())
        rows.sort()
        return rows

    def _signal(self, bar: int, code: int) -> Signal:
        return Signal(
            bar=bar,
            timestamp_ms=int(self.bars.timestamp_ms[bar]),
            action=_ORDER[code],
            close=float(self.bars.close[bar]),
        )


_ORDER: Final = (
    SignalAction.EXIT_LONG,
    SignalAction.EXIT_SHORT,
    SignalAction.ENTER_LONG,
    SignalAction.ENTER_SHORT,
)


def _column(name: str, given: BoolArray | None, bars: Bars) -> BoolArray:
    """The column, checked, or one of "never".

    Raises:
        RequestError: another type or length; names the column.
    """
    if given is None:
        return np.zeros(len(bars), dtype=np.bool_)
    column = np.asarray(given)
    if column.dtype != np.bool_:
        raise RequestError(name, column.dtype, "an array of booleans (a NaN is neither yes nor no)")
    if column.shape != (len(bars),):
        raise RequestError(name, column.shape, f"one value a bar: ({len(bars)},)")
    return column


def _wish(
    item: Any, place: int, numbers: Mapping[int, int], length: int
) -> tuple[int, tuple[SignalAction, ...]]:
    """Bar and actions of one item of a list.

    Raises:
        RequestError: says which item is wrong and why.
    """
    from headwater.strategies.foreign_bars import epoch_ms

    if isinstance(item, Signal):
        read: Mapping[str, Any] = {"bar": item.bar, "action": item.action}
    elif isinstance(item, Mapping):
        read = item
    else:
        raise RequestError(f"signals[{place}]", type(item).__name__, "a Signal or a dictionary")
    bar = read.get("bar")
    if bar is None:
        moment = read.get("timestamp_ms", read.get("timestamp"))
        bar = None if moment is None else numbers.get(epoch_ms(moment))
    if isinstance(bar, bool) or not isinstance(bar, int | np.integer) or not 0 <= bar < length:
        raise RequestError(f"signals[{place}]", item, "the bar or the timestamp of one of the bars")
    bar = int(bar)
    if "action" in read:
        try:
            return bar, (SignalAction(read["action"]),)
        except ValueError:
            raise RequestError(
                f"signals[{place}].action", read["action"], f"one of {', '.join(_ACTIONS)}"
            ) from None
    direction = read.get("direction")
    if direction == "buy":
        return bar, (SignalAction.ENTER_LONG, SignalAction.EXIT_SHORT)
    if direction == "sell":
        return bar, (SignalAction.EXIT_LONG,)
    raise RequestError(f"signals[{place}].direction", direction, "buy or sell")
