"""The contract of storage: what a table, a query and a database are.

A database is SQLite or PostgreSQL; only `sqlite` and `postgres` know which. A query is portable SQL
together with the function that makes records of its rows; the files of the nouns make them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from headwater.core.enums import StoredTable
from headwater.core.errors import RequestError, StorageError

Row = tuple[Any, ...]
"""Values of one row in the order of its table's columns: whole numbers, floats, texts, flags,
bytes and None. `Any` because the columns of the tables differ."""

Blobs = Generator[Row, None, None]
"""Rows that come one at a time; to be closed when they are not all read."""

Columns = ReadOnlyColumnCollection[str, Any]
"""The columns of a table, or of the row that an upsert would write."""

RecordT = TypeVar("RecordT")

LIMIT_MAX: Final = 100_000
"""Most rows that one query gives."""

PAGE_ROWS: Final = 5_000
"""Rows that are read, written or deleted at a time where all rows of a table are concerned."""


class TableSpec(msgspec.Struct, Generic[RecordT], frozen=True, kw_only=True):
    """How records of one kind lie in their table.

    Attributes:
        name: of the table.
        table: its columns and key.
        time_column: the column that ranges and retention go by, in ms; of the key, unless rows are
            no series and have a key of their own.
        row_of: the row of a record.
        record_of: the record of a row.
        replaces: when a new row takes the place of a stored one with the same key: given the
            stored columns and the new ones; None when the first one stays.
        append_only: whether rows may never be deleted.
        page_rows: rows that are read at a time where all are concerned; few where a row is large.
    """

    name: StoredTable
    table: sa.Table
    time_column: str
    row_of: Callable[[RecordT], Row]
    record_of: Callable[["sa.Row[Any]"], RecordT]
    replaces: Callable[[Columns, Columns], "sa.ColumnElement[bool]"] | None = None
    append_only: bool = False
    page_rows: int = PAGE_ROWS

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in the order of a row."""
        return tuple(column.name for column in self.table.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that tell rows apart."""
        return tuple(column.name for column in self.table.primary_key.columns)

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the columns of the key before the time: what one series is."""
        key = self.key
        return key[: key.index(self.time_column)] if self.time_column in key else key

    @property
    def time(self) -> "sa.Column[Any]":
        """The column of the time."""
        return self.table.c[self.time_column]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a series, and in what order.

    Attributes:
        start_ms: first time that is wanted, None for the beginning.
        end_ms: first time that is not wanted any more, None for the end.
        limit: most rows, 1 to `LIMIT_MAX`.
        newest_first: descending times, so that a limit keeps the newest; else ascending.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    limit: int = 1_000
    newest_first: bool = False

    def of(self, spec: "TableSpec[Any]", *conditions: "sa.ColumnElement[bool]") -> "sa.Select[Any]":
        """All columns of a table's rows that lie in this span and meet the conditions.

        Raises:
            RequestError: the limit is out of its range.
        """
        if not 1 <= self.limit <= LIMIT_MAX:
            raise RequestError("limit", self.limit, f"1 to {LIMIT_MAX}")
        order = [spec.time, *(spec.table.c[name] for name in spec.key if name != spec.time_column)]
        chosen = sa.select(*spec.table.columns).where(*conditions, *self.bounds(spec.time))
        if self.newest_first:
            return chosen.order_by(*(column.desc() for column in order)).limit(self.limit)
        return chosen.order_by(*order).limit(self.limit)

    def bounds(self, time: "sa.Column[Any]") -> "Sequence[sa.ColumnElement[bool]]":
        """The conditions on a column of times alone."""
        found = []
        if self.start_ms is not None:
            found.append(time >= self.start_ms)
        if self.end_ms is not None:
            found.append(time < self.end_ms)
        return found


class Query(msgspec.Struct, Generic[RecordT], frozen=True):
    """A question to the database.

    Attributes:
        statement: portable SQL.
        record_of: makes a record of each row of the answer.
    """

    statement: "sa.Select[Any]"
    record_of: Callable[["sa.Row[Any]"], RecordT]


class ColumnsQuery(msgspec.Struct, frozen=True):
    """A question whose answer is numbers alone, too many for a record each.

    Attributes:
        statement: portable SQL; every column is a number or empty.
    """

    statement: "sa.Select[Any]"


class DroppedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a table that was dropped whole.

    Attributes:
        rows: how many it had.
        start_ms: first time of the part, ms since the epoch.
        end_ms: first time after it.
    """

    rows: int
    start_ms: int
    end_ms: int


class Database(ABC):
    """One database and what is particular to its kind. Nothing is open until it is asked for.

    Attributes:
        label: how it may be shown: no password.
    """

    label: str

    @abstractmethod
    def claim(self) -> AbstractContextManager[None]:
        """Holds the right to write while the block runs.

        Raises:
            StorageError: another process has it, and this kind of database allows one only.
        """

    @abstractmethod
    def writing_engine(self) -> sa.Engine:
        """Opens connections that may write. SQLite: one at a time, under `claim`."""

    @abstractmethod
    def reading_engine(self) -> sa.Engine:
        """Opens connections that cannot write; each transaction sees one state throughout."""

    @abstractmethod
    def begin(self, connection: sa.Connection, *, durable: bool) -> sa.RootTransaction:
        """Begins a transaction.

        Args:
            connection: of `writing_engine`.
            durable: whether its commit returns only when the rows are on the disk (FULL); else
                a power cut may take the last ones back, never tear them (NORMAL).
        """

    @abstractmethod
    def insert(self, connection: sa.Connection, spec: TableSpec[Any], rows: Sequence[Row]) -> int:
        """Writes rows within the transaction; returns how many were new or took another's place.

        Of rows with the same key the rule of the table decides, within `rows` too.
        """

    @abstractmethod
    def hold_still(self, connection: sa.Connection, table: sa.Table) -> None:
        """Keeps other connections from changing a table until the transaction ends."""

    @abstractmethod
    def make_ahead(self, connection: sa.Connection, now_ms: int) -> None:
        """Makes room for the rows of the coming weeks, where tables are kept in parts by time."""

    @abstractmethod
    def drop_part(
        self, connection: sa.Connection, spec: TableSpec[Any], before_ms: int
    ) -> DroppedPart | None:
        """Drops the oldest part of a table that lies wholly before a time; None without one."""

    @abstractmethod
    def blobs(self, connection: sa.Connection, statement: "sa.Select[Any]") -> Blobs:
        """Rows with large binary columns, in the order of the statement, few held at a time."""

    @abstractmethod
    def usable(self, connection: sa.Connection) -> bool:
        """False when the connection is lost and another one must be opened."""

    @abstractmethod
    def damage(self, connection: sa.Connection) -> Sequence[str]:
        """What the database itself finds wrong with its pages or rows, in words; empty is good."""

    @abstractmethod
    def error_of(self, error: Exception) -> StorageError:
        """Our error for one of the driver's: unavailable when trying again may help."""
