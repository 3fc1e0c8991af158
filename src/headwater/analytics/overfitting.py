"""How much of a chosen strategy's Sharpe ratio is the choosing.

The best of many trials looks good by chance. The probabilistic Sharpe ratio says how sure one is
that the true ratio exceeds a benchmark; the deflated one takes as benchmark what the best of so
many worthless trials would show. The probability of over-fitting asks how often the best trial of
one half of time is below the middle in the other half.

Ratios here are per period (per bar or per day), not per year. Assumes returns that do not depend
on each other; trials that resemble each other make the deflated ratio too strict. Sources: Bailey
and López de Prado 2012 (doi 10.21314/JOR.2012.255) and 2014 (doi 10.3905/jpm.2014.40.5.094);
Bailey, Borwein, López de Prado and Zhu 2017 (doi 10.21314/JCF.2016.322).
"""

import math
from statistics import NormalDist
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray
from headwater.analytics.indicator_series import read_series, read_window
from headwater.core.errors import RequestError

EULER_MASCHERONI: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()


class SharpeEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the ratios need to know of one series of returns.

    Attributes:
        periods: number of returns T.
        sharpe: mean / standard deviation (ddof = 1), per period.
        skewness: third standardised moment m3 / m2^1.5; 0 for a normal distribution.
        kurtosis: fourth standardised moment m4 / m2²; 3 for a normal distribution.
    """

    periods: int
    sharpe: float
    skewness: float
    kurtosis: float


def sharpe_evidence(returns: npt.ArrayLike) -> SharpeEvidence:
    """Measures a series of returns.

    Args:
        returns: fractions per period; shape (T,), T ≥ 2, not all equal.

    Raises:
        RequestError: too few returns, all equal, or not finite.
    """
    values, first = read_series("returns", returns)
    if first or values.size < 2:
        raise RequestError("returns", f"{values.size - first} numbers", "at least two, all finite")
    apart = values - values.mean()
    squared = apart * apart
    variance = float(squared.mean())
    if math.sqrt(variance) <= 1e-15 * max(1.0, float(np.abs(values).max())):
        raise RequestError("returns", "all equal", "returns that differ")
    deviation = math.sqrt(variance * values.size / (values.size - 1))
    return SharpeEvidence(
        periods=values.size,
        sharpe=float(values.mean()) / deviation,
        skewness=float((squared * apart).mean()) / variance**1.5,
        kurtosis=float((squared * squared).mean()) / variance**2,
    )


def probabilistic_sharpe(evidence: SharpeEvidence, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio is above a benchmark.

    Φ((SR − SR*) × sqrt(T − 1) / sqrt(1 − skewness × SR + (kurtosis − 1) / 4 × SR²)).

    Args:
        evidence: of the returns, per period.
        benchmark: SR*, per period.

    Returns:
        In [0, 1].

    Raises:
        RequestError: moments that no series of returns has, for which the error has no size.
    """
    ratio = evidence.sharpe
    variance = 1.0 - evidence.skewness * ratio + (evidence.kurtosis - 1.0) / 4.0 * ratio * ratio
    if not variance > 0.0:
        raise RequestError("evidence", evidence, "kurtosis of at least 1 + skewness²")
    z = (ratio - benchmark) * math.sqrt(evidence.periods - 1) / math.sqrt(variance)
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


def expected_maximum_sharpe(trials: int, sharpe_variance: float) -> float:
    """Sharpe ratio that the best of many worthless, independent trials is expected to show.

    sqrt(V) × ((1 − γ) × Φ⁻¹(1 − 1 / N) + γ × Φ⁻¹(1 − 1 / (N × e))), γ of Euler and Mascheroni.

    Args:
        trials: N, ≥ 1; one trial is no choice and gives 0.
        sharpe_variance: V, variance of the trials' Sharpe ratios, per period, ≥ 0.

    Raises:
        RequestError: out of range.
    """
    count = read_window("trials", trials)
    if not (math.isfinite(sharpe_variance) and sharpe_variance >= 0.0):
        raise RequestError("sharpe_variance", sharpe_variance, "a finite number, at least 0")
    if count == 1:
        return 0.0
    # The upper tail from below: 1 − 1 / N would be rounded to 1 for very many trials.
    largest = -_NORMAL.inv_cdf(1.0 / count)
    wider = -_NORMAL.inv_cdf(1.0 / (count * math.e))
    mixed = (1.0 - EULER_MASCHERONI) * largest + EULER_MASCHERONI * wider
    return math.sqrt(sharpe_variance) * max(mixed, 0.0)


def deflated_sharpe(evidence: SharpeEvidence, trials: int, sharpe_variance: float) -> float:
    """Probability that the true Sharpe ratio is above what choosing the best trial gives for free.

    The probabilistic Sharpe ratio with `expected_maximum_sharpe` as benchmark.

    Args:
        evidence: of the chosen trial's returns, per period.
        trials: number of independent trials it was chosen from, ≥ 1.
        sharpe_variance: variance of all trials' Sharpe ratios, per period, ≥ 0.

    Returns:
        In [0, 1]; never above the probabilistic ratio with benchmark 0.

    Raises:
        RequestError: out of range.
    """
    return probabilistic_sharpe(evidence, expected_maximum_sharpe(trials, sharpe_variance))


def deflated_sharpe_of_best(returns: npt.ArrayLike) -> float:
    """The deflated Sharpe ratio of the best of several trials over the same periods.

    Args:
        returns: per trial and period; shape (trials, T), trials ≥ 1. Trials whose returns are all
            equal count with a ratio of 0.

    Raises:
        RequestError: not two axes of finite numbers; no trial whose returns differ.
    """
    matrix = read_trials(returns)
    deviations = matrix.std(axis=1, ddof=1)
    means = matrix.mean(axis=1)
    moved = deviations > 1e-15
    ratios = np.where(moved, means / np.where(moved, deviations, 1.0), 0.0)
    best = int(np.argmax(np.where(moved, ratios, -np.inf)))
    variance = float(ratios.var(ddof=1)) if ratios.size > 1 else 0.0
    return deflated_sharpe(sharpe_evidence(matrix[best]), ratios.size, variance)


def read_trials(returns: npt.ArrayLike) -> FloatArray:
    """Checks a table of returns, one row a trial.

    Args:
        returns: shape (trials, T), trials ≥ 1, T ≥ 2.

    Raises:
        RequestError: another shape, or a number that is not finite; it is named.
    """
    matrix = np.asarray(returns, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 1 or matrix.shape[1] < 2:
        raise RequestError("returns", f"shape {matrix.shape}", "(trials, periods), at least (1, 2)")
    if not np.isfinite(matrix).all():
        trial, period = (int(at) for at in np.argwhere(~np.isfinite(matrix))[0])
        field = f"returns[{trial}, {period}]"
        raise RequestError(field, float(matrix[trial, period]), "finite numbers")
    return matrix
