"""Keys of requests: the same asked for again is the same job, whoever asks and however often."""

import asyncio
import string
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.job_samples import make_jobs, open_store, request
from tests.storage.samples import backtest

from headwater.api.schemas.backtests import status_view
from headwater.backtest.job_key import KEY_CHARS, JobKey
from headwater.backtest.job_ledger import JobLedger
from headwater.core.clock import ManualClock
from headwater.core.enums import BacktestState
from headwater.core.errors import Conflict, Overloaded, RequestError, StorageError
from headwater.storage.store import Store

VISIBLE = string.ascii_letters + string.digits + string.punctuation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with open_store(path) as opened:
        yield opened


def key(name: str = "mine", **asked: Any) -> JobKey:
    return JobKey.of(name, {"kind": "backtest", **asked})


@given(st.text(VISIBLE, min_size=1, max_size=KEY_CHARS))
def test_visible_ascii_is_a_key_and_makes_an_id(name: str) -> None:
    made = key(name)
    assert made.key == name
    assert made.backtest_id == key(name, fast=5).backtest_id
    assert made.backtest_id[0] == "k"
    assert len(made.backtest_id) == 32
    assert made.backtest_id.isalnum()


@pytest.mark.parametrize("name", ["", "a b", "a\t", "ключ", "é", "\x7f", "x" * (KEY_CHARS + 1)])
def test_anything_else_is_none_and_says_what_is_allowed(name: str) -> None:
    with pytest.raises(RequestError, match="1 to 64 visible ASCII characters") as refused:
        key(name)
    assert (refused.value.field, refused.value.value) == ("Idempotency-Key", name[:80])


def test_the_order_of_fields_is_no_difference() -> None:
    one = JobKey.of("a", {"kind": "backtest", "parameters": {"fast": 5, "slow": 20}})
    assert one == JobKey.of("a", {"parameters": {"slow": 20, "fast": 5}, "kind": "backtest"})


def test_a_conflict_names_the_key_the_job_and_what_differs() -> None:
    before, now = key(fast=5, symbol="BTCUSDT"), key(fast=9, slow=20, symbol="BTCUSDT")
    job = backtest(backtest_id=before.backtest_id, idempotency_key="mine", asked=before.asked)
    before.check(job)
    with pytest.raises(Conflict) as refused:
        now.check(job)
    assert (refused.value.field, refused.value.value) == ("Idempotency-Key", "mine")
    words = "(fast: 5 there, 9 here; slow: nothing there, 20 here)"
    assert job.backtest_id in refused.value.allowed
    assert words in refused.value.allowed
    many = key("mine", **dict.fromkeys("abcdef", 1), fast=5, symbol="B" * 100)
    with pytest.raises(Conflict, match="; 4 more") as refused:
        many.check(job)
    assert len(refused.value.allowed) < 400


def test_numbers_that_are_equal_but_were_written_otherwise_are_named() -> None:
    before, now = (key(parameters={"fast": fast}, days=5) for fast in (10, 10.0))
    job = backtest(backtest_id=before.backtest_id, idempotency_key="mine", asked=before.asked)
    with pytest.raises(Conflict, match=r'\(parameters: {"fast":10} there, {"fast":10.0} here\)'):
        now.check(job)


async def test_of_many_at_once_one_makes_the_job(store: Store) -> None:
    """Eight desks and no lock between them: the database decides."""
    ledgers = [JobLedger(store, ManualClock(), f"desk{number}") for number in range(8)]
    named = [key(f"key{number}") for number in range(5)]
    found = await asyncio.gather(
        *(
            ledger.add(one.backtest_id, request(), one)
            for _ in range(3)
            for one in named
            for ledger in ledgers
        )
    )
    assert {job.backtest_id for job in found} == {one.backtest_id for one in named}
    assert {job.idempotency_key for job in found} == {one.key for one in named}
    assert await ledgers[0].waiting() == 5


async def test_of_many_different_ones_all_but_the_first_are_told(store: Store) -> None:
    ledger = JobLedger(store, ManualClock(), "desk")
    wishes = [key("same", fast=number) for number in range(20)]
    ends = await asyncio.gather(
        *(ledger.add(one.backtest_id, request(), one) for one in wishes), return_exceptions=True
    )
    assert sum(isinstance(end, Conflict) for end in ends) == 19
    assert await ledger.waiting() == 1
    with pytest.raises(StorageError, match="already"):
        await ledger.add(wishes[0].backtest_id, request())


async def test_a_desk_gives_the_same_job_also_after_a_restart_and_with_a_full_queue(
    path: Path,
) -> None:
    async with open_store(path) as store:
        jobs = make_jobs(store, path, queue_max=1)
        found = await asyncio.gather(*(jobs.submit(request(), key()) for _ in range(30)))
        assert len({job.backtest_id for job in found}) == 1
        with pytest.raises(Overloaded):
            await jobs.submit(request())
    async with open_store(path) as store:
        jobs = make_jobs(store, path, queue_max=1)
        again = await jobs.submit(request(), key())
        assert again == found[0]
        assert await jobs.of_key(key()) == again
        assert await jobs.of_key(key("other")) is None
        with pytest.raises(Conflict):
            await jobs.submit(request(), key(fast=5))
        with pytest.raises(Conflict):
            await jobs.of_key(key(fast=5))
        assert len(await jobs.listed(10)) == 1


async def test_a_key_stays_with_its_job_through_all_its_states(store: Store) -> None:
    ledger = JobLedger(store, ManualClock(), "desk")
    made = key(fast=5)
    added = await ledger.add(made.backtest_id, request(), made)
    taken = await ledger.take()
    assert taken is not None
    assert await ledger.lost(taken, "killed", 3)
    taken = await ledger.take()
    assert taken is not None
    assert await ledger.done(taken, b"result", None, 7)
    again = await ledger.add(made.backtest_id, request(), made)
    assert (again.state, again.revision) == (BacktestState.DONE, 5)
    assert (again.idempotency_key, again.asked) == (added.idempotency_key, made.asked)
    assert status_view(again).idempotency_key == "mine"
    plain = msgspec.structs.replace(again, idempotency_key=None)
    assert status_view(plain).idempotency_key is None
