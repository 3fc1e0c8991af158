"""The equity of a run as a curve of few points, for results that are kept."""

from typing import Final

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray

__all__ = ["CURVE_POINTS_MAX", "curve_of"]

CURVE_POINTS_MAX: Final = 2_000
"""Most points of a curve: what a screen can show."""


def curve_of(
    timestamp_ms: IndexArray, equity: FloatArray, interval_ms: int
) -> list[tuple[int, float]]:
    """The equity as (ms, quote currency) at evenly spaced closes, the last one among them.

    Args:
        timestamp_ms: shape (≥ N,), opening times.
        equity: shape (N,), at the closes.
        interval_ms: length of a bar.
    """
    if not len(equity):
        return []
    count = min(len(equity), CURVE_POINTS_MAX)
    at = np.unique(np.linspace(0, len(equity) - 1, count).round().astype(np.int64))
    closes = timestamp_ms[at] + interval_ms
    return list(zip(closes.tolist(), equity[at].tolist(), strict=True))
