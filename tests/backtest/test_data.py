"""Bars of files: every kind that is read, and every bad file answered clearly."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.strategies.samples import HOUR, T0

from headwater.api.schemas.market import OhlcView
from headwater.backtest import data
from headwater.backtest.data import CSV_BYTES_MAX, coverage_of, load_bars
from headwater.core.errors import RequestError

HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = HEADER + "2024-01-01T00:00:00Z,1,3,1,2,5\n2024-01-01T01:00:00Z,2,4,2,3,6\n"


def _csv(folder: Path, text: str) -> Path:
    file = folder / "bars.csv"
    file.write_text(text)
    return file


def _frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "timestamp": [datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(2)],
            "open": [1.0, 2.0],
            "high": [3.0, 4.0],
            "low": [1.0, 2.0],
            "close": [2.0, 3.0],
            "volume": [5, 6],
            "exchange": ["okx", "okx"],
            "funding_rate": [0.0001, None],
        }
    )


def test_csv_and_parquet_are_the_same_bars(tmp_path: Path) -> None:
    parquet = tmp_path / "bars.data"
    _frame().write_parquet(parquet)
    for file in (_csv(tmp_path, GOOD), parquet, str(parquet)):
        bars = load_bars(file, "BTCUSDT")
        assert bars.timestamp_ms.tolist() == [T0, T0 + HOUR]
        assert bars.close.tolist() == [2.0, 3.0]
        assert (bars.symbol, bars.interval_ms) == ("BTCUSDT", HOUR)
    assert set(load_bars(parquet).extras) == {"funding_rate"}


def test_what_the_platform_downloads_is_read(tmp_path: Path) -> None:
    known = {"timestamp": "2024-01-01T00:00:00Z", "exchange": "okx", "symbol": "BTCUSDT",
             "interval": "1h", "is_closed": "true", "built_from": ""}  # fmt: skip
    row = [known.get(name, "2") for name in OhlcView.__struct_fields__]
    file = _csv(tmp_path, ",".join(OhlcView.__struct_fields__) + "\n" + ",".join(row) + "\n")
    bars = load_bars(file)
    assert bars.timestamp_ms.tolist() == [T0]
    assert {"quote_volume", "taker_buy_volume"} <= set(bars.extras)
    assert not {"exchange", "interval", "is_closed", "built_from"} & set(bars.extras)


def test_the_interval_may_be_said(tmp_path: Path) -> None:
    holed = HEADER + "".join(f"2024-01-01T{at:02}:00:00Z,1,3,1,2,5\n" for at in (0, 2, 4))
    file = _csv(tmp_path, holed)
    assert coverage_of(load_bars(file)).missing_bars == 0
    assert coverage_of(load_bars(file, interval="1h")).missing_bars == 2
    with pytest.raises(RequestError, match="open every 7200 s"):
        load_bars(file, interval="4h")
    with pytest.raises(RequestError, match="interval='hour': one of 1m"):
        load_bars(file, interval="hour")
    with pytest.raises(RequestError, match=r"interval='30m': that of the bars, .* every 7200 s"):
        load_bars(file, interval="30m")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2024-01-01T02:00:00Z,1,3,1,nan,5", "close='nan': .*line 4 of bars.csv, 2024-01-01T02"),
        ("2024-01-01T02:00:00Z,1,inf,1,2,5", "high='inf'.*line 4"),
        ("2024-01-01T02:00:00Z,1,3,-1,2,5", "low='-1.0'.*line 4"),
        ("2024-01-01T02:00:00Z,0,3,0,2,5", "open='0.0': finite and > 0; line 4"),
        ("2024-01-01T02:00:00Z,1,3,1,2,-5", "volume='-5.0': finite and ≥ 0; line 4"),
        ("2024-01-01T02:00:00Z,1,3,1,9,5", "close='9.0': from low 1.0 to high 3.0; line 4"),
        ("2024-01-01T01:00:00Z,1,3,1,2,5", "is there twice; line 4"),
        ("2024-01-01T00:30:00Z,1,3,1,2,5", "comes after 2024-01-01T01:00:00Z; line 4"),
    ],
)  # fmt: skip
def test_a_bad_bar_is_named_with_its_line_and_time(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        load_bars(_csv(tmp_path, GOOD + row + "\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (HEADER.encode(), "at least one bar"),
        (b"\x1f\x8b\x08\x00rest", "gzip, unpack it"),
        (b"PK\x03\x04rest", "zip, unpack it"),
        (b"\x7fELF\0\0\0", "zero bytes"),
        ("\ufeff".encode("utf-16-le") + GOOD.encode("utf-16-le"), "UTF-16"),
        (b"PAR1 and nothing more", "a whole Parquet file"),
        (b"\x89PNG\r\n", "encoding|missing"),
    ],
)
def test_what_is_no_file_of_bars_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bars.csv"
    file.write_bytes(content)
    with pytest.raises(RequestError, match=message):
        load_bars(file)


def test_a_file_that_is_not_there_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="a file that is there"):
        load_bars(tmp_path / "nowhere.csv")
    with pytest.raises(RequestError, match="this is a folder"):
        load_bars(tmp_path)
    with pytest.raises(RequestError, match="an ordinary file"):
        load_bars("/dev/null")


def test_ten_gigabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    file = _csv(tmp_path, GOOD)
    with file.open("r+b") as opened:
        opened.truncate(10 * 1024**3)  # A sparse file: it takes no room on the disk.
    assert file.stat().st_size > CSV_BYTES_MAX
    with pytest.raises(RequestError, match=r"10\.0 GiB.*at most 2 GiB.*headwater ingest"):
        load_bars(file)


def test_a_parquet_file_of_too_many_rows_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bars.parquet"
    _frame().write_parquet(file)
    monkeypatch.setattr(data, "ROWS_MAX", 1)
    with pytest.raises(RequestError, match=r"rows of bars.parquet='2': at most 1"):
        load_bars(file)


def test_what_a_parquet_file_lacks_is_told(tmp_path: Path) -> None:
    file = tmp_path / "bars.parquet"
    _frame().drop("low").write_parquet(file)
    with pytest.raises(RequestError, match="also low"):
        load_bars(file)
    _frame().with_columns(pl.lit(None).cast(pl.Float64).alias("close")).write_parquet(file)
    with pytest.raises(RequestError, match="close"):
        load_bars(file)


def test_polars_is_not_imported_for_a_csv(tmp_path: Path) -> None:
    file = _csv(tmp_path, GOOD)
    code = (
        "import sys; from headwater.backtest.data import load_bars;"
        f"assert len(load_bars({str(file)!r})) == 2;"
        "sys.exit(len({'polars', 'pandas', 'sqlalchemy', 'asyncio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
