"""PostgreSQL: connection, bulk upsert and error codes; everything else is portable SQL.

Rows are copied into a temporary table and inserted from there, which is several times faster than
inserting them one by one (https://www.postgresql.org/docs/15/populate.html). Durability is chosen
per transaction (`synchronous_commit`). The driver is the optional extra `headwater[postgres]`.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError, StorageRefused, StorageUnavailable
from headwater.storage.base import Blobs, Database, DroppedPart, Row, TableSpec
from headwater.storage.postgres_partitions import LOCK_TIMEOUT_MS, Partitions

CONNECT_TIMEOUT_S: Final = 10
"""Longest wait for a connection."""

SILENCE_MAX_S: Final = 30
"""A server that does not confirm what was sent for so long, or is not there any more when it was
idle, is lost: a cable that was pulled ends no connection by itself, and the writer would wait for
a quarter of an hour while rows are dropped."""

STATEMENT_TIMEOUT_MS: Final = 120_000
"""Longest time one statement of a reader may take."""

BLOBS_AT_A_TIME: Final = 16
"""Large binary values that are fetched at once."""

_ROWS_FAULT: Final = (
    psycopg.IntegrityError,
    psycopg.DataError,
    OverflowError,
    ValueError,
    struct.error,
)
"""Errors that say something about a row."""

_TYPES: Final[dict[type, str]] = {
    sa.Text: "text",
    sa.BigInteger: "int8",
    sa.Double: "float8",
    sa.Boolean: "bool",
    sa.LargeBinary: "bytea",
}


class PostgresDatabase(Database):
    """A database on a server.

    Args:
        url: `postgresql://user:password@host:port/name`, as libpq reads it.
    """

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+psycopg")
        # The query goes too: libpq takes a password there as well.
        shown = self._url.set(drivername="postgresql", query={})
        self._partitions = Partitions()
        self.label = shown.render_as_string(hide_password=True)

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Nothing to hold: the server lets many write."""
        yield

    def writing_engine(self) -> sa.Engine:
        """Connections that may write."""
        return self._engine("READ COMMITTED", "")

    def reading_engine(self) -> sa.Engine:
        """Connections whose transactions see one state throughout and cannot write."""
        options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        return self._engine("REPEATABLE READ", options)

    def begin(self, connection: sa.Connection, *, durable: bool) -> sa.RootTransaction:
        """Begins a transaction; a commit that is not durable does not wait for the disk."""
        transaction = connection.begin()
        level = "on" if durable else "off"
        connection.exec_driver_sql(f"SET LOCAL synchronous_commit TO {level}")
        return transaction

    def insert(self, connection: sa.Connection, spec: TableSpec[Any], rows: Sequence[Row]) -> int:
        """Copies rows into a temporary table, and from there where they belong."""
        self._partitions.make_for(connection, spec, rows)
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        staging = sql.Identifier(f"staging_{spec.table.name}")
        names = sql.SQL(", ").join(sql.Identifier(name) for name in spec.columns)
        target = sql.Identifier(spec.table.name)
        written = 0
        with driver.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS"
                ).format(staging, target)
            )
            into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(staging, names)
            for part in _without_doubles(spec, rows):
                with cursor.copy(into) as copy:
                    copy.set_types(_types(spec))
                    for row in part:
                        copy.write_row(row)
                cursor.execute(_upsert(spec).encode())
                written += max(cursor.rowcount, 0)
                cursor.execute(sql.SQL("TRUNCATE {}").format(staging))
        return written

    def hold_still(self, connection: sa.Connection, table: sa.Table) -> None:
        """Locks the table in share mode; whoever waits behind that does so for a moment only."""
        connection.exec_driver_sql(f"SET LOCAL lock_timeout TO {LOCK_TIMEOUT_MS}")
        name = connection.dialect.identifier_preparer.format_table(table)
        connection.exec_driver_sql(f"LOCK TABLE {name} IN SHARE MODE")

    def make_ahead(self, connection: sa.Connection, now_ms: int) -> None:
        """The partitions of this month and the next ones."""
        self._partitions.make_ahead(connection, now_ms)

    def drop_part(
        self, connection: sa.Connection, spec: TableSpec[Any], before_ms: int
    ) -> DroppedPart | None:
        """A month, or every chunk of a hypertable that ends before."""
        return self._partitions.drop_oldest(connection, spec, before_ms)

    def blobs(self, connection: sa.Connection, statement: "sa.Select[Any]") -> Blobs:
        """Through a cursor of the server, in binary form: as text bytes have twice the length."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        with driver.cursor("blobs", binary=True) as cursor:
            cursor.itersize = BLOBS_AT_A_TIME
            cursor.execute(str(compiled).encode(), compiled.params)
            yield from cursor

    def usable(self, connection: sa.Connection) -> bool:
        """False when the server hung up."""
        if connection.closed or connection.invalidated:
            return False
        driver = connection.connection.driver_connection
        return isinstance(driver, psycopg.Connection) and not driver.closed

    def damage(self, connection: sa.Connection) -> Sequence[str]:
        """Nothing of its own: reading every row, which a check does, makes the server check them.

        Damaged pages are found where the server was made with checksums; `pg_amcheck` finds more.
        """
        del connection
        return ()

    def error_of(self, error: Exception) -> StorageError:
        """By the driver's class of error."""
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        words = " ".join(str(cause).split()) or type(cause).__name__
        # Of SQLSTATE class 54 (a key too long for its index, …) the driver makes an operational
        # error, but it is the row's: the same row fails for ever.
        if isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith("54"):
            return StorageRefused(self.label, words)
        if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            return StorageUnavailable(self.label, words)
        if isinstance(cause, _ROWS_FAULT):
            return StorageRefused(self.label, words)
        return StorageError(self.label, words)

    def _engine(self, isolation: str, options: str) -> sa.Engine:
        given = self._url.normalized_query
        chosen: dict[str, int | str] = {
            name: value for name, value in _CONNECTION.items() if name not in given
        }
        # What the address says stays: a schema, or what a host of databases goes by.
        chosen["options"] = " ".join([*given.get("options", ()), options]).strip()
        return sa.create_engine(
            self._url,
            poolclass=sa.pool.NullPool,
            isolation_level=isolation,
            connect_args=chosen,
        )


