"""Backup of a live database, and restore on either kind.

A backup is a SQLite file with the same tables and the checksum of each, whatever it was taken of:
one state of the database, copied row by row while the platform goes on writing, and read again
before it gets its name. So it can be restored to SQLite and to PostgreSQL, or opened by any tool.
One of an older program is restored too, when its tables are still as they were: those that came
later stay empty.
"""

import contextlib
import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError
from headwater.storage.base import Database
from headwater.storage.checking import RunningSum, TableSum
from headwater.storage.sessions import ReadSession, Snapshot, Transaction, WriteSession
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.tables import TABLES
from headwater.storage.upgrade import newest_version, upgrade, version_of, versions

_SUMS: Final = sa.Table(
    "backup_checksums",
    sa.MetaData(),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.Text, nullable=False),
)

Sums = Mapping[StoredTable, TableSum]


class BackupReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied.

    Attributes:
        tables: what each table of the copy holds; equal to the source, or there is no report.
    """

    tables: Sums

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(one.rows for one in self.tables.values())


def backup(database: Database, file: Path) -> BackupReport:
    """Copies one state of a database to a file, which must not be there yet.

    Args:
        database: may be written meanwhile.
        file: gets its name only when it is whole and was compared.

    Raises:
        StorageError: the file is there, one of both cannot be read or written, or the copy is not
            equal.
    """
    if file.exists():
        raise StorageError(str(file), "is there already: choose another name")
    unfinished = file.with_name(file.name + ".unfinished")
    copy = SqliteDatabase(unfinished, journal="delete")
    try:
        unfinished.unlink(missing_ok=True)
        with copy.claim():
            upgrade(copy)
            with ReadSession(database) as source, source.snapshot() as state:
                _refuse_other_version(database, source)
                with WriteSession(copy) as target, target.transaction(durable=True) as writing:
                    sums = _copy(state, writing, set(TABLES))
                    _note(writing, sums)
            _compare(copy, sums)
        unfinished.replace(file)
        _to_disk(file.parent)
    except OSError as error:
        raise StorageError(str(file), error.strerror or str(error)) from error
    finally:
        # Nothing is left of one that failed; a folder that is not there has nothing in it.
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
            unfinished.with_name(unfinished.name + ".lock").unlink(missing_ok=True)
    return BackupReport(tables=sums)


def restore(database: Database, file: Path) -> BackupReport:
    """Fills an empty database with a backup: all of it, or nothing.

    Args:
        database: without rows; its tables are made where they are missing.
        file: of `backup`.

    Raises:
        StorageError: the file is no whole backup or has other tables, the database is not empty or
            is being written by another process, or what was restored is not equal.
    """
    copy = SqliteDatabase(file, journal="delete")
    if not file.is_file():
        raise StorageError(str(file), "is not there")
    with database.claim():
        with ReadSession(copy) as source, source.snapshot() as state:
            held = _tables_of(copy, source)
            wanted = _noted(copy, source.connection, held)
            upgrade(database)
            with (
                WriteSession(database) as target,
                target.transaction(durable=True) as writing,
            ):
                _refuse_rows(database, writing)
                sums = _copy(state, writing, held)
                if sums != wanted:
                    raise StorageError(str(file), f"is damaged: {_difference(sums, wanted)}")
        _compare(database, sums)
    return BackupReport(tables=sums)


def _copy(state: Snapshot, writing: Transaction, held: AbstractSet[StoredTable]) -> Sums:
    """Copies the tables that are held; of the others the sum is that of no row."""
    sums: dict[StoredTable, TableSum] = {}
    for name, spec in TABLES.items():
        running = RunningSum()
        for page in state.pages(spec) if name in held else ():
            running.add(page)
            writing.insert(spec, page)
        sums[name] = running.result
    return sums


def _compare(database: Database, wanted: Sums) -> None:
    """Reads everything again."""
    found: dict[StoredTable, TableSum] = {}
    with ReadSession(database) as session, session.snapshot() as state:
        for name, spec in TABLES.items():
            running = RunningSum()
            for page in state.pages(spec):
                running.add(page)
            found[name] = running.result
    if found != wanted:
        raise StorageError(database.label, f"is not equal: {_difference(found, wanted)}")


def _difference(found: Sums, wanted: Sums) -> str:
    return ", ".join(
        f"{name.value} has {found[name].rows} rows of {wanted[name].rows}"
        for name in TABLES
        if found[name] != wanted[name]
    )


def _note(writing: Transaction, sums: Sums) -> None:
    """Puts the checksums into the copy itself."""
    writing.execute(sa.schema.CreateTable(_SUMS))
    for name, one in sums.items():
        values = {"table_name": name.value, "rows": one.rows, "checksum": one.checksum}
        writing.execute(sa.insert(_SUMS).values(values))


def _noted(copy: Database, connection: sa.Connection, held: AbstractSet[StoredTable]) -> Sums:
    try:
        rows = connection.execute(sa.select(_SUMS)).all()
    except sa.exc.DBAPIError as error:
        raise StorageError(copy.label, "has no checksums: not a backup") from error
    found = {row.table_name: TableSum(rows=row.rows, checksum=row.checksum) for row in rows}
    if set(found) != {name.value for name in held}:
        raise StorageError(copy.label, "has not the checksum of each table: not a whole backup")
    return {name: found.get(name.value, RunningSum().result) for name in TABLES}


def _tables_of(copy: Database, session: ReadSession) -> AbstractSet[StoredTable]:
    """The tables that a backup must have: all, or those of the older program that made it.

    Raises:
        StorageError: it is newer than this program, or a table of it has other columns.
    """
    version = version_of(session.connection)
    if version == newest_version():
        return set(TABLES)
    if version not in versions():
        _refuse_other_version(copy, session)
    inspector = sa.inspect(session.connection)
    there = set(inspector.get_table_names())
    held = {name for name in TABLES if TABLES[name].table.name in there}
    for name in held:
        columns = tuple(str(one["name"]) for one in inspector.get_columns(TABLES[name].table.name))
        if columns != TABLES[name].columns:
            _refuse_other_version(copy, session)
    return held


def _refuse_other_version(database: Database, session: ReadSession) -> None:
    """Rows are copied as they lie: both ends must have the same tables."""
    version = version_of(session.connection)
    if version != newest_version():
        raise StorageError(
            database.label,
            f"its tables have version {version or 'none'}, this program works with "
            f"{newest_version()}: upgrade it, or use the program of that version",
        )


def _refuse_rows(database: Database, writing: Transaction) -> None:
    full = [
        name.value
        for name, spec in TABLES.items()
        if writing.execute(sa.select(sa.literal(1)).select_from(spec.table).limit(1)).first()
    ]
    if full:
        raise StorageError(
            database.label,
            f"has rows already ({', '.join(full)}): restore to an empty one, by another data_dir "
            "or database_url",
        )


def _to_disk(folder: Path) -> None:
    """Makes a new name in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
