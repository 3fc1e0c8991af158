"""Backup and restore, from each kind of database to each: equal, whole, or refused."""

import itertools
import shutil
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.storage.conftest import MakeBlank
from tests.storage.ready_tables import with_tables
from tests.storage.samples import fetch, one_of_each, store, store_together, trade

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError
from headwater.storage import trades
from headwater.storage.backup import backup, restore
from headwater.storage.base import PAGE_ROWS, Database, Span
from headwater.storage.checking import check
from headwater.storage.sessions import WriteSession
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.tables import TABLES
from headwater.storage.upgrade import upgrade


def _fill(database: Database) -> None:
    """A row in every table, and trades for more than a page."""
    store(database, one_of_each())
    store_together(database, [trade(number) for number in range(10, PAGE_ROWS + 100)])


@pytest.fixture
def filled(database: Database) -> Database:
    _fill(database)
    return database


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that is only read: what harms it harms a copy. It is the same file of any source."""
    folder = tmp_path_factory.mktemp("sound")
    source = with_tables(folder / "source.sqlite3")
    with source.claim():
        _fill(source)
        backup(source, folder / "copy.sqlite3")
    return folder / "copy.sqlite3"


def test_what_comes_back_is_equal(filled: Database, make_blank: MakeBlank, tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite3"
    done = backup(filled, file)
    assert done.tables == check(filled).tables
    assert done.rows == PAGE_ROWS + 90 + len(one_of_each())
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.sqlite3"]
    for target in (make_blank(), SqliteDatabase(tmp_path / "other.sqlite3")):
        assert restore(target, file) == done
        report = check(target)
        assert report.sound
        assert report.tables == done.tables


def test_a_backup_is_one_state_while_rows_are_written(filled: Database, tmp_path: Path) -> None:
    """Pairs of trades are written in one transaction each: a copy never has half a pair."""
    stop = threading.Event()
    spec = TABLES[trades.SPEC.name]

    def write() -> None:
        with WriteSession(filled) as session:
            for number in itertools.count(1_000_000, 2):
                if stop.is_set():
                    return
                with session.transaction(durable=False) as writing:
                    writing.insert(spec, [spec.row_of(trade(number))])
                    writing.insert(spec, [spec.row_of(trade(number + 1))])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reports = [backup(filled, tmp_path / f"copy{number}.sqlite3") for number in range(3)]
    finally:
        stop.set()
        writer.join()
    rows = [report.rows for report in reports]
    assert rows == sorted(rows)
    for number in range(3):
        copy = SqliteDatabase(tmp_path / f"copy{number}.sqlite3")
        query = trades.between("binance", "BTCUSDT", Span(limit=100_000))
        numbers = {int(one.trade_id) for one in fetch(copy, query)}
        added = {one for one in numbers if one >= 1_000_000}
        assert {one ^ 1 for one in added} == added


def test_a_file_that_is_there_is_not_written_over(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite3"
    file.write_text("mine")
    with pytest.raises(StorageError, match="there already"):
        backup(filled, file)
    assert file.read_text() == "mine"


def test_a_folder_that_is_not_writable_is_said(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="directory"):
        backup(filled, tmp_path / "file" / "copy.sqlite3")


def test_restore_refuses_a_database_with_rows(
    filled: Database, make_blank: MakeBlank, tmp_path: Path
) -> None:
    file = tmp_path / "copy.sqlite3"
    backup(filled, file)
    before = check(filled).tables
    other = make_blank()
    restore(other, file)
    with pytest.raises(StorageError, match="has rows already"):
        restore(other, file)
    assert check(other).tables == before


def test_restore_refuses_a_database_that_is_being_written(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "db.sqlite3")
    with database.claim():
        upgrade(database)
        backup(database, tmp_path / "copy.sqlite3")
        with pytest.raises(StorageError, match="only one may"):
            restore(database, tmp_path / "copy.sqlite3")


_BEFORE_MARK_CANDLES = (
    "DROP TABLE mark_candles",
    "DELETE FROM backup_checksums WHERE table_name = 'mark_candles'",
    "UPDATE alembic_version SET version_num = '0001'",
)
"""Makes a backup as the program of the first version wrote it."""


def _change(file: Path, *statements: str) -> None:
    copy = SqliteDatabase(file, journal="delete")
    with WriteSession(copy) as session, session.transaction(durable=True) as writing:
        for statement in statements:
            writing.execute(sa.text(statement))


def test_a_backup_of_an_older_program_comes_back_whole(
    filled: Database, make_blank: MakeBlank, tmp_path: Path
) -> None:
    file = tmp_path / "copy.sqlite3"
    tables = backup(filled, file).tables
    _change(file, *_BEFORE_MARK_CANDLES)
    target = make_blank()
    restored = restore(target, file).tables
    assert restored[StoredTable.MARK_CANDLES].rows == 0
    assert {name: one for name, one in restored.items() if name != "mark_candles"} == {
        name: one for name, one in tables.items() if name != "mark_candles"
    }
    assert check(target).sound


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM trades WHERE trade_id = '11'",
        "DELETE FROM backup_checksums WHERE table_name = 'gaps'",
        "ALTER TABLE gaps ADD COLUMN colour TEXT",
    ],
)
def test_a_harmed_backup_of_an_older_program_is_refused(
    sound: Path, make_blank: MakeBlank, tmp_path: Path, harm: str
) -> None:
    file = Path(shutil.copy(sound, tmp_path))
    _change(file, *_BEFORE_MARK_CANDLES, harm)
    with pytest.raises(StorageError):
        restore(make_blank(), file)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE trades SET price = price + 1 WHERE trade_id = '11'",
        "DELETE FROM liquidations",
        "UPDATE backup_checksums SET rows = rows + 1",
        "DELETE FROM backup_checksums WHERE table_name = 'gaps'",
        "DROP TABLE backup_checksums",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
def test_a_harmed_backup_is_refused_and_leaves_nothing(
    sound: Path, make_blank: MakeBlank, tmp_path: Path, harm: str
) -> None:
    file = Path(shutil.copy(sound, tmp_path))
    _change(file, harm)
    target = make_blank()
    with pytest.raises(StorageError):
        restore(target, file)
    with target.claim():
        upgrade(target)
        assert all(one.rows == 0 for one in check(target).tables.values())


def test_no_backup_at_all(tmp_path: Path) -> None:
    target = SqliteDatabase(tmp_path / "db.sqlite3")
    with pytest.raises(StorageError, match="not there"):
        restore(target, tmp_path / "none.sqlite3")
    (tmp_path / "text").write_text("hello " * 1_000)
    with pytest.raises(StorageError, match="not a database"):
        restore(target, tmp_path / "text")
