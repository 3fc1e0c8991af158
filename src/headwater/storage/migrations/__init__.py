"""Steps that bring a database from any earlier version to today's tables, run by Alembic.

They are part of the package, need no ini file, and each one is a transaction of its own: a process
that dies in the middle of one leaves the version before it.
"""
