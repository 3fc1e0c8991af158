"""What a map's order of cells is worth: capture, average precision, area under the ROC curve.

Companions of the information gain, easier to picture and easier to fool: they ignore how much a map
says and look good from distance alone. So each stands beside what the baseline or chance gets.
Cells that a map calls equal are taken as in no order, never in the one they happen to lie in.

Sources: predictive accuracy index of hot-spot maps for capture and lift; Mann and Whitney's
statistic for the area; precision at each threshold, weighted by the recall it adds, for average
precision.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.skill_cells import CellTable

CAPTURE_SHARE: Final = 0.1
"""Part of the reached cells whose USD are captured."""
LARGE_QUANTILE: Final = 0.9
"""Cells with at least this quantile of realised USD (and more than 0) are the large ones."""


class Precision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Average precision for one kind of cell, 0 to 1.

    Attributes:
        model: of the map's order.
        baseline: of the baseline's order.
        prevalence: share of the reached cells that are of the kind: what any order gets by chance.
    """

    model: float
    baseline: float
    prevalence: float


class Ranking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How well a map orders the reached cells.

    Attributes:
        capture: share of realised USD in the tenth of the reached cells with the highest p / b.
        lift: capture / 0.1; 1 is chance.
        hit: average precision for cells with any liquidation.
        large: the same for the large ones.
        area_gain: area under the ROC curve for cells with any liquidation, the map's minus the
            baseline's, -1 to 1; 0 is no better than distance.
    """

    capture: float
    lift: float
    hit: Precision
    large: Precision
    area_gain: float


def ranking(table: CellTable) -> Ranking | None:
    """Orders all reached cells by the map and by the baseline.

    Returns:
        None when nothing was liquidated in a reached cell, or something was in every one.
    """
    hit = table.usd > 0.0
    if bool(hit.all()) or not bool(hit.any()):
        return None
    large = hit & (table.usd >= np.quantile(table.usd, LARGE_QUANTILE))
    captured = capture(table.ratio, table.usd)
    return Ranking(
        capture=captured,
        lift=captured / CAPTURE_SHARE,
        hit=_precision(table, hit),
        large=_precision(table, large),
        area_gain=area_under_roc(table.share, hit) - area_under_roc(table.baseline, hit),
    )


def capture(scores: FloatArray, usd: FloatArray) -> float:
    """Share of all USD in the tenth of the cells with the highest scores.

    Where the tenth ends among equal scores, it has its part of all of them.

    Args:
        scores: shape (n,).
        usd: shape (n,), ≥ 0, with a sum > 0.
    """
    cells, sums = _cumulative(scores, usd)
    return float(np.interp(CAPTURE_SHARE * cells[-1], cells, sums) / sums[-1])


def average_precision(scores: FloatArray, wanted: BoolArray) -> float:
    """Mean precision over the thresholds, each weighted by the recall that it adds.

    Args:
        scores: shape (n,).
        wanted: shape (n,), at least one of them true.
    """
    cells, found = _cumulative(scores, wanted.astype(np.float64))
    return float(np.sum(np.diff(found) * found[1:] / cells[1:]) / found[-1])


def area_under_roc(scores: FloatArray, wanted: BoolArray) -> float:
    """Chance that a wanted cell has a higher score than another one, equal scores being half.

    Args:
        scores: shape (n,).
        wanted: shape (n,), neither all true nor all false.
    """
    cells, found = _cumulative(scores, wanted.astype(np.float64))
    others = cells - found
    area = np.sum(np.diff(others) * (found[1:] + found[:-1]) / 2.0)
    return float(area / (found[-1] * others[-1]))


def _precision(table: CellTable, wanted: BoolArray) -> Precision:
    """Average precision of both orders."""
    return Precision(
        model=average_precision(table.share, wanted),
        baseline=average_precision(table.baseline, wanted),
        prevalence=float(wanted.mean()),
    )


def _cumulative(scores: FloatArray, amounts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cells and amounts down to each distinct score, highest first, both beginning with 0."""
    _, level = np.unique(-scores, return_inverse=True)
    cells = np.concatenate([[0.0], np.cumsum(np.bincount(level))])
    sums = np.concatenate([[0.0], np.cumsum(np.bincount(level, weights=amounts))])
    return cells, sums
