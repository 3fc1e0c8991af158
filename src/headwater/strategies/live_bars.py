"""The bars of a market that is still going on, shown like those of a back-test.

A column or an indicator that a strategy has asked for grows by a value with every closed bar, as
with `GrowingBars`. Nothing is known beforehand, so an indicator is computed again over all bars at
each close: proportional to the number of bars, which a live bar's length leaves ample time for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.core.errors import RequestError
from headwater.strategies.bars import COLUMNS, Bar, Bars
from headwater.strategies.growing_bars import GrowingBars

__all__ = ["LIVE_BARS_MAX", "LiveBars"]

LIVE_BARS_MAX: Final = 200_000
"""Bars of one live run; beyond it the run has to be started anew."""


class LiveBars(GrowingBars):
    """The closed bars so far.

    Args:
        past: what had closed before the run began.
        interval_ms: length of a bar.
    """

    def __init__(self, past: Bars, interval_ms: int) -> None:
        super().__init__(past, end=len(past))
        self._interval_ms = interval_ms
        self._recipes: list[tuple[list[Any], Callable[[], Any]]] = []

    def listed(self, name: str) -> list[Any]:
        """One of the usual columns as a list that grows."""
        column: list[Any] = getattr(self._whole, name)[: len(self)].tolist()
        self._recipes.append((column, partial(self._newest, name)))
        return column

    def indicator(
        self, name: str, compute: Callable[..., FloatArray], *args: Any, column: str = "close"
    ) -> Any:
        """Any function of a column, as a list that grows; see the base."""
        key = (name, args, column)
        kept: list[Any] | None = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = compute(self.column(column), *args)[: len(self)].tolist()
            newest = partial(self._computed, compute, args, column)
            self._recipes.append((kept, newest))
        return kept

    def _newest(self, name: str) -> Any:
        return getattr(self._whole, name)[-1].item()

    def _computed(
        self, compute: Callable[..., FloatArray], args: tuple[Any, ...], column: str
    ) -> Any:
        return compute(self.column(column), *args)[-1].item()

    def extra(self, name: str) -> list[float]:
        """A column beside the usual ones: live bars have none.

        Raises:
            RequestError: always; names it.
        """
        raise RequestError("column", name, f"one of {', '.join(COLUMNS)}: live bars have no other")

    def push(self, bar: Bar) -> None:
        """Takes a bar that has closed; `advance` shows it.

        Raises:
            RequestError: it is not later than the last one, or there are too many.
        """
        old = self._whole
        if len(old) >= LIVE_BARS_MAX:
            raise RequestError("bars", len(old), f"at most {LIVE_BARS_MAX} in one live run")
        if len(old) and bar.timestamp_ms <= int(old.timestamp_ms[-1]):
            raise RequestError("bar", bar.timestamp_ms, "one later than the last")
        columns = {name: np.append(getattr(old, name), getattr(bar, name)) for name in COLUMNS}
        self._whole = Bars(
            np.append(old.timestamp_ms, bar.timestamp_ms),
            columns,
            symbol=old.symbol,
            interval_ms=self._interval_ms,
        )

    def advance(self) -> None:
        """One more bar has closed."""
        self._closed.append(0)
        for column, newest in self._recipes:
            column.append(newest())

    def changed_columns(self) -> bool:
        """Whether somebody has written into a column that was asked for."""
        return any(
            len(column) != len(self) or (column and column[-1] != newest() and newest() == newest())
            for column, newest in self._recipes
        )
