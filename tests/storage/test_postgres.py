"""What is particular to PostgreSQL: a connection that is lost, a server that is away."""

import random
from pathlib import Path

import psycopg
import pytest
from tests.storage.samples import store, trade

from headwater.core.clock import SystemClock
from headwater.core.errors import StorageRefused, StorageUnavailable
from headwater.storage import trades
from headwater.storage.base import Span
from headwater.storage.opening import database_of
from headwater.storage.postgres import PostgresDatabase
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.store import Store
from headwater.storage.upgrade import upgrade

ALL = trades.between("binance", "BTCUSDT", Span(limit=1_000))


@pytest.fixture
def database(postgres_server: str, tmp_path: Path) -> PostgresDatabase:
    with psycopg.connect(f"postgresql:///postgres?{postgres_server}", autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS particular WITH (FORCE)")
        admin.execute("CREATE DATABASE particular")
    made = database_of(f"postgresql:///particular?{postgres_server}", tmp_path)
    assert isinstance(made, PostgresDatabase)
    return made


@pytest.mark.parametrize(("durable", "level"), [(False, "off"), (True, "on")])
def test_durability_is_that_of_the_transaction(
    database: PostgresDatabase, durable: bool, level: str
) -> None:
    upgrade(database)
    with WriteSession(database) as session, session.transaction(durable=durable):
        shown = session.connection.exec_driver_sql("SHOW synchronous_commit").scalar()
        assert shown == level


def _cut_all(database: PostgresDatabase) -> None:
    """Ends every other connection to the database, as a restart of the server does."""
    with ReadSession(database) as session:
        session.connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).all()


async def test_a_cut_connection_is_opened_again(database: PostgresDatabase) -> None:
    async with Store(database, SystemClock()) as opened:
        opened.put(trade(1))
        await opened.flush()
        assert len(await opened.fetch(ALL)) == 1
        _cut_all(database)
        opened.put(trade(2))
        for work in (opened.flush, lambda: opened.fetch(ALL)):
            for attempt in range(5):
                try:
                    await work()
                except StorageUnavailable:
                    assert attempt < 4, "never came back"
        assert len(await opened.fetch(ALL)) == 2
        assert opened.health.healthy


def test_a_server_that_is_away_is_said_without_the_password(tmp_path: Path) -> None:
    database = database_of("postgresql://me:s3cret@127.0.0.1:1/none", tmp_path)
    with pytest.raises(StorageUnavailable) as refused:
        upgrade(database)
    assert "s3cret" not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)


def test_what_the_address_says_of_connections_stays(
    database: PostgresDatabase, postgres_server: str, tmp_path: Path
) -> None:
    """Beside our own: the limit of a reader's statements, and when a silent server is lost."""
    said = "options=-c%20search_path%3Dpg_catalog&connect_timeout=3"
    other = database_of(f"postgresql:///particular?{postgres_server}&{said}", tmp_path)
    for session, limit in ((WriteSession(other), "0"), (ReadSession(other), "2min")):
        with session:
            for name, value in (("search_path", "pg_catalog"), ("statement_timeout", limit)):
                assert session.connection.exec_driver_sql(f"SHOW {name}").scalar() == value
            driver = session.connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            used = driver.info.get_parameters()
            assert (used["connect_timeout"], used["tcp_user_timeout"]) == ("3", "30000")


def test_errors_are_told_apart(database: PostgresDatabase) -> None:
    upgrade(database)
    for unfit in (trade(1, at_ms=2**63), trade(1, trade_id="a\0b")):
        with pytest.raises(StorageRefused):
            store(database, [unfit])


def test_a_key_too_long_for_its_index_is_the_row_s_fault(database: PostgresDatabase) -> None:
    """It would fail for ever: taken for an outage it would hold up all rows behind it."""
    upgrade(database)
    endless = random.Random(1).randbytes(5_000).hex()
    with pytest.raises(StorageRefused, match="index row"):
        store(database, [trade(1, trade_id=endless)])
    assert store(database, [trade(2)]) == 1
