"""SQLite: one file, one process that writes, one connection that writes and checkpoints.

SQLite before 3.51.3 can damage a database in WAL mode when two connections write or checkpoint at
the same moment (the WAL-reset bug, https://www.sqlite.org/wal.html). Here that cannot happen: a
lock file lets one process in, its one writing connection alone checkpoints, and readers are opened
read-only with checkpoints off. Durability is chosen per transaction (`synchronous` FULL or NORMAL).
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError, StorageRefused, StorageUnavailable
from headwater.storage.base import Blobs, Database, DroppedPart, Row, TableSpec

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a connection waits for another one's lock before it gives up."""

CHECKPOINT_PAGES: Final = 4_000
"""Pages in the log after which the writer moves them into the database (16 MB)."""

LOG_KEPT_BYTES: Final = 64 * 1024 * 1024
"""Size to which the log is cut after it was moved."""

CACHE_KIB: Final = 65_536
"""Memory for pages of the writing connection."""

_DAMAGE_LINES: Final = 20
_LATER: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes after which the same may work later."""

_ROWS_FAULT: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    ValueError,
)
"""Errors that say something about a row."""


class SqliteDatabase(Database):
    """A database in one file.

    Args:
        path: the file; made with its folder when it is written first.
        journal: `wal`, or `delete` for a file that is written once and then only read.
    """

    def __init__(self, path: Path, *, journal: str = "wal") -> None:
        assert journal in ("wal", "delete"), journal
        self.path = path
        self.label = str(path)
        self._journal = journal

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Holds the lock file beside the database; another process that has it is named."""
        name = self.path.with_name(self.path.name + ".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(self.label, f"{name}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
                raise StorageError(
                    self.label,
                    f"process {holder or 'unknown'} writes to it, and only one may; stop that one, "
                    "or set another data_dir, or use PostgreSQL",
                ) from error
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            yield
        finally:
            # The file stays: to delete it would let two processes lock two files of one name.
            os.close(descriptor)

    def writing_engine(self) -> sa.Engine:
        """Connections that may write; take one at a time, under `claim`."""
        pragmas = [
            f"journal_mode={self._journal}",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
            f"journal_size_limit={LOG_KEPT_BYTES}",
            f"cache_size=-{CACHE_KIB}",
            "temp_store=MEMORY",
        ]
        return _engine(self._opener("rwc", pragmas), "BEGIN IMMEDIATE")

    def reading_engine(self) -> sa.Engine:
        """Connections that cannot write, change nothing and never checkpoint."""
        return _engine(self._opener("ro", ["wal_autocheckpoint=0", "query_only=1"]), "BEGIN")

    def begin(self, connection: sa.Connection, *, durable: bool) -> sa.RootTransaction:
        """Begins a writing transaction at once, so that it never has to be taken up later."""
        # Set on the bare connection: through SQLAlchemy it would already be in the transaction,
        # where SQLite ignores it.
        level = "FULL" if durable else "NORMAL"
        _driver(connection).execute(f"PRAGMA synchronous={level}")
        return connection.begin()

    def insert(self, connection: sa.Connection, spec: TableSpec[Any], rows: Sequence[Row]) -> int:
        """Writes rows with one prepared statement."""
        cursor = _driver(connection).executemany(_upsert(spec.name, spec), rows)
        return max(cursor.rowcount, 0)

    def hold_still(self, connection: sa.Connection, table: sa.Table) -> None:
        """Nothing to do: a transaction that writes is the only one that does."""
        del connection, table

    def make_ahead(self, connection: sa.Connection, now_ms: int) -> None:
        """Nothing to do: a table is one tree."""
        del connection, now_ms

    def drop_part(
        self, connection: sa.Connection, spec: TableSpec[Any], before_ms: int
    ) -> DroppedPart | None:
        """None: a table has no parts."""
        del connection, spec, before_ms
        return None

    def blobs(self, connection: sa.Connection, statement: "sa.Select[Any]") -> Blobs:
        """Row by row, as SQLite steps."""
        for row in connection.execute(statement):
            yield tuple(row)

    def usable(self, connection: sa.Connection) -> bool:
        """Always: a file does not hang up."""
        return not connection.closed

    def damage(self, connection: sa.Connection) -> Sequence[str]:
        """What `PRAGMA integrity_check` finds, its first lines."""
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({_DAMAGE_LINES})").scalars()
        return [str(line) for line in found if line != "ok"]

    def error_of(self, error: Exception) -> StorageError:
        """By SQLite's primary result code."""
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", None)
        words = str(cause)
        if code is not None and code & 0xFF in _LATER:
            return StorageUnavailable(self.label, words)
        if isinstance(cause, _ROWS_FAULT):
            return StorageRefused(self.label, words)
        return StorageError(self.label, words)

    def _opener(self, mode: str, pragmas: Sequence[str]) -> "Callable[[], sqlite3.Connection]":
        address = f"file:{quote(str(self.path.absolute()))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            # Transactions are begun and ended by SQLAlchemy's events alone. A connection is used
            # by one thread at a time, not always by the one that opened it.
            connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
                for pragma in pragmas:
                    connection.execute(f"PRAGMA {pragma}")
            except BaseException:
                connection.close()
                raise
            return connection

        return connect


def _engine(opener: "Callable[[], sqlite3.Connection]", begin: str) -> sa.Engine:
    engine = sa.create_engine("sqlite://", creator=opener, poolclass=sa.pool.NullPool)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


_UPSERTS: Final[dict[StoredTable, str]] = {}


def _upsert(name: StoredTable, spec: TableSpec[Any]) -> str:
    """The statement that writes one row of a table, made once."""
    made = _UPSERTS.get(name)
    if made is None:
        statement = sqlite.insert(spec.table)
        if spec.replaces is None:
            statement = statement.on_conflict_do_nothing(index_elements=list(spec.key))
        else:
            statement = statement.on_conflict_do_update(
                index_elements=list(spec.key),
                set_={n: statement.excluded[n] for n in spec.columns if n not in spec.key},
                where=spec.replaces(spec.table.columns, statement.excluded),
            )
        dialect = sqlite.dialect(paramstyle="qmark")
        compiled = statement.compile(dialect=dialect, column_keys=list(spec.columns))
        made = _UPSERTS[name] = str(compiled)
    return made
