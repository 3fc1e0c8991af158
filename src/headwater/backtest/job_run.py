"""What a job does inside its worker: a request in, the bytes of its result and report out.

It knows no process, pipe or database: bars come from a function, progress goes to one.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.backtest.engine import BacktestEngine
from headwater.backtest.equity_curve import curve_of
from headwater.backtest.job_message import RESULT_BYTES_MAX, compressed
from headwater.backtest.job_request import (
    BacktestRequest,
    JobRequest,
    OptimiseRequest,
    WalkForwardRequest,
)
from headwater.backtest.result import BacktestResult
from headwater.backtest.run_inputs import RunInputs
from headwater.backtest.strategy_failure import failure_text
from headwater.backtest.summary import summary
from headwater.backtest.venue_fees import DEFAULT_EXCHANGE, VENUE_FEES, taker_fee_rate
from headwater.core.errors import PlatformError, RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.registry import strategy_class

__all__ = [
    "TRADES_MAX",
    "JobOutput",
    "JobProgress",
    "StrategyFailed",
    "run_job",
]

JobProgress = Callable[[int, int], None]
"""Told (steps done, steps in all) now and then."""

LoadInputs = Callable[[JobRequest], RunInputs]
"""Gives what a request goes over: bars, funding payments, smaller bars."""

ReportWriter = Callable[[BacktestResult], str]
"""Makes one HTML file of a result."""

TRADES_MAX: Final = 20_000
"""Most trades that are kept, the first ones; `trade_count` has their number."""


class StrategyFailed(PlatformError):
    """A strategy raised what is no error of ours; says what, at which bar and in which line."""


class JobOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a job leaves.

    Attributes:
        result: compressed JSON.
        report: compressed HTML; None where there is none.
    """

    result: bytes
    report: bytes | None


def run_job(
    request: JobRequest,
    strategy: str,
    load: LoadInputs,
    progress: JobProgress,
    report: ReportWriter | None = None,
    journal: Path | None = None,
) -> JobOutput:
    """Does what a request asks for.

    Args:
        request: checked.
        strategy: how its strategy is found: by its name, or the operator's own `path.py:Class`.
        load: gives bars, funding payments and smaller bars.
        progress: told how far it is.
        report: makes the report of a single run; None for none.
        journal: folder that a search which was cut off goes on from; None for none.

    Returns:
        What is stored.

    Raises:
        RequestError: the request, its data or the strategy make it impossible, or the result is
            larger than one may be; says why.
        StrategyFailed: the strategy raised something else, or wanted to end the program.
    """
    kind, inputs = strategy_class(strategy), load(request)
    try:
        if isinstance(request, BacktestRequest):
            return _backtest(request, kind, inputs, progress, report)
        return _search(request, strategy, inputs, progress, journal)
    except (PlatformError, MemoryError, RecursionError):
        raise
    except (Exception, SystemExit) as error:
        raise StrategyFailed(failure_text(error, kind)) from error


def _search(
    request: OptimiseRequest | WalkForwardRequest,
    strategy: str,
    inputs: RunInputs,
    progress: JobProgress,
    journal: Path | None,
) -> JobOutput:
    """A search, from what its journal has."""
    try:
        found = _searched(request, strategy, inputs, progress, journal)
    except RequestError as error:
        if journal is None or error.field != "journal":
            raise
        # Candles were filled in since the attempt before: what it noted is of other bars.
        shutil.rmtree(journal, ignore_errors=True)
        found = _searched(request, strategy, inputs, progress, journal)
    return JobOutput(result=_bounded("result", compressed(found)), report=None)


def _searched(
    request: OptimiseRequest | WalkForwardRequest,
    strategy: str,
    inputs: RunInputs,
    progress: JobProgress,
    journal: Path | None,
) -> bytes:
    """The answer of a search."""
    # Sweeps bring a compiler, which a single run must not pay for.
    from headwater.backtest import job_sweeps

    assumptions = inputs.stated(request.assumptions(fee_rate_of(request.exchange)))
    if isinstance(request, OptimiseRequest):
        return job_sweeps.optimise(request, strategy, inputs, assumptions, progress, journal)
    return job_sweeps.walk_forward(request, strategy, inputs, assumptions, progress, journal)


def fee_rate_of(exchange: str) -> float:
    """The taker fee of a venue; of one whose fees are not known, the default venue's."""
    return taker_fee_rate(exchange if exchange in VENUE_FEES else DEFAULT_EXCHANGE)


def _backtest(
    request: BacktestRequest,
    strategy: type[BaseStrategy],
    inputs: RunInputs,
    progress: JobProgress,
    report: ReportWriter | None,
) -> JobOutput:
    """One run."""
    bars = inputs.bars
    progress(0, len(bars))
    result = BacktestEngine(
        strategy(request.parameters),
        symbol=request.symbol,
        data=bars,
        assumptions=inputs.stated(request.assumptions(fee_rate_of(request.exchange))),
        funding=inputs.funding,
        detail=inputs.detail,
        progress=progress,
    ).run()
    progress(len(bars), len(bars))
    content = _bounded("result", compressed(_result_json(result)))
    page = None if report is None else _bounded("report", compressed(report(result).encode()))
    return JobOutput(result=content, report=page)


def _result_json(result: BacktestResult) -> bytes:
    """The summary with the first trades, and the equity as a curve."""
    told: dict[str, Any] = msgspec.to_builtins(summary(result))
    told["trade_count"] = len(told["trades"])
    told["trades"] = told["trades"][:TRADES_MAX]
    told["equity_curve"] = curve_of(
        result.bars.timestamp_ms, result.outcome.equity, result.interval_ms
    )
    return msgspec.json.encode(told)


def _bounded(what: str, content: bytes) -> bytes:
    """The bytes, if they are no more than may be kept.

    Raises:
        RequestError: they are more.
    """
    if len(content) > RESULT_BYTES_MAX:
        raise RequestError(
            what, f"{len(content)} bytes", f"at most {RESULT_BYTES_MAX} bytes, compressed"
        )
    return content
