"""The reference of the score: what somebody knows who knows only the distance from the price.

Liquidations crowd near the price whatever a map shows, so a map earns nothing by showing that. The
baseline learns, from the windows of the 30 days before and for each side, the mean USD liquidated
in a cell *of those windows that reached it*. Without that condition far cells, which price seldom
reaches, would seem poorer than they are, and any map with something far away would win bits that
it owes to the baseline's fault alone.

Assumes that the shape over distance is much the same from day to day. It is smoothed over
neighbouring distances (a Gaussian in the logarithm of the distance, `SMOOTHING` wide) and drawn
towards the side's mean where little was seen (`PRIOR_WINDOWS`): a ragged baseline is easy to beat.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.skill_windows import Window

LEARNING_MS: Final = 30 * 86_400_000
"""How far back the baseline looks from the time of issue."""
LEARNING_WINDOWS_MIN: Final = 100
"""Windows before a forecast without which there is no baseline for it."""
SMOOTHING: Final = 0.35
"""Standard deviation of the smoothing, in the natural logarithm of the distance."""
PRIOR_WINDOWS: Final = 5.0
"""Weight of the side's mean in each cell, in windows that reached it."""


def uniform_baseline(window: Window) -> FloatArray:
    """Every cell alike (B0): shape (2, cells), a reference for when there is nothing to learn."""
    return np.ones_like(window.realised_usd)


def distance_baselines(
    windows: Sequence[Window],
    *,
    learning_ms: int = LEARNING_MS,
    least_windows: int = LEARNING_WINDOWS_MIN,
) -> list[FloatArray | None]:
    """The distance-only baseline (B1) of each window, from earlier windows of its symbol.

    Args:
        windows: in any order, of any symbols. Those of one symbol share cells and width.
        learning_ms: earlier windows count that ended in this time up to the moment of issue.
        least_windows: with fewer there is no baseline, ≥ 1.

    Returns:
        For each window, in order: shape (2, cells), > 0, in proportion to USD per reached cell;
        None where too little came before.

    Raises:
        ValueError: windows of one symbol with different cells.
    """
    found: list[FloatArray | None] = [None] * len(windows)
    by_symbol: dict[str, list[int]] = {}
    for index, one in enumerate(windows):
        by_symbol.setdefault(one.forecast.symbol, []).append(index)
    for indices in by_symbol.values():
        rates = _of_symbol([windows[index] for index in indices], learning_ms, least_windows)
        for index, rate in zip(indices, rates, strict=True):
            found[index] = rate
    return found


def _of_symbol(
    windows: Sequence[Window], learning_ms: int, least_windows: int
) -> list[FloatArray | None]:
    """The same for windows of one symbol."""
    grids = {(one.reached.shape[1], one.forecast.cell_width) for one in windows}
    if len(grids) > 1:
        raise ValueError(f"{windows[0].forecast.symbol}: windows with {len(grids)} kinds of cells")
    ended = [one.forecast.issued_ms + one.forecast.horizon_ms for one in windows]
    order = sorted(range(len(windows)), key=ended.__getitem__)
    ended_ms: IndexArray = np.array([ended[index] for index in order], dtype=np.int64)
    usd = np.stack([windows[index].realised_usd for index in order])
    seen = np.stack([windows[index].reached for index in order]).astype(np.float64)
    weights = _weights(usd.shape[2])
    rates: list[FloatArray | None] = []
    for one in windows:
        issued_ms = one.forecast.issued_ms
        first, last = np.searchsorted(ended_ms, [issued_ms - learning_ms, issued_ms], side="right")
        if last - first < least_windows:
            rates.append(None)
        else:
            rates.append(_rate(usd[first:last].sum(axis=0), seen[first:last].sum(axis=0), weights))
    return rates


def _weights(cells: int) -> FloatArray:
    """How much each cell (columns) counts for each cell (rows), by distance, shape square."""
    logs = np.log(np.arange(cells) + 0.5)
    weights: FloatArray = np.exp(-0.5 * ((logs[:, None] - logs[None, :]) / SMOOTHING) ** 2)
    return weights


def _rate(usd: FloatArray, seen: FloatArray, weights: FloatArray) -> FloatArray:
    """Smoothed USD per reached cell, shape (2, cells); all 1 when nothing was liquidated at all.

    Args:
        usd: shape (2, cells), liquidated in windows that reached the cell.
        seen: shape (2, cells), how many did.
        weights: shape (cells, cells).
    """
    total = usd.sum()
    if total <= 0.0:
        return np.ones_like(usd)
    mean = total / seen.sum()
    side_mean = (usd.sum(axis=1) + PRIOR_WINDOWS * mean) / (seen.sum(axis=1) + PRIOR_WINDOWS)
    prior = PRIOR_WINDOWS * side_mean[:, None]
    rate: FloatArray = (usd @ weights.T + prior) / (seen @ weights.T + PRIOR_WINDOWS)
    return rate
