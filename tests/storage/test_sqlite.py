"""What is particular to SQLite: who may write, who checkpoints, when the disk is waited for."""

import sqlite3
import threading
from pathlib import Path

import pytest
from tests.storage.samples import forecast, store, trade

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError, StorageRefused, StorageUnavailable
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.sqlite import CHECKPOINT_PAGES, SqliteDatabase
from headwater.storage.tables import TABLES
from headwater.storage.upgrade import upgrade


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    made = SqliteDatabase(tmp_path / "a folder" / "it's 100% new.sqlite3")
    with made.claim():
        upgrade(made)
    return made


def _pragma(session: WriteSession | ReadSession, name: str) -> object:
    return session.connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize(("durable", "level"), [(False, 1), (True, 2)], ids=["NORMAL", "FULL"])
def test_durability_is_that_of_the_transaction(
    database: SqliteDatabase, durable: bool, level: int
) -> None:
    with database.claim(), WriteSession(database) as session:
        with session.transaction(durable=not durable):
            pass
        with session.transaction(durable=durable):
            assert _pragma(session, "synchronous") == level
            assert _pragma(session, "journal_mode") == "wal"


def test_only_the_writer_checkpoints(database: SqliteDatabase) -> None:
    with database.claim(), WriteSession(database) as writer, ReadSession(database) as reader:
        assert _pragma(writer, "wal_autocheckpoint") == CHECKPOINT_PAGES
        assert _pragma(reader, "wal_autocheckpoint") == 0
        assert _pragma(reader, "query_only") == 1
        driver = reader.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        # Whatever it is told: its file is open for reading only.
        driver.execute("PRAGMA query_only=0")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            driver.execute("DELETE FROM trades")


def test_readers_go_on_while_the_writer_writes_and_checkpoints(database: SqliteDatabase) -> None:
    """Many commits, many checkpoints, many readers: nothing is damaged and nobody is locked out."""
    stop = threading.Event()
    problems: list[StorageError] = []

    def read() -> None:
        while not stop.is_set():
            try:
                with ReadSession(database) as session, session.snapshot() as state:
                    for spec in TABLES.values():
                        for _ in state.pages(spec):
                            pass
            except StorageError as error:
                problems.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(3)]
    with database.claim(), WriteSession(database) as session:
        session.connection.exec_driver_sql("PRAGMA wal_autocheckpoint=20")
        session.connection.rollback()
        for reader in readers:
            reader.start()
        spec = TABLES[StoredTable.TRADES]
        for number in range(400):
            with session.transaction(durable=False) as writing:
                rows = [spec.row_of(trade(number * 50 + one)) for one in range(50)]
                assert writing.insert(spec, rows) == 50
        stop.set()
        for reader in readers:
            reader.join()
        assert problems == []
        assert database.damage(session.connection) == []


def test_errors_are_told_apart(database: SqliteDatabase) -> None:
    with database.claim():
        with pytest.raises(StorageRefused, match=r"forecasts\.price"):
            store(database, [forecast(price=None)])
        with pytest.raises(StorageRefused):
            store(database, [trade(1, at_ms=2**63)])
        other = sqlite3.connect(database.path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with WriteSession(database) as session:
                driver = session.connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                driver.execute("PRAGMA busy_timeout=1")
                with (
                    pytest.raises(StorageUnavailable, match="locked"),
                    session.transaction(durable=False),
                ):
                    pass
        finally:
            other.close()


def test_a_claim_is_given_back(database: SqliteDatabase) -> None:
    for _ in range(2):
        with database.claim(), pytest.raises(StorageError, match="only one may"), database.claim():
            pass
