"""Which database the platform works with, and how: the settings as `storage` wants them.

Simulated exchanges and tapes get a database of their own that is thrown away: their rows must never
stand beside those of real markets.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headwater.app.settings import Settings
from headwater.core.clock import Clock
from headwater.storage.base import Database
from headwater.storage.opening import database_of
from headwater.storage.retention import Retention
from headwater.storage.store import Store
from headwater.storage.writer import WriterSettings


def database_of_settings(settings: Settings) -> Database:
    """The database that is set; nothing is opened.

    Raises:
        ConfigError: the address means none.
    """
    url = settings.database_url
    return database_of(None if url is None else url.get_secret_value(), settings.data_dir)


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock, *, simulated: bool) -> AsyncIterator[Store]:
    """The store, open while the block runs.

    Args:
        settings: name the database and how long rows are kept.
        clock: tells the time.
        simulated: whether the data are not those of real markets.

    Raises:
        ConfigError: the address means no database.
        StorageError: it cannot be opened, or another process writes to it.
    """
    how = WriterSettings(retention=Retention(settings.retention_days))
    if not simulated:
        async with Store(database_of_settings(settings), clock, how) as store:
            yield store
        return
    with tempfile.TemporaryDirectory(prefix="headwater-simulated-") as folder:
        async with Store(database_of(None, Path(folder)), clock, how) as store:
            yield store
