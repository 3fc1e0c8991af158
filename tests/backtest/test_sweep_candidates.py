import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.swept import Crossing

from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep_candidates import ParameterGrid, drawn, whole_grid
from headwater.core.errors import RequestError

FAST = ParameterRange.of("fast", 2, 5)
SLOW = ParameterRange.of("slow", 3, 6)


def grid(*ranges: ParameterRange) -> ParameterGrid:
    return ParameterGrid.of(Crossing, ranges or (FAST, SLOW))


def test_a_grid_skips_and_counts_what_the_strategy_refuses() -> None:
    """Fast 2 … 5 × slow 3 … 6: of 16 pairs those with fast < slow are 4 + 3 + 2 + 1 = 10."""
    found = whole_grid(grid())
    pairs = [tuple(found.grid.swept(one).values()) for one in found.numbers.tolist()]
    assert pairs == [(f, s) for f in range(2, 6) for s in range(3, 7) if f < s]
    assert found.skipped == 6


def test_fixed_parameters_are_in_every_combination() -> None:
    found = ParameterGrid.of(Crossing, [FAST], {"slow": "50", "direction": "both"})
    assert found.parameters(1) == {"slow": 50, "direction": "both", "fast": 3}


@given(st.lists(st.integers(1, 7), min_size=1, max_size=3), st.data())
def test_numbers_and_places_are_each_other_s_inverse(
    counts: list[int], data: st.DataObject
) -> None:
    names = ["fast", "slow", "stop_loss"]
    some = [
        ParameterRange.of(name, 1, count) if name != "stop_loss"
        else ParameterRange.of(name, 0.01, 0.01 * count, 0.01)
        for name, count in zip(names, counts, strict=False)
    ]  # fmt: skip
    made = ParameterGrid(strategy=Crossing, ranges=tuple(some), fixed={})
    number = data.draw(st.integers(0, len(made) - 1))
    assert made.number(made.places(number)) == number
    assert made.places(number) == tuple(int(one) for one in np.unravel_index(number, made.shape))


def test_draws_are_distinct_allowed_and_the_same_for_a_seed() -> None:
    large = grid(ParameterRange.of("fast", 1, 400), ParameterRange.of("slow", 2, 401))
    first, again, other = (drawn(large, 50, seed).numbers.tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) == 50
    assert all(large.allows(one) for one in first)


def test_a_small_grid_is_drawn_whole() -> None:
    assert drawn(grid(), 1_000, 0).numbers.tolist() == whole_grid(grid()).numbers.tolist()


@pytest.mark.parametrize(
    ("ranges", "fixed", "told"),
    [
        ([], {}, "at least one range"),
        ([ParameterRange.of("speed", 1, 2)], {}, "fast, slow, direction"),
        ([FAST, FAST], {}, "not two"),
        ([FAST], {"fast": 3}, "not two"),
        ([ParameterRange.of("fast", 0, 2)], {}, "from 1 to 500"),
        ([FAST], {"slow": 900}, "from 2 to 500"),
    ],
)
def test_impossible_grids_are_refused(
    ranges: list[ParameterRange], fixed: dict[str, int], told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        ParameterGrid.of(Crossing, ranges, fixed)


def test_nothing_left_and_too_many_are_refused_with_their_numbers() -> None:
    with pytest.raises(RequestError, match="0 of 4"):
        whole_grid(grid(ParameterRange.of("fast", 9, 10), ParameterRange.of("slow", 3, 4)))
    # 250 × 4,991 values.
    many = ParameterRange.of("stop_loss", 0.001, 0.5, 0.0001)
    with pytest.raises(RequestError, match=r"1,247,750.*1,000,000"):
        whole_grid(grid(ParameterRange.of("fast", 1, 250), many))
    with pytest.raises(RequestError, match="samples"):
        drawn(grid(), 0, 1)


def test_the_order_keeps_neighbours_together_and_loses_none() -> None:
    """Tiles of two: all pairs of the first two fasts and slows come before the third of either."""
    found = whole_grid(grid(ParameterRange.of("fast", 1, 4), ParameterRange.of("slow", 10, 13)))
    order = found.order(2)
    assert sorted(order.tolist()) == list(range(16))
    pairs = [tuple(found.grid.swept(int(found.numbers[at])).values()) for at in order]
    assert pairs[:8] == [
        (1, 10), (1, 11), (2, 10), (2, 11), (1, 12), (1, 13), (2, 12), (2, 13),
    ]  # fmt: skip
