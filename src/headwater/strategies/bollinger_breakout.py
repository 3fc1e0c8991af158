"""Bollinger break-out: goes with a close beyond the band, out when it is back at the middle."""

import math
from typing import Any, ClassVar

from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Number, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["BollingerBreakout"]


class BollingerBreakout(BaseStrategy):
    """Long when the close is above the upper band, out when it is below the middle.

    The bands are the mean of the window ± `width` standard deviations of the whole window
    (ddof 0, as Bollinger has them), the bar's own close among them. For both mirrored: short below
    the lower band, out above the middle. Without any deviation there are no bands and no action.
    """

    name = "bollinger_breakout"
    description = "Goes with a close beyond a Bollinger band until it is back at the middle."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("window", 20, "Bars of the mean and the deviation.", least=3, most=5_000),
        Number("width", 2.0, "Deviations from the mean to a band.", least=0.1, most=10.0),
        DIRECTION,
        *BRACKET,
    )

    def check(self) -> None:
        """Refuses a band that no close can leave.

        The close is one of the window's own values: it is never further from their mean than
        sqrt(window − 1) of their deviations.

        Raises:
            RequestError: names `width`.
        """
        most = math.sqrt(self.params["window"] - 1)
        if self.params["width"] >= most:
            raise RequestError(
                "width",
                self.params["width"],
                f"less than {most:.3g}: with window={self.params['window']} no close can be "
                "further from the mean",
            )

    @property
    def lookback(self) -> int:
        """One full window."""
        return int(self.params["window"])

    @property
    def reverses(self) -> bool:
        """From beyond one band to beyond the other, where both sides are allowed."""
        return bool(self.params["direction"] == BOTH)

    def generate_signals(self, data: Any) -> Signals:
        """Where the close is beyond a band, and where it is behind the middle.

        Raises:
            RequestError: fewer bars than the window.
        """
        bars = self.enough(data)
        z = bars.zscore(self.params["window"], 0)
        width = self.params["width"]
        if not self.reverses:
            return Signals(bars, enter_long=z > width, exit_long=z < 0.0)
        return Signals(
            bars,
            enter_long=z > width,
            exit_long=z < 0.0,
            enter_short=z < -width,
            exit_short=z > 0.0,
        )
