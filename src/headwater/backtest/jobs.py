"""The desk of back-test jobs: takes them in, runs a bounded number of workers, survives restarts.

A job is on the disk before its id is told. It is taken up by one desk at a time, in the order in
which jobs were asked for. A worker that is lost puts its job back, at most `attempts_max` times; a
desk that is lost leaves its jobs to the next one that looks: at once where the database lets one
process write only, after `silent_s` without a heartbeat where several may, by the watch of the one
that looks: clocks of two machines need not agree.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from headwater.backtest.job_journals import forget_journal, journals_in
from headwater.backtest.job_key import JobKey
from headwater.backtest.job_ledger import JobLedger
from headwater.backtest.job_message import WorkerTask, uncompressed
from headwater.backtest.job_process import Done, Failed, WorkerEnd, run_worker
from headwater.backtest.job_request import (
    BacktestRequest,
    JobRequest,
    checked_request,
    decode_request,
)
from headwater.backtest.strategy_catalogue import StrategyCatalogue
from headwater.core.clock import Clock
from headwater.core.enums import BacktestKind, BacktestState
from headwater.core.errors import (
    Conflict,
    Overloaded,
    PlatformError,
    StorageError,
    UnknownRecord,
)
from headwater.storage import candles
from headwater.storage.backtests import JobPlace, StoredBacktest
from headwater.storage.store import Store

__all__ = ["BacktestJobs", "JobSettings"]

LISTED_MAX: Final = 500
"""Most jobs that are shown at once."""

_PAUSE_S: Final = 1.0
_PAUSE_MAX_S: Final = 15.0
_END_TRIES: Final = 20
_RETRY_S: Final = 10.0
_log: Final = structlog.stdlib.get_logger("headwater.backtest.jobs")


class JobSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the desk works.

    Attributes:
        workers: jobs that run at a time; 0 takes jobs in and leaves them to other processes.
        memory_mb: most memory of one job, MiB.
        seconds_max: most seconds of one job.
        queue_max: jobs that may wait; beyond it new ones are refused.
        database_url: where workers read candles; None for the file in `data_dir`.
        data_dir: folder of the platform's data.
        alone: whether no other process can use the database.
        attempts_max: how often a job is taken up before it fails for good.
        heartbeat_s: how often a running job is said to go on.
        silent_s: after so long without that, its owner is taken for gone.
        look_s: how often the queue is looked at for jobs that others took in.
    """

    workers: int = 2
    memory_mb: int = 2_048
    seconds_max: float = 3_600.0
    queue_max: int = 100
    database_url: str | None = None
    data_dir: str = "."
    alone: bool = True
    attempts_max: int = 3
    heartbeat_s: float = 5.0
    silent_s: float = 30.0
    look_s: float = 2.0


class _Running:
    """A job that this process runs."""

    def __init__(self, job: StoredBacktest) -> None:
        self.job = job
        self.done = 0
        self.total = 0
        self.task: asyncio.Task[None] | None = None

    def progress(self, done: int, total: int) -> None:
        """Notes how far it is; never backwards within one worker."""
        self.done, self.total = max(0, done), max(0, total)


