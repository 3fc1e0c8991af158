"""A sweep: many combinations of a strategy's parameters over the same bars."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.funding import FundingColumns
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.searchable import check_searchable
from headwater.backtest.sweep_candidates import Candidates, ParameterGrid, drawn, whole_grid
from headwater.backtest.sweep_columns import columns_kept
from headwater.backtest.sweep_crews import (
    WORKERS_MAX,
    Alone,
    Chunk,
    Crew,
    Processes,
    Threads,
    cores,
)
from headwater.backtest.sweep_drives import KernelDrive, SingleDrive, repays
from headwater.backtest.sweep_journal import SweepJournal, header_of
from headwater.backtest.sweep_result import OBJECTIVES, SweepResult
from headwater.backtest.sweep_tally import BLOCKS, Figure
from headwater.backtest.sweep_task import StrategyReference, SweepTask, resolved
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars

__all__ = ["METHODS", "Progress", "Sweep", "SweepRows", "chunk_of"]

METHODS: Final = ("grid", "random", "bayesian")

Progress = Callable[[int, int], None]
"""Told (combinations done, combinations in all); what it raises ends the sweep."""

_TRIALS_KEPT: Final = 500
_CHUNK_STEPS: Final = 2_000_000
_CHUNK_MAX: Final = 64
# Fewer steps (bars × combinations) than these are done sooner than processes have begun.
_PROCESS_STEPS_MIN: Final = 20_000_000


class Sweep:
    """Many combinations of a strategy's parameters over the same bars.

    Args:
        strategy: the class, its name in the registry, or `path.py:Class`.
        data: what `Bars.of` understands.
        ranges: the values of each swept parameter.
        assumptions: costs and rules.
        fixed: parameters that are the same for all.
        method: `grid` (all combinations), `random` (distinct ones), or `bayesian` (each batch is
            chosen by what the ones before found; optional extra `optimise`).
        samples: how many combinations, of `random` and `bayesian`.
        seed: of what is drawn; the same seed gives the same combinations.
        objective: one of `OBJECTIVES`; what rows are ordered by and a search looks for.
        funding: payments of a perpetual contract.
        detail: bars of a smaller interval, which tell what a bar reached first.
        scheduler: address of a Dask scheduler (`tcp://host:port`, optional extra `cluster`); empty:
            this machine.
        workers: threads or processes at once; None: as many as there are processors.
        trade_from: as `SweepTask`.

    Raises:
        RequestError: something that cannot be; names it.
    """

    def __init__(
        self,
        strategy: StrategyReference,
        data: Any,
        ranges: Sequence[ParameterRange],
        assumptions: Assumptions | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        method: str = "grid",
        samples: int = 100,
        seed: int = 0,
        objective: str = "sharpe",
        funding: FundingColumns | None = None,
        detail: Bars | None = None,
        scheduler: str = "",
        workers: int | None = None,
        trade_from: int = 0,
    ) -> None:
        check_searchable(resolved(strategy), fixed)
        bars = Bars.of(data)
        if objective not in OBJECTIVES:
            raise RequestError("objective", objective, f"one of {', '.join(OBJECTIVES)}")
        if method not in METHODS:
            raise RequestError("method", method, f"one of {', '.join(METHODS)}")
        if workers is not None and not 1 <= workers <= WORKERS_MAX:
            raise RequestError("workers", workers, f"from 1 to {WORKERS_MAX}")
        if not 0 <= trade_from < len(bars):
            raise RequestError(
                "data" if not len(bars) else "trade_from",
                f"{len(bars)} bars" if not len(bars) else trade_from,
                "at least one bar to trade on",
            )
        self.task = SweepTask(
            strategy=strategy,
            bars=bars,
            assumptions=(assumptions or Assumptions()).checked(),
            funding=funding,
            trade_from=trade_from,
            detail=detail,
        )
        self.grid = ParameterGrid.of(resolved(strategy), ranges, fixed)
        self.method = method
        self.samples = samples
        self.seed = seed
        self.objective = objective
        self.scheduler = scheduler
        self.workers = workers or cores()

    def run(self, progress: Progress | None = None, resume: Path | None = None) -> SweepResult:
        """Runs the combinations, or those that the journal does not have yet.

        Args:
            progress: told how far it is, now and then.
            resume: file of the journal; begun if it is not there.

        Raises:
            RequestError: no combination is left, the journal is another sweep's, or a combination
                cannot be run.
            SweepWorkerLost: a worker ended by itself, more often than is put up with.
            StorageError: the journal cannot be read or written.
        """
        with ExitStack() as open_now:
            journal = None
            if resume is not None:
                journal = SweepJournal(resume, header_of(self.task, self._search()))
                open_now.enter_context(journal)
            if self.method == "bayesian":
                from headwater.backtest.search import searched

                return searched(self, progress, journal)
            candidates = (
                whole_grid(self.grid)
                if self.method == "grid"
                else drawn(self.grid, self.samples, self.seed)
            )
            rows = SweepRows(self, candidates, progress, journal)
            crew, drive = self.crew(len(candidates) - rows.reused)
            with crew:
                rows.fill(crew)
            return rows.result(drive)

    def crew(self, combinations: int) -> tuple[Crew, str]:
        """Who runs so many combinations best, and its name for the result."""
        task = self.task
        crew: Crew
        if self.scheduler:
            from headwater.backtest.sweep_cluster import Cluster

            compiled = repays(task, combinations)
            crew = Cluster(task, self.scheduler, compiled=compiled)
            return crew, f"cluster {self.scheduler}"
        workers = min(self.workers, max(1, combinations))
        if repays(task, combinations):
            drive = KernelDrive(task)
            crew = Threads(drive, workers) if workers > 1 else Alone(drive)
            return crew, f"compiled, {workers} threads"
        if workers == 1 or combinations * task.length < _PROCESS_STEPS_MIN:
            return Alone(SingleDrive(task)), "single, one process"
        return Processes(task, workers), f"single, {workers} processes"

    def _search(self) -> dict[str, Any]:
        """How the combinations are chosen, for the journal's header."""
        drawn_by = {"samples": self.samples, "seed": self.seed, "objective": self.objective}
        return {
            "method": self.method,
            "ranges": {one.name: list(one.values) for one in self.grid.ranges},
            "fixed": dict(self.grid.fixed),
            **(drawn_by if self.method == "bayesian" else {}),
        }


