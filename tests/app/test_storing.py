"""Which database the settings mean, and that simulated data never reach it."""

from pathlib import Path

import pytest
from tests.storage.samples import trade

from headwater.app.settings import Settings, load
from headwater.app.storing import database_of_settings, open_store
from headwater.core.clock import SystemClock
from headwater.core.enums import StoredTable
from headwater.core.errors import ConfigError


def _settings(**options: object) -> Settings:
    return load(options=options, environ={})


def test_the_file_in_the_data_folder_or_what_the_address_says(tmp_path: Path) -> None:
    assert database_of_settings(_settings(data_dir=tmp_path)).label == str(
        tmp_path / "headwater.sqlite3"
    )
    settings = _settings(database_url=f"sqlite:///{tmp_path}/other.db", data_dir=tmp_path)
    assert database_of_settings(settings).label == f"{tmp_path}/other.db"


def test_a_password_is_never_shown() -> None:
    settings = _settings(database_url="postgresql://me:s3cret@db.example/market")
    assert "s3cret" not in database_of_settings(settings).label
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    "retention",
    [
        '{"trades": 0}',
        '{"trades": -1}',
        '{"nothing": 3}',
        '{"trades": "NaN"}',
        '{"trades": 1e302}',
        '{"forecasts": 30}',
    ],
)
def test_a_retention_without_meaning_is_refused(
    monkeypatch: pytest.MonkeyPatch, retention: str
) -> None:
    monkeypatch.setenv("HEADWATER_RETENTION_DAYS", retention)
    with pytest.raises(ConfigError, match="retention_days"):
        load()


async def test_a_simulated_run_leaves_nothing_and_touches_nothing(tmp_path: Path) -> None:
    settings = _settings(data_dir=tmp_path / "data")
    async with open_store(settings, SystemClock(), simulated=True) as store:
        store.put(trade(1))
        await store.flush()
        assert store.health.tables[StoredTable.TRADES].written == 1
        used = Path(store.label)
        assert used.exists()
    assert not used.parent.exists()
    assert not (tmp_path / "data").exists()
