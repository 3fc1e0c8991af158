"""Owns every task of a feed: names it, restarts it when it crashes, stops it within a bound.

A crash is never swallowed: it is logged with its traceback, counted, shown in health, and the
task starts again after a full-jitter back-off. Knows nothing of what the tasks do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.transport.backoff import HEALTHY_S, FullJitterBackoff

_log = structlog.get_logger(__name__)

TASKS_MAX: Final = 10_000
"""Tasks under one supervisor; beyond it a new one is a programming error."""


class TaskHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One supervised task.

    Attributes:
        name: who it is.
        running: whether it runs now; false between a crash and its restart.
        crashes: times it ended with an error.
        last_error: the newest error in words, empty when there was none.
        last_crash_ms: wall time of it, None when there was none.
    """

    name: str
    running: bool
    crashes: int
    last_error: str
    last_crash_ms: int | None


class _Job:
    """What the supervisor knows of one task."""

    __slots__ = ("crashes", "last_crash_ms", "last_error", "name", "running", "task")

    def __init__(self, name: str) -> None:
        self.name = name
        self.task: asyncio.Task[None] | None = None
        self.running = False
        self.crashes = 0
        self.last_error = ""
        self.last_crash_ms: int | None = None


class Supervisor:
    """Owner of tasks.

    Args:
        name: prefix of all task names.
        clock: stamps crashes.
        backoff: makes the delays before restarts; a fresh one per task.
        stop_timeout_s: longest that `stop` waits for tasks to end.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        backoff: Callable[[], FullJitterBackoff],
        stop_timeout_s: float = 10.0,
    ) -> None:
        self._name = name
        self._clock = clock
        self._backoff = backoff
        self._stop_timeout_s = stop_timeout_s
        self._jobs: dict[asyncio.Task[None], _Job] = {}
        self._stopping = False
        self._crashes = 0

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Runs `work` until it returns; starts it again whenever it crashes.

        Args:
            name: who it is; shown with the supervisor's own name.
            work: makes the coroutine, anew for each start.

        Returns:
            The task, to be cancelled by who asked for it when it is no longer wanted.
        """
        job = _Job(f"{self._name}/{name}")
        return self._start(job, self._keep(job, work))

    def once(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs a coroutine once; a crash is logged and counted, not repeated."""
        job = _Job(f"{self._name}/{name}")
        if self._is_closed:
            work.close()
        return self._start(job, self._once(job, work))

    async def stop(self) -> list[str]:
        """Cancels all tasks and waits for them, at most `stop_timeout_s`.

        Returns:
            Names of tasks that did not end in time; normally empty.
        """
        self._stopping = True
        waiting = set(self._jobs)
        for task in waiting:
            task.cancel()
        if not waiting:
            return []
        _, late = await asyncio.wait(waiting, timeout=self._stop_timeout_s)
        names = sorted(task.get_name() for task in late)
        if names:
            _log.error("tasks_outlast_their_stop", tasks=names)
        return names

    @property
    def crashes(self) -> int:
        """Crashes of all tasks so far."""
        return self._crashes

    @property
    def tasks(self) -> list[TaskHealth]:
        """Every task alive, in the order they were started."""
        return [
            TaskHealth(
                name=job.name,
                running=job.running,
                crashes=job.crashes,
                last_error=job.last_error,
                last_crash_ms=job.last_crash_ms,
            )
            for job in self._jobs.values()
        ]

    @property
    def _is_closed(self) -> bool:
        return self._stopping or len(self._jobs) >= TASKS_MAX

    def _start(self, job: _Job, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._is_closed:
            work.close()
            raise RuntimeError(f"{job.name}: the supervisor is stopping or full")
        task = asyncio.get_running_loop().create_task(work, name=job.name)
        job.task = task
        self._jobs[task] = job
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._jobs.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("task_ended", task=task.get_name(), exc_info=error)

    async def _keep(self, job: _Job, work: Callable[[], Awaitable[None]]) -> None:
        backoff = self._backoff()
        while True:
            job.running = True
            started = self._clock.monotonic()
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the one place where a crash ends
                self._note_crash(job, error)
            else:
                return
            finally:
                job.running = False
            if self._clock.monotonic() - started >= HEALTHY_S:
                backoff = self._backoff()
            await asyncio.sleep(backoff.next_delay())

    async def _once(self, job: _Job, work: Coroutine[Any, Any, None]) -> None:
        job.running = True
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the one place where a crash ends
            self._note_crash(job, error)
        finally:
            job.running = False
            work.close()

    def _note_crash(self, job: _Job, error: Exception) -> None:
        job.crashes += 1
        self._crashes += 1
        job.last_error = f"{type(error).__name__}: {error}"
        job.last_crash_ms = self._clock.now_ms()
        _log.error("task_crashed", task=job.name, crashes=job.crashes, exc_info=error)
