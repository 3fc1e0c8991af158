"""Databases to test on: SQLite always, a private PostgreSQL where its programs are installed.

The server runs for one worker's tests, in a folder of its own, reachable through a socket in that
folder only; it refuses to run as root, so root starts it as `nobody`.
"""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from headwater.storage.base import Database
from headwater.storage.opening import database_of
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade

KINDS = ("sqlite", "postgres")


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A running server; gives the part of its addresses behind the name of the database."""
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("PostgreSQL is not installed (make test-servers)")
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="headwater-pg-"))
    data = folder / "data"
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def run(*command: str | Path) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    options = f"-k {folder} -c listen_addresses='' -c shared_buffers=64MB"
    try:
        run(initdb, "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(control, "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield f"host={folder}&user=tester"
        finally:
            run(control, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
