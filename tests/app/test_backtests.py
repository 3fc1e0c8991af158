"""Back-test jobs as they are wired: the settings arrive, workers find the database in use."""

from pathlib import Path

import pytest
from tests.backtest.hostile_strategies import FILES

from headwater.app.backtests import job_settings
from headwater.app.settings import load
from headwater.core.clock import ManualClock
from headwater.core.errors import ConfigError
from headwater.storage.opening import database_of
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store


def test_settings_arrive(tmp_path: Path) -> None:
    store = Store(SqliteDatabase(tmp_path / "made.sqlite3"), ManualClock())
    options = {
        "data_dir": tmp_path,
        "backtest_workers": 3,
        "backtest_memory_mb": 100,
        "backtest_seconds_max": 7.5,
        "backtest_queue_max": 5,
    }
    found = job_settings(load(None, options, {}), store, simulated=False)
    assert (found.workers, found.memory_mb, found.seconds_max) == (3, 100, 7.5)
    assert (found.queue_max, found.database_url, found.data_dir) == (5, None, str(tmp_path))
    assert found.alone


def test_workers_of_a_simulated_run_read_its_own_database(tmp_path: Path) -> None:
    path = tmp_path / "thrown-away.sqlite3"
    store = Store(SqliteDatabase(path), ManualClock())
    settings = load(None, {"database_url": "postgresql://real/markets"}, {})
    found = job_settings(settings, store, simulated=True)
    meant = database_of(found.database_url, Path("elsewhere"))
    assert isinstance(meant, SqliteDatabase)
    assert meant.path == path
    assert found.alone
    assert found.data_dir == str(tmp_path)
    assert not job_settings(settings, store, simulated=False).alone


def test_files_are_named_with_commas() -> None:
    settings = load(None, {"strategy_files": f"{FILES[0]}, {FILES[1]}"}, {})
    assert settings.strategy_files == FILES[:2]


@pytest.mark.parametrize(
    "options",
    [
        {"backtest_workers": -1},
        {"backtest_memory_mb": 10},
        {"backtest_seconds_max": 0},
        {"backtest_queue_max": 0},
        {"retention_days": {"strategies": 5}},
    ],
)
def test_settings_that_cannot_be(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        load(None, options, {})
