"""Jobs as they are stored: taken in, taken up, given back, ended; each change once or not at all.

Every change reads the job, decides what follows, and writes over the revision that was read. Who
loses against another writer reads again and decides anew, so two processes with one database never
run one job at the same time or end it twice.
"""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from headwater.backtest.job_key import JobKey
from headwater.backtest.job_request import JobRequest, encode_request, kind_of
from headwater.core.clock import Clock
from headwater.core.enums import BacktestKind, BacktestState
from headwater.core.errors import Conflict, StorageError, UnknownRecord
from headwater.storage import backtests
from headwater.storage.backtests import JobPlace, StoredBacktest, moved
from headwater.storage.base import Span
from headwater.storage.store import Store

__all__ = ["JobLedger"]

TRIES_MAX: Final = 20
"""Changes that are lost against other writers before one is given up."""

ERROR_CHARS: Final = 1_000
"""Longest reason that is kept."""

_log: Final = structlog.stdlib.get_logger("headwater.backtest.jobs")

Change = Callable[[StoredBacktest], StoredBacktest | None]
"""Given a job as it is: what it becomes, or None to leave it."""


class JobLedger:
    """Jobs in a database.

    Args:
        store: the database.
        clock: stamps.
        owner: names this process among all that use the database; never used before.
    """

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self.owner = owner
        # Of every running job the revision that was seen last, and for how long, by our own watch.
        self._heard: dict[str, tuple[int, float]] = {}
        self._looked_s = clock.monotonic()

    async def add(
        self, backtest_id: str, request: JobRequest, key: JobKey | None = None
    ) -> StoredBacktest:
        """Takes a job in; returns when it is on the disk.

        Args:
            backtest_id: its id; of one with a key that of the key.
            request: what is to be done.
            key: makes asking again no second job; None for none.

        Returns:
            The new job, or that of the key, if another caller was faster.

        Raises:
            Conflict: the key is that of another request.
            StorageError: it is not taken.
        """
        job = StoredBacktest(
            backtest_id=backtest_id,
            created_ms=self._clock.now_ms(),
            kind=kind_of(request),
            state=BacktestState.QUEUED,
            revision=1,
            attempts=0,
            owner="",
            heartbeat_ms=None,
            started_ms=None,
            ended_ms=None,
            steps_done=0,
            steps_total=0,
            error="",
            request=encode_request(request),
            idempotency_key=None if key is None else key.key,
            asked=None if key is None else key.asked,
        )
        if await self._store.put_durable([job]) != 1:
            there = None if key is None else await self.of_key(key)
            if there is not None:
                return there
            raise StorageError(self._store.label, f"there is a back-test {backtest_id} already")
        return job

    async def get(self, backtest_id: str) -> StoredBacktest:
        """The head of a job.

        Raises:
            UnknownRecord: there is none.
        """
        for job in await self._store.fetch(backtests.one(backtest_id)):
            return job
        raise UnknownRecord("id", backtest_id, "back-test")

    async def of_key(self, key: JobKey) -> StoredBacktest | None:
        """The head of the job of a key; None where there is none.

        Raises:
            Conflict: its request was another one.
        """
        for job in await self._store.fetch(backtests.one(key.backtest_id)):
            key.check(job)
            return job
        return None

    async def listed(
        self,
        limit: int,
        state: BacktestState | None,
        kind: BacktestKind | None,
        behind: JobPlace | None = None,
    ) -> Sequence[StoredBacktest]:
        """Heads of the newest jobs, or of those that come behind a place."""
        span = Span(limit=limit, newest_first=True)
        query = backtests.between(span, state=state, kind=kind, behind=behind)
        return await self._store.fetch(query)

    async def waiting(self) -> int:
        """How many jobs wait to be taken up."""
        (count,) = await self._store.fetch(backtests.count_in([BacktestState.QUEUED]))
        return count

    async def content(self, backtest_id: str, *, report: bool) -> bytes | None:
        """The stored result of a job, or its report, compressed; None where there is none."""
        query = backtests.report_of(backtest_id) if report else backtests.result_of(backtest_id)
        return next(iter(await self._store.fetch(query)), None)

    async def take(self) -> StoredBacktest | None:
        """Takes up the job that has waited longest; None when none waits."""
        for job in await self._store.fetch(backtests.in_state(BacktestState.QUEUED, 8)):
            now_ms = self._clock.now_ms()
            mine = moved(
                job,
                BacktestState.RUNNING,
                owner=self.owner,
                attempts=job.attempts + 1,
                heartbeat_ms=now_ms,
                started_ms=now_ms,
                steps_done=0,
                steps_total=0,
            )
            if await self._store.put_durable([mine]) == 1:
                return mine
        return None

    async def beat(self, job: StoredBacktest, done: int, total: int) -> bool:
        """Says that a job of ours goes on; False when it is not ours any more."""

        def change(now: StoredBacktest) -> StoredBacktest | None:
            if not self._is_ours(now, job):
                return None
            return moved(
                now,
                BacktestState.RUNNING,
                heartbeat_ms=self._clock.now_ms(),
                steps_done=done,
                steps_total=total,
            )

        return await self._change(job.backtest_id, change) is not None

    async def done(
        self, job: StoredBacktest, result: bytes, report: bytes | None, steps: int
    ) -> bool:
        """Ends a job of ours well; False when it is not ours any more: the result is dropped."""

        def change(now: StoredBacktest) -> StoredBacktest | None:
            if not self._is_ours(now, job):
                return None
            return moved(
                now,
                BacktestState.DONE,
                owner="",
                ended_ms=self._clock.now_ms(),
                steps_done=steps,
                steps_total=steps,
                error="",
                result=result,
                report=report,
            )

        return await self._change(job.backtest_id, change) is not None

    async def failed(self, job: StoredBacktest, reason: str) -> bool:
        """Ends a job of ours with its reason; False when it is not ours any more."""

        def change(now: StoredBacktest) -> StoredBacktest | None:
            return self._failure(now, reason) if self._is_ours(now, job) else None

        return await self._change(job.backtest_id, change) is not None

    async def lost(self, job: StoredBacktest, reason: str, attempts_max: int) -> bool:
        """Puts a job back whose worker was lost, or ends it when that happened too often.

        Args:
            job: as it was when it was seen to be lost.
            reason: how it was lost.
            attempts_max: so often a job is taken up.

        Returns:
            Whether it was changed: False when somebody else has it by now.
        """

        def change(now: StoredBacktest) -> StoredBacktest | None:
            same = (now.owner, now.attempts) == (job.owner, job.attempts)
            if now.state is not BacktestState.RUNNING or not same:
                return None
            if now.attempts >= attempts_max:
                times = "once" if now.attempts == 1 else f"{now.attempts} times"
                return self._failure(now, f"{reason}; it was tried {times}")
            return moved(now, BacktestState.QUEUED, owner="", error=reason[:ERROR_CHARS])

        return await self._change(job.backtest_id, change) is not None

    async def give_back(self, job: StoredBacktest) -> None:
        """Puts a job of ours back because this process ends; that is no attempt of the job."""

        def change(now: StoredBacktest) -> StoredBacktest | None:
            if not self._is_ours(now, job):
                return None
            return moved(now, BacktestState.QUEUED, owner="", attempts=now.attempts - 1)

        await self._change(job.backtest_id, change)

    async def cancel(self, backtest_id: str) -> StoredBacktest:
        """Cancels a job, whoever runs it.

        Raises:
            UnknownRecord: there is none.
            Conflict: it has ended already.
        """
        job = await self.get(backtest_id)

        def change(now: StoredBacktest) -> StoredBacktest | None:
            if now.has_ended:
                return None
            return moved(now, BacktestState.CANCELLED, owner="", ended_ms=self._clock.now_ms())

        changed = await self._change(backtest_id, change)
        if changed is None:
            job = await self.get(backtest_id)
            raise Conflict("state", job.state.value, "queued or running; it has ended")
        return changed

    async def orphans(
        self, running_here: frozenset[str], silent_s: float, *, alone: bool
    ) -> Sequence[StoredBacktest]:
        """Running jobs that nobody runs.

        Silence is measured here, from the moment a job was first seen unchanged: the clocks of two
        machines need not agree, and a clock that is set takes no job from who runs it. Of the time
        between two looks at most half of `silent_s` counts: who could not look, because the
        database was away, does not know who was silent.

        Args:
            running_here: ids of those that this process runs.
            silent_s: after so long without a word the owner is taken for gone.
            alone: whether no other process can use the database: then every other owner is gone.
        """
        now_s = self._clock.monotonic()
        heard: dict[str, tuple[int, float]] = {}
        found = []
        running = await self._store.fetch(backtests.in_state(BacktestState.RUNNING, 1_000))
        passed_s = min(now_s - self._looked_s, silent_s / 2)
        for job in running:
            if job.backtest_id in running_here:
                continue
            revision, silent_for_s = self._heard.get(job.backtest_id, (0, 0.0))
            silent_for_s = silent_for_s + passed_s if revision == job.revision else 0.0
            heard[job.backtest_id] = (job.revision, silent_for_s)
            if alone or silent_for_s >= silent_s or job.owner == self.owner:
                found.append(job)
        self._heard, self._looked_s = heard, now_s
        return found

    def _is_ours(self, now: StoredBacktest, job: StoredBacktest) -> bool:
        """Whether this attempt at a job is still the one that counts."""
        same = (now.owner, now.attempts) == (self.owner, job.attempts)
        return now.state is BacktestState.RUNNING and same

    def _failure(self, now: StoredBacktest, reason: str) -> StoredBacktest:
        return moved(
            now,
            BacktestState.FAILED,
            owner="",
            ended_ms=self._clock.now_ms(),
            error=reason[:ERROR_CHARS],
        )

    async def _change(self, backtest_id: str, change: Change) -> StoredBacktest | None:
        """Reads, decides, writes over what was read; from the start when somebody was faster."""
        for _ in range(TRIES_MAX):
            for now in await self._store.fetch(backtests.one(backtest_id)):
                after = change(now)
                if after is None:
                    return None
                if await self._store.put_durable([after]) == 1:
                    return after
                break
            else:
                return None
        _log.error("backtest_not_changed", backtest=backtest_id, tries=TRIES_MAX)
        raise StorageError(self._store.label, f"back-test {backtest_id} changes all the time")
