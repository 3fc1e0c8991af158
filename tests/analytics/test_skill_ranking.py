"""Orders of cells: golden values, chance, and indifference to how equal cells lie."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.skill_samples import ones, window

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.skill_cells import tabulate
from headwater.analytics.skill_ranking import (
    area_under_roc,
    average_precision,
    capture,
    ranking,
)

_cells = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.floats(0.5, 100.0)), min_size=2, max_size=60
).filter(lambda rows: len({row[1] for row in rows}) == 2)


def columns(rows: list[tuple[int, bool, float]]) -> tuple[FloatArray, BoolArray, FloatArray]:
    scores = np.array([row[0] for row in rows], dtype=float)
    wanted = np.array([row[1] for row in rows], dtype=bool)
    return scores, wanted, np.array([row[2] for row in rows]) * wanted


def test_capture_takes_its_part_of_cells_that_are_equal() -> None:
    """Of 20 cells the tenth is two. One leads with 30 USD; four follow equal with 40 altogether.

    The second cell is any of the four: 10 of their 40. Captured (30 + 10) / 100.
    """
    scores = np.array([9.0] + [5.0] * 4 + [1.0] * 15)
    usd = np.array([30.0, 40.0, 0.0, 0.0, 0.0] + [2.0] * 15)
    assert capture(scores, usd) == pytest.approx(0.4)
    assert capture(scores[::-1], usd[::-1]) == pytest.approx(0.4)


def test_average_precision_golden_value() -> None:
    """Order: wanted, not, wanted, and two equal of which one is wanted.

    Precision 1/1 at recall 1/3, 2/3 at 2/3, 3/5 at 1: (1 + 2/3 + 3/5) / 3 = 34/45.
    """
    scores = np.array([4.0, 3.0, 2.0, 1.0, 1.0])
    wanted = np.array([True, False, True, True, False])
    assert average_precision(scores, wanted) == pytest.approx(34 / 45)


def test_area_golden_value() -> None:
    """Wanted 4, 2, 1 against others 3, 1: pairs won 2, 1, 0 and one half of 6: 3.5 / 6."""
    scores = np.array([4.0, 3.0, 2.0, 1.0, 1.0])
    wanted = np.array([True, False, True, True, False])
    assert area_under_roc(scores, wanted) == pytest.approx(3.5 / 6)


@given(_cells)
def test_area_is_the_share_of_pairs_in_the_right_order(
    rows: list[tuple[int, bool, float]],
) -> None:
    scores, wanted, _ = columns(rows)
    ahead = np.sign(scores[wanted][:, None] - scores[~wanted][None, :])
    assert area_under_roc(scores, wanted) == pytest.approx(float((ahead.mean() + 1.0) / 2.0))


@given(_cells, st.randoms(use_true_random=False))
def test_how_cells_lie_changes_nothing(
    rows: list[tuple[int, bool, float]], shuffler: random.Random
) -> None:
    scores, wanted, usd = columns(rows)
    shuffler.shuffle(rows)
    other, wanted_too, usd_too = columns(rows)
    assert capture(scores, usd) == pytest.approx(capture(other, usd_too))
    assert average_precision(scores, wanted) == pytest.approx(average_precision(other, wanted_too))
    assert area_under_roc(scores, wanted) == pytest.approx(area_under_roc(other, wanted_too))


@given(_cells)
def test_all_cells_equal_is_chance(rows: list[tuple[int, bool, float]]) -> None:
    _, wanted, usd = columns(rows)
    flat = np.zeros(len(rows))
    assert capture(flat, usd) == pytest.approx(0.1)
    assert average_precision(flat, wanted) == pytest.approx(float(wanted.mean()))
    assert area_under_roc(flat, wanted) == pytest.approx(0.5)


@given(_cells)
def test_the_right_order_is_perfect(rows: list[tuple[int, bool, float]]) -> None:
    _, wanted, _ = columns(rows)
    right = wanted.astype(float)
    assert average_precision(right, wanted) == pytest.approx(1.0)
    assert area_under_roc(right, wanted) == pytest.approx(1.0)


def test_a_report_stands_beside_the_baseline() -> None:
    """Twenty cells, all USD in the first two and most in the first; the map knows, b is flat.

    The 90 % quantile of 18 zeros, 10 and 90 is between 0 and 10: 0.1 × 10 = 1 above the 18th, so
    both are large. By chance either kind is a tenth of the cells.
    """
    usd = np.zeros((2, 10))
    usd[0, :2] = 90.0, 10.0
    table = tabulate([window(usd, usd)], [np.ones((2, 10))])
    found = ranking(table)
    assert found is not None
    assert [found.capture, found.lift] == pytest.approx([1.0, 10.0])
    assert (found.hit.model, found.hit.baseline, found.hit.prevalence) == (1.0, 0.1, 0.1)
    assert found.large == found.hit
    assert found.area_gain == 0.5


def test_nothing_to_rank() -> None:
    for usd in (np.zeros((2, 2)), np.ones((2, 2))):
        one = window(np.ones((2, 2)), usd)
        assert ranking(tabulate([one], ones([one]))) is None
