"""Large tables of PostgreSQL by time: a partition for each month, made when it is needed.

A partition is named by its table and month in UTC (`trades_2026_11`); `trades_rest` is the default
one, which takes every row that has no month of its own, so that no row is ever refused for its
time. Dropping a month costs nothing, whatever is in it; deleting its rows would cost as much as
writing them. Where TimescaleDB made a hypertable of the table, it makes and drops its chunks.

https://www.postgresql.org/docs/15/ddl-partitioning.html,
https://docs.timescale.com/api/latest/hypertable/drop_chunks/
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Self

import msgspec
import sqlalchemy as sa
import structlog

from headwater.core.enums import StoredTable
from headwater.storage.base import DroppedPart, Row, TableSpec

PARTITIONED: Final = (
    StoredTable.CANDLES,
    StoredTable.MARK_CANDLES,
    StoredTable.TRADES,
    StoredTable.LIQUIDATIONS,
    StoredTable.OPEN_INTEREST,
)
"""Tables that are kept by time; the names in the database are the same."""

MONTHS_AHEAD: Final = 2
"""Months after the running one that have their partition in advance."""

MONTHS_MAX: Final = 240
"""Most months of a table; rows of more go to the rest. A question over all times locks each."""

MOVED_ROWS_MAX: Final = 200_000
"""Most rows of a month that are moved out of the rest when its partition is made; with more of
them the month stays there, since moving holds up all other writes."""

LOCK_TIMEOUT_MS: Final = 3_000
"""Longest wait for a lock on a whole table: others queue behind it. Vacuuming by the server itself
gives way to one who waited for its `deadlock_timeout`, a second unless it was changed.
"""

YEARS: Final = range(2009, 2100)
"""Years whose months get a partition; other times are taken for errors and go to the rest."""

_NAME: Final = re.compile(
    rf"({'|'.join(one.value for one in PARTITIONED)})_(?:(\d{{4}})_(0[1-9]|1[0-2])|rest)"
)
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAYS: Final = range(
    date(YEARS[0], 1, 1).toordinal() - _EPOCH, date(YEARS[-1] + 1, 1, 1).toordinal() - _EPOCH
)

_log: Final = structlog.stdlib.get_logger("headwater.storage.postgres_partitions")


class Month(msgspec.Struct, frozen=True, order=True):
    """A month of the calendar in UTC.

    Attributes:
        year: of `YEARS`, or the first one after them.
        month: 1 to 12.
    """

    year: int
    month: int

    @classmethod
    def of(cls, time_ms: int) -> Self | None:
        """The month of a time in ms since the epoch; None outside `YEARS`."""
        day = time_ms // _DAY_MS
        if day not in _DAYS:
            return None
        found = date.fromordinal(day + _EPOCH)
        return cls(found.year, found.month)

    @property
    def following(self) -> Self:
        """The month after it."""
        return type(self)(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def start_ms(self) -> int:
        """Its first millisecond since the epoch."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1000

    def name(self, table: str) -> str:
        """Name of its partition."""
        return f"{table}_{self.year:04}_{self.month:02}"


def is_partition(name: str) -> bool:
    """Whether a table of the database is a part of one of ours, by its name."""
    return _NAME.fullmatch(name) is not None


class Partitions:
    """The partitions of one database, as far as they are known; used by the thread that writes."""

    def __init__(self) -> None:
        self._made: set[tuple[str, Month]] = set()
        self._refused: set[tuple[str, Month]] = set()

    def make_for(
        self, connection: sa.Connection, spec: TableSpec[Any], rows: Sequence[Row]
    ) -> None:
        """Makes what rows lack before they are written, within their transaction.

        A month that cannot be made now, since others use the table or the role may not, is left
        out until `make_ahead`: its rows go to the rest.
        """
        if spec.name not in PARTITIONED:
            return
        place = spec.columns.index(spec.time_column)
        # By day first: a batch has thousands of rows and few days.
        days = {row[place] // _DAY_MS for row in rows}
        months = {Month.of(day * _DAY_MS) for day in days}
        self._make(connection, spec.name, (one for one in months if one is not None))

    def make_ahead(self, connection: sa.Connection, now_ms: int) -> None:
        """Makes the running month and `MONTHS_AHEAD` more, and tries again what was refused."""
        self._refused.clear()
        month = Month.of(now_ms)
        coming: list[Month] = []
        while month is not None and len(coming) <= MONTHS_AHEAD and month.year in YEARS:
            coming.append(month)
            month = month.following
        for table in PARTITIONED:
            self._make(connection, table, coming)

    def drop_oldest(
        self, connection: sa.Connection, spec: TableSpec[Any], before_ms: int
    ) -> DroppedPart | None:
        """Drops the oldest part that lies wholly before a time; None when there is none.

        Raises:
            sqlalchemy.exc.DBAPIError: others use the table for longer than a moment.
        """
        if spec.name not in PARTITIONED:
            return None
        table = spec.table.name
        months = _months_of(connection, table)
        if months is None:
            return _drop_chunks(connection, spec, before_ms)
        oldest = min(months, default=None)
        if oldest is None or oldest.following.start_ms > before_ms:
            return None
        name = oldest.name(table)
        rows = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name)))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout TO {LOCK_TIMEOUT_MS}")
        connection.exec_driver_sql(f"DROP TABLE {name}")
        self._made.discard((table, oldest))
        return DroppedPart(
            rows=int(rows or 0), start_ms=oldest.start_ms, end_ms=oldest.following.start_ms
        )

    def _make(self, connection: sa.Connection, table: str, months: Iterable[Month]) -> None:
        missing = {(table, one) for one in months} - self._made - self._refused
        if not missing:
            return
        there = _months_of(connection, table)
        if there is None:
            return
        self._made |= {(table, one) for one in there}
        for _, month in sorted(missing - self._made):
            # A month is only noted as made when it is seen: this transaction may yet be undone.
            if len(there) >= MONTHS_MAX or not _attach(connection, table, month):
                self._refused.add((table, month))
            else:
                there.add(month)