class BacktestJobs:
    """Back-test jobs; `run` must run for any of them to be done.

    Args:
        store: where they are kept.
        catalogue: the strategies that may be named.
        clock: tells the time.
        new_id: makes an id: unique, letters and digits.
        settings: how it works.
    """

    def __init__(
        self,
        store: Store,
        catalogue: StrategyCatalogue,
        clock: Clock,
        new_id: Callable[[], str],
        settings: JobSettings,
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self._ledger = JobLedger(store, clock, new_id())
        self._new_id = new_id
        self._settings = settings
        self._running: dict[str, _Running] = {}
        self._taking_in = asyncio.Lock()
        self._wake = asyncio.Event()

    # --- what the API asks ------------------------------------------------------------------------

    async def of_key(self, key: JobKey) -> StoredBacktest | None:
        """The job that was taken in under a key; None where none was.

        Raises:
            Conflict: the key is that of another request.
        """
        job = await self._ledger.of_key(key)
        return None if job is None else self._live(job)

    async def submit(self, request: JobRequest, key: JobKey | None = None) -> StoredBacktest:
        """Takes a job in; returns when it is on the disk.

        Args:
            request: what is to be done.
            key: of the same request the job that there is already is given back; None for none.

        Raises:
            RequestError: it makes no sense, or names a strategy or parameter that there is not.
            Conflict: the key is that of another request.
            Overloaded: as many wait as may.
            StorageError: it is not taken.
        """
        checked_request(request)
        if isinstance(request, BacktestRequest):
            self.catalogue.check(request.strategy, request.parameters, alone=True)
        else:
            values = {one.name: one.telling for one in request.spans}
            self.catalogue.check_swept(request.strategy, request.parameters, values)
        async with self._taking_in:
            if key is not None and (there := await self.of_key(key)) is not None:
                return there
            waiting = await self._ledger.waiting()
            if waiting >= self._settings.queue_max:
                raise Overloaded(f"{waiting} back-tests wait, and no more may", _RETRY_S)
            backtest_id = self._new_id() if key is None else key.backtest_id
            job = await self._ledger.add(backtest_id, request, key)
        self._wake.set()
        return job

    async def job(self, backtest_id: str) -> StoredBacktest:
        """A job as it is now, without its result.

        Raises:
            UnknownRecord: there is none.
        """
        return self._live(await self._ledger.get(backtest_id))

    async def has_candles(self, exchange: str, symbol: str) -> bool:
        """Whether candles of a symbol are stored, of any length."""
        return bool(await self._store.fetch(candles.any_of(exchange, symbol)))

    async def listed(
        self,
        limit: int,
        state: BacktestState | None = None,
        kind: BacktestKind | None = None,
        behind: JobPlace | None = None,
    ) -> Sequence[StoredBacktest]:
        """The newest jobs, or those behind a place; at most `LISTED_MAX` and one that follows."""
        found = await self._ledger.listed(min(limit, LISTED_MAX + 1), state, kind, behind)
        return [self._live(job) for job in found]

    async def result(self, backtest_id: str) -> bytes:
        """The result of a job that is done, as JSON.

        Raises:
            UnknownRecord: there is no such job.
            Conflict: it is not done.
        """
        return await self._content(backtest_id, report=False)

    async def report(self, backtest_id: str) -> bytes:
        """The report of a job that is done, as HTML.

        Raises:
            UnknownRecord: there is no such job, or it has no report.
            Conflict: it is not done.
        """
        return await self._content(backtest_id, report=True)

    async def cancel(self, backtest_id: str) -> StoredBacktest:
        """Cancels a job; its worker, if it has one here, is killed before this returns.

        Raises:
            UnknownRecord: there is none.
            Conflict: it has ended already.
        """
        job = await self._ledger.cancel(backtest_id)
        running = self._running.get(backtest_id)
        if running is not None and running.task is not None:
            running.task.cancel()
            await asyncio.wait({running.task})
        return job

    # --- running ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs jobs until cancelled; then kills the workers and puts their jobs back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._heartbeats(), name="backtest heartbeats")
            # Some of these jobs may have ended while this process was not there.
            await self._forget(await asyncio.to_thread(journals_in, self._journals))
            pause_s = _PAUSE_S
            while True:
                self._wake.clear()
                try:
                    await self._take_up_orphans()
                    await self._take_up(tasks)
                except StorageError as error:
                    _log.warning("backtests_wait_for_storage", reason=str(error))
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, _PAUSE_MAX_S)
                    continue
                pause_s = _PAUSE_S
                try:
                    async with asyncio.timeout(self._settings.look_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def _take_up_orphans(self) -> None:
        """Puts back what nobody runs any more."""
        settings = self._settings
        here = frozenset(self._running)
        for job in await self._ledger.orphans(here, settings.silent_s, alone=settings.alone):
            reason = "the process that ran it has ended"
            if await self._ledger.lost(job, reason, settings.attempts_max):
                _log.warning("backtest_taken_up_again", backtest=job.backtest_id)

    async def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        """Starts jobs while there is a worker for them."""
        while len(self._running) < self._settings.workers:
            job = await self._ledger.take()
            if job is None:
                return
            running = self._running[job.backtest_id] = _Running(job)
            running.task = tasks.create_task(
                self._run_one(running), name=f"backtest {job.backtest_id}"
            )

    async def _run_one(self, running: _Running) -> None:
        """One job from its start to its end; cancelled when it is to be given up."""
        job = running.job
        _log.info("backtest_started", backtest=job.backtest_id, attempt=job.attempts)
        try:
            end = await self._work(running)
            await self._note(running, end)
            await self._forget([job.backtest_id])
        except asyncio.CancelledError:
            # Of a job that was cancelled, this changes nothing any more.
            await self._give_back(job)
            await self._forget([job.backtest_id])
            raise
        finally:
            del self._running[job.backtest_id]
            self._wake.set()

    async def _work(self, running: _Running) -> WorkerEnd:
        """Has a worker do it."""
        job, settings = running.job, self._settings
        try:
            request = decode_request(job.request)
            self.catalogue.of(request.strategy)
            task = WorkerTask(
                request=job.request,
                strategy=self.catalogue.reference(request.strategy),
                database_url=settings.database_url,
                data_dir=settings.data_dir,
                journal=str(self._journals / job.backtest_id),
                memory_mb=settings.memory_mb,
                seconds_max=settings.seconds_max,
            )
            return await run_worker(task, running.progress)
        except (PlatformError, OSError) as error:
            return Failed(reason=str(error))

    async def _note(self, running: _Running, end: WorkerEnd) -> None:
        """Writes how a job ended, as often as it takes while the database is away.

        When it never works, the job stays as it is, and the next look at the queue finds that
        nobody runs it.
        """
        job, pause_s = running.job, _PAUSE_S
        for _ in range(_END_TRIES):
            try:
                if isinstance(end, Done):
                    counted = await self._ledger.done(job, end.result, end.report, running.total)
                elif isinstance(end, Failed):
                    counted = await self._ledger.failed(job, end.reason)
                else:
                    most = self._settings.attempts_max
                    counted = await self._ledger.lost(job, end.reason, most)
            except StorageError as error:
                _log.warning("backtest_end_not_stored", backtest=job.backtest_id, reason=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
            else:
                how = type(end).__name__.lower()
                _log.info("backtest_ended", backtest=job.backtest_id, how=how, counted=counted)
                return

    @property
    def _journals(self) -> Path:
        """Where searches note what they have done, so that a lost worker costs little."""
        return Path(self._settings.data_dir).expanduser() / "backtests"

    async def _forget(self, names: Sequence[str]) -> None:
        """Removes the journals of those jobs that nothing follows any more; one try each."""
        for name in names:
            try:
                if (await self._ledger.get(name)).has_ended:
                    await asyncio.to_thread(forget_journal, self._journals / name)
            except UnknownRecord:
                continue
            except StorageError as error:
                _log.warning("backtest_journal_kept", backtest=name, reason=str(error))

    async def _give_back(self, job: StoredBacktest) -> None:
        """Puts a job back for whoever runs next; one try, since this process ends."""
        try:
            await self._ledger.give_back(job)
        except StorageError as error:
            _log.warning("backtest_not_given_back", backtest=job.backtest_id, reason=str(error))

    async def _heartbeats(self) -> None:
        """Says of every running job that it goes on, and gives up what is not ours any more."""
        while True:
            await asyncio.sleep(self._settings.heartbeat_s)
            for running in list(self._running.values()):
                try:
                    ours = await self._ledger.beat(running.job, running.done, running.total)
                except StorageError as error:
                    _log.warning("backtest_heartbeat_not_stored", reason=str(error))
                    continue
                if not ours and running.task is not None:
                    running.task.cancel()

    # --- reading ----------------------------------------------------------------------------------

    def _live(self, job: StoredBacktest) -> StoredBacktest:
        """The job with the newest progress, when it runs here."""
        running = self._running.get(job.backtest_id)
        if running is None or job.state is not BacktestState.RUNNING:
            return job
        return msgspec.structs.replace(job, steps_done=running.done, steps_total=running.total)

    async def _content(self, backtest_id: str, *, report: bool) -> bytes:
        job = await self._ledger.get(backtest_id)
        if job.state is not BacktestState.DONE:
            told = "why" if job.has_ended else "how far it is"
            raise Conflict("state", job.state.value, f"done; its status says {told}")
        content = await self._ledger.content(backtest_id, report=report)
        if content is None:
            raise UnknownRecord("id", backtest_id, "back-test with a report")
        return await asyncio.to_thread(uncompressed, content)
