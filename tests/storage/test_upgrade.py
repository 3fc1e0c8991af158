"""Versions of the tables: from nothing to today's, never back, and nothing half done."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests.storage.samples import (
    T0,
    backtest,
    fetch,
    liquidation,
    mark_candle,
    one_of_each,
    store,
    store_together,
)

from headwater.core.enums import BacktestState
from headwater.core.errors import StorageError
from headwater.core.records import MarkCandle
from headwater.storage.backfills import Backfilled
from headwater.storage.backtests import StoredBacktest, moved, one
from headwater.storage.base import Database
from headwater.storage.checking import check
from headwater.storage.liquidation_days import pack_one
from headwater.storage.live_spells import LiveSpell
from headwater.storage.postgres_partitions import is_partition
from headwater.storage.schema import LIQUIDATION_DAYS, METADATA
from headwater.storage.sessions import WriteSession
from headwater.storage.strategies import StrategyVersion
from headwater.storage.upgrade import newest_version, upgrade, version_of, versions


def _differences(connection: sa.Connection) -> list[object]:
    """What differs from the tables the code wants; partitions are parts of those."""

    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or name is None or not is_partition(name)

    context = MigrationContext.configure(connection, opts={"include_name": is_ours})
    return list(compare_metadata(context, METADATA))


def test_an_empty_database_gets_todays_tables_and_stays_as_it_is(blank: Database) -> None:
    with blank.claim():
        assert upgrade(blank).before is None
        again = upgrade(blank)
        assert (again.before, again.after) == (newest_version(), newest_version())
        with WriteSession(blank) as session:
            assert _differences(session.connection) == []


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "headwater.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def test_the_versions_are_those_of_the_steps() -> None:
    """Told by the names of the files, without what runs them."""
    steps = ScriptDirectory.from_config(_config())
    assert newest_version() == steps.get_current_head()
    assert versions() == {step.revision for step in steps.walk_revisions()}


def _at_version(database: Database, version: str = "0001") -> None:
    """Makes a database as the first program did, or a later one."""
    config = _config()
    with WriteSession(database) as session:
        config.attributes["connection"] = session.connection
        command.upgrade(config, version)


def test_an_old_database_keeps_its_rows_and_gets_the_new_tables(blank: Database) -> None:
    later = MarkCandle | LiveSpell | Backfilled | StrategyVersion | StoredBacktest
    records = [one for one in one_of_each() if not isinstance(one, later)]
    with blank.claim():
        _at_version(blank)
        store(blank, records)
        done = upgrade(blank)
        assert (done.before, done.after) == ("0001", newest_version())
        found = [one.rows for one in check(blank).tables.values()]
        assert sum(found) == len(records)
        store(blank, [mark_candle()])
        assert check(blank).sound
        with WriteSession(blank) as session:
            assert _differences(session.connection) == []


def test_a_newer_database_is_refused_and_left_alone(database: Database) -> None:
    with WriteSession(database) as session, session.transaction(durable=True) as writing:
        writing.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=f"9999 is newer than this program's {newest_version()}"):
        upgrade(database)
    with WriteSession(database) as session:
        assert version_of(session.connection) == "9999"


def test_a_step_that_fails_leaves_nothing_behind(blank: Database) -> None:
    """A table in the way of the last thing the first step makes: all before it is undone."""
    with blank.claim():
        with WriteSession(blank) as session, session.transaction(durable=True) as writing:
            writing.execute(sa.text("CREATE TABLE forecasts (x INTEGER)"))
        with pytest.raises(StorageError):
            upgrade(blank)
        with WriteSession(blank) as session:
            assert version_of(session.connection) is None
            names = set(sa.inspect(session.connection).get_table_names())
            assert names <= {"forecasts", "alembic_version"}
        with WriteSession(blank) as session, session.transaction(durable=True) as writing:
            writing.execute(sa.text("DROP TABLE forecasts"))
        assert upgrade(blank).after == newest_version()


def test_days_of_a_database_of_before_wait_to_be_packed(blank: Database) -> None:
    """Rows of the first version get their days; afterwards a day is packed as any other."""
    with blank.claim():
        _at_version(blank)
        store(blank, [liquidation(), liquidation(T0 + 1, exchange="okx")])
        assert upgrade(blank).after == newest_version()
        with WriteSession(blank) as session, session.transaction(durable=False) as writing:
            days = writing.execute(sa.select(LIQUIDATION_DAYS)).all()
            assert {(day.exchange, day.day, day.state) for day in days} == {
                ("bybit", T0 // 86_400_000, 0),
                ("okx", T0 // 86_400_000, 0),
            }
            assert pack_one(writing, T0 // 86_400_000 + 1)


def test_jobs_of_before_have_no_key_and_go_on(blank: Database) -> None:
    job = backtest()
    columns = {name: getattr(job, name) for name in job.__struct_fields__}
    del columns["idempotency_key"], columns["asked"]
    named = ", ".join(columns)
    marks = ", ".join(f":{name}" for name in columns)
    with blank.claim():
        _at_version(blank, "0006")
        with WriteSession(blank) as session, session.transaction(durable=True) as writing:
            insert = sa.text(f"INSERT INTO backtests ({named}) VALUES ({marks})")
            writing.execute(insert.bindparams(**columns))
        assert upgrade(blank).before == "0006"
        assert fetch(blank, one(job.backtest_id)) == [job]
        taken = moved(job, BacktestState.RUNNING, owner="desk")
        assert store_together(blank, [taken]) == 1
        assert fetch(blank, one(job.backtest_id)) == [taken]
