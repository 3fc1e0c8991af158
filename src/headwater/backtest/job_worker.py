"""The worker: one process, one job, then it ends. Started by the desk (`jobs.py`).

It reads its task from standard input, says how far it is on standard output, and is held by the
system to its memory and processor time. What the strategy prints goes to standard error. When the
desk is gone, its pipe closes and the worker ends at once.

Run as `python -m headwater.backtest.job_worker`; there is nothing to give it by hand.
"""

import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from headwater.backtest.job_message import (
    Finished,
    Gave,
    Progress,
    Said,
    WorkerTask,
    decode_task,
    encode_said,
)
from headwater.backtest.job_request import BacktestRequest, JobRequest, decode_request
from headwater.core.clock import Clock, SystemClock
from headwater.core.errors import PlatformError, StorageUnavailable

if TYPE_CHECKING:
    from headwater.backtest.job_run import ReportWriter
    from headwater.backtest.run_inputs import RunInputs

__all__ = ["EXIT_LATER", "main", "memory_reason"]

PACE_S: Final = 0.5
"""Shortest time between two reports of progress."""

EXIT_LATER: Final = 75
"""Exit code of a worker whose database was away: the same job may work later (EX_TEMPFAIL)."""

_REASON_CHARS: Final = 500
_MIB: Final = 1024 * 1024
_CPU_SLACK_S: Final = 10


class _Line:
    """The line to the desk."""

    def __init__(self, out: BinaryIO, clock: Clock) -> None:
        self._out = out
        self._clock = clock
        self._next_s = clock.monotonic()

    def say(self, said: Said, *content: bytes) -> None:
        """Writes a line and what belongs behind it."""
        for part in (encode_said(said), *content):
            self._out.write(part)
        self._out.flush()

    def progress(self, done: int, total: int) -> None:
        """Says how far it is, unless it did a moment ago."""
        now_s = self._clock.monotonic()
        if now_s >= self._next_s or done >= total > 0:
            self._next_s = now_s + PACE_S
            self.say(Progress(done=done, total=total))


def main() -> int:
    """Does one job; returns the exit code."""
    source, out = _own_pipes()
    task = decode_task(source.readline())
    line = _Line(out, SystemClock())
    _end_with(source)
    try:
        # Everything is imported before the memory is counted: what the job may take is its own.
        # What is imported stays: looking for garbage in it is an eighth of the start.
        gc.disable()
        from headwater.backtest import job_run

        request = decode_request(task.request)
        load = _loader(task)
        report = _report_writer() if isinstance(request, BacktestRequest) else None
        gc.freeze()
        gc.enable()
        _limit(task)
        line.say(Progress(done=0, total=0))
        output = job_run.run_job(
            request,
            task.strategy,
            load,
            line.progress,
            report,
            Path(task.journal) if task.journal else None,
        )
    except StorageUnavailable:
        return EXIT_LATER
    except PlatformError as error:
        line.say(Gave(reason=_cut(str(error))))
    except MemoryError:
        line.say(Gave(reason=memory_reason(task.memory_mb)))
    except RecursionError:
        line.say(Gave(reason="the strategy calls itself without end (RecursionError)"))
    except Exception as error:  # noqa: BLE001 - what is no strategy's fault has a reason too
        line.say(Gave(reason=_cut(f"the job failed: {type(error).__name__}: {error}")))
    else:
        report_content = output.report or b""
        finished = Finished(result_bytes=len(output.result), report_bytes=len(report_content))
        line.say(finished, output.result, report_content)
    return 0


def memory_reason(memory_mb: int) -> str:
    """Why a job that takes too much memory has failed."""
    return f"it needs more than the {memory_mb} MiB of memory that a job may take"


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two ends of the line, moved out of the reach of what prints or reads."""
    source = os.fdopen(os.dup(0), "rb", buffering=0)
    out = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, out


def _end_with(source: BinaryIO) -> None:
    """Ends this process, and what it started, when the desk's end of the pipe closes."""

    def wait() -> None:
        with suppress(OSError, ValueError):
            source.read(1)
        with suppress(OSError):
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, name="desk watch", daemon=True).start()


def _limit(task: WorkerTask) -> None:
    """Has the system hold this process to its memory and processor time, and make no core file."""
    _lower(resource.RLIMIT_CORE, 0)
    cores = os.cpu_count() or 1
    _lower(resource.RLIMIT_CPU, int(task.seconds_max * cores) + _CPU_SLACK_S)
    used = _private_bytes()
    if used is not None:
        _lower(resource.RLIMIT_DATA, used + task.memory_mb * _MIB)


def _lower(what: int, wanted: int) -> None:
    """Sets a limit, unless a lower one is set already."""
    hard = resource.getrlimit(what)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (value, hard))


def _private_bytes() -> int | None:
    """Memory that this process may write to and has alone; None where the system does not say.

    It is what RLIMIT_DATA counts: address space that is only reserved, as many threads do, is not
    in it.
    """
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return None


def _loader(task: WorkerTask) -> "Callable[[JobRequest], RunInputs]":
    """Reads what is stored; the only place that knows where a job's bars and funding come from."""
    from headwater.backtest.stored_bars import ExtraColumn, StoredBars
    from headwater.backtest.stored_inputs import StoredInputs, stored_inputs
    from headwater.storage.opening import database_of
    from headwater.storage.sessions import ReadSession

    database = database_of(task.database_url, Path(task.data_dir))

    def load(request: JobRequest) -> "RunInputs":
        bars = StoredBars(
            exchange=request.exchange,
            symbol=request.symbol,
            interval=request.timeframe,
            start_ms=request.start_ms,
            end_ms=request.end_ms,
            extras=tuple(ExtraColumn),
        )
        wanted = StoredInputs(bars=bars, funding=request.funding, detail=request.detail_interval)
        with ReadSession(database) as session:
            return stored_inputs(session, wanted)

    return load


def _report_writer() -> "ReportWriter | None":
    """What makes the HTML report of a single run."""
    from headwater.backtest.report import report_html

    return report_html


def _cut(text: str) -> str:
    return text if len(text) <= _REASON_CHARS else text[: _REASON_CHARS - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
