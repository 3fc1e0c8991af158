"""Months of PostgreSQL: made when they are needed, no row refused, dropped whole, blocks true."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import START, event
from tests.storage.samples import (
    T0,
    candle,
    fetch,
    liquidation,
    mark_candle,
    open_interest,
    store,
    store_together,
    trade,
)

from headwater.core.clock import ManualClock
from headwater.core.enums import StoredTable
from headwater.storage import trades
from headwater.storage.base import DroppedPart, Span
from headwater.storage.liquidation_blocks import DAY_MS
from headwater.storage.liquidation_days import Wanted, forget_days, pack_one, portions
from headwater.storage.maintenance import Maintenance
from headwater.storage.opening import database_of
from headwater.storage.postgres import PostgresDatabase
from headwater.storage.postgres_partitions import (
    MONTHS_AHEAD,
    MOVED_ROWS_MAX,
    PARTITIONED,
    Month,
    is_partition,
)
from headwater.storage.retention import Retention, forget
from headwater.storage.schema import LIQUIDATION_BLOCKS, LIQUIDATION_DAYS
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.tables import TABLES
from headwater.storage.upgrade import upgrade

SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)
FAR_PAST_MS, FAR_FUTURE_MS = 1_000, 9_000_000_000_000
ALL = trades.between("binance", "BTCUSDT", Span(limit=1_000))


@pytest.fixture
def empty(postgres_server: str, tmp_path: Path) -> PostgresDatabase:
    with psycopg.connect(f"postgresql:///postgres?{postgres_server}", autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS months WITH (FORCE)")
        admin.execute("CREATE DATABASE months")
    made = database_of(f"postgresql:///months?{postgres_server}", tmp_path)
    assert isinstance(made, PostgresDatabase)
    return made


@pytest.fixture
def database(empty: PostgresDatabase) -> PostgresDatabase:
    upgrade(empty)
    return empty


def ask(database: PostgresDatabase, question: str) -> list[tuple[Any, ...]]:
    with WriteSession(database) as session, session.transaction(durable=True) as writing:
        result = writing.execute(sa.text(question))
        return [tuple(row) for row in result] if result.returns_rows else []


def parts(database: PostgresDatabase, table: str) -> dict[str, int]:
    """Rows by partition."""
    names = ask(
        database,
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        f"WHERE inhparent = '{table}'::regclass ORDER BY 1",
    )
    return {name: ask(database, f"SELECT count(*) FROM {name}")[0][0] for (name,) in names}


def at(database: PostgresDatabase, version: str, *, back: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", "headwater.storage:migrations")
    config.set_main_option("path_separator", "os")
    with WriteSession(database) as session:
        config.attributes["connection"] = session.connection
        (command.downgrade if back else command.upgrade)(config, version)


@given(st.integers(-(2**63), 2**63))
def test_every_time_of_these_years_lies_in_its_month(time_ms: int) -> None:
    month = Month.of(time_ms)
    first, end = Month(2009, 1).start_ms, Month(2100, 1).start_ms
    assert (month is not None) == (first <= time_ms < end)


@given(st.integers(Month(2009, 1).start_ms, Month(2100, 1).start_ms - 1))
def test_months_follow_each_other_without_a_hole(time_ms: int) -> None:
    month = Month.of(time_ms)
    assert month is not None
    assert month.start_ms <= time_ms < month.following.start_ms
    assert Month.of(month.following.start_ms - 1) == month
    assert month.start_ms % DAY_MS == 0


def test_a_month_by_hand() -> None:
    """1 September 2026 is 20,697 days after the epoch.

    56 years of 365 days, the 14 leap days of 1972 to 2024, and January to August 2026:
    31 + 28 + 31 + 30 + 31 + 30 + 31 + 31 = 243 days.
    """
    assert 56 * 365 + 14 + 243 == 20_697
    assert Month(2026, 9).start_ms == 20_697 * DAY_MS
    assert Month(2026, 12).following == Month(2027, 1)
    assert SEPTEMBER.name("trades") == "trades_2026_09"


def test_names_of_partitions_are_told_from_those_of_tables() -> None:
    for table in PARTITIONED:
        assert is_partition(f"{table}_rest")
        assert is_partition(f"{table}_2026_12")
    for name in (*TABLES, "trades_2026_13", "trades_2026", "gaps_2026_01", "forecasts_rest"):
        assert not is_partition(name)


def test_a_month_is_made_for_its_first_row(database: PostgresDatabase) -> None:
    assert parts(database, "trades") == {"trades_rest": 0}
    store_together(database, [trade(1), trade(2, at_ms=OCTOBER.start_ms), trade(3)])
    assert parts(database, "trades") == {
        "trades_2026_09": 2,
        "trades_2026_10": 1,
        "trades_rest": 0,
    }


def test_no_row_is_refused_for_its_time(database: PostgresDatabase) -> None:
    times = [FAR_PAST_MS, T0, FAR_FUTURE_MS]
    store_together(database, [trade(n, at_ms=at_ms) for n, at_ms in enumerate(times)])
    assert parts(database, "trades") == {"trades_2026_09": 1, "trades_rest": 2}
    assert [one.timestamp_ms for one in fetch(database, ALL)] == times


def test_writing_twice_changes_nothing_in_a_month_and_in_the_rest(
    database: PostgresDatabase,
) -> None:
    made = [trade(1), trade(2, at_ms=FAR_PAST_MS)]
    assert [store_together(database, made) for _ in range(2)] == [2, 0]
    newer = [candle(T0, revision=2), candle(FAR_PAST_MS, revision=2)]
    store_together(database, [candle(T0), candle(FAR_PAST_MS)])
    assert [store_together(database, newer) for _ in range(2)] == [2, 0]


def test_coming_months_are_made_by_upkeep(database: PostgresDatabase) -> None:
    maintenance = Maintenance(ManualClock(T0 * 1_000_000), Retention(), 600.0)
    with WriteSession(database) as session:
        maintenance.step(session)
    for table in PARTITIONED:
        names = [f"{table}_2026_{month:02}" for month in range(9, 10 + MONTHS_AHEAD)]
        assert list(parts(database, table)) == [*names, f"{table}_rest"]


def test_a_month_that_cannot_be_made_now_goes_to_the_rest_and_is_moved_later(
    database: PostgresDatabase,
) -> None:
    """Somebody reads the rest, as a backup does, when the first row of a month comes."""
    other = WriteSession(database)
    with other, other.transaction(durable=False) as reading:
        reading.execute(sa.text("SELECT 1 FROM trades_rest")).all()
        store_together(database, [trade(1), trade(2)])
        store_together(database, [trade(3)])
    assert parts(database, "trades") == {"trades_rest": 3}
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        writing.make_ahead(T0)
    assert parts(database, "trades")["trades_2026_09"] == 3
    assert parts(database, "trades")["trades_rest"] == 0
    assert len(fetch(database, ALL)) == 3


def test_a_month_with_too_many_rows_in_the_rest_stays_there(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOVED_ROWS_MAX > 1
    monkeypatch.setattr("headwater.storage.postgres_partitions.MOVED_ROWS_MAX", 1)
    columns = ", ".join(TABLES[StoredTable.TRADES].columns)
    store_together(database, [trade(1), trade(2)])
    ask(
        database,
        "ALTER TABLE trades DETACH PARTITION trades_2026_09; "
        f"INSERT INTO trades ({columns}) SELECT {columns} FROM trades_2026_09; "
        "DROP TABLE trades_2026_09",
    )
    again = PostgresDatabase(database._url.render_as_string(hide_password=False))
    store_together(again, [trade(3)])
    assert parts(database, "trades") == {"trades_rest": 3}


def test_months_that_are_too_old_are_dropped_and_the_remainder_deleted(
    database: PostgresDatabase,
) -> None:
    now_ms = OCTOBER.start_ms + 10 * DAY_MS
    times = [Month(2026, 7).start_ms, SEPTEMBER.start_ms - 1, T0, OCTOBER.start_ms, now_ms]
    store_together(database, [trade(n, at_ms=at_ms) for n, at_ms in enumerate(times)])
    with WriteSession(database) as session:
        # Ten days: the first three go with their months, the row of 1 October is just kept.
        steps = list(forget(session, Retention({StoredTable.TRADES: 10.0}), now_ms))
        assert steps == [1, 1, 1, 0]
        assert list(forget(session, Retention({StoredTable.TRADES: 9.0}), now_ms)) == [1]
    assert parts(database, "trades") == {"trades_2026_10": 1, "trades_rest": 0}
    store_together(database, [trade(9, at_ms=T0)])
    assert parts(database, "trades")["trades_2026_09"] == 1


def test_a_month_that_is_read_is_deleted_row_by_row(database: PostgresDatabase) -> None:
    store_together(database, [trade(1), trade(2)])
    other = WriteSession(database)
    with other, other.transaction(durable=False) as reading, WriteSession(database) as session:
        reading.execute(sa.text("SELECT 1 FROM trades_2026_09")).all()
        late = T0 + 90 * DAY_MS
        assert list(forget(session, Retention({StoredTable.TRADES: 1.0}), late)) == [2]
    assert parts(database, "trades") == {"trades_2026_09": 0, "trades_rest": 0}


def _days(database: PostgresDatabase) -> tuple[set[int], set[int]]:
    """Days that are known, and days that have blocks."""
    with ReadSession(database) as session, session.snapshot() as state:
        found = [
            {day for page in state.select(sa.select(table.c.day)) for (day,) in page}
            for table in (LIQUIDATION_DAYS, LIQUIDATION_BLOCKS)
        ]
    return found[0], found[1]


def _pack(database: PostgresDatabase) -> None:
    with WriteSession(database) as session:
        packing = True
        while packing:
            with session.transaction(durable=False) as writing:
                packing = pack_one(writing, 10**6)


def test_days_go_with_their_month_and_no_others(database: PostgresDatabase) -> None:
    times = [SEPTEMBER.start_ms - 1, SEPTEMBER.start_ms, OCTOBER.start_ms - 1, OCTOBER.start_ms]
    store_together(database, [liquidation(at_ms) for at_ms in times])
    _pack(database)
    first = times[0] // DAY_MS
    assert _days(database) == ({first, first + 1, first + 30, first + 31},) * 2
    with WriteSession(database) as session:
        keep = Retention({StoredTable.LIQUIDATIONS: 1.0})
        assert list(forget(session, keep, OCTOBER.start_ms + DAY_MS)) == [1, 2, 0]
    assert _days(database) == ({first + 31}, {first + 31})


def test_rows_that_move_out_of_the_rest_unpack_their_day_and_stay(
    database: PostgresDatabase,
) -> None:
    other = WriteSession(database)
    with other, other.transaction(durable=False) as reading:
        reading.execute(sa.text("SELECT 1 FROM liquidations_rest")).all()
        store_together(database, [event(0), event(DAY_MS)])
    _pack(database)
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        writing.make_ahead(START)
    wanted = Wanted(symbol="BTCUSDT", start_ms=START, end_ms=START + 2 * DAY_MS)
    for _ in range(2):
        with ReadSession(database) as reader:
            found = reader.study(lambda state: [len(one) for one in portions(state, wanted)])
        assert sum(found) == 2
        _pack(database)
    assert parts(database, "liquidations")["liquidations_rest"] == 0


def _records() -> Sequence[Any]:
    return [
        *(trade(n, at_ms=T0 - n * 20 * DAY_MS) for n in range(10)),
        *(liquidation(T0 - n * 20 * DAY_MS) for n in range(10)),
        *(candle(T0 - n * 20 * DAY_MS) for n in range(10)),
        *(mark_candle(T0 - n * 20 * DAY_MS) for n in range(10)),
        open_interest(),
        trade(99, at_ms=FAR_PAST_MS),
        trade(98, at_ms=FAR_FUTURE_MS),
    ]


def _content(database: PostgresDatabase) -> list[tuple[Any, ...]]:
    """Number and digest of all rows of each large table, whatever its version."""
    question = "SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {} t"
    return [row for name in PARTITIONED for row in ask(database, question.format(name))]


def _form(database: PostgresDatabase) -> list[tuple[Any, ...]]:
    """Keys, indexes, triggers and grants of the large tables."""
    names = ", ".join(f"'{name}'" for name in PARTITIONED)
    of_tables = f"(SELECT oid FROM pg_class WHERE relname IN ({names}))"
    return [
        *ask(
            database,
            "SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index "
            f"WHERE indrelid IN {of_tables} ORDER BY 1",
        ),
        *ask(
            database,
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger "
            f"WHERE tgrelid IN {of_tables} AND NOT tgisinternal ORDER BY 1",
        ),
        *ask(
            database,
            "SELECT grantee, privilege_type, table_name FROM information_schema.role_table_grants "
            f"WHERE table_name IN ({names}) ORDER BY 1, 2, 3",
        ),
    ]


def test_tables_of_before_keep_rows_keys_triggers_and_grants(empty: PostgresDatabase) -> None:
    at(empty, "0004")
    store(empty, _records())
    _pack(empty)
    ask(empty, "GRANT SELECT ON trades TO PUBLIC; CREATE INDEX mine ON trades (price)")
    form, days = _form(empty), _days(empty)
    content = _content(empty)
    assert [count for count, _ in content] == [10, 10, 12, 10, 1]
    upgrade(empty)
    for _ in range(2):
        assert (_form(empty), _days(empty), _content(empty)) == (form, days, content)
        assert len(parts(empty, "trades")) in (0, 8)
        at(empty, "0004", back=True)
        assert (_form(empty), _days(empty), _content(empty)) == (form, days, content)
        assert parts(empty, "trades") == {}
        upgrade(empty)
    assert parts(empty, "trades")["trades_rest"] == 2
    assert sum(parts(empty, "liquidations").values()) == 10
    assert parts(empty, "liquidations")["liquidations_rest"] == 0


STAND_IN = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (90001, 'timescaledb', 10, 2200, false, '2.17');
CREATE TABLE asked (what text);
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name,
    chunk_time_interval bigint, create_default_indexes boolean, migrate_data boolean)
    RETURNS void LANGUAGE sql AS $$ INSERT INTO asked VALUES (format('create %s %s %s %s %s',
    relation, time_column_name, chunk_time_interval, create_default_indexes, migrate_data)) $$;
CREATE FUNCTION drop_chunks(relation regclass, older_than bigint) RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO asked VALUES (format('drop %s %s', relation, older_than));
    SET LOCAL session_replication_role = replica;
    EXECUTE format('DELETE FROM %s WHERE timestamp_ms < %s', relation, older_than);
    DELETE FROM timescaledb_information.chunks WHERE hypertable_name = relation::text
        AND range_end_integer <= older_than;
    SET LOCAL session_replication_role = origin; END $$;
CREATE SCHEMA timescaledb_information;
CREATE TABLE timescaledb_information.chunks (hypertable_schema name, hypertable_name name,
    range_start_integer bigint, range_end_integer bigint);
"""
"""What of TimescaleDB is called, by name and arguments of its documentation; rows go without a
trigger, as with a chunk. It stands in for an extension that is not there: it proves what is asked,
not what TimescaleDB does."""


