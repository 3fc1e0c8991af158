"""The count of a rolling window, against a list that keeps everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.transport.rolling_budget import RollingBudget

Step = tuple[float, int]


@given(
    st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(1, 50)), min_size=1, max_size=60),
    st.floats(0.0, 1e6),
)
def test_no_window_holds_more_than_the_limit(steps: list[Step], start: float) -> None:
    """Each weight is taken at the earliest time allowed; laid anywhere, a window stays within."""
    budget = RollingBudget(50, 60.0, pad_s=1.0)
    now = start
    taken: list[tuple[float, int]] = []
    for pause_s, weight in steps:
        now = budget.free_at(now + pause_s, weight)
        budget.take(now, weight)
        taken.append((now, weight))
        assert budget.used(now) <= 50
    for began, _ in taken:
        assert sum(weight for at, weight in taken if began <= at < began + 60.0) <= 50


@given(st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(1, 50)), min_size=1, max_size=60))
def test_no_weight_waits_much_longer_than_it_must(steps: list[Step]) -> None:
    """The safe side is less than two slots and the pad away from an exact count."""
    budget = RollingBudget(50, 60.0)
    now = 0.0
    taken: list[tuple[float, int]] = []
    slack_s = 2 * 60.0 / 64
    for pause_s, weight in steps:
        asked = now + pause_s
        now = budget.free_at(asked, weight)
        if now > asked:
            sooner = now - slack_s
            counted = sum(w for at, w in taken if sooner < at + 60.0)
            assert counted + weight > 50 or sooner < asked
        budget.take(now, weight)
        taken.append((now, weight))


def test_what_others_used_counts_until_the_venues_window_ends() -> None:
    """The header of a window that began at 30 says 80 when we used 10: 70 are others'."""
    budget = RollingBudget(100, 60.0)
    budget.take(40.0, 10)
    budget.observe(80, window_began=30.0)
    assert budget.used(41.0) == 80
    assert budget.free_at(41.0, 30) == pytest.approx(90.5)
    budget.observe(12, window_began=30.0)
    assert budget.used(42.0) == 80, "within a window the count never sinks"
    assert budget.used(91.0) == 10
    budget.observe(25, window_began=90.0)
    assert budget.used(92.0) == 10 + 25


def test_a_new_window_forgets_the_others_of_the_old() -> None:
    """The venue's own count has begun again, so ours of the others does."""
    budget = RollingBudget(100, 60.0)
    budget.observe(90, window_began=0.0)
    budget.observe(5, window_began=60.0)
    assert budget.used(60.2) == 5


def test_giving_back_restores_the_count() -> None:
    """Also when the weight expired meanwhile: then there is nothing to give back."""
    budget = RollingBudget(100, 60.0)
    budget.take(1.0, 30)
    budget.take(1.1, 20)
    budget.give_back(1.1, 20)
    assert budget.used(2.0) == 30
    assert budget.used(100.0) == 0
    budget.give_back(1.0, 30)
    assert budget.used(100.0) == 0


def test_memory_does_not_grow_with_the_number_of_calls() -> None:
    """A million small weights are some slots."""
    budget = RollingBudget(10**9, 60.0)
    for step in range(100_000):
        budget.take(step * 0.01, 1)
        budget.used(step * 0.01)
    assert len(budget._slots) <= 66
    assert 6_000 <= budget.used(999.99) <= 6_200


def test_weights_beyond_the_whole_budget_are_refused() -> None:
    """Waiting would never end."""
    with pytest.raises(ValueError, match="exceeds"):
        RollingBudget(10, 60.0).free_at(0.0, 11)
    with pytest.raises(ValueError, match="limit=0"):
        RollingBudget(0, 60.0)
