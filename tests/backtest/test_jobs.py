"""The desk of jobs with real workers: results, bounds, hostile strategies, kills and restarts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.backtest.job_samples import (
    BARS,
    make_jobs,
    open_store,
    put_candles,
    request,
    running,
    until,
)
from tests.storage.samples import candle

from headwater.backtest.job_request import OptimiseRequest, ParameterSpan, WalkForwardRequest
from headwater.core.enums import BacktestKind, BacktestState
from headwater.core.errors import Conflict, Overloaded, RequestError, UnknownRecord
from headwater.core.intervals import Interval
from headwater.storage.store import Store

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with open_store(path) as opened:
        await put_candles(opened)
        yield opened


def workers_of(pid: int) -> set[int]:
    """The workers of a process."""
    found = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"job_worker" in words:
                found.add(int(child))
    return found


async def test_a_job_is_done_and_its_result_is_there_after_a_restart(path: Path) -> None:
    async with open_store(path) as first:
        await put_candles(first)
        async with running(make_jobs(first, path)) as jobs:
            job = await jobs.submit(request(parameters={"fast": 5, "slow": 20}))
            assert (job.state, job.kind) == (BacktestState.QUEUED, BacktestKind.BACKTEST)
            ended = await until(jobs, job.backtest_id)
            assert (ended.state, ended.attempts, ended.owner) == (BacktestState.DONE, 1, "")
            assert ended.started_ms is not None
            assert ended.ended_ms is not None
            assert (ended.steps_done, ended.steps_total) == (BARS, BARS)
            result = await jobs.result(job.backtest_id)
            page = await jobs.report(job.backtest_id)
    async with open_store(path) as second:
        other = make_jobs(second, path)
        assert await other.job(job.backtest_id) == ended
        assert await other.result(job.backtest_id) == result
        assert await other.report(job.backtest_id) == page
    assert page.startswith(b"<!")
    assert b"sma_cross" in page
    told = msgspec.json.decode(result)
    assert (told["strategy"], told["bars"]) == ("sma_cross", BARS)
    assert told["parameters"]["fast"] == 5
    assert told["trade_count"] == len(told["trades"]) > 0
    assert told["equity_curve"][-1] == [BARS * 60_000, told["final_equity"]]
    assert "5 bps" in told["assumptions"]["fee"], "the venue's own fee, since none was named"


async def test_a_search_ranks_and_a_walk_forward_joins(store: Store, path: Path) -> None:
    run = msgspec.structs.asdict(request(parameters={"slow": 30}, end_ms=BARS * 60_000))
    spans = (ParameterSpan(name="fast", start=3, stop=9, step=3),)
    async with running(make_jobs(store, path)) as jobs:
        search = await jobs.submit(OptimiseRequest(**run, spans=spans, objective="total_return"))
        ended = await until(jobs, search.backtest_id)
        assert (ended.state, ended.error) == (BacktestState.DONE, "")
        found = msgspec.json.decode(await jobs.result(search.backtest_id))
        gains = [row["total_return"] for row in found["report"]["rows"]]
        assert len(gains) == 3
        assert gains == sorted(gains, reverse=True)
        assert found["metrics"]["total_return"] == pytest.approx(gains[0], rel=1e-9)
        assert found["best"]["parameters"]["slow"] == 30
        with pytest.raises(UnknownRecord):
            await jobs.report(search.backtest_id)
        with pytest.raises(RequestError, match="no longer than the dates"):
            await jobs.submit(
                WalkForwardRequest(**run, spans=spans, in_sample_days=1, out_of_sample_days=1)
            )
        # The journal goes once the result is stored, a moment after the state says so.
        async with asyncio.timeout(30):
            while any((path.parent / "backtests").iterdir()):
                await asyncio.sleep(0.01)


async def test_a_walk_forward_joins_what_was_not_searched(path: Path) -> None:
    """Ten days of hours: 4 to choose, 2 to run, three times."""
    async with open_store(path) as opened:
        for hour in range(240):
            price = 100.0 + abs(hour % 40 - 20)
            sides = {"open": price, "high": price + 1, "low": price - 1, "close": price}
            opened.put(
                candle(
                    hour * 3_600_000,
                    exchange="binance",
                    symbol="BTCUSDT",
                    interval=Interval.H1,
                    **sides,
                )
            )
        await opened.flush()
        hours = request(parameters={"slow": 12}, timeframe=Interval.H1, end_ms=10 * 86_400_000)
        forward = WalkForwardRequest(
            **msgspec.structs.asdict(hours),
            spans=(ParameterSpan(name="fast", start=2, stop=6, step=2),),
            in_sample_days=4,
            out_of_sample_days=2,
        )
        async with running(make_jobs(opened, path)) as jobs:
            job = await jobs.submit(forward)
            ended = await until(jobs, job.backtest_id)
            assert (ended.state, ended.error) == (BacktestState.DONE, "")
            found = msgspec.json.decode(await jobs.result(job.backtest_id))
    assert len(found["report"]["folds"]) == 3
    assert found["metrics"] == found["report"]["performance"]
    assert found["equity_curve"][-1][0] == 10 * 86_400_000


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (
            "raises",
            "the strategy raises failed: ValueError: no such luck (hostile_strategies.py, line",
        ),
        ("leaves", "the strategy leaves failed: SystemExit: 0 (hostile_strategies.py, line"),
        ("loops", "it took longer than the 5 s that a job may take"),
        ("eats", "it needs more than the 200 MiB of memory that a job may take"),
        ("recurses", "calls itself without end"),
        ("exits", "its worker ended with exit code 3; it was tried 2 times"),
        ("kills", "its worker was ended by SIGKILL; it was tried 2 times"),
    ],
)
async def test_a_strategy_that_misbehaves_fails_with_its_reason_and_nothing_else_does(
    store: Store, path: Path, strategy: str, reason: str
) -> None:
    # Short for the one that never ends, and long enough for the good one on a busy machine.
    seconds_max = 5.0 if strategy == "loops" else 60.0
    jobs = make_jobs(store, path, memory_mb=200, seconds_max=seconds_max, attempts_max=2, workers=1)
    async with running(jobs):
        bad = await jobs.submit(request(strategy))
        good = await jobs.submit(request("sma_cross"))
        ended = await until(jobs, bad.backtest_id)
        assert ended.state is BacktestState.FAILED
        assert reason in ended.error
        assert (await until(jobs, good.backtest_id)).state is BacktestState.DONE
        with pytest.raises(Conflict, match="failed"):
            await jobs.result(bad.backtest_id)


async def test_what_a_strategy_prints_is_no_word_of_its_worker(store: Store, path: Path) -> None:
    async with running(make_jobs(store, path)) as jobs:
        job = await jobs.submit(request("prints"))
        assert (await until(jobs, job.backtest_id)).state is BacktestState.DONE
        assert msgspec.json.decode(await jobs.result(job.backtest_id))["trades"] == []


async def test_data_that_are_not_there_fail_and_say_how_to_get_them(
    store: Store, path: Path
) -> None:
    async with running(make_jobs(store, path)) as jobs:
        job = await jobs.submit(request(symbol="ETHUSDT"))
        ended = await until(jobs, job.backtest_id)
    assert ended.state is BacktestState.FAILED
    assert "headwater fetch candles" in ended.error


async def test_requests_that_cannot_be_are_refused_before_they_are_queued(
    store: Store, path: Path
) -> None:
    jobs = make_jobs(store, path)
    for bad, field in (
        (request("nothing"), "strategy"),
        (request(f"{path}:Own"), "strategy"),
        (request(parameters={"fast": -1}), "fast"),
        (request(parameters={"speed": 1}), "parameter"),
        (request(end_ms=0), "end_date"),
        (request(leverage=0.5), "leverage"),
    ):
        with pytest.raises(RequestError) as refused:
            await jobs.submit(bad)
        assert refused.value.field == field
    assert await jobs.listed(10) == []


async def test_the_queue_and_the_workers_are_bounded(
    store: Store, path: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    jobs = make_jobs(store, path, workers=2, queue_max=3)
    async with running(jobs):
        ids = []
        for number in range(5):
            ids.append((await jobs.submit(request("waits", {"file": str(gate)}))).backtest_id)
            if number < 2:
                await until(jobs, ids[-1], lambda job: job.state is BacktestState.RUNNING)
        with pytest.raises(Overloaded, match="3 back-tests wait"):
            await jobs.submit(request())
        assert len(workers_of(os.getpid())) == 2
        gate.touch()
        ended = [await until(jobs, one) for one in ids]
    assert {job.state for job in ended} == {BacktestState.DONE}
    assert {job.attempts for job in ended} == {1}


async def test_cancelling_ends_the_worker_and_stays(
    store: Store, path: Path, tmp_path: Path
) -> None:
    never = {"file": str(tmp_path / "never")}
    jobs = make_jobs(store, path, workers=1)
    async with running(jobs):
        first = (await jobs.submit(request("waits", never))).backtest_id
        second = (await jobs.submit(request("waits", never))).backtest_id
        await until(jobs, first, lambda job: job.state is BacktestState.RUNNING)
        (worker,) = await _until_workers(1)
        assert (await jobs.cancel(second)).state is BacktestState.CANCELLED
        assert (await jobs.cancel(first)).state is BacktestState.CANCELLED
        assert worker not in workers_of(os.getpid())
        for one in (first, second):
            with pytest.raises(Conflict, match="cancelled"):
                await jobs.cancel(one)
        with pytest.raises(UnknownRecord):
            await jobs.cancel("nothing")
        done = await jobs.submit(request())
        assert (await until(jobs, done.backtest_id)).state is BacktestState.DONE
        assert [job.state for job in await jobs.listed(10, BacktestState.CANCELLED)] == [
            BacktestState.CANCELLED
        ] * 2


async def _until_workers(count: int) -> set[int]:
    """The workers of this process, once there are as many."""
    async with asyncio.timeout(30):
        while len(found := workers_of(os.getpid())) != count:
            await asyncio.sleep(0.02)
    return found


async def test_a_killed_worker_is_replaced(store: Store, path: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    async with running(make_jobs(store, path)) as jobs:
        one = (await jobs.submit(request("waits", {"file": str(gate)}))).backtest_id
        (worker,) = await _until_workers(1)
        os.kill(worker, signal.SIGKILL)
        again = await until(jobs, one, lambda job: job.attempts == 2)
        assert "SIGKILL" in again.error
        gate.touch()
        ended = await until(jobs, one)
    assert (ended.state, ended.attempts, ended.error) == (BacktestState.DONE, 2, "")


async def test_a_desk_that_ends_leaves_its_jobs_to_the_next_one(
    store: Store, path: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    async with running(make_jobs(store, path, workers=1)) as jobs:
        ids = [
            (await jobs.submit(request("waits", {"file": str(gate)}))).backtest_id for _ in range(3)
        ]
        await until(jobs, ids[0], lambda job: job.state is BacktestState.RUNNING)
        await _until_workers(1)
    assert workers_of(os.getpid()) == set()
    states = [(await jobs.job(one)).state for one in ids]
    assert states == [BacktestState.QUEUED] * 3
    gate.touch()
    async with running(make_jobs(store, path)) as after:
        ended = [await until(after, one) for one in ids]
    assert [(job.state, job.attempts) for job in ended] == [(BacktestState.DONE, 1)] * 3


async def test_a_desk_without_workers_takes_in_and_leaves_the_work_to_another(
    store: Store, path: Path
) -> None:
    front = make_jobs(store, path, workers=0, alone=False)
    back = make_jobs(store, path, workers=1, alone=False)
    async with running(front), running(back):
        job = await front.submit(request())
        ended = await until(front, job.backtest_id)
        assert ended.state is BacktestState.DONE
        assert await front.result(job.backtest_id) == await back.result(job.backtest_id)


async def test_a_job_cancelled_by_another_desk_is_given_up(
    store: Store, path: Path, tmp_path: Path
) -> None:
    never = {"file": str(tmp_path / "never")}
    front = make_jobs(store, path, workers=0, alone=False)
    back = make_jobs(store, path, workers=1, alone=False, heartbeat_s=0.05)
    async with running(front), running(back):
        job = await front.submit(request("waits", never))
        await _until_workers(1)
        await front.cancel(job.backtest_id)
        await _until_workers(0)
        assert (await back.job(job.backtest_id)).state is BacktestState.CANCELLED


async def test_no_journal_is_left_of_a_job_that_has_ended(store: Store, path: Path) -> None:
    """It ended in a process that was killed before it could tidy up, or was cancelled at work."""
    never = {"file": str(path.parent / "never")}
    desk = make_jobs(store, path, workers=0)
    ended, queued = [(await desk.submit(request())).backtest_id for _ in range(2)]
    await desk.cancel(ended)
    journals = path.parent / "backtests"
    for name in (ended, queued, "of_another_database"):
        (journals / name).mkdir(parents=True)
    async with running(desk), asyncio.timeout(30):
        while (journals / ended).exists():
            await asyncio.sleep(0.01)
    assert {one.name for one in journals.iterdir()} == {queued, "of_another_database"}
    await desk.cancel(queued)
    async with running(make_jobs(store, path)) as jobs:
        one = (await jobs.submit(request("waits", never))).backtest_id
        await _until_workers(1)
        (journals / one).mkdir()
        await jobs.cancel(one)
    assert {one.name for one in journals.iterdir()} == {"of_another_database"}
