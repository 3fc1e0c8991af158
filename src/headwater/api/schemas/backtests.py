"""Views of back-test jobs (requirement C-R7)."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.core.enums import BacktestKind, BacktestState
from headwater.core.errors import RequestError
from headwater.storage.backtests import JobPlace, StoredBacktest

CURSOR_PATTERN: Final = r"^[0-9]{1,15}-[A-Za-z0-9_-]{1,64}$"
"""What a cursor looks like; callers need not know what is in it."""

_CURSOR: Final = re.compile(r"([0-9]{1,15})-([A-Za-z0-9_-]{1,64})")

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class BacktestAcceptedView(View, frozen=True, kw_only=True):
    """A job that was taken in: it is stored and will be done.

    Attributes:
        id: names it from now on.
        kind: what it does.
        status: where it is.
        status_url: where to ask how far it is.
        results_url: where its result will be.
    """

    id: str
    kind: BacktestKind
    status: BacktestState
    status_url: str
    results_url: str


class BacktestStatusView(View, frozen=True, kw_only=True):
    """A job as it is now.

    Attributes:
        id: of the job.
        kind: what it does.
        status: where it is.
        progress: how far it is; null while that is not known.
        steps_done: bars or combinations that are done.
        steps_total: bars or combinations in all, 0 while that is not known.
        attempts: how often it was taken up; more than 1 after its worker was lost.
        error: why it failed, or why its last attempt was lost; empty otherwise.
        created_at: when it was asked for.
        started_at: when it was taken up last; null before.
        ended_at: when it came to its end; null before.
        idempotency_key: the key that the caller gave; null where none was given.
        request: what was asked for.
    """

    id: str
    kind: BacktestKind
    status: BacktestState
    progress: Share | None
    steps_done: Count
    steps_total: Count
    attempts: Count
    error: str
    created_at: IsoTime
    started_at: IsoTime | None
    ended_at: IsoTime | None
    idempotency_key: str | None
    request: dict[str, Any]


class BacktestsView(View, frozen=True, kw_only=True):
    """Jobs, the newest first.

    Attributes:
        count: how many are shown.
        next_cursor: the `cursor` of the page that follows; null on the last one.
        backtests: the jobs.
    """

    count: Count
    next_cursor: str | None
    backtests: tuple[BacktestStatusView, ...]


class BacktestResultView(View, frozen=True, kw_only=True):
    """What a job found.

    Attributes:
        id: of the job.
        kind: what it did.
        request: what was asked for.
        result: of a run its figures, trades (the first 20,000), assumptions and equity curve; of a
            search the best combinations; of a walk forward its folds.
    """

    id: str
    kind: BacktestKind
    request: dict[str, Any]
    result: dict[str, Any]


class BacktestPerformanceView(View, frozen=True, kw_only=True):
    """The figures of a job without its trades.

    Attributes:
        id: of the job.
        kind: what it did.
        metrics: every figure by its name; null where it is not defined. Of a search those of the
            best combination, of a walk forward those of the stretches that were not searched.
    """

    id: str
    kind: BacktestKind
    metrics: dict[str, Any]


class MetricsOnly(msgspec.Struct, frozen=True):
    """The part of a stored result that the figures are read from.

    Attributes:
        metrics: as JSON.
    """

    metrics: msgspec.Raw


def accepted_view(job: StoredBacktest, path: str) -> BacktestAcceptedView:
    """A job that was just taken in; `path` is that of the back-tests."""
    return BacktestAcceptedView(
        id=job.backtest_id,
        kind=job.kind,
        status=job.state,
        status_url=f"{path}/status/{job.backtest_id}",
        results_url=f"{path}/results/{job.backtest_id}",
    )


def backtests_view(jobs: Sequence[StoredBacktest], limit: int) -> BacktestsView:
    """A page of jobs.

    Args:
        jobs: in their order, with one more than are shown where there are more.
        limit: how many are shown at most, > 0.
    """
    shown = jobs[:limit]
    return BacktestsView(
        count=len(shown),
        next_cursor=cursor_of(shown[-1]) if len(jobs) > limit else None,
        backtests=tuple(status_view(job) for job in shown),
    )


def cursor_of(job: StoredBacktest) -> str:
    """Where a job stands in the list, as text; `place_of` reads it."""
    return f"{job.created_ms}-{job.backtest_id}"


def place_of(cursor: str | None) -> JobPlace | None:
    """The place of a cursor; None for none.

    Raises:
        RequestError: it is none of ours.
    """
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise RequestError("cursor", cursor, "the next_cursor of a page of this list")
    return JobPlace(int(found[1]), found[2])


def status_view(job: StoredBacktest) -> BacktestStatusView:
    """A job without its result."""
    share = min(1.0, job.steps_done / job.steps_total) if job.steps_total else None
    return BacktestStatusView(
        id=job.backtest_id,
        kind=job.kind,
        status=job.state,
        progress=1.0 if job.state is BacktestState.DONE else share,
        steps_done=job.steps_done,
        steps_total=job.steps_total,
        attempts=job.attempts,
        error=job.error,
        created_at=iso_of(job.created_ms),
        started_at=None if job.started_ms is None else iso_of(job.started_ms),
        ended_at=None if job.ended_ms is None else iso_of(job.ended_ms),
        idempotency_key=job.idempotency_key,
        request=request_of(job),
    )


def request_of(job: StoredBacktest) -> dict[str, Any]:
    """What was asked for, with times as text."""
    told: dict[str, Any] = msgspec.json.decode(job.request)
    for name, ms_name in (("start_date", "start_ms"), ("end_date", "end_ms")):
        if isinstance(told.get(ms_name), int):
            told[name] = iso_of(told.pop(ms_name))
    told.pop("kind", None)
    return told
