"""What stands beside the best row of a sweep: how much of it is the choosing.

The deflated Sharpe ratio asks whether the best is better than the best of as many worthless
combinations would be; the probability of over-fitting asks how often what was best in half of the
time was below the middle in the other half (formulas and sources in `analytics/overfitting.py` and
`overfitting_probability.py`). Both are estimates: combinations that resemble each other make the
first too strict, and few bars make the second vague.
"""

import math
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.overfitting import (
    deflated_sharpe,
    expected_maximum_sharpe,
    probabilistic_sharpe,
    sharpe_evidence,
)
from headwater.analytics.overfitting_probability import overfitting_probability
from headwater.backtest.outcome import Outcome
from headwater.backtest.sweep_result import SweepResult
from headwater.backtest.sweep_tally import BLOCKS
from headwater.core.errors import RequestError

__all__ = ["OverfitReport", "judged_probability", "overfit_report"]

_SURE: Final = 0.95
_DOUBTFUL: Final = 0.75
_HALF: Final = 0.5
_LOW: Final = 0.2


class OverfitReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far the best row of a sweep is to be believed.

    Attributes:
        trials: combinations that the best was chosen from.
        best_sharpe: of the best row, annualised; None where its returns do not deviate.
        chance_sharpe: what the best of so many worthless combinations is expected to show,
            annualised; None where there are fewer than two with a Sharpe ratio.
        probabilistic_sharpe: probability that the true ratio of the best is above 0, choosing left
            aside.
        deflated_sharpe: probability that it is above `chance_sharpe`.
        overfit_probability: share of the splits of time in which the combination that was best
            inside was below the middle outside; None for fewer than two combinations or 32 bars.
        loss_probability: share of the splits in which it lost money outside.
        judged_trials: combinations whose blocks the probability was taken from.
        verdict: whether the best is over-fitted: `likely` (deflated ratio below 0.75, or
            probability of over-fitting from 0.5), `unlikely` (from 0.95, and below 0.2),
            `possible` between, `unknown` where nothing can be judged.
        words: what the figures mean, one sentence each.
    """

    trials: int
    best_sharpe: float | None
    chance_sharpe: float | None
    probabilistic_sharpe: float | None
    deflated_sharpe: float | None
    overfit_probability: float | None
    loss_probability: float | None
    judged_trials: int
    verdict: str
    words: tuple[str, ...]


def overfit_report(result: SweepResult, best: Outcome) -> OverfitReport:
    """Judges the best row of a sweep.

    Args:
        result: of the sweep.
        best: the run of its best row, for the shape of its returns.
    """
    trials = len(result)
    yearly = math.sqrt(result.bars_a_year) if result.bars_a_year else 1.0
    ratios = result.values("sharpe") / yearly
    ratios = ratios[np.isfinite(ratios)]
    variance = float(ratios.var(ddof=1)) if len(ratios) > 1 else None
    probabilistic = deflated = chance = sharpe = None
    try:
        evidence = sharpe_evidence(_returns(best))
        sharpe = evidence.sharpe * yearly
        probabilistic = probabilistic_sharpe(evidence)
        if variance is not None:
            chance = expected_maximum_sharpe(trials, variance) * yearly
            deflated = deflated_sharpe(evidence, trials, variance)
    except RequestError:
        # A best row without trades, or ruined: there is no ratio to judge.
        pass
    # Combinations of which the best did nothing have no order that could be judged.
    judged = result.blocks if sharpe is not None else result.blocks[:0]
    overfit, loss = judged_probability(judged, result.bars)
    verdict = _verdict(deflated, overfit)
    return OverfitReport(
        trials=trials,
        best_sharpe=sharpe,
        chance_sharpe=chance,
        probabilistic_sharpe=probabilistic,
        deflated_sharpe=deflated,
        overfit_probability=overfit,
        loss_probability=loss,
        judged_trials=len(judged),
        verdict=verdict,
        words=_words(trials, sharpe, chance, deflated, overfit, loss, verdict),
    )


def judged_probability(blocks: FloatArray, bars: int) -> tuple[float | None, float | None]:
    """Probability of over-fitting from the sums of returns by block.

    CSCV ranks combinations by the Sharpe ratio of half of the blocks. By its formula that order is
    the order of sign(S) × S² / Q, with S the sum and Q the sum of squares of the returns, whatever
    their number. So two returns stand for each block whose squares sum to its Q and which sum to
    its S times a number that is the same for all blocks: every rank and every sign stays.

    Args:
        blocks: shape (trials, BLOCKS, 2), sums and sums of squares.
        bars: that the returns are of.

    Returns:
        Probability of over-fitting and of a loss outside; None for fewer than two trials or fewer
        than two bars a block.
    """
    if len(blocks) < 2 or bars < 2 * BLOCKS:
        return None, None
    longest = -(-bars // BLOCKS)
    half = blocks[:, :, 0] * math.sqrt(2.0 / longest) / 2.0
    apart = np.sqrt(np.maximum(blocks[:, :, 1] / 2.0 - half * half, 0.0))
    pairs = np.stack((half - apart, half + apart), axis=2)
    estimate = overfitting_probability(pairs.reshape(len(blocks), 2 * BLOCKS), BLOCKS)
    return estimate.probability, estimate.loss_probability


def _returns(outcome: Outcome) -> FloatArray:
    before = np.concatenate(([outcome.initial_capital], outcome.equity[:-1]))
    returns: FloatArray = outcome.equity / before - 1.0
    return returns


def _verdict(deflated: float | None, overfit: float | None) -> str:
    """The worse of what the two say."""
    if deflated is None and overfit is None:
        return "unknown"
    if (deflated is not None and deflated < _DOUBTFUL) or (
        overfit is not None and overfit >= _HALF
    ):
        return "likely"
    if deflated is None or deflated < _SURE or overfit is None or overfit >= _LOW:
        return "possible"
    return "unlikely"


def _words(
    trials: int,
    sharpe: float | None,
    chance: float | None,
    deflated: float | None,
    overfit: float | None,
    loss: float | None,
    verdict: str,
) -> tuple[str, ...]:
    """What the figures mean, the conclusion first."""
    conclusion = {
        "likely": "Over-fitted: yes, likely. Do not expect the best row's figures again.",
        "possible": "Over-fitted: possibly. Expect less than the best row shows.",
        "unlikely": "Over-fitted: no sign of it here. The future may still differ.",
        "unknown": "Over-fitted: cannot be told from so few combinations, trades or bars.",
    }[verdict]
    words = [conclusion]
    if sharpe is not None and chance is not None and deflated is not None:
        words.append(
            f"The best of {trials:,} worthless combinations would show a Sharpe ratio of about "
            f"{chance:.2f}; this one shows {sharpe:.2f}. The probability that its true ratio is "
            f"above {chance:.2f} is {deflated:.0%} (deflated Sharpe ratio; 95% is convincing)."
        )
    if overfit is not None and loss is not None:
        words.append(
            f"In {overfit:.0%} of the ways to split the time in two halves, the combination that "
            "was best in one was below the middle in the other (probability of over-fitting; below "
            f"20% is good, 50% is what chance gives), and in {loss:.0%} it lost money there."
        )
    return tuple(words)
