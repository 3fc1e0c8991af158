"""When a symbol's map is made and who gets it, with time as a number."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from headwater.api.heatmap_watch import MADE_EVERY_S, RETRY_S, PaceGroup, SymbolWatch
from headwater.api.stream_topics import HubTopic
from headwater.bus.topics import SlowPolicy


def group(pace_s: int, now_s: float) -> PaceGroup:
    return PaceGroup(HubTopic("made", SlowPolicy.DROP_OLDEST, 1000), pace_s, now_s)


def watch_of(*paces_s: int, now_s: float = 0.0) -> SymbolWatch:
    watch = SymbolWatch("BTCUSDT")
    watch.groups = {pace_s: group(pace_s, now_s) for pace_s in paces_s}
    return watch


def test_all_paces_lie_on_one_grid() -> None:
    """At 61.5 s: multiples of 1, 5, 7 and 60 after it are 62, 65, 63 and 120."""
    assert [group(pace, 61.5).due_s for pace in (1, 5, 7, 60)] == [62.0, 65.0, 63.0, 120.0]
    assert group(5, 65.0).due_s == 70.0, "the multiple itself has been served"


def test_a_late_timer_does_not_make_the_next_map_later() -> None:
    watch = watch_of(1, now_s=9.5)
    assert not watch.is_wanted(9.9)
    assert watch.is_wanted(10.09)
    assert watch.may_compute(10.09)
    watch.start(10.09)
    assert not watch.may_compute(10.1), "it is being made"
    assert not watch.is_fresh(10.1)
    watch.made(b"made", "now")
    watch.groups[1].rearm(10.1)
    watch.end(10.09, 10.1)
    assert watch.is_fresh(10.5)
    assert not watch.may_compute(10.5)
    assert not watch.is_fresh(11.01), "0.92 s after the timer, but a second after it was due"
    assert watch.may_compute(11.01)


def test_while_a_map_is_made_the_one_before_is_not_given_again() -> None:
    watch = watch_of(1, now_s=9.5)
    watch.start(10.0)
    watch.made(b"first", "now")
    watch.end(10.0, 10.0)
    watch.groups[1].rearm(10.0)
    watch.start(11.0)
    assert watch.is_wanted(11.0)
    assert not watch.is_fresh(11.0)


def test_after_a_failure_there_is_a_rest() -> None:
    watch = watch_of(60, now_s=9.5)
    watch.start(10.0)
    watch.end(10.0, 10.0)
    watch.failure = b"no"
    assert not watch.may_compute(10.0 + RETRY_S - 0.1)
    assert watch.may_compute(10.0 + RETRY_S)


def test_a_map_that_takes_long_is_made_half_of_the_time() -> None:
    watch = watch_of(1, now_s=9.5)
    watch.start(10.0)
    watch.end(10.0, 13.0)
    assert not watch.may_compute(15.9)
    assert watch.may_compute(16.0)
    assert watch.compute_s == 3.0


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.lists(st.floats(0.001, 3.0)))
def test_never_two_maps_in_one_second_whatever_the_paces(
    paces: list[int], steps: list[float]
) -> None:
    """A timer may be late by its step, so two starts lie at least that much less apart."""
    watch, now_s, starts = watch_of(*paces), 0.0, list[float]()
    for step in steps:
        now_s += step
        if watch.is_wanted(now_s) and watch.may_compute(now_s):
            watch.start(now_s)
            starts.append(watch.waits_since_s())
            watch.end(now_s, now_s)
        for one in watch.due(now_s):
            one.rearm(now_s)
    assert all(b - a >= MADE_EVERY_S for a, b in itertools.pairwise(starts))
