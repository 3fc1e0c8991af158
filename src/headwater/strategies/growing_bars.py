"""What a callback is shown of the bars: the past, and nothing else.

A frame cut anew at every bar costs a hundred times what a strategy does. Here each column that a
strategy looks at is a plain list that grows by one value a bar, so `data.close[-1]` is an index
into a list, and the future is not there to be looked at.
"""

from collections.abc import Callable
from typing import Any, Final

from headwater.analytics import indicators
from headwater.analytics.arrays import FloatArray
from headwater.strategies.bars import COLUMNS, Bar, Bars
from headwater.strategies.indicator_columns import IndicatorColumns

__all__ = ["GrowingBars"]


_BY_WINDOW: Final = {"sma": indicators.sma, "ema": indicators.ema, "rsi": indicators.rsi}


class _ByWindow(dict[int, list[float]]):
    """The lists of one indicator by its window; `data.sma` is this dictionary's own look-up.

    A strategy asks for them at every bar, so the question is one look-up in C and no call of ours.
    """

    __slots__ = ("_bars", "_name")

    def __init__(self, bars: "GrowingBars", name: str) -> None:
        super().__init__()
        self._bars = bars
        self._name = name

    def __missing__(self, window: int) -> list[float]:
        column: list[float] = self._bars.indicator(self._name, _BY_WINDOW[self._name], window)
        self[window] = column
        return column


class GrowingBars(IndicatorColumns):
    """The bars up to the one that has just closed.

    `data.close`, `data.timestamp_ms`, `data.sma(20)` are lists, oldest first: `data.close[-1]` is
    the close of the newest bar. They are the platform's own: read them, never change them (a run
    that finds one changed fails). A list may be kept (`self.fast = data.sma(10)` in `prepare`) and
    goes on growing. `data["close"]` is the same past as a read-only array without a copy, `len`
    the number of bars, `data[-1]` a `Bar`.

    Attributes:
        end: how many bars have closed.
        growing: for each column that somebody looks at, what lengthens it and what gives its next
            value; the drive's own.
    """

    __slots__ = (
        "_shown",
        "_whole",
        "close",
        "ema",
        "end",
        "growing",
        "high",
        "low",
        "open",
        "rsi",
        "sma",
        "timestamp_ms",
        "volume",
    )

    close: list[float]
    high: list[float]
    low: list[float]
    open: list[float]
    volume: list[float]
    timestamp_ms: list[int]
    sma: Callable[[int], list[float]]
    ema: Callable[[int], list[float]]
    rsi: Callable[[int], list[float]]

    def __init__(self, whole: Bars, end: int = 0) -> None:
        """A view of the first `end` bars of `whole`."""
        super().__init__()
        self._whole = whole
        self.end = end
        self.growing: list[tuple[Callable[[Any], None], Callable[[], Any]]] = []
        self._shown: list[tuple[list[Any], list[Any]]] = []

    def __getattr__(self, name: str) -> Any:
        """A column that was not looked at yet; from then on it is an ordinary attribute."""
        if name in COLUMNS or name == "timestamp_ms":
            column = self._grown(getattr(self._whole, name))
            setattr(self, name, column)
            return column
        if name in _BY_WINDOW:
            asked = _ByWindow(self, name).__getitem__
            setattr(self, name, asked)
            return asked
        raise AttributeError(f"bars have no {name!r}; further columns by data[{name!r}]")

    def __len__(self) -> int:
        """How many bars have closed."""
        return self.end

    def __getitem__(self, which: str | int) -> Any:
        """A column as an array of the past, or one bar by its number.

        Raises:
            RequestError: no column has that name.
            IndexError: there is no such bar, or not yet.
        """
        if isinstance(which, str):
            return self._whole.column(which)[: self.end]
        if not -self.end <= which < self.end:
            raise IndexError(f"bar {which} of {self.end}")
        bar: Bar = self._whole[which if which >= 0 else self.end + which]
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

    def past(self) -> Bars:
        """The same past as whole bars, without a copy."""
        return self._whole[: self.end]

    def shown(self, values: FloatArray) -> list[float]:
        """A computed column as a list that grows."""
        return self._grown(values)

    def advance(self) -> None:
        """One more bar has closed; the drive calls it, not the strategy."""
        self.end += 1
        for append, following in self.growing:
            append(following())

    def changed_columns(self) -> bool:
        """Whether somebody has written into a list that is the platform's."""
        return any(column != values[: self.end] for column, values in self._shown)

    def _grown(self, values: FloatArray) -> list[Any]:
        """A list of the values up to now, which `advance` lengthens."""
        numbers: list[Any] = values.tolist()
        column = numbers[: self.end]
        self.growing.append((column.append, iter(numbers[self.end :]).__next__))
        self._shown.append((column, numbers))
        return column