@pytest.fixture
def timescale(empty: PostgresDatabase) -> PostgresDatabase:
    at(empty, "0004")
    store(empty, [trade(1), liquidation()])
    address = empty._url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(STAND_IN.encode())
    upgrade(empty)
    return empty


def test_with_timescale_tables_become_hypertables(timescale: PostgresDatabase) -> None:
    assert sorted(ask(timescale, "SELECT what FROM asked")) == sorted(
        (f"create {table} timestamp_ms 2592000000 f t",) for table in PARTITIONED
    )
    store_together(timescale, [trade(2)])
    with WriteSession(timescale) as session, session.transaction(durable=False) as writing:
        writing.make_ahead(T0)
    assert parts(timescale, "trades") == {}


def test_with_timescale_chunks_are_dropped_up_to_the_end_of_a_day(
    timescale: PostgresDatabase,
) -> None:
    day = T0 // DAY_MS
    store_together(timescale, [liquidation((day + n) * DAY_MS) for n in range(1, 5)])
    _pack(timescale)
    for start, end in ((0, 2.0), (2, 3.5), (3.5, 4)):
        ask(
            timescale,
            "INSERT INTO timescaledb_information.chunks VALUES ('public', 'liquidations', "
            f"{int((day + start) * DAY_MS)}, {int((day + end) * DAY_MS)})",
        )
    spec = TABLES[StoredTable.LIQUIDATIONS]
    before_ms = int((day + 3.75) * DAY_MS)
    with WriteSession(timescale) as session, session.transaction(durable=False) as writing:
        expected = DroppedPart(rows=2, start_ms=day * DAY_MS, end_ms=(day + 2) * DAY_MS)
        assert writing.drop_part(spec, before_ms) == expected
        forget_days(writing, expected.start_ms, expected.end_ms)
        assert writing.drop_part(spec, before_ms) is None
    with WriteSession(timescale) as session:
        keep = Retention({StoredTable.LIQUIDATIONS: 1.0})
        assert list(forget(session, keep, (day + 5) * DAY_MS)) == [2, 0]
    assert ("drop liquidations " + str((day + 4) * DAY_MS),) in ask(
        timescale, "SELECT what FROM asked"
    )
    assert min(_days(timescale)[1]) == day + 4
