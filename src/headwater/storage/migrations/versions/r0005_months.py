"""PostgreSQL: the large tables by time, as hypertables of TimescaleDB or as a partition a month.

SQLite stays as it is. Rows, key, indexes, triggers and grants are those of before; the tables are
locked while they are rewritten, which takes about as long as filling them did.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEYS = {
    "candles": "exchange, symbol, interval, timestamp_ms",
    "mark_candles": "exchange, symbol, interval, timestamp_ms",
    "trades": "exchange, symbol, timestamp_ms, trade_id",
    "liquidations": "exchange, symbol, timestamp_ms, side, price, quantity, order_id",
    "open_interest": "exchange, symbol, timestamp_ms",
}
_CHUNK_MS = 30 * 86_400_000
_YEARS = (2009, 2100)
_MONTHS_MAX = 240


def upgrade() -> None:
    """Rearranges the tables; nothing on SQLite."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    found = connection.execute(
        sa.text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    ).first()
    for table in _KEYS:
        if found is not None:
            _make_hypertable(connection, table)
        else:
            _rebuild(connection, table, by_month=True)


def downgrade() -> None:
    """Puts the rows back into plain tables."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for table in _KEYS:
            _rebuild(connection, table, by_month=False)


def _make_hypertable(connection: sa.Connection, table: str) -> None:
    # Its own index on time alone is not made: every question names a series.
    connection.execute(
        sa.text(
            f"SELECT create_hypertable('{table}', 'timestamp_ms', "
            f"chunk_time_interval => CAST({_CHUNK_MS} AS bigint), "
            "create_default_indexes => false, migrate_data => true)"
        )
    )


def _rebuild(connection: sa.Connection, table: str, *, by_month: bool) -> None:
    """Makes the table anew under its name and moves everything that belongs to it there."""
    run = connection.execute
    run(sa.text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
    afterwards = _belongings(connection, table)
    ending = " PARTITION BY RANGE (timestamp_ms)" if by_month else ""
    run(
        sa.text(
            f"CREATE TABLE {table}_new (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE){ending}"
        )
    )
    if by_month:
        run(sa.text(f"CREATE TABLE {table}_rest PARTITION OF {table}_new DEFAULT"))
        for year, month in _months(connection, table):
            start, end = _start_ms(year, month), _start_ms(year + month // 12, month % 12 + 1)
            run(
                sa.text(
                    f"CREATE TABLE {table}_{year:04}_{month:02} PARTITION OF {table}_new "
                    f"FOR VALUES FROM ({start}) TO ({end})"
                )
            )
    run(sa.text(f"INSERT INTO {table}_new SELECT * FROM {table}"))  # noqa: S608 - constants
    run(sa.text(f"DROP TABLE {table}"))
    run(sa.text(f"ALTER TABLE {table}_new RENAME TO {table}"))
    run(sa.text(f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({_KEYS[table]})"))
    for statement in afterwards:
        connection.exec_driver_sql(statement)


def _belongings(connection: sa.Connection, table: str) -> Sequence[str]:
    """The statements that give the new table the indexes, triggers and grants of the old one."""
    of_table = {"name": table}
    indexes = (
        "SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index "
        "WHERE indrelid = CAST(:name AS regclass) AND NOT indisprimary"
    )
    triggers = (
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger "
        "WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal"
    )
    grants = (
        "SELECT format('GRANT %s ON %s TO %s', privilege_type, CAST(c.oid AS regclass), "
        "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END) "
        "FROM pg_class c, aclexplode(c.relacl) "
        "WHERE c.oid = CAST(:name AS regclass) AND grantee <> c.relowner"
    )
    return [
        statement
        for question in (indexes, triggers, grants)
        for statement in connection.execute(sa.text(question), of_table).scalars()
    ]


def _months(connection: sa.Connection, table: str) -> Sequence[tuple[int, int]]:
    """Years and months that have rows, the newest; rows of others go to the rest."""
    question = sa.text(
        "SELECT DISTINCT CAST(extract(year FROM moment) AS int), "  # noqa: S608 - constants
        "CAST(extract(month FROM moment) AS int) FROM (SELECT "
        "to_timestamp(timestamp_ms / 1000) AT TIME ZONE 'UTC' AS moment "
        f"FROM {table} WHERE timestamp_ms >= {_start_ms(_YEARS[0], 1)} "
        f"AND timestamp_ms < {_start_ms(_YEARS[1], 1)}) AS moments"
    )
    found = sorted((year, month) for year, month in connection.execute(question))
    return found[-_MONTHS_MAX:]


def _start_ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000
