"""MACD: follows the cross of a difference of two exponential averages and its own average."""

from typing import Any, ClassVar

from headwater.analytics.arrays import FloatArray
from headwater.analytics.indicators import crossed_above, crossed_below, macd
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["MacdCross"]


class MacdCross(BaseStrategy):
    """Long when the line crosses above its signal, out (or short, for both) when it crosses below.

    Line: fast less slow exponential average of the closes. Signal: exponential average of the line.
    """

    name = "macd"
    description = "Follows the cross of the MACD line and its signal."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("fast", 12, "Span of the fast average, bars.", least=1, most=1_000),
        Integer("slow", 26, "Span of the slow average, bars.", least=2, most=2_000),
        Integer("signal", 9, "Span of the line's own average, bars.", least=2, most=1_000),
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
        """The signal of the bar before must be there."""
        return int(self.params["slow"] + self.params["signal"])

    @property
    def reverses(self) -> bool:
        """A cross closes one side and opens the other, where both are allowed."""
        return bool(self.params["direction"] == BOTH)

    def generate_signals(self, data: Any) -> Signals:
        """The crosses of all bars.

        Raises:
            RequestError: fewer bars than the look-back.
        """
        bars = self.enough(data)
        spans = (self.params["fast"], self.params["slow"], self.params["signal"])
        histogram = bars.indicator("macd_histogram", _histogram, *spans)
        up, down = crossed_above(histogram, 0.0), crossed_below(histogram, 0.0)
        if self.reverses:
            return Signals(bars, enter_long=up, enter_short=down)
        return Signals(bars, enter_long=up, exit_long=down)


def _histogram(values: FloatArray, fast: int, slow: int, signal: int) -> FloatArray:
    return macd(values, fast, slow, signal).histogram
