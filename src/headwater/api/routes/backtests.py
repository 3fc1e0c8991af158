"""`/api/v1/backtests`: jobs that run strategies over stored candles (requirement C-R7).

Starting answers 202 with an id at once; the work is done in worker processes, bounded in number,
memory and time, and survives a restart (`docs/guides/backtest-jobs.md`).
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from headwater.api.answering import Answers
from headwater.api.backtest_market import market_of
from headwater.api.idempotency import KeyHeader, job_key
from headwater.api.openapi import SERVER_STATUSES, Responses, answers, problems
from headwater.api.parameters import Limit500, router_of
from headwater.api.routes.strategies import (
    NOTHING_STORED_RETRY_S,
    RecordIdPath,
    own_pages_only,
    respond,
)
from headwater.api.schemas.backtest_bodies import (
    BacktestBody,
    OptimiseBody,
    ParameterRangeBody,
    RunFields,
    WalkForwardBody,
)
from headwater.api.schemas.backtests import (
    CURSOR_PATTERN,
    BacktestAcceptedView,
    BacktestPerformanceView,
    BacktestResultView,
    BacktestStatusView,
    BacktestsView,
    MetricsOnly,
    accepted_view,
    backtests_view,
    place_of,
    request_of,
    status_view,
)
from headwater.backtest.job_key import JobKey
from headwater.backtest.job_request import (
    BacktestRequest,
    JobRequest,
    OptimiseRequest,
    ParameterSpan,
    WalkForwardRequest,
)
from headwater.backtest.jobs import LISTED_MAX, BacktestJobs
from headwater.backtest.tier_rows import TierRow, shipped_rows
from headwater.core.enums import BacktestKind, BacktestState
from headwater.core.errors import Overloaded, RequestError, UnknownRecord
from headwater.services.strategies import Strategies
from headwater.storage.backtests import StoredBacktest

BACKTESTS_PATH: Final = "/api/v1/backtests"

_START_STATUSES: Final = (403, 404, 409, 422)
_READ_STATUSES: Final = (404, 409, 422)
_REPORT_POLICY: Final = (
    # A report is a page made of other people's words: it runs in a box of its own and asks nobody.
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:"
)

StateQuery: TypeAlias = Annotated[
    BacktestState | None, Query(description="Only jobs in this state.", examples=["done"])
]
KindQuery: TypeAlias = Annotated[
    BacktestKind | None, Query(description="Only jobs of this kind.", examples=["backtest"])
]
CursorQuery: TypeAlias = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the page before; the newest jobs when left out.",
        json_schema_extra={"pattern": CURSOR_PATTERN},
    ),
]


def backtests_router(api: Answers) -> APIRouter:
    """The routes of back-test jobs."""
    router = router_of("backtests", Depends(own_pages_only(api)))
    _add_starts(router, api)
    _add_reads(router, api)
    _add_results(router, api)
    return router


def _add_starts(router: APIRouter, api: Answers) -> None:
    said = "It is queued; with the `Idempotency-Key` of an earlier request, that one's job."
    accepted = answers(BacktestAcceptedView, said, _START_STATUSES, status=202)

    @router.post(
        f"{BACKTESTS_PATH}/start",
        status_code=202,
        summary="Start a back-test",
        responses=accepted,
        include_in_schema=False,
    )
    @router.post(BACKTESTS_PATH, status_code=202, summary="Start a back-test", responses=accepted)
    async def start_backtest(body: BacktestBody, key: KeyHeader = None) -> Response:
        """Checked, stored and queued; 503 while as many wait as may."""
        named = job_key(key, BacktestKind.BACKTEST, body)
        return await _start(api, named, partial(_backtest_of, api, body))

    @router.post(
        f"{BACKTESTS_PATH}/optimize",
        status_code=202,
        summary="Search for parameters",
        responses=accepted,
    )
    async def start_optimisation(body: OptimiseBody, key: KeyHeader = None) -> Response:
        """One job for all combinations."""
        named = job_key(key, BacktestKind.OPTIMISE, body)
        return await _start(api, named, partial(_optimisation_of, api, body))

    @router.post(
        f"{BACKTESTS_PATH}/walkforward",
        status_code=202,
        summary="Search and run forward, again and again",
        responses=accepted,
    )
    async def start_walk_forward(body: WalkForwardBody, key: KeyHeader = None) -> Response:
        """One job for all folds."""
        named = job_key(key, BacktestKind.WALK_FORWARD, body)
        return await _start(api, named, partial(_walk_forward_of, api, body))


def _add_reads(router: APIRouter, api: Answers) -> None:
    @router.get(
        BACKTESTS_PATH,
        summary="Back-test jobs",
        responses=answers(BacktestsView, f"The newest first, at most {LISTED_MAX}.", (422,)),
    )
    async def read_backtests(
        status: StateQuery = None,
        kind: KindQuery = None,
        limit: Limit500 = 50,
        cursor: CursorQuery = None,
    ) -> Response:
        """Without their results; `next_cursor` leads to older ones, each of them once."""
        found = await _jobs(api).listed(limit + 1, status, kind, place_of(cursor))
        return respond(backtests_view(found, limit))

    @router.get(
        f"{BACKTESTS_PATH}/status/{{id}}",
        summary="How far a job is",
        responses=answers(BacktestStatusView, "As it is now.", (404, 422)),
    )
    async def read_backtest_status(id: RecordIdPath) -> Response:  # noqa: A002 - the parameter's name
        """State, progress, and the reason of a failure."""
        return respond(status_view(await _jobs(api).job(id)))

    @router.post(
        f"{BACKTESTS_PATH}/{{id}}/cancel",
        summary="Cancel a job",
        responses=answers(BacktestStatusView, "It is cancelled.", (403, *_READ_STATUSES)),
    )
    async def cancel_backtest(id: RecordIdPath) -> Response:  # noqa: A002
        """Its worker is ended; 409 when it has ended already."""
        return respond(status_view(await _jobs(api).cancel(id)))


def _add_results(router: APIRouter, api: Answers) -> None:
    @router.get(
        f"{BACKTESTS_PATH}/results/{{id}}",
        summary="What a job found",
        responses=answers(BacktestResultView, "Figures, trades, assumptions.", _READ_STATUSES),
    )
    async def read_backtest_results(id: RecordIdPath) -> Response:  # noqa: A002
        """409 until it is done."""
        result: Any = msgspec.Raw(await _jobs(api).result(id))
        job = await _jobs(api).job(id)
        view = BacktestResultView(id=id, kind=job.kind, request=request_of(job), result=result)
        return respond(view)

    @router.get(
        f"{BACKTESTS_PATH}/performance/{{id}}",
        summary="The figures of a job",
        responses=answers(BacktestPerformanceView, "Every figure by its name.", _READ_STATUSES),
    )
    async def read_backtest_performance(id: RecordIdPath) -> Response:  # noqa: A002
        """Without trades and equity; 409 until it is done."""
        content = await _jobs(api).result(id)
        job = await _jobs(api).job(id)
        metrics: Any = msgspec.json.decode(content, type=MetricsOnly).metrics
        return respond(BacktestPerformanceView(id=id, kind=job.kind, metrics=metrics))

    @router.get(
        f"{BACKTESTS_PATH}/{{id}}/report",
        summary="The report of a back-test, as a page",
        responses=_report_answers(),
    )
    async def read_backtest_report(id: RecordIdPath) -> Response:  # noqa: A002
        """One HTML file without any request to elsewhere; 409 until it is done."""
        page = await _jobs(api).report(id)
        headers = {"content-security-policy": _REPORT_POLICY}
        return Response(page, media_type="text/html", headers=headers)


def _report_answers() -> Responses:
    found: Responses = {
        200: {
            "description": "The page.",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    }
    return found | problems((*SERVER_STATUSES, *_READ_STATUSES))


async def _start(
    api: Answers, key: JobKey | None, made: Callable[[], Awaitable[JobRequest]]
) -> Response:
    """Takes a job in, or finds the one that was taken in under the key.

    The latter first: what a request means may have changed since, and the queue be full by now.
    """
    jobs = _jobs(api)
    job = None if key is None else await jobs.of_key(key)
    if job is None:
        job = await _submitted(jobs, await made(), key)
    return respond(accepted_view(job, BACKTESTS_PATH), 202)


async def _submitted(jobs: BacktestJobs, request: JobRequest, key: JobKey | None) -> StoredBacktest:
    try:
        return await jobs.submit(request, key)
    except RequestError as error:
        if error.field != "strategy" or isinstance(request, BacktestRequest):
            raise
        # What a search calls it.
        raise RequestError("strategy_name", error.value, error.allowed) from error


async def _backtest_of(api: Answers, body: BacktestBody) -> BacktestRequest:
    """The run that a body asks for.

    Raises:
        RequestError: it names both a registered and a configured strategy, or neither.
        UnknownRecord: there is no such configured strategy.
    """
    if (body.strategy is None) == (body.strategy_id is None):
        raise RequestError("strategy", body.strategy, "either strategy or strategy_id")
    if body.strategy is not None:
        return BacktestRequest(**await _run_of(api, body, body.strategy))
    configured: Strategies | None = api.deps.strategies
    if configured is None:
        raise Overloaded("no database is in use here", NOTHING_STORED_RETRY_S)
    try:
        one = await configured.get(str(body.strategy_id))
    except UnknownRecord as error:
        raise UnknownRecord("strategy_id", body.strategy_id, "configured strategy") from error
    run = await _run_of(api, body, one.class_name)
    run["parameters"] = {**msgspec.json.decode(one.parameters), **run["parameters"]}
    return BacktestRequest(**run, strategy_id=one.strategy_id, strategy_version=one.version)


async def _optimisation_of(api: Answers, body: OptimiseBody) -> OptimiseRequest:
    """The search that a body asks for; errors as `_run_of`."""
    return OptimiseRequest(
        **await _run_of(api, body, body.strategy_name),
        spans=_spans_of(body.parameter_ranges),
        method=body.method,
        samples=body.samples,
        seed=body.seed,
        objective=body.objective,
    )


async def _walk_forward_of(api: Answers, body: WalkForwardBody) -> WalkForwardRequest:
    """The walk forward that a body asks for; errors as `_run_of`."""
    return WalkForwardRequest(
        **await _run_of(api, body, body.strategy_name),
        spans=_spans_of(body.parameter_ranges),
        in_sample_days=body.in_sample_period_days,
        out_of_sample_days=body.out_of_sample_period_days,
        folds=body.num_folds,
        embargo_days=body.embargo_days,
        objective=body.objective,
    )


async def _run_of(api: Answers, body: RunFields, strategy: str) -> dict[str, Any]:
    """The fields that every request has.

    Raises:
        RequestError: of the market or the tiers; says which.
    """
    stored = _jobs(api).has_candles
    exchange, symbol = await market_of(api.deps.sources, stored, body.exchange, body.symbol)
    return {
        "strategy": strategy,
        "parameters": dict(body.parameters),
        "exchange": exchange,
        "symbol": symbol,
        "timeframe": body.timeframe,
        "start_ms": body.start_date,
        "end_ms": body.end_date,
        "initial_capital": body.initial_capital,
        "fee_rate": body.fee_rate,
        "slippage_rate": body.slippage_rate,
        "fill": body.fill,
        "leverage": body.leverage,
        "margin_mode": body.margin_mode,
        "tiers": _tiers_of(body, exchange, symbol),
        "liquidation_fee_rate": body.liquidation_fee_rate,
        "quantity_step": body.quantity_step,
        "price_tick": body.price_tick,
        "min_notional": body.min_notional,
        "funding": body.funding,
        "detail_interval": body.detail_interval,
    }


def _tiers_of(body: RunFields, exchange: str, symbol: str) -> tuple[TierRow, ...]:
    """The rows that a body states or names; a request holds the rows themselves.

    Raises:
        RequestError: none ships of the contract.
    """
    if isinstance(body.tiers, str):
        return shipped_rows(exchange, symbol)[0]
    return tuple(TierRow(**one.model_dump()) for one in body.tiers)


def _spans_of(ranges: list[ParameterRangeBody]) -> tuple[ParameterSpan, ...]:
    return tuple(
        ParameterSpan(name=one.name, start=one.start_value, stop=one.end_value, step=one.step)
        for one in ranges
    )


def _jobs(api: Answers) -> BacktestJobs:
    """The jobs.

    Raises:
        Overloaded: nothing is stored in this process.
    """
    if api.deps.backtests is None:
        raise Overloaded("no database is in use here", NOTHING_STORED_RETRY_S)
    return api.deps.backtests
