"""Twenty jobs while workers and the whole process are killed: none is lost, none done twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random

import pytest
from tests.backtest.job_samples import open_store, put_candles
from tests.backtest.test_jobs import workers_of

from headwater.core.enums import BacktestState
from headwater.storage.backtests import StoredBacktest, between
from headwater.storage.base import Span
from headwater.storage.sessions import ReadSession
from headwater.storage.sqlite import SqliteDatabase

JOBS = 20

pytestmark = pytest.mark.timeout(240)


async def start(path: Path, files: list[Path]) -> tuple[asyncio.subprocess.Process, list[str]]:
    """A process with a desk, and the ids of the jobs it was given."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.backtest.job_program", str(path), "3"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{one}\n" for one in files).encode())
    process.stdin.write_eof()
    ids = []
    for _ in files:
        async with asyncio.timeout(60):
            ids.append((await process.stdout.readline()).decode().strip())
    return process, ids


async def some_workers(pid: int, count: int) -> list[int]:
    """At least so many workers of a process."""
    async with asyncio.timeout(60):
        while len(found := workers_of(pid)) < count:
            await asyncio.sleep(0.02)
    return sorted(found)


async def gone(pids: list[int]) -> None:
    """Waits until processes are not there any more."""
    async with asyncio.timeout(60):
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            await asyncio.sleep(0.02)


def rows(path: Path) -> list[StoredBacktest]:
    """All jobs, read beside whoever writes."""
    with ReadSession(SqliteDatabase(path)) as session:
        return list(session.fetch(between(Span(limit=200))))


async def test_none_of_twenty_jobs_is_lost_or_doubled(tmp_path: Path) -> None:
    """Three processes are killed with their workers at work; the fourth is left to finish."""
    path, rng = tmp_path / "jobs.sqlite3", Random(7)
    async with open_store(path) as store:
        await put_candles(store)
    gates = [tmp_path / f"gate{number}" for number in range(JOBS)]
    process, ids = await start(path, gates)
    assert len(set(ids)) == JOBS
    for round_number in range(3):
        workers = await some_workers(process.pid, 3)
        os.kill(rng.choice(workers), signal.SIGKILL)
        # Some jobs can end while the process dies: two more every round.
        for gate in gates[2 * round_number : 2 * round_number + 2]:
            gate.touch()
        workers = await some_workers(process.pid, 2)
        process.kill()
        await process.wait()
        await gone(workers)
        found = rows(path)
        assert sorted(job.backtest_id for job in found) == sorted(ids)
        assert {job.state for job in found} <= {
            BacktestState.QUEUED,
            BacktestState.RUNNING,
            BacktestState.DONE,
        }
        process, _ = await start(path, [])
    for gate in gates:
        gate.touch()
    async with asyncio.timeout(180):
        while not all(job.has_ended for job in rows(path)):
            await asyncio.sleep(0.05)
    process.kill()
    await process.wait()
    found = rows(path)
    assert sorted(job.backtest_id for job in found) == sorted(ids)
    assert {job.state for job in found} == {BacktestState.DONE}
    assert max(job.attempts for job in found) > 1
