"""What history heals by: when which stream was live, and what was back-filled."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes the two tables."""
    op.create_table(
        "live_spells",
        _text("exchange"),
        _text("symbol"),
        _text("channel"),
        _whole("since_ms"),
        _text("native_symbol"),
        _whole("until_ms"),
        _whole("last_sequence", empty=True),
        sa.PrimaryKeyConstraint("exchange", "symbol", "channel", "since_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backfills",
        _text("exchange"),
        _text("symbol"),
        _text("series"),
        _whole("start_ms"),
        _whole("end_ms"),
        _whole("rows_found"),
        _whole("done_ns"),
        sa.PrimaryKeyConstraint("exchange", "symbol", "series", "start_ms"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Forgets both; what was stored of the markets stays."""
    op.drop_table("backfills")
    op.drop_table("live_spells")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _whole(name: str, *, empty: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=empty, autoincrement=False)
