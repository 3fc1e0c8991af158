"""Equity at every close from the few bars at which cash or position changed."""

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray
from headwater.analytics.indicator_series import BLOCK

__all__ = ["equity_of"]


def equity_of(
    at_bar: npt.ArrayLike, cash: npt.ArrayLike, held: npt.ArrayLike, close: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Cash and position marked at each close.

    Args:
        at_bar: bars at which the account changed, never falling; the first is 0. Of several
            changes within a bar the last one counts.
        cash: cash after each change, quote currency.
        held: base units held after each change.
        close: shape (N,), quote currency.

    Returns:
        Equity and base units held at each close, both of shape (N,).
    """
    starts = np.array(at_bar, dtype=np.int64)
    lengths = np.empty_like(starts)
    np.minimum(starts, len(close), out=starts)
    lengths[:-1] = np.diff(starts)
    lengths[-1] = len(close) - starts[-1]
    held_at: FloatArray = np.repeat(np.array(held, dtype=np.float64), lengths)
    equity: FloatArray = np.repeat(np.array(cash, dtype=np.float64), lengths)
    # By blocks, as memory for one more column would cost more than the sums.
    room = np.empty(min(BLOCK, len(close)))
    for start in range(0, len(close), BLOCK):
        block = slice(start, start + BLOCK)
        value = np.multiply(held_at[block], close[block], out=room[: len(close) - start])
        equity[block] += value
    return equity, held_at
