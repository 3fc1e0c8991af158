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
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.sweep_drives import Drive, SingleDrive
from headwater.backtest.sweep_tally import BLOCKS, Figure
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import PlatformError, RequestError

__all__ = [
    "WORKERS_MAX",
    "Alone",
    "Chunk",
    "ChunkFailure",
    "ChunkFigures",
    "Crew",
    "Processes",
    "SweepWorkerLost",
    "Threads",
    "chunk_figures",
    "cores",
    "figures_of",
    "figures_or_failure",
]

WORKERS_MAX: Final = 64

_Answer = TypeVar("_Answer")


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


@dataclass(frozen=True, slots=True)
class ChunkFailure:
    """Why a combination could not be run.

    Attributes:
        combination: its parameters.
        what: what was raised.
    """

    combination: str
    what: str


class Crew(Protocol):
    """Runs chunks; a context manager, whose workers live as long as it is open."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def run(self, chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        """Figures of the chunks as they are done.

        Raises:
            RequestError: a combination cannot be run; says which.
            SweepWorkerLost: a worker ended by itself.
        """


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(WORKERS_MAX, len(os.sched_getaffinity(0)))
    return min(WORKERS_MAX, os.cpu_count() or 1)


def chunk_figures(drive: Drive, chunk: Chunk) -> ChunkFigures:
    """Runs the combinations of a chunk one after the other.

    Raises:
        RequestError: a combination cannot be run, or its strategy raised; says which.
    """
    count = len(chunk.parameters)
    rows, blocks = np.empty((count, Figure.COUNT)), np.empty((count, BLOCKS, 2))
    for at, parameters in enumerate(chunk.parameters):
        try:
            rows[at], blocks[at] = drive.figures(parameters)
        except Exception as error:
            told = ", ".join(f"{name}={value}" for name, value in parameters.items())
            what = str(error) if isinstance(error, PlatformError) else repr(error)
            raise RequestError("combination", told, what) from error
    return ChunkFigures(places=chunk.places, rows=rows, blocks=blocks)


def figures_or_failure(drive: Drive, chunk: Chunk) -> ChunkFigures | ChunkFailure:
    """As `chunk_figures`, for another process, whose errors must travel as values."""
    try:
        return chunk_figures(drive, chunk)
    except RequestError as error:
        return ChunkFailure(combination=error.value, what=error.allowed)


def figures_of(answer: ChunkFigures | ChunkFailure) -> ChunkFigures:
    """The figures that another process answered with.

    Raises:
        RequestError: it answered with a failure.
    """
    if isinstance(answer, ChunkFailure):
        raise RequestError("combination", answer.combination, answer.what)
    return answer


class Alone:
    """No crew: the combinations are run here, one after the other."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def run(self, chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        """Figures of the chunks, in their order."""
        for chunk in chunks:
            yield chunk_figures(self._drive, chunk)


class Threads:
    """Threads of this process: machine code runs in all of them at once."""

    def __init__(self, drive: Drive, workers: int) -> None:
        self._drive = drive
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sweep")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what is being run; what has not begun is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def run(self, chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        """Figures of the chunks as they are done."""
        return _gathered(self._pool, self._figures, chunks, self._workers)

    def _figures(self, chunk: Chunk) -> ChunkFigures:
        return chunk_figures(self._drive, chunk)


class Processes:
    """Spawned processes, each with its own copy of the bars."""

    def __init__(self, task: SweepTask, workers: int) -> None:
        self._workers = workers
        self._pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(task.light(),),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what is being run; what has not begun is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def run(self, chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        """Figures of the chunks as they are done.

        Raises:
            SweepWorkerLost: a worker ended by itself.
        """
        try:
            for answer in _gathered(self._pool, _figures_here, chunks, self._workers):
                yield figures_of(answer)
        except BrokenProcessPool as error:
            raise SweepWorkerLost(
                "a worker of the sweep ended by itself (killed, out of memory, or its strategy "
                "cannot be imported there); what was done is in the journal, if one was given"
            ) from error


_HERE: dict[str, Drive] = {}


def _begin(task: SweepTask) -> None:
    """Prepares a spawned process for its task."""
    _HERE["drive"] = SingleDrive(task)


def _figures_here(chunk: Chunk) -> ChunkFigures | ChunkFailure:
    return figures_or_failure(_HERE["drive"], chunk)


def _gathered(
    pool: Executor, work: Callable[[Chunk], _Answer], chunks: Iterable[Chunk], workers: int
) -> Iterator[_Answer]:
    """Figures of chunks as they are done, with twice the workers out at once."""
    out: set[Future[_Answer]] = set()
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
