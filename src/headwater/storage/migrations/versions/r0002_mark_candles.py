"""Bars of the mark price."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the table of mark-price bars."""
    op.create_table(
        "mark_candles",
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("native_symbol", sa.Text, nullable=False),
        sa.Column("received_ns", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("close", sa.Double, nullable=False),
        sa.Column("is_closed", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("readings", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("exchange", "symbol", "interval", "timestamp_ms"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Refused: it would delete bars."""
    raise RuntimeError("going back would delete the mark-price bars: restore a backup instead")
