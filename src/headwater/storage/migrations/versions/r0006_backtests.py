"""Configured strategies with their history, and back-test jobs with their results."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Makes the two tables."""
    op.create_table(
        "strategies",
        _text("strategy_id"),
        _whole("version"),
        _whole("saved_ms"),
        _whole("created_ms"),
        _text("name"),
        _text("description"),
        _text("class_name"),
        _text("parameters"),
        _flag("is_active"),
        _flag("is_deleted"),
        sa.PrimaryKeyConstraint("strategy_id", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backtests",
        _text("backtest_id"),
        _whole("created_ms"),
        _text("kind"),
        _text("state"),
        _whole("revision"),
        _whole("attempts"),
        _text("owner"),
        _whole("heartbeat_ms", empty=True),
        _whole("started_ms", empty=True),
        _whole("ended_ms", empty=True),
        _whole("steps_done"),
        _whole("steps_total"),
        _text("error"),
        _text("request"),
        sa.Column("result", sa.LargeBinary, nullable=True),
        sa.Column("report", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("backtest_id"),
    )
    op.create_index("backtests_by_state", "backtests", ["state", "created_ms"])
    op.create_index("backtests_by_time", "backtests", ["created_ms"])


def downgrade() -> None:
    """Forgets both; what was stored of the markets stays."""
    op.drop_table("backtests")
    op.drop_table("strategies")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


def _whole(name: str, *, empty: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=empty, autoincrement=False)
