"""headwater ingest as a user meets it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.app.archives.archive_files import SAMPLES, zipped
from tests.storage.samples import fetch
from typer.testing import CliRunner, Result

from headwater.app.cli import app
from headwater.core.enums import StoredTable
from headwater.core.errors import ConfigError, StorageError
from headwater.storage.exporting import EXPORTED, ExportQuery, page_of
from headwater.storage.parquet_parts import TapeQuery
from headwater.storage.parquet_reading import read
from headwater.storage.sqlite import SqliteDatabase

VISION = ("--source", "binance-vision")
TARDIS = ("--source", "tardis")


def _ingest(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["ingest", *map(str, arguments)])


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def rows_of(data_dir: Path, table: StoredTable) -> list[Any]:
    return fetch(
        SqliteDatabase(data_dir / "headwater.sqlite3"), page_of(ExportQuery(table=table), None)
    )


def test_a_folder_of_dumps_into_the_database_twice(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    for path in SAMPLES.glob("BTC*.csv"):
        if "bookTicker" not in path.name:
            shutil.copy(path, folder)
    done = _ingest(folder, *VISION, "--json")
    assert done.exit_code == 0, done.output
    reports = {one["kind"]: one for one in json.loads(done.stdout)}
    assert {kind: (one["records"], one["new"]) for kind, one in reports.items()} == {
        "klines": (2, 2),
        "aggTrades": (2, 2),
        "metrics": (2, 2),
        "fundingRate": (2, 2),
        "liquidationSnapshot": (4, 2),
    }
    assert "trades are kept 90 days" in done.stderr
    again = _ingest(folder, *VISION)
    assert again.exit_code == 0
    assert "12 records, 0 new, 0 rows refused." in again.output
    assert "2024-01-01T00:00:00.123Z to 2024-01-01T00:00:00.456Z" in again.output
    counts = {table: len(rows_of(data_dir, table)) for table in map(StoredTable, EXPORTED)}
    filled = {table for table, count in counts.items() if count}
    assert filled == {
        StoredTable.CANDLES,
        StoredTable.TRADES,
        StoredTable.LIQUIDATIONS,
        StoredTable.FUNDING_RATES,
        StoredTable.OPEN_INTEREST,
    }
    assert {counts[table] for table in filled} == {2}
    large = rows_of(data_dir, StoredTable.TRADES)[1]
    assert (large.kind, large.value > 100_000) == ("large_trade", True)


def test_tardis_into_both(data_dir: Path, tmp_path: Path) -> None:
    files = sorted(SAMPLES.glob("*liquidations*.csv"))
    done = _ingest(*files, *TARDIS, "--contract-size", "0.01")
    assert (done.exit_code, "3 records, 3 new" in done.output) == (0, True), done.output
    assert [one.exchange for one in rows_of(data_dir, StoredTable.LIQUIDATIONS)] == [
        "bybit",
        "bybit",
        "okx",
    ]
    ticker = SAMPLES / "binance-futures_derivative_ticker_2024-01-01_BTCUSDT.csv"
    assert "4 records" in _ingest(ticker, *TARDIS).output  # marks have no table
    tape = tmp_path / "tape"
    book = SAMPLES / "hyperliquid_book_snapshot_5_2025-03-03_kPEPE.csv"
    into = ("--into", "parquet", "--tape", tape)
    assert "7 records, 7 new" in _ingest(ticker, book, *TARDIS, *into).output
    assert "7 records, 0 new" in _ingest(ticker, book, *TARDIS, *into).output
    assert len(list(read(tape, TapeQuery(kind="mark_price")))) == 2


def test_refused_rows_and_broken_files_end_with_1(data_dir: Path, tmp_path: Path) -> None:
    rows = "1,5,1,1,1,1704067200000,true\n2,-5,1,1,1,1704067200000,true\n" * 12
    path = zipped(tmp_path, "BTCUSDT-aggTrades-2024-01-01", rows)
    other = tmp_path / "BTCUSDT-metrics-2024-01-01.csv"
    other.write_text("create_time,symbol\n")
    done = _ingest(path, other, *VISION)
    assert done.exit_code == 1
    assert "refused: BTCUSDT-aggTrades-2024-01-01.zip/" in done.output
    assert "and 2 more" in done.output
    assert f"ended: {other.name}:1: column sum_open_interest: lacking" in done.output
    assert len(rows_of(data_dir, StoredTable.TRADES)) == 1


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        (("nothing.zip", *VISION), "FILE"),
        ((__file__, *VISION), "FILE"),
        ((Path(__file__).parent, *VISION), "FILE"),
        ((SAMPLES / "BTCUSDT-bookTicker-2024-01-01.csv", *VISION), "--into"),
        ((SAMPLES / "BTCUSDT-1m-2024-01-01.csv", *VISION, "--into", "parquet"), "--tape"),
        ((SAMPLES / "BTCUSDT-1m-2024-01-01.csv", *VISION, "--tape", "x"), "--tape"),
        ((SAMPLES / "BTCUSDT-1m-2024-01-01.csv", *VISION, "--venue", "a/b"), "--venue"),
        ((SAMPLES / "BTCUSDT-1m-2024-01-01.csv", *VISION, "--kind", "prices"), "--kind"),
        ((SAMPLES / "BTCUSDT-1m-2024-01-01.csv", *TARDIS), "--kind"),
    ],
)
def test_bad_input(data_dir: Path, arguments: tuple[str | Path, ...], setting: str) -> None:
    error = _ingest(*arguments).exception
    assert isinstance(error, ConfigError)
    assert error.setting == setting
    assert not data_dir.exists()


def test_options_that_are_none(data_dir: Path) -> None:
    file = SAMPLES / "BTCUSDT-1m-2024-01-01.csv"
    assert _ingest(file).exit_code == 2
    assert _ingest(file, "--source", "kaiko").exit_code == 2
    assert _ingest(file, *TARDIS, "--contract-size", "0").exit_code == 2
    assert not data_dir.exists()


def test_a_database_in_use_is_left_alone(data_dir: Path) -> None:
    with SqliteDatabase(data_dir / "headwater.sqlite3").claim():
        error = _ingest(SAMPLES / "BTCUSDT-1m-2024-01-01.csv", *VISION).exception
    assert isinstance(error, StorageError)
    assert "only one may" in str(error)
