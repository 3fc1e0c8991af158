"""Days of liquidations as blocks of columns, and the triggers that keep them true."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_DAY_MS = 86_400_000


def upgrade() -> None:
    """Makes the tables; the days of stored liquidations wait to be packed."""
    op.create_table(
        "liquidation_days",
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("state", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("symbol", "day", "exchange"),
        sqlite_with_rowid=False,
    )
    op.create_index("liquidation_days_by_state", "liquidation_days", ["state", "day"])
    op.create_table(
        "liquidation_blocks",
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("step_ms", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("symbol", "day", "exchange", "step_ms"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgres_triggers()
    op.execute(
        "INSERT INTO liquidation_days (symbol, day, exchange, state) "  # noqa: S608 - constants
        f"SELECT DISTINCT symbol, timestamp_ms / {_DAY_MS}, exchange, 0 FROM liquidations"
    )


def downgrade() -> None:
    """Only the copies go; the rows stay."""
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER liquidations_{name}_day")
    else:
        op.execute("DROP TRIGGER liquidations_change_day ON liquidations")
        op.execute("DROP TRIGGER liquidations_truncate_days ON liquidations")
        op.execute("DROP FUNCTION liquidations_change_day()")
        op.execute("DROP FUNCTION liquidations_truncate_days()")
        op.execute("DROP FUNCTION liquidation_day_changed(text, bigint, text)")
    op.drop_table("liquidation_blocks")
    op.drop_table("liquidation_days")


def _sqlite_triggers() -> None:
    # No INSERT OR IGNORE: a trigger takes its rule for conflicts from the statement around it.
    def changed(row: str) -> str:
        where = (
            f"symbol = {row}.symbol AND day = {row}.timestamp_ms / {_DAY_MS} "
            f"AND exchange = {row}.exchange"
        )
        return (
            f"DELETE FROM liquidation_blocks WHERE {where}; "  # noqa: S608 - constants
            f"UPDATE liquidation_days SET state = 0 WHERE {where} AND state <> 0; "
            "INSERT INTO liquidation_days (symbol, day, exchange, state) "
            f"SELECT {row}.symbol, {row}.timestamp_ms / {_DAY_MS}, {row}.exchange, 0 "
            f"WHERE NOT EXISTS (SELECT 1 FROM liquidation_days WHERE {where}); "
        )

    for name, body in (
        ("insert", changed("NEW")),
        ("delete", changed("OLD")),
        ("update", changed("OLD") + changed("NEW")),
    ):
        op.execute(
            f"CREATE TRIGGER liquidations_{name}_day AFTER {name.upper()} ON liquidations "
            f"BEGIN {body}END"
        )


def _postgres_triggers() -> None:
    # For each row, not for each statement with a table of the changed ones: this kind also works on
    # a partition by itself and on a hypertable.
    op.execute(
        "CREATE FUNCTION liquidation_day_changed(s text, d bigint, e text) RETURNS void "
        "LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE liquidation_days SET state = 0 "
        "WHERE symbol = s AND day = d AND exchange = e AND state <> 0; "
        "IF FOUND THEN DELETE FROM liquidation_blocks "
        "WHERE symbol = s AND day = d AND exchange = e; RETURN; END IF; "
        "INSERT INTO liquidation_days (symbol, day, exchange, state) VALUES (s, d, e, 0) "
        "ON CONFLICT DO NOTHING; END $$"
    )
    op.execute(
        "CREATE FUNCTION liquidations_change_day() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'INSERT' THEN PERFORM "
        f"liquidation_day_changed(OLD.symbol, OLD.timestamp_ms / {_DAY_MS}, OLD.exchange); END IF; "
        "IF TG_OP <> 'DELETE' THEN PERFORM "
        f"liquidation_day_changed(NEW.symbol, NEW.timestamp_ms / {_DAY_MS}, NEW.exchange); END IF; "
        "RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER liquidations_change_day AFTER INSERT OR UPDATE OR DELETE ON liquidations "
        "FOR EACH ROW EXECUTE FUNCTION liquidations_change_day()"
    )
    op.execute(
        "CREATE FUNCTION liquidations_truncate_days() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "DELETE FROM liquidation_blocks; DELETE FROM liquidation_days; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER liquidations_truncate_days AFTER TRUNCATE ON liquidations "
        "FOR EACH STATEMENT EXECUTE FUNCTION liquidations_truncate_days()"
    )
    # Columns of floats do not become smaller by compression, only slower.
    op.execute("ALTER TABLE liquidation_blocks ALTER COLUMN content SET STORAGE EXTERNAL")
