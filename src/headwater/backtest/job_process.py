"""One worker process from its start to its end, watched from outside.

Whatever a strategy does in there, this ends: the worker has a deadline, its memory is watched (and
limited by the system besides, see `job_worker`), and everything it started is killed with it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from headwater.backtest.job_message import (
    LINE_BYTES_MAX,
    RESULT_BYTES_MAX,
    Finished,
    Gave,
    Progress,
    WorkerTask,
    decode_said,
    encode_task,
)
from headwater.backtest.job_worker import EXIT_LATER, memory_reason

__all__ = ["Done", "Failed", "Lost", "WorkerEnd", "resident_mb", "run_worker"]

START_S: Final = 30.0
"""Longest time for the start of a worker, before its job begins."""

MEMORY_PACE_S: Final = 0.25
"""Time between two looks at a worker's memory."""

PROCESS_MB: Final = 160
"""Memory that a process of ours has before it does anything, MiB; not counted to its job."""

PROCESSES_MAX: Final = 256
"""Processes of one worker that are looked at."""

_MIB: Final = 1024 * 1024
_PROC: Final = Path("/proc")


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The job is done.

    Attributes:
        result: compressed.
        report: compressed; None without one.
    """

    result: bytes
    report: bytes | None


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The job cannot be done; another attempt would meet the same.

    Attributes:
        reason: in words.
    """

    reason: str


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """The worker ended without a word; another attempt may go well.

    Attributes:
        reason: how it ended, in words.
    """

    reason: str


WorkerEnd: TypeAlias = Done | Failed | Lost
"""How a worker ended."""


async def run_worker(task: WorkerTask, on_progress: Callable[[int, int], None]) -> WorkerEnd:
    """Runs one job in a process of its own; cancelling it kills the process.

    Args:
        task: what it does and may take.
        on_progress: told (steps done, steps in all).

    Returns:
        How it ended; never an exception for what happens in the worker.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headwater.backtest.job_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LINE_BYTES_MAX,
        # Its own group: what it starts ends with it, and Ctrl-C reaches the platform alone.
        start_new_session=True,
    )
    talking = asyncio.create_task(_talk(process, task, on_progress), name="backtest worker")
    watching = asyncio.create_task(_outgrown(process.pid, task.memory_mb), name="worker memory")
    try:
        await asyncio.wait({talking, watching}, return_when=asyncio.FIRST_COMPLETED)
        if talking.done():
            return talking.result()
        return Failed(reason=memory_reason(task.memory_mb))
    finally:
        _kill_group(process)
        talking.cancel()
        watching.cancel()
        await asyncio.gather(talking, watching, return_exceptions=True)
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _talk(
    process: asyncio.subprocess.Process,
    task: WorkerTask,
    on_progress: Callable[[int, int], None],
) -> WorkerEnd:
    """Gives the task and listens to the end, for as long as the job may take."""
    loop = asyncio.get_running_loop()
    has_begun = False

    def heard(done: int, total: int) -> None:
        nonlocal has_begun
        if not has_begun:
            # The first word is said when everything is imported: from here on it is the job's time.
            has_begun = True
            limit.reschedule(loop.time() + task.seconds_max)
        on_progress(done, total)

    try:
        async with asyncio.timeout(START_S) as limit:
            return await _heard_out(process, task, heard)
    except TimeoutError:
        if has_begun:
            return Failed(reason=_time_reason(task.seconds_max))
        return Lost(reason=f"its worker did not begin within {START_S:g} s")


async def _heard_out(
    process: asyncio.subprocess.Process,
    task: WorkerTask,
    on_progress: Callable[[int, int], None],
) -> WorkerEnd:
    """Everything that the worker says, to its end."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):
        process.stdin.write(encode_task(task))
        await process.stdin.drain()
    try:
        while line := await process.stdout.readline():
            said = decode_said(line)
            if isinstance(said, Progress):
                on_progress(said.done, said.total)
            elif isinstance(said, Gave):
                return Failed(reason=said.reason)
            elif isinstance(said, Finished):
                return await _output(process.stdout, said)
    except (msgspec.DecodeError, ValueError, asyncio.IncompleteReadError) as error:
        if process.returncode is None and not isinstance(error, asyncio.IncompleteReadError):
            return Lost(reason="its worker said what cannot be read")
    return _end_of(await process.wait(), task)


async def _output(stream: asyncio.StreamReader, said: Finished) -> WorkerEnd:
    """Reads the bytes behind the last line."""
    if max(said.result_bytes, said.report_bytes) > RESULT_BYTES_MAX:
        return Failed(reason=f"its result has more than {RESULT_BYTES_MAX} bytes")
    result = await stream.readexactly(said.result_bytes)
    report = await stream.readexactly(said.report_bytes)
    return Done(result=result, report=report or None)


def _end_of(code: int, task: WorkerTask) -> WorkerEnd:
    """What an end without a word means."""
    if code == -signal.SIGXCPU:
        return Failed(reason=_time_reason(task.seconds_max))
    if code == EXIT_LATER:
        return Lost(reason="the database did not answer its worker")
    if code < 0:
        return Lost(reason=f"its worker was ended by {_signal_name(-code)}")
    return Lost(reason=f"its worker ended with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _time_reason(seconds_max: float) -> str:
    return f"it took longer than the {seconds_max:g} s that a job may take"


async def _outgrown(pid: int, memory_mb: int) -> None:
    """Waits until a worker and what it started hold too much memory."""
    while True:
        await asyncio.sleep(MEMORY_PACE_S)
        held, processes = resident_mb(pid)
        if held > memory_mb + PROCESS_MB * processes:
            return


def resident_mb(pid: int) -> tuple[float, int]:
    """Memory of its own that a process and its descendants hold, MiB, and how many they are.

    0 where the system does not tell (there is no /proc): the limits of the system must do.
    """
    waiting, pages, seen = [pid], 0, 0
    while waiting and seen < PROCESSES_MAX:
        one = waiting.pop()
        with suppress(OSError, ValueError, IndexError):
            fields = (_PROC / str(one) / "statm").read_text().split()
            pages += int(fields[1]) - int(fields[2])
            seen += 1
            for children in (_PROC / str(one) / "task").glob("*/children"):
                waiting += [int(child) for child in children.read_text().split()]
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB, max(seen, 1)


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kills a worker and everything in its group; harmless when nothing is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
