"""Bars whose indicators are shared by the combinations of a sweep, in bounded memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from headwater.analytics.arrays import FloatArray
from headwater.strategies.bars import COLUMNS, Bars

__all__ = ["KEPT_BYTES", "SweepBars", "columns_kept"]

KEPT_BYTES: Final = 24 * 2**20
"""Indicators that are kept of one series, in bytes: 31 columns of 100,000 bars."""

_COLUMNS_LEAST: Final = 6


def columns_kept(length: int) -> int:
    """How many indicators of so many bars are kept at once; never fewer than six."""
    return max(_COLUMNS_LEAST, KEPT_BYTES // (8 * max(1, length)))


class SweepBars(Bars):
    """The same bars; an indicator that was asked for last stays, the one not asked for goes.

    Several threads may ask at once; each indicator is computed by one of them.
    """

    __slots__ = ("_columns", "_lock", "_most")

    def __init__(self, bars: Bars) -> None:
        super().__init__(
            bars.timestamp_ms,
            {name: getattr(bars, name) for name in COLUMNS},
            symbol=bars.symbol,
            interval_ms=bars.interval_ms,
            extras=bars.extras,
        )
        self._columns: OrderedDict[tuple[Any, ...], _Column] = OrderedDict()
        self._lock = threading.Lock()
        self._most = columns_kept(len(bars))

    def indicator(
        self, name: str, compute: Callable[..., FloatArray], *args: Any, column: str = "close"
    ) -> Any:
        """As of any bars; of the indicators only those asked for last are kept."""
        key = (name, args, column)
        with self._lock:
            kept = self._columns.get(key)
            if kept is None:
                kept = self._columns[key] = _Column()
                if len(self._columns) > self._most:
                    self._columns.popitem(last=False)
            else:
                self._columns.move_to_end(key)
        with kept.lock:
            if kept.values is None:
                kept.values = self.shown(compute(self.column(column), *args))
        return kept.values


class _Column:
    """One indicator, or the place where it will be."""

    __slots__ = ("lock", "values")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: FloatArray | None = None
