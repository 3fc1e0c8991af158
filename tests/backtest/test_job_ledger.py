"""Stored jobs under several writers: each taken up once, ended once, by whoever was first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import chain, count
from pathlib import Path

import pytest
from tests.backtest.job_samples import open_store, request

from headwater.backtest.job_ledger import JobLedger
from headwater.core.clock import ManualClock
from headwater.core.enums import BacktestState
from headwater.core.errors import Conflict, StorageError, UnknownRecord
from headwater.storage.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "jobs.sqlite3") as opened:
        yield opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_each_job_is_taken_up_by_one_of_many(store: Store, clock: ManualClock) -> None:
    ledgers = [JobLedger(store, clock, f"desk{number}") for number in range(4)]
    for number in range(12):
        await ledgers[0].add(f"job{number}", request())
    assert await ledgers[0].waiting() == 12
    with pytest.raises(StorageError, match="already"):
        await ledgers[1].add("job1", request())

    async def work(ledger: JobLedger) -> list[str]:
        taken = []
        misses = 0
        while misses < 3:
            job = await ledger.take()
            if job is None:
                misses += 1
                continue
            assert job.owner == ledger.owner
            taken.append(job.backtest_id)
            assert await ledger.done(job, b"result", None, 7)
            assert not await ledger.done(job, b"again", None, 7)
            assert not await ledger.failed(job, "too late")
        return taken

    taken = await asyncio.gather(*(work(ledger) for ledger in ledgers))
    assert Counter(chain.from_iterable(taken)) == Counter(f"job{number}" for number in range(12))
    assert {job.state for job in await ledgers[0].listed(50, None, None)} == {BacktestState.DONE}
    assert await ledgers[0].content("job3", report=False) == b"result"
    assert await ledgers[0].content("job3", report=True) is None


async def test_an_older_attempt_ends_nothing(store: Store, clock: ManualClock) -> None:
    """Its worker was given up and the job taken up again, by the same desk."""
    ledger = JobLedger(store, clock, "desk")
    await ledger.add("job", request())
    first = await ledger.take()
    assert first is not None
    assert await ledger.lost(first, "killed", 3)
    assert (await ledger.get("job")).error == "killed"
    second = await ledger.take()
    assert second is not None
    assert second.attempts == 2
    assert not await ledger.done(first, b"old", None, 1)
    assert not await ledger.beat(first, 1, 2)
    assert not await ledger.lost(first, "seen late", 3)
    assert await ledger.beat(second, 1, 2)
    assert await ledger.done(second, b"new", b"page", 2)
    assert await ledger.content("job", report=True) == b"page"
    ended = await ledger.get("job")
    assert (ended.state, ended.error, ended.steps_done) == (BacktestState.DONE, "", 2)


async def test_attempts_are_bounded_and_giving_back_is_none(
    store: Store, clock: ManualClock
) -> None:
    ledger = JobLedger(store, clock, "desk")
    await ledger.add("job", request())
    for _ in range(5):
        job = await ledger.take()
        assert job is not None
        assert job.attempts == 1
        await ledger.give_back(job)
    for attempt in (1, 2):
        job = await ledger.take()
        assert job is not None
        assert job.attempts == attempt
        assert await ledger.lost(job, "killed by SIGKILL", 2)
    ended = await ledger.get("job")
    assert ended.state is BacktestState.FAILED
    assert ended.error == "killed by SIGKILL; it was tried 2 times"
    assert await ledger.take() is None


async def test_orphans_are_those_whose_owner_is_silent(store: Store, clock: ManualClock) -> None:
    mine, theirs = JobLedger(store, clock, "mine"), JobLedger(store, clock, "theirs")
    numbers = count()
    for _ in range(3):
        await mine.add(f"job{next(numbers)}", request())
    here, left, other = await mine.take(), await mine.take(), await theirs.take()
    assert here is not None
    assert left is not None
    assert other is not None

    async def found(*, alone: bool = False) -> set[str]:
        jobs = await mine.orphans(frozenset({here.backtest_id}), 30.0, alone=alone)
        return {job.backtest_id for job in jobs}

    assert await found() == {left.backtest_id}, "ours, and nobody runs it"
    assert await found(alone=True) == {left.backtest_id, other.backtest_id}
    clock.advance(29)
    assert await theirs.beat(other, 0, 0)
    assert await found() == {left.backtest_id}
    for _ in range(29):
        clock.advance(1)
        assert await found() == {left.backtest_id}
    clock.advance(1)
    assert await found() == {left.backtest_id, other.backtest_id}


async def test_who_could_not_look_takes_nobodys_job(store: Store, clock: ManualClock) -> None:
    mine, theirs = JobLedger(store, clock, "mine"), JobLedger(store, clock, "theirs")
    await theirs.add("job", request())
    job = await theirs.take()
    assert job is not None
    assert await mine.orphans(frozenset(), 30.0, alone=False) == []
    clock.advance(3_600)  # the database was away: nobody could write a heartbeat, nor read one
    assert await mine.orphans(frozenset(), 30.0, alone=False) == []
    clock.advance(2)
    assert await theirs.beat(job, 0, 0)
    assert await mine.orphans(frozenset(), 30.0, alone=False) == []
    for _ in range(14):
        clock.advance(2)
        assert await mine.orphans(frozenset(), 30.0, alone=False) == []
    clock.advance(2)
    assert await mine.orphans(frozenset(), 30.0, alone=False) == [await mine.get("job")]


@pytest.mark.parametrize("apart_s", [-3_600, 3_600])
async def test_clocks_of_two_machines_need_not_agree(
    store: Store, clock: ManualClock, apart_s: float
) -> None:
    other_clock = ManualClock(clock.now_ns() + round(apart_s * 1e9))
    mine, theirs = JobLedger(store, clock, "mine"), JobLedger(store, other_clock, "theirs")
    await theirs.add("job", request())
    job = await theirs.take()
    assert job is not None
    for _ in range(5):
        assert await mine.orphans(frozenset(), 30.0, alone=False) == []
        clock.advance(20)
        assert await theirs.beat(job, 0, 0)


async def test_cancelling(store: Store, clock: ManualClock) -> None:
    ledger, other = JobLedger(store, clock, "desk"), JobLedger(store, clock, "other")
    await ledger.add("job", request())
    job = await ledger.take()
    assert job is not None
    cancelled = await other.cancel("job")
    assert (cancelled.state, cancelled.owner) == (BacktestState.CANCELLED, "")
    assert not await ledger.beat(job, 1, 2)
    assert not await ledger.done(job, b"late", None, 2)
    await ledger.give_back(job)
    assert (await ledger.get("job")).state is BacktestState.CANCELLED
    with pytest.raises(Conflict, match="cancelled"):
        await ledger.cancel("job")
    with pytest.raises(UnknownRecord):
        await ledger.cancel("nothing")
