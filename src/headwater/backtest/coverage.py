"""How much of its span a set of bars covers: which bars of the grid are not there."""

from typing import Final

import msgspec
import numpy as np

from headwater.strategies.bars import Bars

__all__ = ["HOLES_MAX", "Coverage", "MissingBars", "coverage_of"]

HOLES_MAX: Final = 1_000
"""Most holes that are listed; all are counted."""


class MissingBars(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A hole: bars that follow each other and are not there.

    Attributes:
        from_ms: opening time of the first missing bar, ms since the epoch.
        to_ms: opening time of the first bar that is there again.
        bars: how many are missing, ≥ 1.
    """

    from_ms: int
    to_ms: int
    bars: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What a back-test had to go by.

    Attributes:
        bars: how many there are.
        first_ms: opening time of the first, ms since the epoch; None without bars.
        last_ms: opening time of the last.
        interval_ms: length of a bar; 0 when there are fewer than two.
        holes: how many stretches of bars are missing.
        missing_bars: how many bars are missing altogether.
        missing: the first `HOLES_MAX` holes, oldest first.
    """

    bars: int
    first_ms: int | None
    last_ms: int | None
    interval_ms: int
    holes: int = 0
    missing_bars: int = 0
    missing: tuple[MissingBars, ...] = ()


def coverage_of(bars: Bars) -> Coverage:
    """What is there and what is missing, by the grid of the bars' interval.

    A bar is missing where two neighbours are at least two intervals apart. Months differ in length:
    of monthly bars, whose interval is the shortest month, every real hole is found all the same.
    """
    times, interval_ms = bars.timestamp_ms, bars.interval_ms
    if not len(times):
        return Coverage(bars=0, first_ms=None, last_ms=None, interval_ms=interval_ms)
    lacking = np.diff(times) // interval_ms - 1 if interval_ms > 0 else np.zeros(0, dtype=np.int64)
    after = np.flatnonzero(lacking > 0)
    listed = after[:HOLES_MAX]
    return Coverage(
        bars=len(times),
        first_ms=int(times[0]),
        last_ms=int(times[-1]),
        interval_ms=interval_ms,
        holes=len(after),
        missing_bars=int(lacking[after].sum()),
        missing=tuple(
            MissingBars(from_ms=before + interval_ms, to_ms=again, bars=count)
            for before, again, count in zip(
                times[listed].tolist(),
                times[listed + 1].tolist(),
                lacking[listed].tolist(),
                strict=True,
            )
        ),
    )
