import numpy as np
import pytest
from tests.backtest.drives import bars_of, random_signals, walk

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.sparse import run_sparse
from headwater.backtest.sweep_tally import BLOCKS, Figure, block_edges, tally_of
from headwater.strategies.openings import Bracket


def test_blocks_are_even_and_cover_all_bars() -> None:
    assert block_edges(32).tolist() == list(range(0, 33, 2))
    for length in (1, 15, 16, 17, 100):
        edges = block_edges(length)
        assert (edges[0], edges[-1], len(edges)) == (0, length, BLOCKS + 1)
        assert set(np.diff(edges).tolist()) <= {length // BLOCKS, length // BLOCKS + 1}


def test_a_tally_by_hand() -> None:
    """Bought at 100 with 1,000 (no fee), closes 110 and 99, sold at 99: 1,100, 990, 990.

    Drawdown from 1,100: 990 / 1,100 − 1 = −0.1; returns 0, 0.1, −0.1, 0.
    """
    prices = [100.0, 110.0, 99.0, 99.0]
    bars = bars_of([100.0, 100.0, 110.0, 99.0], [110.0] * 4, [99.0] * 4, prices)
    signals = random_signals(0, bars, share=0.0)
    signals.enter_long[0] = signals.exit_long[2] = True
    outcome = run_sparse(bars, signals, Assumptions(initial_capital=1_000.0), bracket=Bracket())
    row, blocks = tally_of(outcome, 4)
    assert row[Figure.FINAL_EQUITY] == pytest.approx(990.0)
    assert row[Figure.MAX_DRAWDOWN] == pytest.approx(-0.1)
    assert row[Figure.RETURN_SUM] == pytest.approx(0.0, abs=1e-15)
    assert row[Figure.RETURN_SQUARES] == pytest.approx(0.02)
    assert row[Figure.GROSS_LOSS] == pytest.approx(10.0)
    assert row[Figure.GROSS_PROFIT] == row[Figure.WINS] == 0.0
    assert row[Figure.BARS_EXPOSED] == 2
    # Four bars in sixteen blocks: each stands alone, in the fourth of its four.
    assert blocks[[3, 7, 11, 15], 0] == pytest.approx([0.0, 0.1, -0.1, 0.0])
    assert np.count_nonzero(blocks) == 4


def test_blocks_sum_to_the_row() -> None:
    bars = walk(5, 501)
    outcome = run_sparse(bars, random_signals(6, bars, share=0.05), Assumptions())
    row, blocks = tally_of(outcome, len(bars))
    assert blocks.sum(axis=0).tolist() == [row[Figure.RETURN_SUM], row[Figure.RETURN_SQUARES]]
