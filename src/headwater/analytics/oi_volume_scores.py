"""Scores of one reading against the ones before it: four methods, one unit, the standard deviation.

Every function takes the tested value and the readings *before* it, so that a reading is never part
of what it is measured with, and gives a signed score or None when the readings do not vary. No
function knows what the numbers mean. Sources: classic z-score; Iglewicz and Hoaglin 1993 and Leys
et al. 2013 (doi 10.1016/j.jesp.2013.03.013) for median and MAD; Roberts 1959 for the weighted mean.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

MAD_FACTOR: Final = 0.6745
"""Third quartile of the standard normal: MAD × 1/0.6745 estimates a standard deviation."""
MEAN_DEVIATION_FACTOR: Final = 1.2533
"""√(π/2): the mean absolute deviation × 1.2533 estimates a standard deviation."""
SPREAD_MIN: Final = 1e-12
"""Least spread, relative to the largest reading, that counts as one: below it is float rounding."""
EWMA_SEED: Final = 20
"""Readings from which the weighted figures start."""
EWMA_CLIP_SD: Final = 3.0
"""A reading moves the weighted figures as if it were at most this many deviations away."""


def classic_score(value: float, prior: Sequence[float]) -> float | None:
    """(value − mean) / sample standard deviation of `prior`.

    Args:
        value: the tested reading.
        prior: readings before it, at least two; their order does not matter.

    Returns:
        The score; None for fewer than two readings or readings without spread.
    """
    count = len(prior)
    if count < 2:
        return None
    mean = math.fsum(prior) / count
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in prior) / (count - 1))
    return _score(value - mean, spread, prior)


def robust_score(value: float, prior: Sequence[float]) -> float | None:
    """0.6745 (value − median) / MAD of `prior`; where MAD is 0, mean absolute deviation × 1.2533.

    A few extreme readings in `prior` hardly move it: up to half of them may be wild.

    Args:
        value: the tested reading.
        prior: readings before it.

    Returns:
        The score; None for fewer than two readings or readings without spread.
    """
    centre_and_spread = _robust_figures(prior)
    if centre_and_spread is None:
        return None
    centre, spread = centre_and_spread
    return _score(value - centre, spread, prior)


def ewma_score(value: float, prior: Sequence[float], half_life: float) -> float | None:
    """(value − mean) / deviation with exponentially weighted figures of `prior`.

    The figures start from median and MAD of the oldest readings (`EWMA_SEED` of them, more while
    those do not vary), then follow each reading, cut to `EWMA_CLIP_SD` deviations: a burst is
    learnt from, but cannot poison them.

    Args:
        value: the tested reading.
        prior: readings before it, oldest first.
        half_life: readings after which a reading weighs half, > 0.

    Returns:
        The score; None for fewer than `EWMA_SEED` readings or readings without spread.
    """
    seed = EWMA_SEED
    figures = None
    while figures is None and seed <= len(prior):
        figures = _robust_figures(prior[:seed])
        if figures is None:
            seed += EWMA_SEED
    if figures is None:
        return None
    mean, spread = figures
    weight = 1.0 - 0.5 ** (1.0 / half_life)
    variance = spread * spread
    for one in prior[seed:]:
        limit = EWMA_CLIP_SD * math.sqrt(variance)
        step = min(max(one - mean, -limit), limit)
        mean += weight * step
        variance = (1.0 - weight) * (variance + weight * step * step)
    return _score(value - mean, math.sqrt(variance), prior)


def _robust_figures(prior: Sequence[float]) -> tuple[float, float] | None:
    """Median and an estimate of the standard deviation; None without spread."""
    if len(prior) < 2:
        return None
    centre = median(prior)
    away = [abs(one - centre) for one in prior]
    least = SPREAD_MIN * max(map(abs, prior))
    spread = median(away) / MAD_FACTOR
    if spread <= least:
        spread = MEAN_DEVIATION_FACTOR * math.fsum(away) / len(away)
    return (centre, spread) if spread > least else None


def _score(away: float, spread: float, prior: Sequence[float]) -> float | None:
    """`away` in units of `spread`; None when there is no spread or no finite answer."""
    if spread <= SPREAD_MIN * max(map(abs, prior)):
        return None
    score = away / spread
    return score if math.isfinite(score) else None