def _months_of(connection: sa.Connection, table: str) -> set[Month] | None:
    """The months that have a partition; None when the table is not one of partitions."""
    names = connection.execute(
        sa.text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(:name)"
        ),
        {"name": table},
    ).scalars()
    found = [one for one in map(_NAME.fullmatch, names) if one is not None]
    if not any(one[2] is None for one in found):
        return None
    return {Month(int(one[2]), int(one[3])) for one in found if one[2] is not None}


def _attach(connection: sa.Connection, table: str, month: Month) -> bool:
    """Makes a partition and moves its rows there from the rest; False when it cannot be now.

    Attaching locks the default partition for a moment, the table itself against changes of its
    form only; making a partition in place would lock out its readers.
    """
    name, rest = month.name(table), f"{table}_rest"
    start_ms, end_ms = month.start_ms, month.following.start_ms
    where = f"timestamp_ms >= {start_ms} AND timestamp_ms < {end_ms}"
    run = connection.exec_driver_sql
    try:
        with connection.begin_nested():
            run(f"SET LOCAL lock_timeout TO {LOCK_TIMEOUT_MS}")
            count = (
                f"SELECT count(*) FROM (SELECT 1 FROM {rest} WHERE {where} "  # noqa: S608 - numbers
                f"LIMIT {MOVED_ROWS_MAX + 1}) AS found"
            )
            rows = run(count).scalar_one()
            if rows > MOVED_ROWS_MAX:
                _log.warning("month_stays_in_rest", table=table, month=name)
                return False
            run(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
            if rows:
                run(
                    f"WITH moved AS (DELETE FROM {rest} WHERE {where} RETURNING *) "  # noqa: S608
                    f"INSERT INTO {name} SELECT * FROM moved"
                )
            run(
                f"ALTER TABLE {table} ATTACH PARTITION {name} "
                f"FOR VALUES FROM ({start_ms}) TO ({end_ms})"
            )
            run("SET LOCAL lock_timeout TO DEFAULT")
    except sa.exc.DBAPIError as error:
        if connection.invalidated or error.connection_invalidated:
            raise
        _log.warning("month_not_made", table=table, month=name, reason=str(error.orig))
        return False
    return True


def _drop_chunks(
    connection: sa.Connection, spec: TableSpec[Any], before_ms: int
) -> DroppedPart | None:
    """Drops all chunks of a hypertable up to the last one that ends with a day before a time."""
    installed = connection.execute(
        sa.text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    ).first()
    if installed is None:
        return None
    table = spec.table.name
    start_ms, end_ms = connection.execute(
        sa.text(
            "SELECT min(range_start_integer), "
            "max(range_end_integer) FILTER (WHERE range_end_integer % :day = 0) "
            "FROM timescaledb_information.chunks WHERE hypertable_name = :name "
            "AND hypertable_schema = (SELECT n.nspname FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE c.oid = to_regclass(:name)) "
            "AND range_end_integer <= :before"
        ),
        {"name": table, "before": before_ms, "day": _DAY_MS},
    ).one()
    if end_ms is None:
        return None
    # Chunks do not overlap: those that end here or before hold every row before this moment.
    rows = connection.scalar(
        sa.select(sa.func.count()).select_from(spec.table).where(spec.time < end_ms)
    )
    connection.exec_driver_sql(f"SET LOCAL lock_timeout TO {LOCK_TIMEOUT_MS}")
    connection.execute(
        sa.text("SELECT drop_chunks(CAST(:name AS regclass), older_than => CAST(:end AS bigint))"),
        {"name": table, "end": end_ms},
    )
    return DroppedPart(rows=int(rows or 0), start_ms=start_ms, end_ms=end_ms)
