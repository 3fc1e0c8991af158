"""Back-test jobs in the database: what was asked for, how far it is, what came of it.

A job goes from state to state by `TRANSITIONS` alone, and every change is one conditional write: it
is stored only over the revision that it was made of. Of two that change the same revision one
writes one row and the other none, so nothing is taken up twice and no ending is overwritten.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import BacktestKind, BacktestState, StoredTable
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import BACKTESTS

TRANSITIONS: Final[Mapping[BacktestState, frozenset[BacktestState]]] = MappingProxyType(
    {
        # Taken up by a desk, given up before that, or not started too often.
        BacktestState.QUEUED: frozenset(
            {BacktestState.RUNNING, BacktestState.CANCELLED, BacktestState.FAILED}
        ),
        # To itself: how far it is. Back to the queue: who ran it is gone.
        BacktestState.RUNNING: frozenset(
            {
                BacktestState.RUNNING,
                BacktestState.QUEUED,
                BacktestState.DONE,
                BacktestState.FAILED,
                BacktestState.CANCELLED,
            }
        ),
        BacktestState.DONE: frozenset(),
        BacktestState.FAILED: frozenset(),
        BacktestState.CANCELLED: frozenset(),
    }
)
"""Which states may follow which; the last three are ends."""

ENDS: Final = frozenset(state for state, after in TRANSITIONS.items() if not after)
"""States that nothing follows."""

_PAGE_ROWS: Final = 8
"""Rows with results at a time: each may have megabytes."""


class StoredBacktest(msgspec.Struct, frozen=True, kw_only=True):
    """A back-test job.

    Attributes:
        backtest_id: chosen by us, for the job's life.
        created_ms: when it was asked for, ms since the epoch, UTC.
        kind: what it does.
        state: where it is.
        revision: from 1, one more with every change.
        attempts: how often it was taken up.
        owner: who runs it, empty while nobody does.
        heartbeat_ms: when its owner was last heard of; None before the first time.
        started_ms: when it was taken up last; None before the first time.
        ended_ms: when it came to its end; None before.
        steps_done: how far it is, of `steps_total`.
        steps_total: 0 while it is not known.
        error: why it failed, in words; empty otherwise.
        request: what was asked for, as JSON text.
        result: compressed; None before it is done, and where only the head was asked for.
        report: compressed HTML; None as `result`, and where none was made.
        idempotency_key: which the caller gave, so that asking again makes no second job; None where
            none was given.
        asked: what the caller asked for under that key, as JSON text; None without a key.
    """

    backtest_id: str
    created_ms: int
    kind: BacktestKind
    state: BacktestState
    revision: int
    attempts: int
    owner: str
    heartbeat_ms: int | None
    started_ms: int | None
    ended_ms: int | None
    steps_done: int
    steps_total: int
    error: str
    request: str
    result: bytes | None = None
    report: bytes | None = None
    idempotency_key: str | None = None
    asked: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDS


def moved(job: StoredBacktest, state: BacktestState, **changes: Any) -> StoredBacktest:
    """The next revision of a job.

    Args:
        job: as it was read.
        state: where it goes.
        changes: other fields.

    Returns:
        To be written with `put_durable`; 0 rows mean that the job is not any more as it was read.
    """
    assert state in TRANSITIONS[job.state], f"{job.state} -> {state}"
    return msgspec.structs.replace(job, state=state, revision=job.revision + 1, **changes)


def row_of(one: StoredBacktest) -> Row:
    """The row of a job."""
    return (
        one.backtest_id,
        one.created_ms,
        one.kind.value,
        one.state.value,
        one.revision,
        one.attempts,
        one.owner,
        one.heartbeat_ms,
        one.started_ms,
        one.ended_ms,
        one.steps_done,
        one.steps_total,
        one.error,
        one.request,
        one.result,
        one.report,
        one.idempotency_key,
        one.asked,
    )


def head_of(row: "sa.Row[Any]") -> StoredBacktest:
    """The job of a row without result and report."""
    return StoredBacktest(
        backtest_id=row.backtest_id,
        created_ms=row.created_ms,
        kind=BacktestKind(row.kind),
        state=BacktestState(row.state),
        revision=row.revision,
        attempts=row.attempts,
        owner=row.owner,
        heartbeat_ms=row.heartbeat_ms,
        started_ms=row.started_ms,
        ended_ms=row.ended_ms,
        steps_done=row.steps_done,
        steps_total=row.steps_total,
        error=row.error,
        request=row.request,
        idempotency_key=row.idempotency_key,
        asked=row.asked,
    )


def record_of(row: "sa.Row[Any]") -> StoredBacktest:
    """The job of a whole row."""
    return msgspec.structs.replace(head_of(row), result=row.result, report=row.report)


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """Only the next revision takes the place of a stored one."""
    # Written out, not bound: the statement is made once and takes the columns of a row alone.
    return sa.and_(new.revision == stored.revision + sa.literal_column("1"))


SPEC: Final = TableSpec(
    name=StoredTable.BACKTESTS,
    table=BACKTESTS,
    time_column="created_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
    page_rows=_PAGE_ROWS,
)
"""How jobs are stored: compare and set by the revision."""

_HEAD: Final = tuple(one for one in BACKTESTS.columns if one.name not in ("result", "report"))


def one(backtest_id: str) -> Query[StoredBacktest]:
    """The head of one job."""
    return Query(sa.select(*_HEAD).where(BACKTESTS.c.backtest_id == backtest_id), head_of)


def result_of(backtest_id: str) -> Query[bytes | None]:
    """The compressed result of one job."""
    chosen = sa.select(BACKTESTS.c.result).where(BACKTESTS.c.backtest_id == backtest_id)
    return Query(chosen, lambda row: row.result)


def report_of(backtest_id: str) -> Query[bytes | None]:
    """The compressed report of one job."""
    chosen = sa.select(BACKTESTS.c.report).where(BACKTESTS.c.backtest_id == backtest_id)
    return Query(chosen, lambda row: row.report)


def in_state(state: BacktestState, limit: int) -> Query[StoredBacktest]:
    """Heads of the jobs in a state, those that were asked for first first."""
    chosen = sa.select(*_HEAD).where(BACKTESTS.c.state == state.value)
    order = (BACKTESTS.c.created_ms, BACKTESTS.c.backtest_id)
    return Query(chosen.order_by(*order).limit(limit), head_of)


def count_in(states: Sequence[BacktestState]) -> Query[int]:
    """How many jobs are in any of some states."""
    chosen = (
        sa.select(sa.func.count().label("jobs"))
        .select_from(BACKTESTS)
        .where(BACKTESTS.c.state.in_([state.value for state in states]))
    )
    return Query(chosen, lambda row: int(row.jobs))


class JobPlace(msgspec.Struct, frozen=True):
    """Where a job stands among all, the newest first: neither of the two ever changes.

    Attributes:
        created_ms: when it was asked for, ms since the epoch, UTC.
        backtest_id: tells apart those of one millisecond.
    """

    created_ms: int
    backtest_id: str


def between(
    span: Span,
    *,
    state: BacktestState | None = None,
    kind: BacktestKind | None = None,
    behind: JobPlace | None = None,
) -> Query[StoredBacktest]:
    """Heads of jobs by the time they were asked for.

    Args:
        span: which times, in what order.
        state: of them; None for all.
        kind: likewise.
        behind: a place, newest first; only what comes after it. None for all.
    """
    conditions = []
    if behind is not None:
        at, one_id = BACKTESTS.c.created_ms, BACKTESTS.c.backtest_id
        conditions.append(at <= behind.created_ms)
        conditions.append(sa.or_(at < behind.created_ms, one_id < behind.backtest_id))
    if state is not None:
        conditions.append(BACKTESTS.c.state == state.value)
    if kind is not None:
        conditions.append(BACKTESTS.c.kind == kind.value)
    return Query(span.of(SPEC, *conditions).with_only_columns(*_HEAD), head_of)
