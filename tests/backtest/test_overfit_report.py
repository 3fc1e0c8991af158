"""The judgement beside the best row: of noise, of something real, and its two shortcuts."""

from itertools import pairwise

import numpy as np
import pytest
from tests.backtest.drives import bars_of, walk
from tests.backtest.swept import Crossing

from headwater.analytics.overfitting import deflated_sharpe_of_best
from headwater.analytics.overfitting_probability import overfitting_probability
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.overfit_report import OverfitReport, judged_probability, overfit_report
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.backtest.sweep_tally import BLOCKS, block_edges
from headwater.strategies.bars import Bars

RANGES = [ParameterRange.of("fast", 2, 8), ParameterRange.of("slow", 9, 30, 3)]


def report(bars: Bars) -> tuple[Sweep, OverfitReport]:
    sweep = Sweep(Crossing, bars, RANGES, Assumptions(fee_rate=0.0001))
    result = sweep.run()
    return sweep, overfit_report(result, sweep.task.outcome(result.best.parameters))


def trending(length: int) -> Bars:
    """Swings of 60 bars under a little noise: averages catch each of them."""
    chance = np.random.default_rng(1)
    at = np.arange(length)
    close = 100.0 * np.exp(0.1 * np.sin(at * 2 * np.pi / 60) + chance.normal(0, 1e-3, length))
    open_ = np.concatenate((close[:1], close[:-1]))
    return bars_of(open_, np.maximum(open_, close), np.minimum(open_, close), close)


def test_noise_is_called_over_fitted() -> None:
    found_of = [report(walk(seed, 2_000))[1] for seed in range(3, 13)]
    verdicts = [one.verdict for one in found_of]
    assert "unlikely" not in verdicts
    assert verdicts.count("likely") >= 6
    found = found_of[verdicts.index("likely")]
    assert found.words[0].startswith("Over-fitted: yes, likely")
    assert found.trials == found.judged_trials == 7 * 8
    assert found.chance_sharpe is not None
    assert found.deflated_sharpe is not None
    assert found.probabilistic_sharpe is not None
    assert found.deflated_sharpe < found.probabilistic_sharpe


def test_something_real_is_not() -> None:
    _, found = report(trending(2_000))
    assert found.verdict == "unlikely"
    assert found.deflated_sharpe == pytest.approx(1.0)
    assert found.overfit_probability is not None
    assert found.overfit_probability < 0.2
    assert found.loss_probability == 0.0


def test_the_deflated_ratio_is_that_of_the_whole_table_of_returns() -> None:
    sweep, found = report(walk(4, 500))
    returns = []
    for number in sweep.run().numbers.tolist():
        equity = sweep.task.outcome(sweep.grid.parameters(number)).equity
        returns.append(np.diff(equity, prepend=10_000.0) / np.r_[10_000.0, equity[:-1]])
    expected = deflated_sharpe_of_best(np.array(returns))
    assert found.deflated_sharpe == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_sums_of_blocks_give_the_probability_of_the_returns(seed: int) -> None:
    chance = np.random.default_rng(seed)
    length = 16 * 25
    returns = chance.normal(chance.normal(0, 0.002, (12, 1)), 0.01, (12, length))
    edges = block_edges(length)
    blocks = np.array(
        [
            [(row[a:b].sum(), np.square(row[a:b]).sum()) for a, b in pairwise(edges)]
            for row in returns
        ]
    )
    expected = overfitting_probability(returns, BLOCKS)
    probability, loss = judged_probability(blocks, length)
    assert probability == expected.probability
    assert loss == expected.loss_probability


def test_too_little_is_called_unknown() -> None:
    flat = [100.0] * 200
    _, found = report(bars_of(flat, flat, flat, flat))
    # No trade anywhere: every combination is as good as the other, and none is chosen by skill.
    assert (found.best_sharpe, found.deflated_sharpe, found.overfit_probability) == (None,) * 3
    assert found.verdict == "unknown"
    assert len(found.words) == 1
    assert judged_probability(np.zeros((1, BLOCKS, 2)), 500) == (None, None)
    assert judged_probability(np.zeros((5, BLOCKS, 2)), 31) == (None, None)
