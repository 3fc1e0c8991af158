"""What a sweep keeps of one combination: some numbers, and sums of its returns by block.

Equity curves of a thousand combinations are gigabytes; their figures are a few kilobytes. Each
combination is one row of `Figure.COUNT` numbers, and, for the probability of over-fitting, the sum
and the sum of squares of its returns in each of 16 stretches of the bars.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.outcome import Outcome

__all__ = ["BLOCKS", "Figure", "block_edges", "tally_of"]

BLOCKS: Final = 16
"""Stretches of the bars whose returns are summed apart: as many as CSCV divides the past into."""


class Figure(IntEnum):
    """Places in the row of one combination."""

    FINAL_EQUITY = 0
    MAX_DRAWDOWN = 1
    RETURN_SUM = 2
    RETURN_SQUARES = 3
    BARS_RUN = 4
    CLOSED_TRADES = 5
    WINS = 6
    GROSS_PROFIT = 7
    GROSS_LOSS = 8
    BARS_EXPOSED = 9
    AMBIGUOUS_BARS = 10
    OPEN_TRADES = 11
    PENDING = 12
    INSOLVENT_BAR = 13
    COUNT = 14


def block_edges(length: int) -> IndexArray:
    """Where the blocks begin: shape (BLOCKS + 1,), from 0 to `length`, as even as can be."""
    edges: IndexArray = (np.arange(BLOCKS + 1, dtype=np.int64) * length) // BLOCKS
    return edges


def tally_of(outcome: Outcome, length: int) -> tuple[FloatArray, FloatArray]:
    """The row and the blocks of a run that has its equity curve.

    Args:
        outcome: of one run.
        length: number of bars of the series; the run may have ended sooner.

    Returns:
        Shape (Figure.COUNT,), and shape (BLOCKS, 2): sum and sum of squares of the returns, equity
        over the one before less 1, the first from the initial capital.
    """
    equity = outcome.equity
    before = np.concatenate(([outcome.initial_capital], equity[:-1]))
    returns = equity / before - 1.0 if len(equity) else np.empty(0)
    blocks = np.zeros((BLOCKS, 2))
    edges = block_edges(length)
    for at in range(BLOCKS):
        piece = returns[edges[at] : edges[at + 1]]
        blocks[at] = piece.sum(), np.square(piece).sum()
    pnl = outcome.trades.pnl()
    row = np.zeros(Figure.COUNT)
    row[Figure.FINAL_EQUITY] = outcome.final_equity
    if len(equity):
        peaks = np.maximum(np.maximum.accumulate(equity), outcome.initial_capital)
        row[Figure.MAX_DRAWDOWN] = min(0.0, float((equity / peaks - 1.0).min()))
    row[Figure.RETURN_SUM], row[Figure.RETURN_SQUARES] = blocks.sum(axis=0)
    row[Figure.BARS_RUN] = len(equity)
    row[Figure.CLOSED_TRADES] = len(pnl)
    row[Figure.WINS] = np.count_nonzero(pnl > 0.0)
    row[Figure.GROSS_PROFIT] = pnl[pnl > 0.0].sum()
    row[Figure.GROSS_LOSS] = -pnl[pnl < 0.0].sum()
    row[Figure.BARS_EXPOSED] = np.count_nonzero(outcome.held)
    row[Figure.AMBIGUOUS_BARS] = len(outcome.ambiguous_bars)
    row[Figure.OPEN_TRADES] = len(outcome.trades) - len(pnl)
    row[Figure.PENDING] = len(outcome.pending)
    row[Figure.INSOLVENT_BAR] = -1 if outcome.insolvent_bar is None else outcome.insolvent_bar
    return row, blocks