class SweepRows:
    """The rows of a sweep while they come in."""

    def __init__(
        self,
        sweep: Sweep,
        candidates: Candidates,
        progress: Progress | None,
        journal: SweepJournal | None,
    ) -> None:
        count = len(candidates)
        self._sweep = sweep
        self._candidates = candidates
        self._progress = progress
        self._journal = journal
        self._stride = math.ceil(count / _TRIALS_KEPT)
        self._figures: FloatArray = np.zeros((count, Figure.COUNT))
        self._kept: IndexArray = np.arange(0, count, self._stride)
        self._blocks: FloatArray = np.zeros((len(self._kept), BLOCKS, 2))
        self._done = np.zeros(count, dtype=np.bool_)
        self.reused = 0
        if journal is not None and journal.done:
            for place, number in enumerate(candidates.numbers.tolist()):
                if (found := journal.done.get(number)) is not None:
                    self._put(place, *found)
            self.reused = int(np.count_nonzero(self._done))

    def fill(self, crew: Crew) -> None:
        """Runs what is not done yet."""
        total = len(self._candidates)
        done = self.reused
        if self._progress is not None:
            self._progress(done, total)
        if done == total:
            return
        for figures in crew.run(self._chunks(total - done)):
            for at, place in enumerate(figures.places.tolist()):
                self._put(place, figures.rows[at], figures.blocks[at])
            done += len(figures.places)
            if self._journal is not None:
                numbers = self._candidates.numbers[figures.places].tolist()
                self._journal.append(numbers, figures)
            if self._progress is not None:
                self._progress(done, total)

    def result(self, drive: str) -> SweepResult:
        """What was found, once all is done."""
        sweep = self._sweep
        return SweepResult(
            strategy=sweep.grid.strategy.name,
            grid=sweep.grid,
            numbers=self._candidates.numbers,
            figures=self._figures,
            kept_places=self._kept,
            blocks=self._blocks,
            objective=sweep.objective,
            initial_capital=sweep.task.assumptions.initial_capital,
            bars_a_year=sweep.task.bars_a_year,
            bars=sweep.task.length,
            skipped=self._candidates.skipped,
            reused=self.reused,
            drive=drive,
        )

    def _put(self, place: int, row: FloatArray, blocks: FloatArray) -> None:
        self._figures[place] = row
        if place % self._stride == 0:
            self._blocks[place // self._stride] = blocks
        self._done[place] = True

    def _chunks(self, left: int) -> Iterator[Chunk]:
        """What is not done, so ordered that neighbours share indicators."""
        sweep = self._sweep
        length = len(sweep.task.bars)
        ranges = len(sweep.grid.ranges)
        order = self._candidates.order(columns_kept(length) // (2 * ranges))
        places = order[~self._done[order]]
        even = math.ceil(left / (4 * sweep.workers))
        size = max(1, min(_CHUNK_MAX, _CHUNK_STEPS // length, even))
        return _cut(places, size, sweep.grid, self._candidates.numbers)


def _cut(
    places: IndexArray, size: int, grid: ParameterGrid, numbers: IndexArray
) -> Iterator[Chunk]:
    for start in range(0, len(places), size):
        some = places[start : start + size]
        yield chunk_of(some, grid, numbers[some].tolist())


def chunk_of(places: IndexArray, grid: ParameterGrid, numbers: Iterable[int]) -> Chunk:
    """Combinations as a chunk for a crew."""
    return Chunk(places=places, parameters=tuple(grid.parameters(one) for one in numbers))
