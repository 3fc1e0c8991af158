"""What commands run over: files and storage, and the name of the option in each refusal."""

from pathlib import Path
from typing import Any

import pytest
from tests.backtest.stored_hours import START, halves, hours, payments
from tests.storage.samples import store

from headwater.app.run_inputs import InputsWanted, inputs_of
from headwater.app.run_options import BarsWanted
from headwater.backtest.run_inputs import RunInputs
from headwater.core.errors import ConfigError
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade

MINUTE = 60_000
HEAD = "timestamp,open,high,low,close,volume"


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    database = SqliteDatabase(tmp_path / "data" / "headwater.sqlite3")
    with database.claim():
        upgrade(database)
        store(database, [*hours(), *halves(), *payments()])


@pytest.fixture
def hourly(tmp_path: Path) -> Path:
    return _bars_file(tmp_path / "hours.csv", 60, 6)


def _bars_file(file: Path, minutes: int, count: int) -> Path:
    rows = [f"{START + at * minutes * MINUTE},1,2,1,1,1" for at in range(count)]
    file.write_text("\n".join([HEAD, *rows]) + "\n")
    return file


def _paid_file(tmp_path: Path, *minutes: int) -> str:
    rows = [f"{START + at * MINUTE},0.0001" for at in minutes]
    file = tmp_path / "paid.csv"
    file.write_text("\n".join(["timestamp,rate", *rows]) + "\n")
    return str(file)


def read(data: Path | None = None, *, funding: str = "", detail: str = "") -> RunInputs:
    series: dict[str, Any] = {"symbol": "", "exchange": "", "interval": ""}
    if data is None:
        series = {"symbol": "BTCUSDT", "exchange": "binance", "interval": "1h"}
    bars = BarsWanted(data=data, start=None, end=None, **series)
    return inputs_of(InputsWanted(bars=bars, funding=funding, detail=detail))


def test_stored_candles_come_with_the_stored_funding() -> None:
    for funding in ("", "stored"):
        found = read(funding=funding)
        assert found.funding is not None
        assert len(found.funding.rate) == 3
    assert read(funding="none").funding is None
    found = read(detail="30m")
    assert found.detail is not None
    assert len(found.detail) == 2


def test_payments_of_a_file_stand_instead_of_the_stored_ones(tmp_path: Path) -> None:
    found = read(funding=_paid_file(tmp_path, -60, 0, 60, 360))
    assert found.funding is not None
    assert found.funding.timestamp_ms.tolist() == [START, START + 60 * MINUTE]
    assert "of paid.csv" in found.funding_text


def test_a_file_has_no_funding_but_that_of_another_file(hourly: Path, tmp_path: Path) -> None:
    for funding in ("", "none"):
        found = read(hourly, funding=funding)
        assert (found.funding, found.funding_text[:4]) == (None, "none")
    found = read(hourly, funding=_paid_file(tmp_path, 60))
    assert found.funding is not None
    assert found.funding.rate.tolist() == [0.0001]


def test_smaller_bars_of_a_file(hourly: Path, tmp_path: Path) -> None:
    file = _bars_file(tmp_path / "halves.csv", 30, 12)
    for found in (read(hourly, detail=str(file)), read(detail=str(file))):
        assert found.detail is not None
        assert len(found.detail) == 12


def test_what_cannot_be_names_its_option(hourly: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--funding: stored, with --data"):
        read(hourly, funding="stored")
    with pytest.raises(ConfigError, match="--detail: 1m, with --data"):
        read(hourly, detail="1m")
    with pytest.raises(ConfigError, match=r"--funding.*No such file"):
        read(hourly, funding=str(tmp_path / "no.csv"))
    with pytest.raises(ConfigError, match=r"--funding.*within the time of the bars"):
        read(hourly, funding=_paid_file(tmp_path, 361))
    with pytest.raises(ConfigError, match=r"--detail.*shorter than 1h"):
        read(hourly, detail=str(hourly))
    with pytest.raises(ConfigError, match=r"--detail.*a file that is there"):
        read(hourly, detail=str(tmp_path / "no.csv"))
    with pytest.raises(ConfigError, match=r"--detail.*below 1h"):
        read(detail="4h")
    with pytest.raises(ConfigError, match=r"--detail.*headwater fetch candles"):
        read(detail="1m")
    bad = tmp_path / "bad.csv"
    bad.write_text("timestamp,rate\n2024-01-01,x\n")
    with pytest.raises(ConfigError, match=r"--funding, funding rate: 'x'.*line 2"):
        read(hourly, funding=str(bad))
    with pytest.raises(ConfigError, match="--data: not given, nor --symbol, --interval"):
        inputs_of(
            InputsWanted(
                bars=BarsWanted(
                    data=None, symbol="", exchange="okx", interval="", start=None, end=None
                )
            )
        )
