"""headwater export as a user meets it."""

import csv
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.storage.samples import T0, candle, one_of_each, store, trade
from typer.testing import CliRunner, Result

from headwater.app.cli import app
from headwater.app.commands.export import format_of
from headwater.core.errors import ConfigError, StorageError
from headwater.storage.exporting import ExportFormat
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade


def _export(*arguments: str | int | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database; gives the folder for files."""
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    database = SqliteDatabase(tmp_path / "data" / "headwater.sqlite3")
    with database.claim():
        upgrade(database)
        store(database, [*one_of_each(), candle(T0 + 60_000)])
        store(database, [trade(number, at_ms=T0 + number) for number in range(10, 20)])
    return tmp_path


def test_files_of_every_format(stored: Path) -> None:
    for suffix in ("csv", "json", "ndjson", "parquet"):
        done = _export("trades", "--out", stored / f"trades.{suffix}")
        assert (done.exit_code, "12 rows" in done.output) == (0, True), done.output
    with (stored / "trades.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    rows = msgspec.json.decode((stored / "trades.json").read_bytes())
    assert [row["price"] for row in cells] == [str(row["price"]) for row in rows]
    assert pl.read_parquet(stored / "trades.parquet")["price"].to_list() == [
        row["price"] for row in rows
    ]
    lines = (stored / "trades.ndjson").read_bytes().splitlines()
    assert [msgspec.json.decode(line) for line in lines] == rows
    assert not list(stored.glob("*.unfinished"))


def test_a_part_on_standard_output(stored: Path) -> None:
    done = _export(
        *("trades", "--venue", "Binance", "--symbol", "btc-usdt", "--start", T0 + 12),
        *("--end", T0 + 14, "--out", "-", "--format", "ndjson"),
    )
    rows = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    assert [row["timestamp_ms"] - T0 for row in rows] == [12, 13, 14]
    assert "3 rows written to -" in done.stderr
    header, first, second = _export("candles", "--interval", "1m", "-o", "-").stdout.splitlines()
    assert header.startswith("exchange,symbol,native_symbol,timestamp_ms")
    assert first != second


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("trades", "--out", "trades.xlsx"), "--out"),
        (("trades", "--out", "trades"), "--out"),
        (("trades", "--out", "-", "--interval", "1m"), "--interval"),
        (("candles", "--out", "-", "--interval", "7m"), "--interval"),
        (("trades", "--out", "-", "--start", "soon"), "--start"),
        (("trades", "--out", "-", "--start", "20", "--end", "10"), "--end"),
        (("trades", "--out", "no/such/folder.csv"), "--out"),
    ],
)
def test_bad_input(stored: Path, arguments: tuple[str, ...], option: str) -> None:
    error = _export(*arguments).exception
    assert isinstance(error, ConfigError)
    assert error.setting == option
    assert _export("orders", "--out", "-").exit_code == 2


def test_a_file_is_never_overwritten_nor_left_half(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = stored / "there.csv"
    there.write_text("mine")
    assert isinstance(_export("trades", "--out", there).exception, ConfigError)
    assert there.read_text() == "mine"
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(stored / "empty"))
    assert isinstance(_export("trades", "--out", stored / "new.csv").exception, StorageError)
    assert not [path for path in stored.iterdir() if path.name.startswith("new")]


def test_formats_by_suffix() -> None:
    assert format_of("a.JSONL", None) is ExportFormat.NDJSON
    assert format_of("-", None) is ExportFormat.CSV
    assert format_of("a.csv", ExportFormat.JSON) is ExportFormat.JSON
