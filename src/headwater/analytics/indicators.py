"""The indicators: pure functions from columns to columns, for strategies.

All take one axis of numbers, oldest first, leave it unchanged, and return as many values, NaN
before the first that is defined. A value depends on the past and its own bar only and is the same,
to the last bit, on every prefix of the series that reaches it: a search for look-ahead may compare
without tolerance.
"""

from headwater.analytics.crossings import crossed_above, crossed_below
from headwater.analytics.oscillators import Macd, macd, rsi
from headwater.analytics.price_ranges import atr, true_range
from headwater.analytics.rolling_extremes import rolling_max, rolling_min
from headwater.analytics.rolling_moments import BollingerBands, bollinger, rolling_std, zscore
from headwater.analytics.rolling_sums import rolling_sum, sma
from headwater.analytics.smoothing import ema, wilder_average

__all__ = [
    "BollingerBands",
    "Macd",
    "atr",
    "bollinger",
    "crossed_above",
    "crossed_below",
    "ema",
    "macd",
    "rolling_max",
    "rolling_min",
    "rolling_std",
    "rolling_sum",
    "rsi",
    "sma",
    "true_range",
    "wilder_average",
    "zscore",
]
