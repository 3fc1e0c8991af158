"""What Alembic runs for every command: the steps on the connection it was handed.

Not imported by anybody: Alembic executes it. `upgrade.py` starts it.
"""

from alembic import context

from headwater.storage.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    # SQLite can undo changes of tables; Alembic assumes that it cannot.
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
