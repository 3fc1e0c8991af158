"""What happened inside a bar, told by bars of a smaller interval.

A bar says which prices it reached and not in which order. Where both the stop and the target of a
position lie within it, the smaller bars are walked through, each by the same rule: the stop first.
"""

from enum import Enum
from typing import Final

import numpy as np

from headwater.backtest.bar_ends import bar_ends_ms
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars

__all__ = ["NO_DETAIL", "Detail", "Reached"]


class Reached(Enum):
    """What came first."""

    STOP = "stop"
    TARGET = "target"


class Detail:
    """Smaller bars within the bars of a run; without any it knows nothing.

    Args:
        smaller: bars of the same symbol with a smaller interval.
        bars: the bars of the run.

    Raises:
        RequestError: their interval is not smaller.
    """

    __slots__ = ("_from", "_smaller", "_to")

    def __init__(self, smaller: Bars | None = None, bars: Bars | None = None) -> None:
        self._smaller = smaller
        if smaller is None or bars is None:
            return
        if not 0 < smaller.interval_ms < bars.interval_ms:
            raise RequestError(
                "detail", f"{smaller.interval_ms} ms", f"bars shorter than {bars.interval_ms} ms"
            )
        self._from = np.searchsorted(smaller.timestamp_ms, bars.timestamp_ms)
        self._to = np.searchsorted(smaller.timestamp_ms, bar_ends_ms(bars))

    def first_reached(
        self, bar: int, stop: float, target: float, *, is_long: bool
    ) -> Reached | None:
        """Which of two prices a bar reached first.

        Args:
            bar: number of the bar.
            stop: quote currency, below the target for a long position.
            target: quote currency.
            is_long: side of the position.

        Returns:
            None when no smaller bar tells, or one holds both.
        """
        smaller = self._smaller
        if smaller is None:
            return None
        for at in range(self._from[bar], self._to[bar]):
            low, high = smaller.low[at], smaller.high[at]
            stopped = low <= stop if is_long else high >= stop
            won = high >= target if is_long else low <= target
            if stopped and won:
                return None
            if stopped or won:
                return Reached.STOP if stopped else Reached.TARGET
        return None


NO_DETAIL: Final = Detail()
"""For runs without smaller bars."""
