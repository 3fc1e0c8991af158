"""Back-test jobs keep the key that their caller gave, and what was asked for under it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_COLUMNS = ("idempotency_key", "asked")


def upgrade() -> None:
    """Adds two columns; jobs that are there have no key."""
    for name in _COLUMNS:
        op.add_column("backtests", sa.Column(name, sa.Text, nullable=True))


def downgrade() -> None:
    """Forgets the keys; jobs stay."""
    for name in reversed(_COLUMNS):
        op.drop_column("backtests", name)
