"""What the two searching kinds of jobs do: a job's request as a sweep's, its answer as JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.equity_curve import curve_of
from headwater.backtest.job_request import OptimiseRequest, WalkForwardRequest
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.run_inputs import RunInputs
from headwater.backtest.summary import summary
from headwater.backtest.sweep_requests import SweepRequest, run_sweep, run_walk_forward
from headwater.backtest.sweep_requests import WalkForwardRequest as WalkRequest

__all__ = ["ROWS_MAX", "optimise", "walk_forward"]

ROWS_MAX: Final = 1_000
"""Most combinations that are kept, best first."""

Progress = Callable[[int, int], None]


def optimise(
    request: OptimiseRequest,
    strategy: str,
    inputs: RunInputs,
    assumptions: Assumptions,
    progress: Progress,
    journal: Path | None = None,
) -> bytes:
    """Runs a search.

    Args:
        request: what is asked for.
        strategy: name of the strategy, or the operator's own `path.py:Class`.
        inputs: what is run over.
        assumptions: costs and rules.
        progress: told (combinations done, in all).
        journal: folder that a search which was cut off goes on from; None for none.

    Returns:
        JSON: `report` with the best combinations and the judgement about over-fitting, `best` with
        the summary of the best run but its trades, `metrics` of it, and its `equity_curve`.

    Raises:
        RequestError: it cannot be run; says why.
    """
    run = run_sweep(
        _sweep_of(request, strategy, assumptions, _file(journal, "sweep"), request.method),
        inputs.bars,
        progress,
        funding=inputs.funding,
        detail=inputs.detail,
    )
    best: dict[str, Any] = msgspec.to_builtins(summary(run.best))
    best["trade_count"] = len(best.pop("trades"))
    metrics = best.pop("metrics")
    return msgspec.json.encode(
        {
            "report": run.report,
            "best": best,
            "metrics": metrics,
            "equity_curve": curve_of(
                run.best.bars.timestamp_ms, run.best.outcome.equity, run.best.interval_ms
            ),
        }
    )


def walk_forward(
    request: WalkForwardRequest,
    strategy: str,
    inputs: RunInputs,
    assumptions: Assumptions,
    progress: Progress,
    journal: Path | None = None,
) -> bytes:
    """Runs a walk-forward; arguments and errors as `optimise`, progress counts folds.

    Returns:
        JSON: `report` with the folds and what they mean, `assumptions` in words, `metrics` of the
        joined stretches that were not searched, and their `equity_curve`.
    """
    folder = None if journal is None else journal / "folds"
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    wanted = WalkRequest(
        sweep=_sweep_of(request, strategy, assumptions, str(folder or ""), "grid"),
        in_sample_days=request.in_sample_days,
        out_of_sample_days=request.out_of_sample_days,
        embargo_days=request.embargo_days,
        folds=request.folds,
    )
    found = run_walk_forward(
        wanted, inputs.bars, progress, funding=inputs.funding, detail=inputs.detail
    )
    return msgspec.json.encode(
        {
            "report": found.summary(),
            "assumptions": assumptions.told(),
            "metrics": found.performance,
            "equity_curve": curve_of(found.timestamp_ms, found.equity, inputs.bars.interval_ms),
        }
    )


def _sweep_of(
    request: OptimiseRequest | WalkForwardRequest,
    strategy: str,
    assumptions: Assumptions,
    journal: str,
    method: str,
) -> SweepRequest:
    """How combinations are chosen and run."""
    samples, seed = 1, 0
    if isinstance(request, OptimiseRequest):
        samples, seed = request.samples, request.seed
    return SweepRequest(
        strategy=strategy,
        ranges=tuple(
            ParameterRange.of(one.name, one.start, one.stop, one.step) for one in request.spans
        ),
        fixed=request.parameters,
        assumptions=assumptions,
        method=method,
        samples=samples,
        seed=seed,
        objective=request.objective,
        journal=journal,
        top=ROWS_MAX,
    )


def _file(folder: Path | None, name: str) -> str:
    """A file of a folder that is made; empty where there is none."""
    if folder is None:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / name)
