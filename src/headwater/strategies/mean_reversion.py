"""Mean reversion by z-score: buys what fell far below its mean, and waits for the way back.

z = (close − mean) / standard deviation, both over the window that ends with the bar. Where the
deviation is 0 there is no z and nothing is done.
"""

from typing import Any, ClassVar

from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Number, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["MeanReversion"]


class MeanReversion(BaseStrategy):
    """Long when z < −entry_threshold, out when z > −exit_threshold; mirrored for both.

    The close of a bar has one action at most: a position is closed at one close and the opposite
    one opened at a later one.
    """

    name = "mean_reversion"
    description = "Buys far below the moving mean and sells on the way back to it."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("lookback_period", 20, "Bars of the mean and the deviation.", least=5, most=100),
        Number(
            "entry_threshold",
            2.0,
            "Deviations from the mean at which a position is opened.",
            least=0.5,
            most=5.0,
        ),
        Number(
            "exit_threshold",
            0.5,
            "Deviations from the mean within which it is closed.",
            least=0.1,
            most=2.0,
        ),
        Integer("ddof", 1, "1: deviation of a sample, 0: of the whole window.", least=0, most=1),
        DIRECTION,
        *BRACKET,
    )

    @property
    def lookback(self) -> int:
        """One full window."""
        return int(self.params["lookback_period"])

    def generate_signals(self, data: Any) -> Signals:
        """Where the close stands far from the mean, and where it is back.

        Raises:
            RequestError: fewer bars than the window.
        """
        bars = self.enough(data)
        z = bars.zscore(self.params["lookback_period"], self.params["ddof"])
        far, near = self.params["entry_threshold"], self.params["exit_threshold"]
        if self.params["direction"] != BOTH:
            return Signals(bars, enter_long=z < -far, exit_long=z > -near)
        return Signals(
            bars,
            enter_long=z < -far,
            exit_long=z > -near,
            enter_short=z > far,
            exit_short=z < near,
        )
