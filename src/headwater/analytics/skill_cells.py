"""All reached cells of many windows as one table, the form in which everything is scored.

A cell has a share of its window in the map and in the baseline, and what was realised in it.
Shares are of the reached cells alone and sum to 1 in each window, so neither the scale of a map nor
how far price went carries over into the score.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.skill_windows import Window

SMOOTHING: Final = 0.05
"""ε: part of the baseline mixed into a map, so that one empty cell cannot cost infinite bits."""
HALF_SMOOTHING: Final = 0.5
"""ε of the blended gain: half map, half baseline. Asks whether a map adds anything, where the
headline asks whether it can stand by itself.
"""


class CellTable(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Reached cells, ordered by window.

    Attributes:
        symbols: symbol of each window.
        issued_ms: shape (windows,), ms since the epoch.
        horizon_ms: of all windows.
        window: shape (n,), which window a cell is of, ascending.
        ratio: shape (n,): p / b, how much likelier the smoothed map calls a USD here than the
            baseline does.
        baseline: shape (n,): b, the baseline's share, > 0.
        usd: shape (n,): realised USD.
        events: shape (n,): number of liquidations.
    """

    symbols: tuple[str, ...]
    issued_ms: IndexArray
    horizon_ms: int
    window: IndexArray
    ratio: FloatArray
    baseline: FloatArray
    usd: FloatArray
    events: IndexArray

    @property
    def share(self) -> FloatArray:
        """Shape (n,): p, the smoothed map's share."""
        share: FloatArray = self.ratio * self.baseline
        return share

    def per_window(self, amounts: FloatArray) -> FloatArray:
        """Sums an amount of each cell over the windows, shape (windows,)."""
        sums = np.bincount(self.window, weights=amounts, minlength=len(self.symbols))
        return sums.astype(np.float64)


def tabulate(
    windows: Sequence[Window], baselines: Sequence[FloatArray], smoothing: float = SMOOTHING
) -> CellTable:
    """Makes the table: p = (1 − ε)·F / ΣF + ε·b over the reached cells, b normalised on them.

    A map with nothing in the reached cells says nothing about them: there p = b.

    Args:
        windows: at least one, all of one horizon.
        baselines: one for each window, shape (2, cells), finite and > 0 in reached cells.
        smoothing: ε, in (0, 1].

    Raises:
        ValueError: no window, several horizons, or a baseline that is not positive.
    """
    horizons = {one.forecast.horizon_ms for one in windows}
    if len(horizons) != 1:
        raise ValueError(f"windows of {len(horizons)} horizons: must be of one")
    ratios: list[FloatArray] = []
    shares: list[FloatArray] = []
    for one, weights in zip(windows, baselines, strict=True):
        wanted = weights[one.reached]
        if not bool(np.all((wanted > 0.0) & (wanted < np.inf))):
            raise ValueError("a baseline must be finite and > 0 in every reached cell")
        base = _shares(wanted)
        if not bool(np.all(base > 0.0)):
            raise ValueError("a baseline's reached cells differ by more than a float can tell")
        mass = one.forecast.mass_usd[one.reached]
        said = _shares(mass) if bool(np.any(mass > 0.0)) else base
        ratios.append(smoothing + (1.0 - smoothing) * (said / base))
        shares.append(base)
    return CellTable(
        symbols=tuple(one.forecast.symbol for one in windows),
        issued_ms=np.array([one.forecast.issued_ms for one in windows], dtype=np.int64),
        horizon_ms=horizons.pop(),
        window=np.repeat(np.arange(len(windows)), [len(one) for one in shares]),
        ratio=np.concatenate(ratios),
        baseline=np.concatenate(shares),
        usd=np.concatenate([one.realised_usd[one.reached] for one in windows]),
        events=np.concatenate([one.events[one.reached] for one in windows]),
    )


def _shares(amounts: FloatArray) -> FloatArray:
    """Amounts ≥ 0, not all 0, as shares of their sum.

    Map and baseline both come through here, so that equal ones give a ratio of exactly 1. They are
    scaled by the largest first: a sum of huge amounts must not overflow.
    """
    scaled = amounts / amounts.max(initial=np.finfo(np.float64).tiny)
    shares: FloatArray = scaled / scaled.sum()
    return shares
