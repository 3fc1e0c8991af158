"""Bars to test strategies on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from headwater.strategies.bars import Bars

T0 = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""

HOUR = 3_600_000


def bars_of(
    closes: Sequence[float],
    *,
    opens: Sequence[float] | None = None,
    extras: Mapping[str, Any] | None = None,
    step_ms: int = HOUR,
) -> Bars:
    """Bars with these closes, each opening at the close before, high and low around both."""
    close = np.array(closes, dtype=np.float64)
    opened = np.concatenate((close[:1], close[:-1])) if opens is None else np.array(opens, float)
    return Bars.from_columns(
        T0 + np.arange(len(close), dtype=np.int64) * step_ms,
        {
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": np.ones(len(close)),
        },
        symbol="BTCUSDT",
        extras=extras,
    )


def closes(least: int = 1, most: int = 120) -> st.SearchStrategy[list[float]]:
    """Closes with many ties, flat stretches and jumps: what breaks comparisons."""
    tick = st.integers(90, 110).map(float)
    odd = st.floats(1.0, 1_000.0, allow_nan=False).map(lambda one: round(one, 3))
    return st.lists(st.one_of(tick, tick, odd), min_size=least, max_size=most)
