"""An account's value bar by bar, checked: what the performance figures are made from.

The account begins with its capital before the first bar; `equity[t]` is its value at the close of
bar t. An account is ruined at the first bar at whose close no more than 1e-30 of its capital is
left, or it owes money: what fees have eaten to a trillionth is poor and not ruined. Returns on
nothing are not defined, so no figure looks past that bar.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.core.errors import RequestError

DAY_MS: Final = 86_400_000
YEAR_DAYS: Final = 365
"""Days of a year: these markets never close."""
YEAR_MS: Final = YEAR_DAYS * DAY_MS

AMOUNT_MAX: Final = 1e100
"""Largest value of an account: squares of its returns stay finite."""
CAPITAL_MIN: Final = 1e-20
RUIN: Final = 1e-30
"""Part of the capital that is as good as nothing; squares of returns on more stay finite."""


def read_equity(equity: npt.ArrayLike, capital: float) -> tuple[FloatArray, int | None]:
    """Checks a curve and cuts it after the bar of ruin.

    Args:
        equity: value at the close of each bar, in cash; shape (n,).
        capital: value before the first bar, from 1e-20 to 1e100.

    Returns:
        The curve up to and including the bar of ruin, and that bar (None for a solvent account).

    Raises:
        RequestError: the capital is out of its range; a value is not finite or beyond ±1e100; or
            the curve has not one axis.
    """
    if not CAPITAL_MIN <= capital <= AMOUNT_MAX:
        raise RequestError("capital", capital, "an amount from 1e-20 to 1e100")
    try:
        curve = np.asarray(equity, dtype=np.float64)
    except (TypeError, ValueError):
        raise RequestError("equity", type(equity).__name__, "one axis of numbers") from None
    if curve.ndim != 1:
        raise RequestError("equity", f"shape {curve.shape}", "one axis of numbers")
    if not curve.size:
        return curve, None
    lowest = curve.min()
    if not (lowest >= -AMOUNT_MAX and curve.max() <= AMOUNT_MAX):
        at = int(np.argmin(np.abs(curve) <= AMOUNT_MAX))
        raise RequestError(f"equity[{at}]", float(curve[at]), "numbers between -1e100 and 1e100")
    if lowest > capital * RUIN:
        return curve, None
    ruin = int(np.argmax(curve <= capital * RUIN))
    return curve[: ruin + 1], ruin


def read_times(timestamps_ms: npt.ArrayLike, bars: int) -> IndexArray:
    """Checks the times of bars.

    Args:
        timestamps_ms: UTC milliseconds, strictly rising; shape (n,).
        bars: n.

    Raises:
        RequestError: another number of times than of bars, not whole, or not rising.
    """
    times = np.asarray(timestamps_ms)
    if times.shape != (bars,):
        raise RequestError("timestamps_ms", f"shape {times.shape}", f"one for each of {bars} bars")
    if times.dtype.kind not in "iu" and bars:
        raise RequestError("timestamps_ms", times.dtype, "whole milliseconds")
    times = times.astype(np.int64, copy=False)
    rising = times[1:] > times[:-1]
    if not rising.all():
        at = int(np.argmin(rising)) + 1
        raise RequestError(f"timestamps_ms[{at}]", int(times[at]), "later than the one before")
    return times


def bars_per_year(interval_ms: int) -> float:
    """Bars of a length in 365 days.

    Args:
        interval_ms: length of a bar, ≥ 1.

    Raises:
        RequestError: it is not.
    """
    if interval_ms < 1:
        raise RequestError("interval_ms", interval_ms, "at least 1 ms")
    return YEAR_MS / interval_ms
