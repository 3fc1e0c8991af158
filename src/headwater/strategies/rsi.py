"""Relative strength index: buys when the selling has ebbed, sells when the buying is extreme.

The index is Wilder's (`analytics.indicators.rsi`), 0 to 100.
"""

from typing import Any, ClassVar

from headwater.analytics.indicators import crossed_above, crossed_below
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Number, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["Rsi"]


class Rsi(BaseStrategy):
    """Long when the index comes back above `oversold`, out when it reaches `overbought`.

    Mirrored for both: short when it comes back below `overbought`, out when it reaches `oversold`.
    """

    name = "rsi"
    description = "Buys when the relative strength index leaves the oversold zone."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("window", 14, "Changes that the index smooths over.", least=2, most=500),
        Number("oversold", 30.0, "Index below which selling is extreme.", least=1.0, most=50.0),
        Number("overbought", 70.0, "Index above which buying is extreme.", least=50.0, most=99.0),
        DIRECTION,
        *BRACKET,
    )

    def check(self) -> None:
        """Refuses zones that touch.

        Raises:
            RequestError: names `oversold`.
        """
        low, high = self.params["oversold"], self.params["overbought"]
        if low >= high:
            raise RequestError("oversold", low, f"less than overbought={high:g}")

    @property
    def lookback(self) -> int:
        """The index of the bar before must be there; it takes a window of changes."""
        return int(self.params["window"]) + 2

    def generate_signals(self, data: Any) -> Signals:
        """Where the index leaves a zone, and where it reaches one.

        Raises:
            RequestError: fewer bars than the look-back.
        """
        bars = self.enough(data)
        index = bars.rsi(self.params["window"])
        low, high = self.params["oversold"], self.params["overbought"]
        enter_long = crossed_above(index, low)
        exit_long, exit_short = index >= high, index <= low
        # The first index has no neighbour, so nothing can have been opened before the next.
        exit_long[: self.lookback - 1] = exit_short[: self.lookback - 1] = False
        if self.params["direction"] != BOTH:
            return Signals(bars, enter_long=enter_long, exit_long=exit_long)
        return Signals(
            bars,
            enter_long=enter_long,
            exit_long=exit_long,
            enter_short=crossed_below(index, high),
            exit_short=exit_short,
        )
