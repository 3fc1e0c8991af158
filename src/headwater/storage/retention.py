"""Retention: deletes what is older than its table keeps: whole parts, then a page at a time.

PostgreSQL keeps the large tables in parts by time, which are dropped whole. The remainder goes from
series to series along the key, so that no table needs an index on time alone. Its space is used
again by later rows; a file of SQLite does not become smaller.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
import structlog

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageUnavailable
from headwater.storage.base import PAGE_ROWS, Row, TableSpec
from headwater.storage.liquidation_days import forget_days
from headwater.storage.sessions import Transaction, WriteSession
from headwater.storage.tables import TABLES

_DAY_MS: Final = 86_400_000
_log: Final = structlog.stdlib.get_logger("headwater.storage.retention")


class Retention(msgspec.Struct, frozen=True):
    """How long rows are kept.

    Attributes:
        days: by table, > 0; a table that is not named keeps its rows for ever, as an append-only
            one does in any case.
    """

    days: Mapping[StoredTable, float] = msgspec.field(default_factory=dict)

    def before_ms(self, now_ms: int) -> Iterator[tuple[TableSpec[Any], int]]:
        """Each table that forgets, with the first time that it keeps, ms since the epoch."""
        for name, days in self.days.items():
            spec = TABLES[name]
            if not spec.append_only:
                yield spec, now_ms - int(days * _DAY_MS)


def forget(session: WriteSession, retention: Retention, now_ms: int) -> Iterator[int]:
    """Deletes what is too old, one transaction a step, so that other writes go between.

    Args:
        session: writes.
        retention: how long rows are kept.
        now_ms: wall time, ms since the epoch.

    Yields:
        Rows deleted by each step.

    Raises:
        StorageError: a step failed; those before it stay.
    """
    for spec, before_ms in retention.before_ms(now_ms):
        yield from _drop_parts(session, spec, before_ms)
        series: Row | None = None
        while True:
            with session.transaction(durable=False) as writing:
                series = _next_series(writing, spec, series)
            if series is None:
                break
            left = True
            while left:
                with session.transaction(durable=False) as writing:
                    deleted, left = _forget_page(writing, spec, series, before_ms)
                yield deleted


def _drop_parts(session: WriteSession, spec: TableSpec[Any], before_ms: int) -> Iterator[int]:
    """Drops parts that are wholly too old, where the database keeps the table in parts."""
    while True:
        try:
            with session.transaction(durable=False) as writing:
                dropped = writing.drop_part(spec, before_ms)
                if dropped is None:
                    return
                if spec.name is StoredTable.LIQUIDATIONS:
                    forget_days(writing, dropped.start_ms, dropped.end_ms)
        except StorageUnavailable as error:
            if not session.usable:
                raise
            # Somebody reads it, a backup perhaps. Its rows are deleted like any others.
            _log.info("part_not_dropped", table=spec.name.value, reason=str(error))
            return
        yield dropped.rows


def _next_series(writing: Transaction, spec: TableSpec[Any], after: Row | None) -> Row | None:
    """The first series behind another one in the order of the key."""
    columns = [spec.table.c[name] for name in spec.series]
    chosen = sa.select(*columns).order_by(*columns).limit(1)
    if after is not None:
        chosen = chosen.where(sa.tuple_(*columns) > sa.tuple_(*after))
    found = writing.execute(chosen).first()
    return None if found is None else tuple(found)


def _forget_page(
    writing: Transaction, spec: TableSpec[Any], series: Row, before_ms: int
) -> tuple[int, bool]:
    """Deletes about a page of one series; returns how many rows, and whether more are too old."""
    of_series = [
        spec.table.c[name] == value for name, value in zip(spec.series, series, strict=True)
    ]
    old = [*of_series, spec.time < before_ms]
    page_end = writing.execute(
        sa.select(spec.time).where(*old).order_by(spec.time).offset(PAGE_ROWS).limit(1)
    ).scalar()
    # Rows of one millisecond go together, however many: so each page is progress.
    chosen = old if page_end is None else [*of_series, spec.time <= page_end]
    deleted = writing.execute(sa.delete(spec.table).where(*chosen)).rowcount
    return deleted, page_end is not None
