"""Several desks on one PostgreSQL: each job is done by one, also when another desk is killed."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from benchmarks.postgres import private_postgres
from tests.backtest.desk_program import WORKERS, desk
from tests.backtest.gated_strategies import begun
from tests.backtest.job_samples import put_candles, request

from headwater.backtest.job_key import JobKey
from headwater.backtest.job_ledger import JobLedger
from headwater.core.clock import SystemClock
from headwater.core.enums import BacktestState
from headwater.core.errors import Conflict
from headwater.storage.backtests import StoredBacktest
from headwater.storage.opening import database_of
from headwater.storage.store import Store

JOBS = 12
OPEN = 4
"""Gates that are open from the start."""

WITHIN_S = 60.0

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def url() -> Iterator[str]:
    """A database of its own."""
    # No test cuts the power: processes are killed, which the system's memory survives.
    with private_postgres(is_durable=False) as address:
        if address is None:
            pytest.skip("PostgreSQL is not installed (make test-servers)")
        yield address


@asynccontextmanager
async def a_desk(url: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with a desk; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.backtest.desk_program", url, str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            assert int(await process.stdout.readline()) == process.pid
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_each_job_is_taken_up_once_over_many_connections(url: str, tmp_path: Path) -> None:
    """Four desks that take and end jobs as fast as they can."""
    async with AsyncExitStack() as stack:
        ledgers = []
        for number in range(4):
            store = Store(database_of(url, tmp_path), SystemClock())
            await stack.enter_async_context(store)
            ledgers.append(JobLedger(store, SystemClock(), f"desk{number}"))
        for number in range(40):
            await ledgers[0].add(f"job{number}", request())

        async def work(ledger: JobLedger) -> list[str]:
            taken = []
            while await ledger.waiting():
                job = await ledger.take()
                if job is not None:
                    taken.append(job.backtest_id)
                    assert await ledger.done(job, ledger.owner.encode(), None, 7)
            return taken

        taken = await asyncio.gather(*(work(ledger) for ledger in ledgers))
        times = Counter(chain.from_iterable(taken))
        assert times == Counter(f"job{number}" for number in range(40))
        for ledger, own in zip(ledgers, taken, strict=True):
            for one in own:
                assert await ledger.content(one, report=False) == ledger.owner.encode()


async def test_two_desks_make_one_job_of_a_key(url: str, tmp_path: Path) -> None:
    """Each asks for the same jobs many times at once, over its own connections."""
    keys = [JobKey.of(f"key{number}", {"kind": "backtest"}) for number in range(6)]
    async with AsyncExitStack() as stack:
        fronts = []
        for _ in range(2):
            store = Store(database_of(url, tmp_path), SystemClock())
            await stack.enter_async_context(store)
            fronts.append(desk(store, url, tmp_path, 0))
        found = await asyncio.gather(
            *(front.submit(request(), key) for _ in range(10) for key in keys for front in fronts)
        )
        assert {job.backtest_id for job in found} == {key.backtest_id for key in keys}
        for front in fronts:
            assert len(await front.listed(100)) == len(keys)
        wishes = [JobKey.of("other", {"kind": str(number)}) for number in range(10)]
        ends = await asyncio.gather(
            *(front.submit(request(), wish) for wish in wishes for front in fronts),
            return_exceptions=True,
        )
        assert sum(isinstance(end, Conflict) for end in ends) == 18, "one wish, of both desks"
        assert len(await fronts[0].listed(100)) == len(keys) + 1


async def test_a_killed_desk_leaves_its_jobs_to_the_other(url: str, tmp_path: Path) -> None:
    gates = [tmp_path / f"gate{number}" for number in range(JOBS)]
    for gate in gates[:OPEN]:
        gate.touch()
    async with Store(database_of(url, tmp_path), SystemClock()) as store:
        await put_candles(store)
        front = desk(store, url, tmp_path, 0)

        async def seen(fits: Callable[[Sequence[StoredBacktest]], bool]) -> list[StoredBacktest]:
            async with asyncio.timeout(WITHIN_S):
                while not fits(found := await front.listed(100)):
                    await asyncio.sleep(0.05)
            return sorted(found, key=lambda job: ids.index(job.backtest_id))

        async with a_desk(url, tmp_path) as first, a_desk(url, tmp_path) as second:
            ids = [
                (await front.submit(request("gated_cross", {"gate": str(gate)}))).backtest_id
                for gate in gates
            ]

            def all_wait(jobs: Sequence[StoredBacktest]) -> bool:
                running = sum(job.state is BacktestState.RUNNING for job in jobs)
                begun_ones = sum(bool(begun(gate)) for gate in gates)
                return (running, begun_ones) == (2 * WORKERS, OPEN + 2 * WORKERS)

            found = await seen(all_wait)
            running = {one.backtest_id: one.owner for one in found if one.owner}
            assert sorted(Counter(running.values()).values()) == [WORKERS, WORKERS]
            first.kill()
            await first.wait()

            # The lease of the first ends: its jobs wait again, those of the second go on.
            def two_wait(jobs: Sequence[StoredBacktest]) -> bool:
                return sum(bool(job.error) for job in jobs) == WORKERS

            lost = {one.backtest_id for one in await seen(two_wait) if one.error}
            (owner,) = {running[one] for one in lost}
            assert lost == {one for one, who in running.items() if who == owner}
            for gate in gates:
                gate.touch()
            ended = await seen(lambda jobs: all(job.has_ended for job in jobs))
            assert second.returncode is None
        assert [job.backtest_id for job in ended] == ids
        assert {(job.state, job.error) for job in ended} == {(BacktestState.DONE, "")}
        times = [2 if one in lost else 1 for one in ids]
        assert [job.attempts for job in ended] == times
        # A worker that met another at the same job would have failed it.
        assert [len(begun(gate)) for gate in gates] == times
        found_by = [msgspec.json.decode(await front.result(one)) for one in ids]
        assert {(one["trade_count"], one["final_equity"]) for one in found_by} == {
            (found_by[0]["trade_count"], found_by[0]["final_equity"])
        }
