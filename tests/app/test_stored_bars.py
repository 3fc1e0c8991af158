"""What the platform's own database has, as a command asks for it."""

from pathlib import Path

import msgspec
import pytest
from tests.storage.samples import T0, candle, store

from headwater.app.run_options import BarsWanted
from headwater.app.stored_bars import inputs_of_storage
from headwater.core.errors import ConfigError, RequestError
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    database = SqliteDatabase(tmp_path / "data" / "headwater.sqlite3")
    with database.claim():
        upgrade(database)
        store(database, [candle(T0 + at * 60_000) for at in range(20)])


def wanted(**changes: str) -> BarsWanted:
    stored = candle(T0)
    asked = BarsWanted(
        data=None,
        symbol=stored.symbol,
        exchange=stored.exchange,
        interval="1m",
        start=None,
        end=None,
    )
    return msgspec.structs.replace(asked, **changes)


def test_the_series_is_read_with_what_was_known_beside_it() -> None:
    bars = inputs_of_storage(wanted()).bars
    assert len(bars) == 20
    assert int(bars.timestamp_ms[0]) == T0
    assert bars.symbol == candle(T0).symbol
    assert {"funding_rate", "open_interest"} <= set(bars.extras)


def test_what_is_not_stored_is_told_with_what_to_do() -> None:
    with pytest.raises(RequestError, match="headwater fetch"):
        inputs_of_storage(wanted(symbol="DOGEUSDT"))
    with pytest.raises(ConfigError, match="--data: not given, nor --symbol, --interval"):
        inputs_of_storage(wanted(symbol="", interval=""))


def test_before_anything_is_stored_it_is_told_how_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "empty"))
    fetch = "headwater fetch candles --venue .* --interval 1m --since 2024-01-01 --into storage"
    with pytest.raises(RequestError, match=f"nothing is stored yet.*{fetch}.*--data FILE"):
        inputs_of_storage(wanted())
    assert not (tmp_path / "empty").exists()


def test_an_interval_that_is_none_is_refused() -> None:
    with pytest.raises(RequestError, match="interval='7m'"):
        inputs_of_storage(wanted(interval="7m"))
