"""Fade of a liquidation cascade: buys from those who must sell, and leaves when it is over.

Needs the columns `liquidated_long_usd` and `liquidated_short_usd`: USD of long and short positions
closed by force within each bar. Venues throttle these streams, so the sums are lower bounds; the
rule compares a bar with the bars before it, never with a fixed amount alone.
"""

from typing import Any, ClassVar

import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.indicators import sma
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Number, Parameter
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BOTH, BRACKET, DIRECTION

__all__ = ["LiquidationFade"]

_COLUMNS = ("liquidated_long_usd", "liquidated_short_usd")


class LiquidationFade(BaseStrategy):
    """Long at the close of a bar in which longs were liquidated `multiple` times as much as usual.

    Usual is the mean of the `lookback_period` bars before; the volume must also reach `min_usd`,
    and the bar must have closed below its open. Out when no further cascade has come for
    `hold_bars` bars. Mirrored for both: short after a cascade of shorts in a rising bar. A bar of
    which the volumes are not known (NaN), or one of those before it, gives no entry.
    """

    name = "liquidation_fade"
    description = "Buys the bar of a cascade of long liquidations and leaves when it has ebbed."
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer(
            "lookback_period", 96, "Bars before it that say what is usual.", least=5, most=5_000
        ),
        Number(
            "multiple", 8.0, "Liquidated volume over the usual one, at least.", least=1.0, most=1e4
        ),
        Number("min_usd", 100_000.0, "Liquidated volume of the bar, USD, at least.", most=1e12),
        Integer("hold_bars", 12, "Bars without a further cascade until it leaves.", most=5_000),
        DIRECTION,
        *BRACKET,
    )

    def check(self) -> None:
        """Refuses to hold for no bar at all.

        Raises:
            RequestError: names `hold_bars`.
        """
        if self.params["hold_bars"] < 1:
            raise RequestError("hold_bars", self.params["hold_bars"], "at least 1")

    @property
    def lookback(self) -> int:
        """The bars that say what is usual, and the bar of the cascade."""
        return int(self.params["lookback_period"]) + 1

    def generate_signals(self, data: Any) -> Signals:
        """The cascades, and where they are over.

        Raises:
            RequestError: fewer bars than the look-back, or the columns are not there.
        """
        bars = self.enough(data)
        for name in _COLUMNS:
            if name not in bars.extras:
                raise RequestError(
                    "columns",
                    ", ".join(sorted(bars.extras)) or "none beside the prices",
                    f"also {name}: USD liquidated within each bar, as a column of the file or from "
                    "storage",
                )
        longs = self._cascades(bars, "liquidated_long_usd") & (bars.close < bars.open)
        if self.params["direction"] != BOTH:
            return Signals(bars, enter_long=longs, exit_long=self._is_over(longs))
        shorts = self._cascades(bars, "liquidated_short_usd") & (bars.close > bars.open)
        return Signals(
            bars,
            enter_long=longs,
            exit_long=self._is_over(longs),
            enter_short=shorts,
            exit_short=self._is_over(shorts),
        )

    def _cascades(self, bars: Bars, column: str) -> BoolArray:
        """Bars with far more liquidated volume than the bars before them."""
        volume = bars.extras[column]
        usual = _mean_before(volume, self.params["lookback_period"])
        cascades: BoolArray = volume >= np.maximum(
            usual * self.params["multiple"], self.params["min_usd"]
        )
        # Without any liquidation there is no cascade, whatever the bounds.
        return cascades & (volume > 0.0)

    def _is_over(self, cascades: BoolArray) -> BoolArray:
        """Bars that are `hold_bars` or more after the last cascade."""
        numbers = np.arange(len(cascades))
        last = np.maximum.accumulate(np.where(cascades, numbers, -1))
        over: BoolArray = numbers - last >= self.params["hold_bars"]
        return over & (last >= 0)


def _mean_before(values: FloatArray, window: int) -> FloatArray:
    """Mean of the `window` values before each one; NaN where one of them is not known."""
    unknown = np.isnan(values)
    mean = np.full(len(values), np.nan)
    mean[1:] = sma(np.where(unknown, 0.0, values), window)[:-1]
    if unknown.any():
        lacking = np.full(len(values), np.nan)
        lacking[1:] = sma(unknown.astype(np.float64), window)[:-1]
        mean[lacking > 0.0] = np.nan
    return mean
