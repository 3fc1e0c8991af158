"""Indicators and crossings of the two strategies, plain and exact, for every driver alike.

A peer's own rolling sums carry rounding from bar to bar, so that exact ties flip; here each window
is summed for itself. Slower, and only for comparisons of results: what is timed is the peer's way.
"""

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Case, Floats

Flags = NDArray[np.bool_]


def sma(values: Floats, count: int) -> Floats:
    """Mean of the last `count` values, NaN before there are so many; each sum rounded once."""
    out = np.full(len(values), np.nan)
    plain = values.tolist()
    for end in range(count, len(plain) + 1):
        out[end - 1] = math.fsum(plain[end - count : end]) / count
    return out


def zscore(values: Floats, count: int, ddof: int) -> Floats:
    """Distance of the last value to the mean of `count` in standard deviations.

    NaN, which means no action, before there are so many values and where the deviation is zero.
    """
    out = np.full(len(values), np.nan)
    plain = values.tolist()
    for end in range(count, len(plain) + 1):
        window = plain[end - count : end]
        mean = math.fsum(window) / count
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in window) / (count - ddof))
        out[end - 1] = (window[-1] - mean) / deviation if deviation else np.nan
    return out


def crosses(fast: Floats, slow: Floats) -> tuple[Flags, Flags]:
    """Bars where `fast` crosses above `slow`, and below it.

    Above at t: fast[t−1] ≤ slow[t−1] and fast[t] > slow[t]; a bar before which a mean is missing
    has none.
    """
    above = np.zeros(len(fast), dtype=bool)
    below = np.zeros(len(fast), dtype=bool)
    above[1:] = (fast[:-1] <= slow[:-1]) & (fast[1:] > slow[1:])
    below[1:] = (fast[:-1] >= slow[:-1]) & (fast[1:] < slow[1:])
    return above, below


def case_crosses(case: Case, close: Floats) -> tuple[Flags, Flags]:
    """The crossings of a case."""
    return crosses(sma(close, case.fast), sma(close, case.slow))


def case_zscore(case: Case, close: Floats) -> Floats:
    """The z-score of a case."""
    return zscore(close, case.lookback_period, case.ddof)
