"""Which database an address means, and bringing it to the version of this code."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from headwater.core.errors import ConfigError
from headwater.storage.base import Database
from headwater.storage.sqlite import SqliteDatabase

FILE_NAME: Final = "headwater.sqlite3"
"""The database in the data folder, where no address says otherwise."""

_ALLOWED: Final = "sqlite:///relative.sqlite3, sqlite:////absolute.sqlite3 or postgresql://…"


def database_of(url: str | None, data_dir: Path) -> Database:
    """The database that is meant; nothing is opened.

    Args:
        url: `sqlite:///…` or `postgresql://…`; None for the file in `data_dir`.
        data_dir: the data folder; `~` stands for the home folder.

    Raises:
        ConfigError: no such kind of database, or its driver is not installed.
    """
    if url is None:
        return SqliteDatabase(data_dir.expanduser() / FILE_NAME)
    scheme, found, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and Path(rest[1:]).name:
        return SqliteDatabase(Path(rest[1:]).expanduser())
    if scheme in ("postgresql", "postgres") and found:
        try:
            from headwater.storage.postgres import PostgresDatabase
        except ImportError as error:
            raise ConfigError(
                "database_url", "the driver of PostgreSQL is missing", 'pip "headwater[postgres]"'
            ) from error
        try:
            return PostgresDatabase(f"postgresql://{rest}")
        except (sa.exc.ArgumentError, ValueError):
            # Without its words: they may have the address in them, password and all.
            raise ConfigError("database_url", "not the address of a database", _ALLOWED) from None
    raise ConfigError("database_url", "not the address of a database", _ALLOWED)


def is_for_one_process(url: str | None) -> bool:
    """Whether one process at a time can write to the database of an address; SQLite allows no more.

    Args:
        url: as `database_of` takes it.
    """
    return url is None or url.startswith("sqlite:")
