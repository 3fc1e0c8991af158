"""Break-out of a channel that counts once, until the price has come back: no chasing.

A plain break-out strategy that was stopped out buys every further high of the same run. Here a
break-out disarms its side; the side is armed again (the reset) by a close back at the middle of the
channel.
"""

from typing import Any, ClassVar

import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["BreakoutReset"]


class BreakoutReset(BaseStrategy):
    """Long at a close above the highest high of the `window` bars before, once a reset.

    A reset is a close at or below the middle of the same channel. Out at a close below the lowest
    low of the `exit_window` bars before. Mirrored for both. The very first break-out of the data
    counts without a reset.
    """

    name = "breakout_reset"
    description = "Buys the first close above the channel after the price had come back into it."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("window", 20, "Bars of the channel that is broken.", least=2, most=5_000),
        Integer("exit_window", 10, "Bars of the channel that ends it.", least=1, most=5_000),
        DIRECTION,
        *BRACKET,
    )

    @property
    def lookback(self) -> int:
        """The longer channel, and the bar that breaks it."""
        return int(max(self.params["window"], self.params["exit_window"])) + 1

    @property
    def reverses(self) -> bool:
        """A break-out of the other side turns the position, where both are allowed."""
        return bool(self.params["direction"] == BOTH)

    def generate_signals(self, data: Any) -> Signals:
        """The break-outs that count, and the ends.

        Raises:
            RequestError: fewer bars than the look-back.
        """
        bars = self.enough(data)
        window, ending = self.params["window"], self.params["exit_window"]
        top, bottom = _before(bars.rolling_max(window)), _before(bars.rolling_min(window))
        middle, close = (top + bottom) / 2.0, bars.close
        enter_long = _once_a_reset(close > top, close <= middle)
        exit_long = close < _before(bars.rolling_min(ending))
        exit_long[: self.lookback - 1] = False
        if not self.reverses:
            return Signals(bars, enter_long=enter_long, exit_long=exit_long)
        exit_short = close > _before(bars.rolling_max(ending))
        exit_short[: self.lookback - 1] = False
        return Signals(
            bars,
            enter_long=enter_long,
            exit_long=exit_long,
            enter_short=_once_a_reset(close < bottom, close >= middle),
            exit_short=exit_short,
        )


def _before(values: FloatArray) -> FloatArray:
    """Each bar's value of the bar before; NaN for the first."""
    before = np.empty_like(values)
    before[:1] = np.nan
    before[1:] = values[:-1]
    return before


def _once_a_reset(broken: BoolArray, reset: BoolArray) -> BoolArray:
    """The break-outs that come after a reset, or as the first of all."""
    breaks, resets = np.flatnonzero(broken), np.flatnonzero(reset)
    counts = np.zeros(len(broken), dtype=np.bool_)
    if not len(breaks):
        return counts
    # How many resets there were up to each break-out: one more than at the last one is a reset.
    so_far = np.searchsorted(resets, breaks)
    counts[breaks[0]] = True
    counts[breaks[1:][so_far[1:] > so_far[:-1]]] = True
    return counts