_CONNECTION: Final[Mapping[str, int]] = MappingProxyType(
    {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": SILENCE_MAX_S // 3,
        "keepalives_interval": SILENCE_MAX_S // 3,
        "keepalives_count": 2,
        "tcp_user_timeout": SILENCE_MAX_S * 1_000,
    }
)
"""Parameters of libpq that an address may set otherwise
(https://www.postgresql.org/docs/15/libpq-connect.html)."""


def _types(spec: TableSpec[Any]) -> Sequence[str]:
    return [_TYPES[type(column.type)] for column in spec.table.columns]


def _without_doubles(spec: TableSpec[Any], rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cuts rows into parts without a key twice: one statement may touch a row only once."""
    if spec.replaces is None:
        yield rows
        return
    places = [spec.columns.index(name) for name in spec.key]
    waiting = list(rows)
    while waiting:
        part: list[Row] = []
        again: list[Row] = []
        seen: set[Row] = set()
        for row in waiting:
            key = tuple([row[place] for place in places])
            if key in seen:
                again.append(row)
            else:
                seen.add(key)
                part.append(row)
        yield part
        waiting = again


_DIALECT: Final = sa.make_url("postgresql+psycopg://").get_dialect()()
_UPSERTS: Final[dict[StoredTable, str]] = {}


def _upsert(spec: TableSpec[Any]) -> str:
    """The statement that moves a table's rows on from where they were copied to, made once."""
    made = _UPSERTS.get(spec.name)
    if made is None:
        staging = sa.table(
            f"staging_{spec.table.name}", *(sa.column(name) for name in spec.columns)
        )
        statement = postgresql.insert(spec.table).from_select(
            list(spec.columns), sa.select(staging)
        )
        if spec.replaces is None:
            statement = statement.on_conflict_do_nothing(index_elements=list(spec.key))
        else:
            statement = statement.on_conflict_do_update(
                index_elements=list(spec.key),
                set_={n: statement.excluded[n] for n in spec.columns if n not in spec.key},
                where=spec.replaces(spec.table.columns, statement.excluded),
            )
        made = _UPSERTS[spec.name] = str(statement.compile(dialect=_DIALECT))
    return made
