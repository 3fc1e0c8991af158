"""How sure an information gain is: whole days drawn anew, and a test that knows of overlap.

Liquidations come in cascades, and horizons longer than the time between forecasts overlap, so
windows are no independent draws and the plain error of a mean is far too small. The interval comes
from drawing whole days (UTC) with replacement; where several symbols are pooled, symbols are drawn
as well, each by itself, and a window counts as often as its day times its symbol was drawn. The
ends of the interval are taken a little further out than 2.5 % and 97.5 % of the draws, as far as
Student's distribution is wider than the normal one for so many days; without that, trials with 30
days held the truth in 88 to 93 % of the cases, with it in 92 to 94.

Sources: block bootstrap; expanded percentiles (Hesterberg 2015, doi
10.1080/00031305.2015.1089789); for two ways at once the pigeonhole bootstrap (Owen 2007, doi
10.1214/07-AOAS122), which errs on the wide side; Diebold and Mariano 1995 with the variance of
Newey and West 1987 for the test.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.skill_gain import DAY_MS, Gain

DRAWS: Final = 1_000
"""Draws of the bootstrap."""
CONFIDENCE: Final = 0.95
"""Part of the intervals that are meant to hold the truth."""
DAYS_MIN: Final = 10
"""Days without which there is no interval: of fewer the bootstrap says too little, and of a single
one it would call anything certain.
"""
LAG_MAX: Final = 1_000
"""Most steps of overlap that the test looks at; beyond it the horizon is cut."""


class Interval(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A 95 % interval of an information gain, bits."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies inside, its ends included."""
        return self.low <= value <= self.high


class EqualGainTest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Diebold–Mariano test of map against baseline.

    Attributes:
        statistic: mean gain over its standard error; positive where the map is better.
        p_value: chance of one as far from 0 if both were equal, of both sides, normal.
        lag: steps between forecasts over which windows may depend on each other.
    """

    statistic: float
    p_value: float
    lag: int


def days_of(issued_ms: IndexArray) -> IndexArray:
    """Number of the UTC day of each time of issue, counted from the epoch."""
    days: IndexArray = issued_ms // DAY_MS
    return days


def bootstrap_interval(
    gain: Gain,
    issued_ms: IndexArray,
    symbols: Sequence[str],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> Interval | None:
    """The 95 % interval of a gain.

    Args:
        gain: of each window.
        issued_ms: shape (windows,), ms since the epoch.
        symbols: of each window.
        rng: randomness.
        draws: how many.

    Returns:
        None for fewer than `DAYS_MIN` days with any weight.
    """
    _, day = np.unique(days_of(issued_ms), return_inverse=True)
    names, symbol = np.unique(np.array(symbols), return_inverse=True)
    days_count, symbols_count = int(day.max(initial=-1)) + 1, len(names)
    cell = day * symbols_count + symbol
    shape = (days_count, symbols_count)
    size = days_count * symbols_count
    bits = np.bincount(cell, weights=gain.bits, minlength=size).reshape(shape)
    weight = np.bincount(cell, weights=gain.weight, minlength=size).reshape(shape)
    lively = int(np.count_nonzero(weight.sum(axis=1)))
    if lively < DAYS_MIN:
        return None
    day_counts = _counts(days_count, draws, rng)
    # One symbol is not drawn: it would be the same in every draw.
    symbol_counts = _counts(symbols_count, draws, rng)
    drawn_bits = ((day_counts @ bits) * symbol_counts).sum(axis=1)
    drawn_weight = ((day_counts @ weight) * symbol_counts).sum(axis=1)
    some = drawn_weight > 0.0
    tail = expanded_tail(lively)
    low, high = np.quantile(drawn_bits[some] / drawn_weight[some], [tail, 1.0 - tail])
    return Interval(low=float(low), high=float(high))


def expanded_tail(days: int) -> float:
    """Part of the draws beyond each end of the interval: Φ(−t·√(n / (n − 1))).

    t is Student's quantile for n − 1 degrees of freedom, by the expansion of Cornish and Fisher
    around the normal one (three terms; the result is off by 0.0001 at most for ten days and more).

    Args:
        days: n, with any weight, at least `DAYS_MIN`.
    """
    normal, free = NormalDist(), days - 1
    z = normal.inv_cdf((1.0 + CONFIDENCE) / 2.0)
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    return normal.cdf(-t * math.sqrt(days / free))


def equal_gain_test(gain: Gain, issued_ms: IndexArray, horizon_ms: int) -> EqualGainTest | None:
    """Tests whether map and baseline are equally good.

    Windows issued together are added up to one difference. The variance of their mean adds the
    covariances up to the lag h = horizon / step, weighted 1 − k/(h + 1); the step is the
    commonest time between forecasts, and only pairs exactly k steps apart count, so windows that
    were dropped leave a hole and do not move others together.

    Args:
        gain: of each window.
        issued_ms: shape (windows,), ms since the epoch.
        horizon_ms: of all windows.

    Returns:
        None for fewer than two times of issue, or differences without spread.
    """
    times, which = np.unique(issued_ms, return_inverse=True)
    count = len(times)
    if count < 2:
        return None
    steps, often = np.unique(np.diff(times), return_counts=True)
    step_ms = int(steps[np.argmax(often)])
    lag = min(LAG_MAX, math.ceil(horizon_ms / step_ms))
    differences = np.bincount(which, weights=gain.bits, minlength=count)
    mean = float(differences.mean())
    centred: FloatArray = (differences - mean).astype(np.float64)
    variance = _autocovariance(centred, times, 0)
    for back in range(1, lag + 1):
        weight = 1.0 - back / (lag + 1)
        variance += 2.0 * weight * _autocovariance(centred, times, back * step_ms)
    if not variance > 0.0:
        return None
    statistic = mean / math.sqrt(variance / count)
    return EqualGainTest(
        statistic=statistic, p_value=math.erfc(abs(statistic) / math.sqrt(2.0)), lag=lag
    )


def _counts(count: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """How often each of `count` things is drawn, shape (draws, count), each row summing to it."""
    return rng.multinomial(count, np.full(count, 1.0 / count), size=draws).astype(np.float64)


def _autocovariance(centred: FloatArray, times: IndexArray, apart_ms: int) -> float:
    """Sum of the products of differences exactly so far apart, over the number of times."""
    index = np.searchsorted(times, times + apart_ms)
    index = np.minimum(index, len(times) - 1)
    pairs = times[index] == times + apart_ms
    return float((centred[pairs] * centred[index[pairs]]).sum()) / len(times)
