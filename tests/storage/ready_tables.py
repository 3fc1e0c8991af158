"""SQLite databases that begin as a copy of one with today's tables: its steps are taken once."""

import tempfile
from functools import cache
from pathlib import Path

from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade


def with_tables(path: Path) -> SqliteDatabase:
    """A database with its tables; one that is already there stays as it is."""
    if not path.exists():
        path.write_bytes(_made_once())
    return SqliteDatabase(path)


@cache
def _made_once() -> bytes:
    """The file of a database after all its steps; a copy takes a third of their time."""
    with tempfile.TemporaryDirectory() as folder:
        made = SqliteDatabase(Path(folder) / "made.sqlite3")
        with made.claim():
            upgrade(made)
        return made.path.read_bytes()
