"""Who runs the combinations of a sweep on this machine: threads, spawned processes, or nobody else.

Each crew takes chunks of combinations and gives back their figures as they are done, in any order.
No more chunks are out at once than twice the workers, and a crew that is left early (an error, a
sweep that was cancelled) drops those that have not begun.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.sweep_drives import Drive, KernelDrive, SingleDrive
from headwater.backtest.sweep_tally import BLOCKS, Figure
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import PlatformError, RequestError

__all__ = [
    "WORKERS_MAX",
    "Chunk",
    "ChunkFigures",
    "Crew",
    "SweepWorkerLost",
    "alone",
    "chunk_figures",
    "cores",
    "processes",
    "threads",
]

WORKERS_MAX: Final = 64


class SweepWorkerLost(PlatformError):
    """A worker of a sweep ended by itself: killed, out of memory, or its machine is gone."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some combinations of a sweep.

    Attributes:
        places: shape (k,), which ones, as places in the sweep's rows.
        parameters: of each.
    """

    places: IndexArray
    parameters: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ChunkFigures:
    """What some combinations came to.

    Attributes:
        places: shape (k,), as `Chunk`.
        rows: shape (k, Figure.COUNT).
        blocks: shape (k, BLOCKS, 2).
    """

    places: IndexArray
    rows: FloatArray
    blocks: FloatArray


Crew = Callable[[Iterable[Chunk]], Iterator[ChunkFigures]]
"""Runs chunks and gives back their figures."""


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(WORKERS_MAX, len(os.sched_getaffinity(0)))
    return min(WORKERS_MAX, os.cpu_count() or 1)


def chunk_figures(drive: Drive, chunk: Chunk) -> ChunkFigures:
    """Runs the combinations of a chunk one after the other.

    Raises:
        RequestError: a combination cannot be run; says which.
    """
    count = len(chunk.parameters)
    rows, blocks = np.empty((count, Figure.COUNT)), np.empty((count, BLOCKS, 2))
    for at, parameters in enumerate(chunk.parameters):
        try:
            rows[at], blocks[at] = drive.figures(parameters)
        except PlatformError as error:
            told = ", ".join(f"{name}={value}" for name, value in parameters.items())
            raise RequestError("combination", told, str(error)) from error
    return ChunkFigures(places=chunk.places, rows=rows, blocks=blocks)


def alone(drive: Drive) -> Crew:
    """No crew: the combinations are run here, one after the other."""

    def run(chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        for chunk in chunks:
            yield chunk_figures(drive, chunk)

    return run


def threads(drive: KernelDrive, workers: int) -> Crew:
    """Threads of this process: machine code runs in all of them at once."""

    def run(chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        with ThreadPoolExecutor(workers, thread_name_prefix="sweep") as pool:
            yield from _gathered(pool, lambda chunk: chunk_figures(drive, chunk), chunks, workers)

    return run


def processes(task: SweepTask, workers: int) -> Crew:
    """Spawned processes, each with its own copy of the bars.

    Raises:
        RequestError: when it runs: the strategy's class cannot be sent to another process.
        SweepWorkerLost: when it runs: a worker was killed.
    """

    def run(chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(task.light(),),
        )
        try:
            with pool:
                yield from _gathered(pool, _figures_here, chunks, workers)
        except BrokenProcessPool as error:
            raise SweepWorkerLost(
                "a worker of the sweep ended by itself (killed, out of memory, or its strategy "
                "cannot be imported there); what was done is in the journal, if one was given"
            ) from error

    return run


_HERE: dict[str, Drive] = {}


def _begin(task: SweepTask) -> None:
    """Prepares a spawned process for its task."""
    _HERE["drive"] = SingleDrive(task)


def _figures_here(chunk: Chunk) -> ChunkFigures:
    return chunk_figures(_HERE["drive"], chunk)


def _gathered(
    pool: Executor,
    work: Callable[[Chunk], ChunkFigures],
    chunks: Iterable[Chunk],
    workers: int,
) -> Iterator[ChunkFigures]:
    """Figures of chunks as they are done, with twice the workers out at once."""
    out: set[Future[ChunkFigures]] = set()
    try:
        for chunk in chunks:
            out.add(pool.submit(work, chunk))
            if len(out) >= 2 * workers:
                done, out = wait(out, return_when=FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        while out:
            done, out = wait(out, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()
    finally:
        for one in out:
            one.cancel()
