"""What a job does inside its worker: a request in, the bytes of its result and report out.

It knows no process, pipe or database: bars come from a function, progress goes to one.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.job_message import RESULT_BYTES_MAX, compressed
from headwater.backtest.job_request import BacktestRequest, JobRequest, OptimiseRequest
from headwater.backtest.result import BacktestResult
from headwater.backtest.summary import summary
from headwater.backtest.venue_fees import DEFAULT_EXCHANGE, VENUE_FEES, taker_fee_rate
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy

__all__ = [
    "CURVE_POINTS_MAX",
    "TRADES_MAX",
    "JobOutput",
    "JobProgress",
    "run_job",
]

JobProgress = Callable[[int, int], None]
"""Told (steps done, steps in all) now and then."""

LoadBars = Callable[[JobRequest], Bars]
"""Gives the bars of a request."""

ReportWriter = Callable[[BacktestResult], str]
"""Makes one HTML file of a result."""

CURVE_POINTS_MAX: Final = 2_000
"""Most points of the equity curve that is kept: what a screen can show."""

TRADES_MAX: Final = 20_000
"""Most trades that are kept, the first ones; `trade_count` has their number."""

_ROWS_MAX: Final = 1_000


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
    strategy: type[BaseStrategy],
    load: LoadBars,
    progress: JobProgress,
    report: ReportWriter | None = None,
) -> JobOutput:
    """Does what a request asks for.

    Args:
        request: checked.
        strategy: the class that it names.
        load: gives the bars.
        progress: told how far it is.
        report: makes the report of a single run; None for none.

    Returns:
        What is stored.

    Raises:
        RequestError: the request, its data or the strategy make it impossible, or the result is
            larger than one may be; says why.
    """
    if isinstance(request, BacktestRequest):
        return _backtest(request, strategy, load(request), progress, report)
    # Sweeps bring compiled code, which a single run must not pay for.
    from headwater.backtest import job_sweeps

    if isinstance(request, OptimiseRequest):
        found = job_sweeps.optimise(request, strategy, load(request), progress)
    else:
        found = job_sweeps.walk_forward(request, strategy, load(request), progress)
    return JobOutput(result=_bounded("result", compressed(found)), report=None)


def fee_rate_of(exchange: str) -> float:
    """The taker fee of a venue; of one whose fees are not known, the default venue's."""
    return taker_fee_rate(exchange if exchange in VENUE_FEES else DEFAULT_EXCHANGE)


def _backtest(
    request: BacktestRequest,
    strategy: type[BaseStrategy],
    bars: Bars,
    progress: JobProgress,
    report: ReportWriter | None,
) -> JobOutput:
    """One run."""
    progress(0, len(bars))
    result = BacktestEngine(
        strategy(request.parameters),
        symbol=request.symbol,
        data=bars,
        assumptions=request.assumptions(fee_rate_of(request.exchange)),
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
    told["equity_curve"] = _curve(result)
    return msgspec.json.encode(told)


def _curve(result: BacktestResult) -> list[tuple[int, float]]:
    """(ms, equity) at evenly spaced closes, the last one among them."""
    equity: FloatArray = result.outcome.equity
    if not len(equity):
        return []
    count = min(len(equity), CURVE_POINTS_MAX)
    at = np.unique(np.linspace(0, len(equity) - 1, count).round().astype(np.int64))
    closes = result.bars.timestamp_ms[at] + result.interval_ms
    return list(zip(closes.tolist(), equity[at].tolist(), strict=True))


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
