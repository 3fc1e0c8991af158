"""The distance-only baseline: USD per reached cell, from the past alone."""

import numpy as np
import pytest
from tests.analytics.skill_samples import DAY_MS, HOUR_MS, random_windows, window

from headwater.analytics.arrays import FloatArray
from headwater.analytics.skill_baseline import (
    LEARNING_WINDOWS_MIN,
    distance_baselines,
    uniform_baseline,
)
from headwater.analytics.skill_windows import Window


def learnt(baseline: FloatArray | None) -> FloatArray:
    assert baseline is not None
    return baseline


def test_far_cells_are_not_poorer_for_being_reached_seldom() -> None:
    """Every reached cell has 100 USD, and cell j is reached in a window in j + 1: all rates equal.

    Σ y / windows would fall from 100 to 12.5 over the eight cells; Σ y / reached is 100.
    """
    made: list[Window] = []
    for index in range(240):
        reached = np.array([[index % (cell + 1) == 0 for cell in range(8)]] * 2)
        made.append(
            window(np.ones((2, 8)), 100.0 * reached, reached=reached, issued_ms=index * HOUR_MS)
        )
    np.testing.assert_allclose(learnt(distance_baselines(made)[-1]), 100.0, rtol=1e-9)


def test_it_learns_the_shape_over_distance_of_each_side() -> None:
    """Longs only near, shorts only far: the baseline says so, and stays positive everywhere."""
    near_and_far = [[900.0, 90.0, 9.0, 0.9], [0.9, 9.0, 90.0, 900.0]]
    made = [window(np.ones((2, 4)), near_and_far, issued_ms=n * HOUR_MS) for n in range(150)]
    rate = learnt(distance_baselines(made)[-1])
    assert bool((np.diff(rate[0]) < 0.0).all())
    assert bool((np.diff(rate[1]) > 0.0).all())
    assert bool((rate > 0.0).all())


def test_the_future_and_the_window_itself_teach_nothing() -> None:
    """Changing what is realised from the 120th window on leaves its baseline as it was.

    A window counts once it is over: of those issued hourly with a horizon of an hour, the one
    before.
    """
    rng = np.random.default_rng(5)
    made = random_windows(rng, days=10, per_day=24)
    other = [
        one if index < 120 else window(np.ones((2, 12)), np.full((2, 12), 1e9),
                                       issued_ms=one.forecast.issued_ms)
        for index, one in enumerate(made)
    ]  # fmt: skip
    before, after = distance_baselines(made), distance_baselines(other)
    np.testing.assert_array_equal(learnt(before[120]), learnt(after[120]))
    assert not np.array_equal(learnt(before[121]), learnt(after[121]))


def test_too_little_before_gives_none_and_old_windows_are_forgotten() -> None:
    rng = np.random.default_rng(6)
    made = random_windows(rng, days=10, per_day=24)
    found = distance_baselines(made)
    assert [one is None for one in found] == [True] * LEARNING_WINDOWS_MIN + [False] * 140
    # A day holds 24 windows: never as many as are wanted.
    assert distance_baselines(made, learning_ms=DAY_MS) == [None] * 240


def test_symbols_learn_by_themselves() -> None:
    rng = np.random.default_rng(7)
    made = random_windows(rng, days=6, per_day=24)
    rich = [
        window(np.ones((2, 12)), one.realised_usd[:, ::-1] * 1e6, issued_ms=one.forecast.issued_ms,
               symbol="ETHUSDT")
        for one in made
    ]  # fmt: skip
    alone = distance_baselines(made)
    mixed = distance_baselines([one for pair in zip(made, rich, strict=True) for one in pair])
    np.testing.assert_array_equal(learnt(alone[-1]), learnt(mixed[-2]))


def test_windows_without_any_liquidation_teach_that_all_cells_are_alike() -> None:
    made = [window(np.ones((2, 3)), np.zeros((2, 3)), issued_ms=n * HOUR_MS) for n in range(120)]
    np.testing.assert_array_equal(learnt(distance_baselines(made)[-1]), np.ones((2, 3)))
    np.testing.assert_array_equal(uniform_baseline(made[0]), np.ones((2, 3)))


def test_cells_of_different_widths_do_not_mix() -> None:
    one = window(np.ones((2, 3)), np.ones((2, 3)))
    two = window(np.ones((2, 3)), np.ones((2, 3)), cell_width=0.0025)
    with pytest.raises(ValueError, match="BTCUSDT: windows with 2 kinds of cells"):
        distance_baselines([one, two])
