import math
from itertools import combinations

import numpy as np
import pytest

from headwater.analytics.arrays import FloatArray
from headwater.analytics.overfitting_probability import overfitting_probability
from headwater.core.errors import RequestError


def test_worked_by_hand() -> None:
    # Two blocks of two periods, two trials. Ratios in block 0: 2 / sqrt(2) and 0; in block 1: 0
    # and 2 / sqrt(2). Whichever half is inside, its best trial is the worse one outside: rank 1 of
    # 2, w = 1/3, logit ln(1/2); its mean outside is 0, no loss.
    found = overfitting_probability([[1.0, 3.0, -1.0, 1.0], [-1.0, 1.0, 1.0, 3.0]], 2)
    assert (found.probability, found.splits, found.loss_probability) == (1.0, 2, 0.0)
    assert found.median_logit == pytest.approx(-math.log(2.0))
    # The same trial is the better one in both blocks: rank 2 of 2.
    found = overfitting_probability([[1.0, 3.0, 1.0, 3.0], [-1.0, 1.0, -1.0, 1.0]], 2)
    assert found.probability == 0.0
    assert found.median_logit == pytest.approx(math.log(2.0))


def _plain(table: FloatArray, blocks: int) -> float:
    """The definition split by split, for tables without ties."""
    parts = np.split(table, blocks, axis=1)
    low = 0
    ways = list(combinations(range(blocks), blocks // 2))
    for way in ways:
        inside = np.concatenate([parts[at] for at in way], axis=1)
        outside = np.concatenate([parts[at] for at in range(blocks) if at not in way], axis=1)
        ratios = inside.mean(axis=1) / inside.std(axis=1, ddof=1)
        others = outside.mean(axis=1) / outside.std(axis=1, ddof=1)
        rank = 1 + int((others < others[int(np.argmax(ratios))]).sum())
        low += rank / (table.shape[0] + 1) <= 0.5
    return low / len(ways)


@pytest.mark.parametrize("seed", range(6))
def test_the_definition_split_by_split(seed: int) -> None:
    table = np.random.default_rng(seed).normal(0.1, 1.0, (5 + seed, 80))
    assert overfitting_probability(table, 8).probability == pytest.approx(_plain(table, 8))


def test_noise_is_over_fitted_half_of_the_time_and_skill_is_not() -> None:
    draw = np.random.default_rng(42)
    tables = [draw.normal(0.0, 0.01, (20, 320)) for _ in range(40)]
    found = [overfitting_probability(table, 8).probability for table in tables]
    assert 0.4 < float(np.mean(found)) < 0.6
    table = draw.normal(0.0, 0.01, (60, 1_600))
    table[17] += 0.003
    skilled = overfitting_probability(table)
    assert skilled.splits == math.comb(16, 8)
    assert skilled.probability < 0.01
    assert skilled.median_logit > 2.0


def test_the_order_of_trials_makes_no_difference() -> None:
    draw = np.random.default_rng(3)
    table = draw.normal(0.0, 1.0, (12, 64))
    table[4:8] = table[0]
    first = overfitting_probability(table, 8)
    second = overfitting_probability(table[draw.permutation(12)], 8)
    assert second.probability == pytest.approx(first.probability, abs=1e-12)
    assert second.median_logit == pytest.approx(first.median_logit)


def test_periods_that_fill_no_block_are_counted() -> None:
    table = np.random.default_rng(3).normal(0.0, 1.0, (3, 35))
    found = overfitting_probability(table, 4)
    assert found.dropped_periods == 3
    assert found.probability == overfitting_probability(table[:, :32], 4).probability


@pytest.mark.parametrize(
    ("shape", "blocks"), [((1, 64), 4), ((3, 7), 4), ((3, 64), 3), ((3, 64), 22), ((3, 64), 0)]
)
def test_tables_and_blocks_out_of_range_are_refused(shape: tuple[int, int], blocks: int) -> None:
    with pytest.raises(RequestError):
        overfitting_probability(np.random.default_rng(1).normal(0.0, 1.0, shape), blocks)
