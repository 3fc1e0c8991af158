"""Databases to test on: SQLite always, a private PostgreSQL where its programs are installed.

The server runs for one worker's tests, reachable through a socket in a folder of its own only.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from benchmarks.postgres import private_postgres
from tests.storage.ready_tables import with_tables

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


@pytest.fixture(scope="session")
def postgres_with_tables(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database with today's tables, which nobody writes to: others begin as its copy.

    A copy takes a quarter of what the upgrades from nothing take.
    """
    name = "with_tables"
    made = _created(postgres_server, name, tmp_path_factory.mktemp("template"))
    with made.claim():
        upgrade(made)
    return name


def _created(server: str, name: str, folder: Path, template: str = "template1") -> Database:
    """A new database on the server, a copy of the template."""
    with psycopg.connect(f"postgresql:///postgres?{server}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return database_of(f"postgresql:///{name}?{server}", folder)


def _dropped(server: str, name: str) -> None:
    """A database less on the server: two hundred of them are sixty thousand files to remove."""
    with psycopg.connect(f"postgresql:///postgres?{server}", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


_numbers = itertools.count(1)

MakeBlank = Callable[[], Database]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    found: str = request.param
    return found


@pytest.fixture
def make_blank(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeBlank]:
    """Makes empty databases of one kind, without tables."""
    if kind == "sqlite":
        yield lambda: SqliteDatabase(tmp_path / f"made{next(_numbers)}.sqlite3")
        return
    server: str = request.getfixturevalue("postgres_server")
    names: list[str] = []

    def make() -> Database:
        names.append(f"made{next(_numbers)}")
        return _created(server, names[-1], tmp_path)

    yield make
    for name in names:
        _dropped(server, name)


@pytest.fixture
def blank(make_blank: MakeBlank) -> Database:
    """An empty database without tables."""
    return make_blank()


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with its tables, claimed for writing."""
    name = f"made{next(_numbers)}"
    if kind == "sqlite":
        made: Database = with_tables(tmp_path / f"{name}.sqlite3")
        with made.claim():
            yield made
        return
    server: str = request.getfixturevalue("postgres_server")
    template: str = request.getfixturevalue("postgres_with_tables")
    made = _created(server, name, tmp_path, template)
    with made.claim():
        yield made
    _dropped(server, name)
