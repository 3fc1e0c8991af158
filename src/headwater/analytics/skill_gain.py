"""Information gain: how many bits per liquidated USD a map knows beyond its baseline.

    IG = Σ y·log2(p / b) / Σ y      over all reached cells of all windows

y is what was realised, p the map's share and b the baseline's. 0: no better than the baseline;
0.1: a realised USD is 7 % likelier (in the geometric mean) where the map says. But for
the smoothing of p the score is proper: in the long run no map earns more than one that shows the
true shares. Source: information gain per
event as earthquake forecasts are judged (Collaboratory for the Study of Earthquake
Predictability), with USD in place of events.

Cascades are few and large, so two more weights stand beside USD: each liquidation 1, and USD with
no window above `WINDOW_SHARE_MAX` of all.
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.skill_cells import CellTable

DAY_MS: Final = 86_400_000
WINDOW_SHARE_MAX: Final = 0.01
"""Largest part of all weight that one window has in the capped gain."""


class Gain(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Information gain of many windows, not yet divided, so that windows can be drawn anew.

    Attributes:
        bits: shape (windows,): Σ y·log2(p / b) of each.
        weight: shape (windows,): Σ y of each, ≥ 0.
    """

    bits: FloatArray
    weight: FloatArray

    @property
    def value(self) -> float | None:
        """Bits per unit of weight; None where nothing happened."""
        total = float(self.weight.sum())
        return float(self.bits.sum()) / total if total > 0.0 else None


class DayGain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The gain of the windows issued on one day.

    Attributes:
        day_ms: beginning of the UTC day, ms since the epoch.
        bits: per unit of weight; None where nothing happened.
        weight: Σ y of the day.
    """

    day_ms: int
    bits: float | None
    weight: float


def usd_gain(table: CellTable) -> Gain:
    """Each realised USD counts the same: the headline."""
    return _weighted(table, table.usd)


def event_gain(table: CellTable) -> Gain:
    """Each liquidation counts the same, whatever its size."""
    return _weighted(table, table.events.astype(np.float64))


def capped_gain(table: CellTable) -> Gain:
    """USD, with each window's weight cut so that none has more than `WINDOW_SHARE_MAX` of all.

    With no more windows than that leaves room for (100), all that saw a liquidation weigh the same.
    """
    plain = usd_gain(table)
    weight = _capped(plain.weight)
    per_usd = np.divide(
        plain.bits, plain.weight, out=np.zeros_like(plain.bits), where=plain.weight > 0.0
    )
    return Gain(bits=per_usd * weight, weight=weight)


def largest_gain(table: CellTable) -> float | None:
    """The gain per USD of a map that knew the outcome, without smoothing; None without outcome."""
    total = table.per_window(table.usd)
    found = table.usd > 0.0
    shares = table.usd[found] / total[table.window[found]]
    bits = table.usd[found] * np.log2(shares / table.baseline[found])
    return float(bits.sum() / total.sum()) if total.sum() > 0.0 else None


def daily_gains(gain: Gain, issued_ms: IndexArray) -> tuple[DayGain, ...]:
    """A gain day by day, ascending; weighted by their weights they give the whole.

    Args:
        gain: of each window.
        issued_ms: shape (windows,), ms since the epoch.
    """
    days, which = np.unique(issued_ms // DAY_MS, return_inverse=True)
    bits = np.bincount(which, weights=gain.bits).tolist()
    weights = np.bincount(which, weights=gain.weight).tolist()
    return tuple(
        DayGain(
            day_ms=day * DAY_MS, bits=sum_bits / weight if weight > 0.0 else None, weight=weight
        )
        for day, sum_bits, weight in zip(days.tolist(), bits, weights, strict=True)
    )


def _weighted(table: CellTable, weights: FloatArray) -> Gain:
    """The gain with a weight for each cell."""
    return Gain(
        bits=table.per_window(weights * np.log2(table.ratio)), weight=table.per_window(weights)
    )


def _capped(weights: FloatArray) -> FloatArray:
    """Weights cut at the cap c for which c = `WINDOW_SHARE_MAX` × the sum of the cut weights.

    With the k largest cut and r the sum of the others, c = s·r / (1 − s·k); the smallest k fits
    for which none of the others is above c.
    """
    ordered = np.sort(weights[weights > 0.0])[::-1]
    room = round(1.0 / WINDOW_SHARE_MAX)
    rest = float(ordered.sum())
    for cut, largest in enumerate(ordered[:room].tolist()):
        cap = WINDOW_SHARE_MAX * rest / (1.0 - WINDOW_SHARE_MAX * cut)
        if largest <= cap:
            return np.minimum(weights, cap)
        rest -= largest
    # One for each: more equal than this no weights can be.
    return np.where(weights > 0.0, 1.0, 0.0)
