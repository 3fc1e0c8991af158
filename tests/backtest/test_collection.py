"""The collector's setting during a run, and after it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from headwater.backtest.collection import _AGED_MAX, YOUNG_MAX, age, collecting_rarely


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    former = gc.get_threshold()
    yield
    gc.set_threshold(*former)


@pytest.mark.parametrize(
    ("set_to", "inside"), [(700, YOUNG_MAX), (2 * YOUNG_MAX, 2 * YOUNG_MAX), (0, 0)]
)
def test_it_looks_less_often_and_is_set_back_even_after_an_error(set_to: int, inside: int) -> None:
    def failing() -> None:
        with collecting_rarely():
            found.append(gc.get_threshold())
            raise ValueError("within")

    found: list[tuple[int, int, int]] = []
    gc.set_threshold(set_to, 11, 12)
    with pytest.raises(ValueError, match="within"):
        failing()
    assert found == [(inside, 11, 12)]
    assert gc.get_threshold() == (set_to, 11, 12)


def test_two_runs_at_once_leave_it_as_the_first_one_found_it() -> None:
    gc.set_threshold(700, 11, 12)
    first, second = collecting_rarely(), collecting_rarely()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 11, 12)


def _young_after(count: int) -> int:
    """Young objects behind a run that made so many that stay."""
    gc.collect()
    with collecting_rarely():
        made.append([[place] for place in range(count)])
    return gc.get_count()[0]


made: list[list[list[int]]] = []


def test_what_a_run_leaves_is_old_at_once() -> None:
    was_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.set_threshold(100_000)
    try:
        assert _young_after(20_000) < 100
        assert _young_after(1_000) >= 1_000  # not worth counting what is frozen
        gc.freeze()  # as a server does before it forks: not to be undone
        assert _young_after(20_000) >= 20_000
        assert gc.get_freeze_count() > 0
    finally:
        made.clear()
        if not was_frozen:
            gc.unfreeze()


def test_the_few_objects_that_python_itself_froze_are_in_nobodys_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Python 3.12 begins with 375 of them, other versions with none.
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 375)
    gc.disable()
    kept: list[list[int]] = [[]]
    try:
        assert any(one is kept for one in gc.get_objects(generation=0))
        age(1)
        assert not any(one is kept for one in gc.get_objects(generation=0))
    finally:
        gc.enable()


def test_what_many_runs_drop_in_cycles_is_looked_at_in_the_end() -> None:
    """Counting the young as old sets back when Python would look at the old: it never did."""

    class Dropped:
        def __init__(self) -> None:
            self.me = self

    was_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    try:
        gc.collect()
        alive = []
        for _ in range(9):
            alive.append(weakref.ref(Dropped()))
            age(_AGED_MAX // 4)
        # At most those since the last whole look, which each fourth call takes.
        assert sum(one() is not None for one in alive) < 4
    finally:
        if not was_frozen:
            gc.unfreeze()
        else:
            gc.freeze()


def test_whoever_switched_the_collector_off_has_no_look_taken() -> None:
    class Dropped:
        def __init__(self) -> None:
            self.me = self

    gc.disable()
    try:
        dropped = weakref.ref(Dropped())
        age(_AGED_MAX)
        assert dropped() is not None
    finally:
        gc.enable()
        age(_AGED_MAX)
    assert dropped() is None
