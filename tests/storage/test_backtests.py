"""Back-test jobs: one revision after another, never over one that somebody else wrote."""

from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.samples import T0, backtest, fetch, store_together

from headwater.core.enums import BacktestKind, BacktestState
from headwater.storage.backtests import (
    ENDS,
    TRANSITIONS,
    JobPlace,
    StoredBacktest,
    between,
    count_in,
    in_state,
    moved,
    one,
    report_of,
    result_of,
)
from headwater.storage.base import Database, Span


def test_ends_are_ends_and_every_other_state_reaches_one() -> None:
    assert {BacktestState.DONE, BacktestState.FAILED, BacktestState.CANCELLED} == ENDS
    assert set(TRANSITIONS) == set(BacktestState)
    for state in set(BacktestState) - ENDS:
        assert TRANSITIONS[state] & ENDS


@pytest.mark.parametrize(("before", "after"), list(product(BacktestState, repeat=2)))
def test_only_the_listed_ways_are_gone(before: BacktestState, after: BacktestState) -> None:
    job = backtest(state=before)
    if after in TRANSITIONS[before]:
        assert moved(job, after, error="why").revision == 2
    else:
        with pytest.raises(AssertionError):
            moved(job, after)


def test_a_change_is_stored_over_its_own_revision_alone(database: Database) -> None:
    job = backtest()
    assert store_together(database, [job]) == 1
    assert store_together(database, [job]) == 0
    mine = moved(job, BacktestState.RUNNING, owner="mine", attempts=1, heartbeat_ms=T0 + 1)
    theirs = moved(job, BacktestState.RUNNING, owner="theirs")
    assert store_together(database, [mine]) == 1
    assert store_together(database, [theirs]) == 0
    assert store_together(database, [moved(job, BacktestState.CANCELLED)]) == 0
    assert fetch(database, one("b1")) == [mine]
    done = moved(mine, BacktestState.DONE, owner="", result=b"r", report=b"\x00h", ended_ms=T0 + 2)
    assert store_together(database, [done]) == 1
    assert store_together(database, [moved(mine, BacktestState.FAILED)]) == 0
    assert fetch(database, one("b1")) == [msgspec.structs.replace(done, result=None, report=None)]
    assert fetch(database, result_of("b1")) == [b"r"]
    assert fetch(database, report_of("b1")) == [b"\x00h"]
    assert fetch(database, result_of("b2")) == []


def test_the_first_job_of_an_id_stays_with_its_key(database: Database) -> None:
    first = backtest(idempotency_key="mine", asked='{"fast":5}')
    assert store_together(database, [first, backtest(asked='{"fast":9}')]) == 1
    assert fetch(database, one("b1")) == [first]
    mine = moved(first, BacktestState.RUNNING, owner="mine")
    assert store_together(database, [mine]) == 1
    assert fetch(database, in_state(BacktestState.RUNNING, 1)) == [mine]


def test_heads_by_state_kind_and_time(database: Database) -> None:
    made = [
        backtest(T0 + 2, backtest_id="b2"),
        backtest(T0 + 1, backtest_id="b1", kind=BacktestKind.OPTIMISE),
        backtest(T0 + 3, backtest_id="b3", state=BacktestState.DONE, result=b"much"),
        backtest(T0 + 3, backtest_id="b0", state=BacktestState.RUNNING),
    ]
    store_together(database, made)

    def ids(found: list[StoredBacktest]) -> list[str]:
        return [job.backtest_id for job in found]

    assert ids(fetch(database, in_state(BacktestState.QUEUED, 10))) == ["b1", "b2"]
    assert ids(fetch(database, in_state(BacktestState.QUEUED, 1))) == ["b1"]
    newest = Span(newest_first=True, limit=3)
    assert ids(fetch(database, between(newest))) == ["b3", "b0", "b2"]
    assert fetch(database, between(newest))[0].result is None
    assert ids(fetch(database, between(Span(), kind=BacktestKind.OPTIMISE))) == ["b1"]
    assert ids(fetch(database, between(Span(), state=BacktestState.DONE))) == ["b3"]
    assert ids(fetch(database, between(Span(end_ms=T0 + 2)))) == ["b1"]
    assert fetch(database, count_in([BacktestState.QUEUED, BacktestState.RUNNING])) == [3]
    assert fetch(database, count_in([BacktestState.FAILED])) == [0]


def test_behind_a_place_comes_every_older_job_once(database: Database) -> None:
    """Four in each millisecond, so that pages end within one; new ones come between pages."""
    made = [backtest(T0 + number // 4, backtest_id=f"b{number * 7 % 25}") for number in range(25)]
    store_together(database, made)
    for rows in (1, 3, 4, 100):
        found: list[str] = []
        place: JobPlace | None = None
        for turn in range(100):
            span = Span(newest_first=True, limit=rows)
            page = fetch(database, between(span, behind=place, state=BacktestState.QUEUED))
            if not page:
                break
            found += [job.backtest_id for job in page]
            place = JobPlace(page[-1].created_ms, page[-1].backtest_id)
            late = backtest(T0 + 100 + rows, backtest_id=f"late{rows}_{turn}")
            store_together(database, [late])
        old = [name for name in found if not name.startswith("late")]
        assert sorted(old) == sorted(job.backtest_id for job in made), "each of them once"
        assert len(set(found)) == len(found)


@given(st.lists(st.tuples(st.sampled_from(list(BacktestState)), st.booleans()), max_size=12))
def test_revisions_count_the_changes(steps: list[tuple[BacktestState, bool]]) -> None:
    """However a job goes, its revision is one more than its changes, and an end is the last."""
    job, changes = backtest(), 0
    for state, _ in steps:
        if state in TRANSITIONS[job.state]:
            job, changes = moved(job, state), changes + 1
    assert job.revision == 1 + changes
    assert job.has_ended == (job.state in ENDS)
