"""Cross of two simple moving averages: follows a trend, gives some of it back at every turn.

At the close of bar t the fast average crosses above the slow one when it stood at or below it at
t − 1 and stands above it at t, and below in the same way; both averages of t − 1 must exist.
"""

from typing import Any, ClassVar

import numpy as np

from headwater.analytics.arrays import BoolArray
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["SmaCross"]


class SmaCross(BaseStrategy):
    """Long after the fast average crossed above the slow one, until it crosses below.

    With `direction` both it turns short at the cross below and long again at the cross above.
    """

    name = "sma_cross"
    description = "Follows the cross of a fast and a slow simple moving average."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("fast", 10, "Bars of the fast average.", least=1, most=5_000),
        Integer("slow", 30, "Bars of the slow average, more than the fast.", least=2, most=10_000),
        DIRECTION,
        *BRACKET,
    )

    def check(self) -> None:
        """Refuses a fast average that is not faster.

        Raises:
            RequestError: names `fast`.
        """
        if self.params["fast"] >= self.params["slow"]:
            raise RequestError("fast", self.params["fast"], f"less than slow={self.params['slow']}")

    @property
    def lookback(self) -> int:
        """The slow average of the bar before must be there."""
        return int(self.params["slow"]) + 1

    @property
    def reverses(self) -> bool:
        """A cross closes one side and opens the other, where both are allowed."""
        return bool(self.params["direction"] == BOTH)

    def generate_signals(self, data: Any) -> Signals:
        """The crosses of all bars.

        Raises:
            RequestError: fewer bars than the slow average and one more.
        """
        bars = self.enough(data)
        fast, slow = bars.sma(self.params["fast"]), bars.sma(self.params["slow"])
        first = self.lookback - 1
        up = _begins(fast > slow, first)
        down = _begins(fast < slow, first)
        if self.reverses:
            return Signals(bars, enter_long=up, enter_short=down)
        return Signals(bars, enter_long=up, exit_long=down)


def _begins(column: BoolArray, first: int) -> BoolArray:
    """Where a column turns from no to yes, from bar `first` on.

    "Not above" is "at or below" only where both averages exist: so nothing counts before.
    """
    begins = np.zeros(len(column), dtype=np.bool_)
    # For truth values "greater" is "and not", in one pass.
    np.greater(column[first:], column[first - 1 : -1], out=begins[first:])
    return begins
