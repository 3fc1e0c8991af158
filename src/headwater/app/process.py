"""The process itself: when to stop, what it used, how many files it may open."""

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec

_KIB = 1024


class ProcessUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What this process has used so far.

    Attributes:
        resident_bytes: memory now.
        peak_bytes: most memory at any time.
        cpu_s: processor seconds, user and system together.
    """

    resident_bytes: int
    peak_bytes: int
    cpu_s: float

    @classmethod
    def now(cls) -> Self:
        """Reads the counters of this process."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        peak = usage.ru_maxrss * _KIB
        return cls(
            resident_bytes=_resident_bytes() or peak,
            peak_bytes=peak,
            cpu_s=usage.ru_utime + usage.ru_stime,
        )

    def summary(self, uptime_s: float) -> str:
        """One line for people: memory, peak and share of one processor over `uptime_s`."""
        share = self.cpu_s / uptime_s * 100 if uptime_s > 0 else 0.0
        return (
            f"This process: {self.resident_bytes / 1e6:.0f} MB resident "
            f"(peak {self.peak_bytes / 1e6:.0f} MB), {self.cpu_s:.1f} s of processor time "
            f"in {uptime_s:.0f} s ({share:.0f} % of one core)"
        )


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` to its end on a new event loop: uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def raise_open_files() -> int:
    """Allows as many open files as the system lets this process have; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        # A refusal leaves the old limit, which is then the answer.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            return hard
    return soft


@contextlib.contextmanager
def stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Sets `stop` on SIGINT or SIGTERM while the block runs; a second signal ends at once."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ask, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def until_stopped(stop_after_s: float | None, *ends: "asyncio.Future[Any]") -> None:
    """Waits for a signal, for the time to run out, or for one of `ends`.

    Args:
        stop_after_s: longest wait, None for no limit.
        ends: futures whose end also ends the wait; their errors are raised.
    """
    stop = asyncio.Event()
    with stop_signals(stop):
        waiting = asyncio.create_task(stop.wait(), name="stop signal")
        try:
            done, _ = await asyncio.wait(
                {waiting, *ends}, timeout=stop_after_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
    for end in done - {waiting}:
        end.result()


def _resident_bytes() -> int | None:
    """Resident memory from /proc, None where there is none."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
