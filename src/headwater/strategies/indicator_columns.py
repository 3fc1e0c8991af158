"""Indicators asked of the data themselves: `data.sma(20)`, computed once and kept.

The shortest ones read the close; any function of any column is asked for by `indicator`.
Both kinds of data have them: whole bars answer with arrays, the view of a callback with lists that
grow. The formulas stand in `analytics/indicators.py`.
"""

from collections.abc import Callable
from typing import Any

from headwater.analytics import indicators
from headwater.analytics.arrays import FloatArray
from headwater.core.errors import RequestError

__all__ = ["IndicatorColumns"]

_KEPT_MAX = 256


class IndicatorColumns:
    """What has columns by name, and hence indicators over them.

    As many as 256 indicators are kept of whole bars; further ones are computed each time.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], Any] = {}

    def column(self, name: str) -> FloatArray:
        """The values of a column by its name.

        Raises:
            RequestError: there is none of that name; here there is none at all.
        """
        raise RequestError("column", name, "data that have columns")

    def shown(self, values: FloatArray) -> Any:
        """A whole computed column as this kind of data shows it; here the array itself."""
        values.flags.writeable = False
        return values

    def indicator(
        self, name: str, compute: Callable[..., FloatArray], *args: Any, column: str = "close"
    ) -> Any:
        """Any function of a column, computed once for its name and arguments.

        Args:
            name: what it is kept under, together with `args` and `column`.
            compute: `compute(values, *args)` gives an array of the same length, of which value t
                depends on values up to t alone.
            args: what else the function needs; hashable.
            column: the column that it reads.

        Returns:
            One value a bar: an array of whole bars, a list that grows of a callback's view.
        """
        key = (name, args, column)
        kept = self._kept.get(key)
        if kept is None:
            kept = self.shown(compute(self.column(column), *args))
            if len(self._kept) < _KEPT_MAX:
                self._kept[key] = kept
        return kept

    def sma(self, window: int, /) -> Any:
        """Simple moving average of the last `window` closes; NaN before there are so many."""
        return self.indicator("sma", indicators.sma, window)

    def ema(self, span: int, /) -> Any:
        """Exponential moving average, weight 2 / (span + 1) on the newest value."""
        return self.indicator("ema", indicators.ema, span)

    def zscore(self, window: int, ddof: int = 1, column: str = "close") -> Any:
        """Distance from the mean of the last `window` values in their standard deviations."""
        return self.indicator("zscore", indicators.zscore, window, ddof, column=column)

    def rolling_std(self, window: int, ddof: int = 1, column: str = "close") -> Any:
        """Standard deviation of the last `window` values."""
        return self.indicator("rolling_std", indicators.rolling_std, window, ddof, column=column)

    def rsi(self, window: int, /) -> Any:
        """Relative strength index by Wilder, 0 to 100."""
        return self.indicator("rsi", indicators.rsi, window)

    def rolling_max(self, window: int, column: str = "high") -> Any:
        """Highest of the last `window` values."""
        return self.indicator("rolling_max", indicators.rolling_max, window, column=column)

    def rolling_min(self, window: int, column: str = "low") -> Any:
        """Lowest of the last `window` values."""
        return self.indicator("rolling_min", indicators.rolling_min, window, column=column)
