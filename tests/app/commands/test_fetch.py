"""fetch: a file that is made, continued, refused, and what a wrong call is told."""

import csv
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from headwater.api.schemas.market import InstrumentView, OhlcView
from headwater.app.cli import app
from headwater.core.errors import ConfigError, StorageError
from headwater.storage.sqlite import SqliteDatabase


@pytest.fixture(scope="module")
def addresses() -> Iterator[str]:
    """Addresses of two simulated venues, as the environment has them."""
    serving = subprocess.Popen(
        [
            *(sys.executable, "-m", "headwater.app", "simulate", "--venues", "binance,okx"),
            *("--symbols", "BTCUSDT,ETHUSDT", "--stop-with-stdin"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert serving.stdin is not None
    assert serving.stdout is not None
    said = json.loads(serving.stdout.readline())["venues"]
    yield json.dumps({name: {k: one[k] for k in ("rest", "streams")} for name, one in said.items()})
    serving.stdin.close()
    serving.wait(20)
    serving.stdout.close()


@pytest.fixture
def fetching(addresses: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("HEADWATER_VENUE_ADDRESSES", addresses)
    return CliRunner()


def _fetch(fetching: CliRunner, *arguments: str) -> str:
    result = fetching.invoke(app, ["fetch", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stderr


def test_a_file_is_made_and_continued(fetching: CliRunner, tmp_path: Path) -> None:
    out = tmp_path / "candles.csv"
    wanted = ("candles", "--venue", "binance,okx", "--symbol", "btc/usdt,ETH", "-o", str(out))
    said = _fetch(fetching, *wanted, "--since", "2024-06-01", "--interval", "1d", "--limit", "30")
    assert "binance ETHUSDT candles: 30 rows" in said
    with out.open(newline="") as file:
        before = list(csv.reader(file))
    assert tuple(before[0]) == OhlcView.__struct_fields__
    assert len(before) == 1 + 2 * 2 * 30

    with pytest.raises(ConfigError, match=r"--out.*exists"):
        _fetch(fetching, *wanted)
    _fetch(fetching, *wanted, "--interval", "1d", "--resume", "--until", "2024-07-10T00:00:00Z")
    with out.open(newline="") as file:
        after = list(csv.reader(file))
    assert after[: len(before)] == before
    for name, native in (("binance", "ETHUSDT"), ("okx", "ETH-USDT-SWAP")):
        days = [row[3] for row in after if (row[0], row[2]) == (name, native)]
        assert days == [f"2024-06-{day:02d}T00:00:00.000Z" for day in range(1, 31)] + [
            f"2024-07-{day:02d}T00:00:00.000Z" for day in range(1, 11)
        ]


def test_a_file_of_parquet_has_the_rows_of_the_csv(fetching: CliRunner, tmp_path: Path) -> None:
    wanted = ("candles", "--venue", "okx", "--symbol", "BTC", "--since", "2024-06-01")
    more = ("--interval", "1d", "--until", "2024-06-20T00:00:00Z")
    for suffix in ("csv", "parquet"):
        _fetch(fetching, *wanted, *more, "-o", str(tmp_path / f"candles.{suffix}"))
    with (tmp_path / "candles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    frame = pl.read_parquet(tmp_path / "candles.parquet")
    assert tuple(frame.columns) == OhlcView.__struct_fields__
    assert frame["timestamp"].to_list() == [row["timestamp"] for row in rows]
    assert frame["close"].to_list() == [float(row["close"]) for row in rows]
    assert frame.height == 20


def test_rows_go_to_standard_output(fetching: CliRunner, addresses: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headwater.app", "fetch", "instruments", "--venue", "okx", "-o-"],
        capture_output=True,
        check=True,
        env={"HEADWATER_VENUE_ADDRESSES": addresses},
        timeout=60,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["symbol"] for row in rows} == {"BTCUSDT", "ETHUSDT"}
    assert all(tuple(row) == InstrumentView.__struct_fields__ for row in rows)


def _stored(folder: Path, table: str) -> list[tuple[object, ...]]:
    """Rows of a table in the order of their times."""
    with closing(sqlite3.connect(folder / "headwater.sqlite3")) as opened:
        return opened.execute(
            f"select exchange, symbol, timestamp_ms from {table} order by timestamp_ms"
        ).fetchall()


def test_storage_gets_what_it_lacks_and_the_next_call_goes_on(
    fetching: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candles of a day from 1 June 2024 to 30 November: at least those 183; the rest of the parts.

    The second call finds all of them there.
    """
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path))
    wanted = ("--venue", "binance,okx", "--symbol", "BTC", "--since", "2024-06-01")
    days = (*wanted, "--interval", "1d", "--until", "2024-11-30", "--into", "storage")
    said = _fetch(fetching, "candles", *days)
    assert "binance BTCUSDT candles: [########################]" in said
    rows = _stored(tmp_path, "candles")
    for name in ("binance", "okx"):
        times = {at for exchange, symbol, at in rows if (exchange, symbol) == (name, "BTCUSDT")}
        assert times >= set(range(1_717_200_000_000, 1_732_924_800_001, 86_400_000))
    again = _fetch(fetching, "candles", *days)
    assert again.count(" 0/0 parts, 0 rows") == 2
    assert _stored(tmp_path, "candles") == rows


def test_bars_of_the_mark_price_go_into_storage(
    fetching: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path))
    since = str(int(time.time()) - 7_200)
    wanted = ("--venue", "okx", "--symbol", "BTC", "--since", since, "--into", "storage")
    _fetch(fetching, "mark-candles", *wanted)
    assert len(_stored(tmp_path, "mark_candles")) >= 100
    _fetch(fetching, "open-interest", *wanted)
    assert len(_stored(tmp_path, "open_interest")) >= 20


def test_a_database_in_use_is_left_alone(
    fetching: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path))
    database = SqliteDatabase(tmp_path / "headwater.sqlite3")
    wanted = ("--venue", "okx", "--symbol", "BTC", "--since", "2024-06-01", "--into", "storage")
    with database.claim(), pytest.raises(StorageError, match="writes to it, and only one may"):
        _fetch(fetching, "funding", *wanted)


def test_one_venue_that_is_away_leaves_the_others(
    addresses: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = json.loads(addresses)
    known["okx"]["rest"] = "http://127.0.0.1:1"
    monkeypatch.setattr("headwater.app.download._BACKOFF_S", (0.001, 0.002))
    monkeypatch.setattr("headwater.app.download.TRIES_MAX", 0)
    monkeypatch.setenv("HEADWATER_VENUE_ADDRESSES", json.dumps(known))
    out = tmp_path / "funding.ndjson"
    wanted = ("funding", "--venue", "okx,binance", "--symbol", "BTC", "-o", str(out))
    result = CliRunner().invoke(app, ["fetch", *wanted, "--limit", "3"])
    assert "okx" in str(result.exception)
    assert len(out.read_bytes().splitlines()) == 3


STORAGE = ("--venue", "okx", "--symbol", "BTC", "--into", "storage")
WRONG = [
    (["candles", *STORAGE], "--since: not given"),
    (["candles", *STORAGE, "--since", "2024-06-01", "-o", "x.csv"], "--out: with --into storage"),
    (["candles", *STORAGE, "--since", "2024-06-01", "--limit", "3"], "--limit: with --into"),
    (["candles", *STORAGE, "--since", "2024-06-01", "--format", "csv"], "--format: with --into"),
    (["candles", *STORAGE, "--since", "2024-06-01", "--simulated"], "--simulated.*made-up"),
    (["candles", *STORAGE, "--since", "2024-06-01", "--interval", "8h"], "8h do not go.*15m"),
    (["trades", *STORAGE, "--since", "2024-06-01"], "trades do not go into storage.*candles"),
    (["mark-candles", "--venue", "okx", "--symbol", "BTC", "-o", "x.csv"], "--into storage"),
    (["candles", "--venue", "okx", "--symbol", "BTC"], "--out: not given"),
    (["trades", "--venue", "mtgox", "--symbol", "BTC", "-o", "-"], "mtgox.*binance"),
    (["trades", "--venue", "okx", "-o", "-"], "--symbol: not given"),
    (["trades", "--venue", "okx", "--symbol", "BTC", "--interval", "1m", "-o", "-"], "--interval"),
    (["candles", "--venue", "okx", "--symbol", "BTC", "--interval", "7m", "-o", "-"], "7m.*15m"),
    (["open-interest", "--venue", "okx", "--symbol", "B", "--interval", "8h", "-o-"], "okx has"),
    (["open-interest", "--venue", "hyperliquid", "--symbol", "BTC", "-o", "-"], "hyperliquid: "),
    (
        ["funding", "--venue", "okx", "--symbol", "BTC", "-o", "x.parquet", "--resume"],
        "Parquet cannot",
    ),
    (["funding", "--venue", "okx", "--symbol", "BTC", "-o", "x.xlsx"], r"xlsx.*\.csv"),
    (["funding", "--venue", "okx", "--symbol", "B", "--since", "soon", "-o", "-"], "since.*ISO"),
    (
        [
            *("funding", "--venue", "okx", "--symbol", "B", "-o", "-"),
            *("--since", "2025-01-01", "--until", "2024-01-01"),
        ],
        "--until.*not before",
    ),
    (["funding", "--venue", "okx", "--symbol", "B", "-o", "-", "--resume"], "--resume"),
    (["funding", "--venue", "okx", "--symbol", "B", "-o", "-", "--limit", "30000"], "--limit"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_a_wrong_call_is_named_before_anything_is_asked(arguments: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _fetch(CliRunner(), *arguments)


def test_an_unknown_symbol_is_named_with_near_ones(fetching: CliRunner) -> None:
    with pytest.raises(ConfigError, match=r"--symbol: 'BTCUSDD'.*BTCUSDT"):
        _fetch(fetching, "trades", "--venue", "okx", "--symbol", "BTCUSDD", "-o", "-")
