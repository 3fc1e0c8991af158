"""What somebody asks for, as one record, and the answer: for the command line and the API.

`run_sweep` also runs the best row once more through the engine, so that what is shown as the best
has passed the search for look-ahead and has trades and an equity curve, and it puts the judgement
about over-fitting beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.funding import FundingColumns
from headwater.backtest.overfit_report import OverfitReport, overfit_report
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.result import BacktestResult
from headwater.backtest.sweep import Progress, Sweep
from headwater.backtest.sweep_result import SweepResult, SweepRow
from headwater.backtest.sweep_task import StrategyReference, resolved
from headwater.backtest.walk_forward import Search, WalkForward
from headwater.backtest.walk_forward_result import WalkForwardResult
from headwater.strategies.bars import Bars

__all__ = [
    "SweepReport",
    "SweepRequest",
    "SweepRun",
    "WalkForwardRequest",
    "run_sweep",
    "run_walk_forward",
]


class SweepRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep, but for its bars.

    Attributes:
        strategy: name in the registry, `path.py:Class`, or the class.
        ranges: the values of each swept parameter.
        fixed: parameters that are the same for all.
        assumptions: costs and rules.
        method: `grid`, `random` or `bayesian`.
        samples: how many combinations of the latter two.
        seed: of what is drawn.
        objective: one of `sweep_result.OBJECTIVES`.
        scheduler: address of a Dask scheduler; empty: this machine.
        workers: at once; None: as many as there are processors.
        journal: file to go on from and to write to; empty: none.
        top: rows of the report.
    """

    strategy: StrategyReference
    ranges: Sequence[ParameterRange]
    fixed: Mapping[str, Any] = {}
    assumptions: Assumptions = Assumptions()
    method: str = "grid"
    samples: int = 100
    seed: int = 0
    objective: str = "sharpe"
    scheduler: str = ""
    workers: int | None = None
    journal: str = ""
    top: int = 20


class WalkForwardRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A walk-forward, but for its bars.

    Attributes:
        sweep: how each fold chooses; its journal is a folder, with one file a fold.
        in_sample_days: as `WalkForward`.
        out_of_sample_days: likewise.
        embargo_days: likewise.
        anchored: likewise.
        folds: likewise.
    """

    sweep: SweepRequest
    in_sample_days: float
    out_of_sample_days: float
    embargo_days: float = 0.0
    anchored: bool = False
    folds: int | None = None


class SweepReport(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep's answer, ready for JSON.

    Attributes:
        strategy: its name.
        objective: what rows are ordered by.
        method: how combinations were chosen.
        combinations: that were run.
        skipped: that the strategy refused.
        reused: that were read from the journal.
        drive: what ran them.
        bars: that each account ran over.
        assumptions: in words.
        best_parameters: all of the best row's, those that were not swept included.
        overfit: how far the best row is to be believed.
        look_ahead: how the best row was searched for look-ahead.
        rows: best first.
    """

    strategy: str
    objective: str
    method: str
    combinations: int
    skipped: int
    reused: int
    drive: str
    bars: int
    assumptions: dict[str, str]
    best_parameters: dict[str, Any]
    overfit: OverfitReport
    look_ahead: str
    rows: tuple[SweepRow, ...]


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A sweep's answer in full.

    Attributes:
        result: all rows.
        best: the run of the best one.
        report: what is shown.
    """

    result: SweepResult
    best: BacktestResult
    report: SweepReport

    def table(self) -> list[dict[str, Any]]:
        """The report's rows as flat dictionaries."""
        return self.result.table(len(self.report.rows))


def run_sweep(
    request: SweepRequest,
    data: Any,
    progress: Progress | None = None,
    *,
    funding: FundingColumns | None = None,
    detail: Bars | None = None,
) -> SweepRun:
    """Runs a sweep and judges its best row.

    Args:
        request: what is asked for.
        data: what `Bars.of` understands.
        progress: told (combinations done, combinations); what it raises ends the sweep.
        funding: payments of a perpetual contract.
        detail: bars of a smaller interval, which tell what a bar reached first.

    Raises:
        RequestError: something that cannot be, or the best row looks ahead; names it.
        ConfigError: an extra that is not installed.
        SweepWorkerLost: a worker ended by itself.
        StorageError: the journal cannot be read or written.
    """
    sweep = Sweep(
        request.strategy,
        data,
        request.ranges,
        request.assumptions,
        fixed=request.fixed,
        method=request.method,
        samples=request.samples,
        seed=request.seed,
        objective=request.objective,
        funding=funding,
        detail=detail,
        scheduler=request.scheduler,
        workers=request.workers,
    )
    result = sweep.run(progress, Path(request.journal) if request.journal else None)
    strategy = resolved(request.strategy)(result.grid.parameters(result.best.number))
    best = BacktestEngine(
        strategy,
        data=sweep.task.bars,
        assumptions=request.assumptions,
        funding=funding,
        detail=detail,
    ).run()
    report = SweepReport(
        strategy=result.strategy,
        objective=result.objective,
        method=request.method,
        combinations=len(result),
        skipped=result.skipped,
        reused=result.reused,
        drive=result.drive,
        bars=result.bars,
        assumptions=best.assumptions.told(),
        best_parameters=dict(strategy.params),
        overfit=overfit_report(result, best.outcome),
        look_ahead=best.look_ahead.how,
        rows=tuple(result.rows(request.top)),
    )
    return SweepRun(result=result, best=best, report=report)


def run_walk_forward(
    request: WalkForwardRequest,
    data: Any,
    progress: Progress | None = None,
    *,
    funding: FundingColumns | None = None,
    detail: Bars | None = None,
) -> WalkForwardResult:
    """Runs a walk-forward.

    Args:
        request: what is asked for.
        data: what `Bars.of` understands.
        progress: told (folds done, folds); what it raises ends it.
        funding: payments of a perpetual contract.
        detail: bars of a smaller interval, which tell what a bar reached first.

    Raises:
        RequestError: something that cannot be; names it.
        ConfigError: an extra that is not installed.
        SweepWorkerLost: a worker ended by itself.
        StorageError: a journal cannot be read or written.
    """
    sweep = request.sweep
    walk = WalkForward(
        sweep.strategy,
        data,
        Search(
            ranges=sweep.ranges,
            fixed=sweep.fixed,
            method=sweep.method,
            samples=sweep.samples,
            seed=sweep.seed,
            objective=sweep.objective,
            scheduler=sweep.scheduler,
            workers=sweep.workers,
        ),
        in_sample_days=request.in_sample_days,
        out_of_sample_days=request.out_of_sample_days,
        embargo_days=request.embargo_days,
        anchored=request.anchored,
        folds=request.folds,
        assumptions=sweep.assumptions,
        funding=funding,
        detail=detail,
    )
    return walk.run(progress, Path(sweep.journal) if sweep.journal else None)
