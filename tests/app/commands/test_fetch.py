"""fetch: a file that is made, continued, refused, and what a wrong call is told."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from headwater.api.schemas.market import InstrumentView, OhlcView
from headwater.app.cli import app
from headwater.core.errors import ConfigError


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


WRONG = [
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
