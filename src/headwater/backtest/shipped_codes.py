"""Signals of the shipped strategies of two lines, made in one pass over kept indicators.

The same wishes as their `generate_signals`, without the four columns of yes or no in between. A
class of a user, also one derived from these, is not meant: it goes through its own method.
"""

from headwater.analytics.arrays import FloatArray
from headwater.backtest.compiled import compiled
from headwater.backtest.sweep_kernel import (
    ENTER_LONG,
    ENTER_SHORT,
    EXIT_LONG,
    EXIT_SHORT,
    CodeArray,
)
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy

__all__ = ["has_shipped_codes", "shipped_codes"]

_SHIPPED = {
    "sma_cross": "headwater.strategies.sma_cross",
    "mean_reversion": "headwater.strategies.mean_reversion",
}


def has_shipped_codes(strategy: type[BaseStrategy]) -> bool:
    """Whether the class is one of the two, and not made by somebody else."""
    return _SHIPPED.get(strategy.name) == strategy.__module__


def shipped_codes(strategy: BaseStrategy, bars: Bars, codes: CodeArray) -> None:
    """Writes the strategy's wishes at each close.

    Args:
        strategy: one of those that `has_shipped_codes`.
        bars: all bars, whose indicators are kept.
        codes: shape (N,), every value is written.
    """
    params = strategy.params
    both = params["direction"] == "both"
    if strategy.name == "sma_cross":
        cross_codes(bars.sma(params["fast"]), bars.sma(params["slow"]), both, codes)
    else:
        scores = bars.zscore(params["lookback_period"], params["ddof"])
        reversion_codes(scores, params["entry_threshold"], params["exit_threshold"], both, codes)


@compiled
def cross_codes(fast: FloatArray, slow: FloatArray, both: bool, codes: CodeArray) -> None:
    """Wishes of two averages: in where the fast one crosses above, out (or short) where below."""
    up = ENTER_LONG | (EXIT_SHORT if both else 0)
    down = EXIT_LONG | (ENTER_SHORT if both else 0)
    codes[0] = 0
    for at in range(1, codes.size):
        above = (fast[at] > slow[at]) & (fast[at - 1] <= slow[at - 1])
        below = (fast[at] < slow[at]) & (fast[at - 1] >= slow[at - 1])
        codes[at] = up * above | down * below


@compiled
def reversion_codes(
    scores: FloatArray, entry: float, leave: float, both: bool, codes: CodeArray
) -> None:
    """Wishes of a score: in far below 0, out when it is back; mirrored if `both`."""
    for at in range(codes.size):
        score = scores[at]
        code = ENTER_LONG * (score < -entry) | EXIT_LONG * (score > -leave)
        if both:
            code |= ENTER_SHORT * (score > entry) | EXIT_SHORT * (score < leave)
        codes[at] = code
