"""Databases to test on: SQLite always, a private PostgreSQL where its programs are installed.

The server runs for one worker's tests, reachable through a socket in a folder of its own only.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from benchmarks.postgres import private_postgres

from headwater.storage.base import Database
from headwater.storage.opening import database_of
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade

KINDS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A running server; gives the part of its addresses behind the name of the database."""
    # No test cuts the power: processes are killed, which the system's memory survives.
    with private_postgres(is_durable=False) as address:
        if address is None:
            pytest.skip("PostgreSQL is not installed (make test-servers)")
        yield address.partition("?")[2]


_numbers = itertools.count(1)

MakeBlank = Callable[[], Database]


@pytest.fixture(params=KINDS)
def make_blank(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBlank:
    """Makes empty databases of one kind, without tables."""
    kind: str = request.param
    if kind == "sqlite":
        return lambda: SqliteDatabase(tmp_path / f"made{next(_numbers)}.sqlite3")
    server: str = request.getfixturevalue("postgres_server")

    def make() -> Database:
        name = f"made{next(_numbers)}"
        address = f"postgresql:///postgres?{server}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return database_of(f"postgresql:///{name}?{server}", tmp_path)

    return make


@pytest.fixture
def blank(make_blank: MakeBlank) -> Database:
    """An empty database without tables."""
    return make_blank()


@pytest.fixture
def database(blank: Database) -> Iterator[Database]:
    """A database with its tables, claimed for writing."""
    with blank.claim():
        upgrade(blank)
        yield blank
