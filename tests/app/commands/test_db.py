"""headwater db: upgrade, check, backup and restore as a user meets them."""

import json
from pathlib import Path

import pytest
from tests.storage.samples import candle, one_of_each, store
from typer.testing import CliRunner, Result

from headwater.app.cli import app
from headwater.core.errors import StorageError
from headwater.storage.sqlite import SqliteDatabase


def _db(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["db", *map(str, arguments)])


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(folder))
    return folder


def test_from_nothing_to_a_restored_copy(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "at version 0007 now" in _db("upgrade").output
    assert "already" in _db("upgrade").output
    database = SqliteDatabase(data_dir / "headwater.sqlite3")
    with database.claim():
        store(database, one_of_each())
    checked = json.loads(_db("check", "--json").stdout)
    assert checked["problems"] == []
    assert checked["tables"]["trades"]["rows"] == 2
    done = _db("backup", tmp_path / "copy")
    assert done.exit_code == 0
    assert "13 rows, equal" in done.output
    monkeypatch.setenv("HEADWATER_DATABASE_URL", f"sqlite:///{tmp_path}/new.sqlite3")
    assert "13 rows, equal" in _db("restore", tmp_path / "copy").output
    assert json.loads(_db("check", "--json").stdout)["tables"] == checked["tables"]


def test_what_is_wrong_is_said_with_exit_code_1(data_dir: Path) -> None:
    assert isinstance(_db("check").exception, StorageError)
    _db("upgrade")
    database = SqliteDatabase(data_dir / "headwater.sqlite3")
    with database.claim():
        store(database, [candle(high=0.0)])
        found = _db("check")
        assert found.exit_code == 1
        assert "wrong: candles: 1 rows" in found.output
        refused = _db("upgrade").exception
    assert isinstance(refused, StorageError)
    assert "only one may" in str(refused)
