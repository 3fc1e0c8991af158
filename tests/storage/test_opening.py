"""Addresses of databases."""

from pathlib import Path

import pytest

from headwater.core.errors import ConfigError
from headwater.storage.opening import database_of
from headwater.storage.sqlite import SqliteDatabase


def test_sqlite_by_default_in_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    found = database_of(None, Path("~/data"))
    assert isinstance(found, SqliteDatabase)
    assert found.path == Path("/home/somebody/data/headwater.sqlite3")


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///here.db", "here.db"), ("sqlite:////var/there.db", "/var/there.db")],
)
def test_sqlite_by_address(url: str, path: str) -> None:
    found = database_of(url, Path("elsewhere"))
    assert isinstance(found, SqliteDatabase)
    assert found.path == Path(path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgres_without_its_password(scheme: str) -> None:
    found = database_of(f"{scheme}://me:s3cret@host:5433/name", Path())
    assert found.label == "postgresql://me:***@host:5433/name"


def test_a_password_in_the_query_is_not_shown() -> None:
    found = database_of("postgresql://host/name?user=me&password=s3cret", Path())
    assert found.label == "postgresql://host/name"


def test_an_address_that_cannot_be_read_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError, match="database_url") as refused:
        database_of("postgresql://me:s3cret@host:port/name", Path())
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["", "sqlite://", "sqlite:///", "sqlite:////", "sqlite:///.", "mysql://x/y", "/a/file", "x:y"],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="database_url"):
        database_of(url, Path())
