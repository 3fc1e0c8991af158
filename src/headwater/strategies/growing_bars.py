"""What a callback is shown of the bars: the past, and nothing else.

A frame cut anew at every bar costs a hundred times what a strategy does. Here each column that a
strategy looks at is a plain list that grows by one value a bar, so `data.close[-1]` is an index
into a list, and the future is not there to be looked at.
"""

from collections.abc import Callable, Iterator
from itertools import repeat
from operator import length_hint
from typing import Any

from headwater.analytics.arrays import FloatArray
from headwater.strategies.bars import Bar, Bars
from headwater.strategies.indicator_columns import IndicatorColumns

__all__ = ["GrowingBars"]


class _Column:
    """A column as an attribute of the view: made by the first look, an ordinary attribute then.

    It has no `__set__`, so the list that it leaves with the view is found before it; and the view
    needs no `__getattr__`, which would make every other attribute slower.
    """

    __slots__ = ("_name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, view: "GrowingBars | None", owner: type) -> Any:
        if view is None:
            return self
        column = view.listed(self._name)
        setattr(view, self._name, column)
        return column


class GrowingBars(IndicatorColumns):
    """The bars up to the one that has just closed.

    `data.close`, `data.timestamp_ms`, `data.sma(20)` are lists, oldest first: `data.close[-1]` is
    the close of the newest bar. They are the platform's own: read them, never change them (a run
    that finds one changed fails). A list may be kept (`self.fast = data.sma(10)` in `prepare`) and
    goes on growing. `data["close"]` is the same past as a read-only array without a copy, `len`
    the number of bars, `data[-1]` a `Bar`.

    A bar costs no call of Python but those of the strategy: a column is lengthened by a `map` of
    its own `append` over its values, and the drive steps all of them at once (`steps`). The first
    column that grows also tells how many bars have closed.

    Attributes:
        growing: each lengthens a column by the next bar's value when it is stepped; the drive's
            own.
        is_stale: whether a column came in after `steps` was asked; the drive's own.
    """

    __slots__ = (
        "__dict__",
        "_closed",
        "_ema",
        "_gate",
        "_rsi",
        "_shown",
        "_sma",
        "_whole",
        "growing",
        "is_stale",
    )

    close: list[float] = _Column()  # type: ignore[assignment]
    high: list[float] = _Column()  # type: ignore[assignment]
    low: list[float] = _Column()  # type: ignore[assignment]
    open: list[float] = _Column()  # type: ignore[assignment]
    volume: list[float] = _Column()  # type: ignore[assignment]
    timestamp_ms: list[int] = _Column()  # type: ignore[assignment]

    def __init__(self, whole: Bars, end: int = 0) -> None:
        """A view of the first `end` bars of `whole`."""
        super().__init__()
        self._whole = whole
        # As long as there are closed bars: bytes, until a column grows that can be counted instead.
        self._closed: bytearray | list[Any] = bytearray(end)
        self.growing: list[Iterator[None]] = [map(self._closed.append, repeat(0))]
        self._gate: list[None] = []
        self.is_stale = False
        self._shown: list[tuple[list[Any], list[Any], Iterator[Any]]] = []
        # Lists of the indicators that are asked for at every bar, by their windows.
        self._sma: dict[int, list[float]] = {}
        self._ema: dict[int, list[float]] = {}
        self._rsi: dict[int, list[float]] = {}

    def __len__(self) -> int:
        """How many bars have closed."""
        return len(self._closed)

    def __getitem__(self, which: str | int) -> Any:
        """A column as an array of the past, or one bar by its number.

        Raises:
            RequestError: no column has that name.
            IndexError: there is no such bar, or not yet.
        """
        if isinstance(which, str):
            return self._whole.column(which)[: len(self)]
        end = len(self)
        if not -end <= which < end:
            raise IndexError(f"bar {which} of {end}")
        bar: Bar = self._whole[which if which >= 0 else end + which]
        return bar

    @property
    def symbol(self) -> str:
        """Canonical symbol, empty when it is not known."""
        return self._whole.symbol

    @property
    def interval_ms(self) -> int:
        """Length of a bar, ms."""
        return self._whole.interval_ms

    def column(self, name: str) -> FloatArray:
        """The whole column, for indicators: what they show is cut at the newest bar."""
        return self._whole.column(name)

    def extra(self, name: str) -> list[float]:
        """A column beside the usual ones as a list that grows: `data.extra("open_interest")[-1]`.

        Raises:
            RequestError: there is none of that name.
        """
        key = ("extra", name)
        kept: list[float] | None = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self._grown(self._whole.column(name))
        return kept

    def indicator(
        self, name: str, compute: Callable[..., FloatArray], *args: Any, column: str = "close"
    ) -> Any:
        """Any function of a column, as a list that grows; see the base.

        Each is kept, however many: a list that grows stays with the view in any case.
        """
        key = (name, args, column)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self.shown(compute(self.column(column), *args))
        return kept

    def sma(self, window: int, /) -> list[float]:
        """Simple moving average of the last `window` closes; NaN before there are so many."""
        try:
            return self._sma[window]
        except KeyError:
            column: list[float] = super().sma(window)
            self._sma[window] = column
            return column

    def ema(self, span: int, /) -> list[float]:
        """Exponential moving average, weight 2 / (span + 1) on the newest value."""
        try:
            return self._ema[span]
        except KeyError:
            column: list[float] = super().ema(span)
            self._ema[span] = column
            return column

    def rsi(self, window: int, /) -> list[float]:
        """Relative strength index by Wilder, 0 to 100."""
        try:
            return self._rsi[window]
        except KeyError:
            column: list[float] = super().rsi(window)
            self._rsi[window] = column
            return column

    def listed(self, name: str) -> list[Any]:
        """One of the usual columns as a list that grows; an attribute of the view by its name."""
        return self._grown(getattr(self._whole, name))

    def past(self) -> Bars:
        """The same past as whole bars, without a copy."""
        return self._whole[: len(self)]

    def shown(self, values: FloatArray) -> list[float]:
        """A computed column as a list that grows."""
        return self._grown(values)

    def advance(self) -> None:
        """One more bar has closed; the drive calls it, not the strategy."""
        for column in self.growing:
            next(column)

    def steps(self, count: int) -> Iterator[Any]:
        """Shows one more closed bar each time it is stepped; the drive's own.

        Args:
            count: bars after which it ends at the latest.

        Returns:
            Truths, one a bar. It ends early, before it shows anything, when a column is looked at
            for the first time: whoever steps it then goes on with another one.
        """
        self._gate = [None] * count
        self.is_stale = False
        return zip(iter(self._gate), *self.growing, strict=False)

    def changed_columns(self) -> bool:
        """Whether somebody has written into a list that is the platform's."""
        return any(
            column != (values[: len(values) - left] if (left := length_hint(following)) else values)
            for column, values, following in self._shown
        )

    def _grown(self, values: FloatArray) -> list[Any]:
        """A list of the values up to now, which a step or `advance` lengthens."""
        numbers: list[Any] = values.tolist()
        end = len(self)
        column = numbers[:end]
        following: Any = iter(numbers)
        following.__setstate__(end)  # walks on from there: the rest need not be copied
        if not self._shown:
            self._closed = column
            self.growing.clear()
        self.growing.append(map(column.append, following))
        self._shown.append((column, numbers, following))
        # An emptied list ends whatever walks along it: steps that do not know the new column.
        self._gate.clear()
        self.is_stale = True
        return column
