"""Probability of back-test over-fitting by combinatorially symmetric cross-validation.

Time is cut into S blocks of equal length. For every choice of S / 2 of them the trial with the best
Sharpe ratio inside is looked up in the ranking of the rest. Over-fitting is when it is in the lower
half there. Source: Bailey, Borwein, López de Prado and Zhu 2017 (doi 10.21314/JCF.2016.322).

The estimate assumes that returns of different blocks do not depend on each other, and judges the
way of choosing (best Sharpe ratio of these trials), not the chosen strategy.
"""

import math
from collections.abc import Iterator
from itertools import combinations, islice
from typing import Final, SupportsIndex

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.indicator_series import read_window
from headwater.analytics.overfitting import read_trials
from headwater.core.errors import RequestError

BLOCKS_MAX: Final = 20
"""More would make more than 184,756 choices."""

_CELLS: Final = 250_000


class OverfittingEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the splits of time say about a choice.

    Attributes:
        probability: part of the splits in which the best trial inside was in the lower half
            outside (logit ≤ 0).
        splits: number of splits, C(S, S / 2).
        median_logit: median of ln(w / (1 − w)), w the rank outside / (trials + 1).
        loss_probability: part of the splits in which the chosen trial lost outside.
        dropped_periods: periods at the end that no block holds, as S does not divide them.
    """

    probability: float
    splits: int
    median_logit: float
    loss_probability: float
    dropped_periods: int


def overfitting_probability(
    returns: npt.ArrayLike, blocks: SupportsIndex = 16
) -> OverfittingEstimate:
    """Estimates how often choosing the best Sharpe ratio chooses a below-average trial.

    Equal ratios share their rank, and equally good best trials their splits, so that the order of
    trials makes no difference.

    Args:
        returns: per trial and period; shape (trials, T), trials ≥ 2, T ≥ 2 × blocks.
        blocks: S, even, 2 to 20.

    Returns:
        The estimate. Working memory is bounded: splits are taken a few at a time.

    Raises:
        RequestError: shape or number of blocks out of range; a number that is not finite.
    """
    matrix = read_trials(returns)
    count = read_window("blocks", blocks, least=2)
    if count % 2 or count > BLOCKS_MAX:
        raise RequestError("blocks", count, f"an even number from 2 to {BLOCKS_MAX}")
    trials, periods = matrix.shape
    length = periods // count
    if trials < 2 or length < 2:
        allowed = f"at least 2 trials and {2 * count} periods"
        raise RequestError("returns", f"shape {matrix.shape}", allowed)
    # Reckoned from each trial's mean, sums of squares keep their digits.
    centres = matrix.mean(axis=1, keepdims=True)
    cut = (matrix - centres)[:, : count * length].reshape(trials, count, length)
    sums, squares = cut.sum(axis=2), np.square(cut).sum(axis=2)
    ratios = _HalfRatios(sums, squares, centres[:, 0], length * count // 2)
    logits, weights, losses = [], [], []
    for inside in _choices(count, max(1, _CELLS // trials)):
        logit, weight, lost = _judge(ratios.of(inside), ratios.of(~inside))
        logits.append(logit)
        weights.append(weight)
        losses.append(lost)
    return _estimate(
        np.concatenate(logits), np.concatenate(weights), math.fsum(losses), periods - count * length
    )


class _HalfRatios:
    """Sharpe ratios of every trial over half of the blocks.

    Args:
        sums: of the distances from each trial's centre; shape (trials, blocks).
        squares: of their squares; shape (trials, blocks).
        centres: shape (trials,).
        periods: in half of the blocks.
    """

    def __init__(
        self, sums: FloatArray, squares: FloatArray, centres: FloatArray, periods: int
    ) -> None:
        self._sums, self._squares, self._centres = sums, squares, centres
        self._periods = periods

    def of(self, chosen: BoolArray) -> FloatArray:
        """Mean / deviation (ddof = 1); 0 where nothing moved.

        Args:
            chosen: shape (splits, blocks).

        Returns:
            Shape (splits, trials).
        """
        total = np.zeros((chosen.shape[0], self._sums.shape[0]))
        squared = np.zeros_like(total)
        # Block by block: a trial's ratio does not depend on where it stands among the others.
        for block in range(chosen.shape[1]):
            held = chosen[:, block]
            total[held] += self._sums[:, block]
            squared[held] += self._squares[:, block]
        mean = total / self._periods
        squared -= total * mean
        variance = np.maximum(squared, 0.0) / (self._periods - 1)
        mean += self._centres
        deviation = np.sqrt(variance)
        moved = deviation > 1e-15
        ratios: FloatArray = np.where(moved, mean / np.where(moved, deviation, 1.0), 0.0)
        return ratios


def _choices(blocks: int, at_once: int) -> Iterator[BoolArray]:
    """Half of the blocks in every way, some ways at a time; shape (splits, blocks)."""
    ways = combinations(range(blocks), blocks // 2)
    while some := list(islice(ways, at_once)):
        chosen = np.zeros((len(some), blocks), np.bool_)
        np.put_along_axis(chosen, np.array(some), True, axis=1)
        yield chosen


def _judge(inside: FloatArray, outside: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Logits of the chosen trials, each one's weight in its split, and the weight of losses."""
    trials = inside.shape[1]
    best = inside == inside.max(axis=1, keepdims=True)
    weights = best / best.sum(axis=1, keepdims=True)
    split, trial = np.nonzero(best)
    own = outside[split, trial]
    below, equal = np.empty(own.size), np.empty(own.size)
    step = max(1, _CELLS // trials)
    for start in range(0, own.size, step):
        part = slice(start, start + step)
        others = outside[split[part]]
        below[part] = (others < own[part, None]).sum(axis=1)
        equal[part] = (others == own[part, None]).sum(axis=1)
    # Rank 1 is the worst; equals share the mean of their ranks.
    rank = (below + (equal + 1.0) / 2.0) / (trials + 1)
    weight = weights[split, trial]
    return np.log(rank / (1.0 - rank)), weight, float(weight[own < 0.0].sum())


def _estimate(
    logits: FloatArray, weights: FloatArray, losses: float, dropped: int
) -> OverfittingEstimate:
    order = np.argsort(logits, kind="stable")
    reached = np.cumsum(weights[order])
    splits = round(float(reached[-1]))
    middle = int(np.searchsorted(reached, splits / 2.0 - 1e-9))
    return OverfittingEstimate(
        # Rounding must not decide about the middle rank itself.
        probability=min(1.0, float(weights[logits <= 1e-12].sum()) / splits),
        splits=splits,
        median_logit=float(logits[order[middle]]),
        loss_probability=min(1.0, losses / splits),
        dropped_periods=dropped,
    )
