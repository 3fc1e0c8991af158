"""Sessions: one connection to a database, for writing or for reading, with our errors.

A session is used by one thread at a time. It knows no dialect; those are `sqlite` and `postgres`.
"""

import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final, Self, TypeVar

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from headwater.core.errors import StorageError
from headwater.storage.base import (
    PAGE_ROWS,
    ColumnsQuery,
    Database,
    DroppedPart,
    Query,
    Row,
    TableSpec,
)

RecordT = TypeVar("RecordT")

Pages = Generator[Sequence[Row], None, None]

_DRIVER_ERRORS: Final = (sa.exc.SQLAlchemyError, OverflowError, ValueError, struct.error)


@contextmanager
def _ours(database: Database) -> Iterator[None]:
    """Turns the errors of a driver into ours; both drivers keep to the names of PEP 249."""
    try:
        yield
    except StorageError:
        raise
    except _DRIVER_ERRORS as error:
        raise database.error_of(error) from error
    except Exception as error:
        if {one.__name__ for one in type(error).__mro__} & {"Error", "Warning"}:
            raise database.error_of(error) from error
        raise


class _Session:
    """What both kinds share: opening, closing, and the way errors go."""

    def __init__(self, database: Database, engine: sa.Engine) -> None:
        self.database = database
        self._engine = engine
        with _ours(database):
            self._connection = engine.connect()

    @property
    def connection(self) -> sa.Connection:
        """The connection; for migrations and checks."""
        return self._connection

    def close(self) -> None:
        """Ends the connection; harmless when repeated."""
        with _ours(self.database):
            self._connection.close()
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ReadSession(_Session):
    """A connection that cannot write.

    Args:
        database: what is read.

    Raises:
        StorageError: it is not there; StorageUnavailable when it may be later.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, database.reading_engine())

    def fetch(self, query: Query[RecordT]) -> Sequence[RecordT]:
        """The records that answer a query, in its order."""
        with _ours(self.database), self._connection.begin():
            rows = self._connection.execute(query.statement)
            return [query.record_of(row) for row in rows]

    def study(self, work: Callable[["Snapshot"], RecordT]) -> RecordT:
        """What a function finds out from one state of the database."""
        with self.snapshot() as state:
            return work(state)

    def columns(self, query: ColumnsQuery) -> npt.NDArray[np.float64]:
        """The numbers that answer a query, shape (rows, columns); NaN for what is empty.

        Rows come as the driver's tuples: a row object for each would double the time. Whole
        numbers are exact up to 2^53, which times in ms are.
        """
        (found,) = self.columns_of((query,))
        return found

    def columns_of(self, queries: Sequence[ColumnsQuery]) -> list[npt.NDArray[np.float64]]:
        """As `columns`, for several queries that see one state of the database."""
        found = []
        with _ours(self.database), self._connection.begin():
            for query in queries:
                result = self._connection.execute(query.statement)
                width = len(result.keys())
                assert result.cursor is not None
                found.append(_numbers_of(result.cursor.fetchall(), width))
        return found

    @contextmanager
    def snapshot(self) -> Iterator["Snapshot"]:
        """One state of the database, whatever is written while the block runs."""
        with _ours(self.database), self._connection.begin():
            state = Snapshot(self.database, self._connection)
            try:
                yield state
            finally:
                state.close()


class Snapshot:
    """Whole tables in one state; made by `ReadSession.snapshot`."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection
        self._unfinished: list[Generator[Any, None, None]] = []

    def pages(self, spec: TableSpec[Any]) -> Iterator[Sequence[Row]]:
        """All rows of a table, in no order, `spec.page_rows` at a time."""
        yield from self.select(sa.select(*spec.table.columns), spec.page_rows)

    def select(self, statement: "sa.Select[Any]", rows: int = PAGE_ROWS) -> Iterator[Sequence[Row]]:
        """Rows of any question, so many at a time; none are held but those of a page."""
        return self._noted(_pages(self._connection, statement, rows))

    def blobs(self, statement: "sa.Select[Any]") -> Iterator[Row]:
        """Rows with large binary columns, one at a time, as fast as the database gives them."""
        return self._noted(self._database.blobs(self._connection, statement))

    def _noted(self, found: Generator[RecordT, None, None]) -> Iterator[RecordT]:
        self._unfinished.append(found)
        return found

    def close(self) -> None:
        """Ends questions whose rows were not read to the last one."""
        while self._unfinished:
            self._unfinished.pop().close()


def _pages(connection: sa.Connection, statement: "sa.Select[Any]", rows: int) -> Pages:
    with connection.execute(statement.execution_options(yield_per=rows)) as chosen:
        for page in chosen.partitions():
            yield [tuple(row) for row in page]


class WriteSession(_Session):
    """The connection that writes; hold the database's `claim` while it is open.

    Args:
        database: what is written.

    Raises:
        StorageError: it cannot be opened; StorageUnavailable when it may be later.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, database.writing_engine())

    @property
    def usable(self) -> bool:
        """False when the connection is lost and the session must be replaced."""
        return self.database.usable(self._connection)

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator["Transaction"]:
        """All that the block writes, or nothing of it.

        Args:
            durable: whether the end of the block waits until the rows are on the disk.

        Raises:
            StorageError: nothing was written; StorageUnavailable when it may work later. After
                a lost connection the rows may be stored all the same: write them again.
        """
        with _ours(self.database):
            began = self.database.begin(self._connection, durable=durable)
            with began:
                yield Transaction(self.database, self._connection)


class Transaction:
    """Writes within one transaction; made by `WriteSession.transaction`."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection

    def insert(self, spec: TableSpec[Any], rows: Sequence[Row]) -> int:
        """Writes rows; returns how many were new or took another's place."""
        return self._database.insert(self._connection, spec, rows) if rows else 0

    def select(self, statement: "sa.Select[Any]", rows: int = PAGE_ROWS) -> Iterator[Sequence[Row]]:
        """Rows of a question, so many at a time."""
        return _pages(self._connection, statement, rows)

    def hold_still(self, table: sa.Table) -> None:
        """Keeps every other connection from changing a table until the transaction ends.

        Raises:
            StorageUnavailable: others are changing it for longer than a moment.
        """
        self._database.hold_still(self._connection, table)

    def make_ahead(self, now_ms: int) -> None:
        """Makes room for the rows of the coming weeks; wall time in ms since the epoch."""
        self._database.make_ahead(self._connection, now_ms)

    def drop_part(self, spec: TableSpec[Any], before_ms: int) -> DroppedPart | None:
        """Drops the oldest part of a table that lies wholly before a time; None without one.

        Raises:
            StorageUnavailable: others use the table for longer than a moment.
        """
        return self._database.drop_part(self._connection, spec, before_ms)

    def execute(self, statement: sa.Executable) -> "sa.CursorResult[Any]":
        """Runs any other statement."""
        result = self._connection.execute(statement)
        assert isinstance(result, sa.CursorResult)
        return result


def _numbers_of(rows: Sequence[Row], width: int) -> npt.NDArray[np.float64]:
    """Rows of numbers as an array, shape (rows, width); NaN for what is empty.

    One number after the other takes half the time that an array of tuples does; an empty value is
    no number, so rows that have one go the long way.
    """
    try:
        flat = np.fromiter(chain.from_iterable(rows), np.float64, count=len(rows) * width)
    except TypeError:
        flat = np.array(rows, dtype=np.float64)
    return flat.reshape(-1, width)
