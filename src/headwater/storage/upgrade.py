"""Versions of the tables: which one a database has, and bringing it to that of this code.

Alembic is imported for a step alone: a program whose database has today's tables starts without.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import sqlalchemy as sa

from headwater.core.errors import StorageError
from headwater.storage.base import Database
from headwater.storage.sessions import ReadSession, WriteSession

_SCRIPTS: Final = "headwater.storage:migrations"
_STEP_FILE: Final = re.compile(r"r(\d{4})_\w+\.py")
_VERSION: Final = sa.table("alembic_version", sa.column("version_num", sa.Text))

# Any number of ours: two processes must not change the tables of a server at the same time.
_ADVISORY_LOCK: Final = 0x6865_6164


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """What an upgrade did.

    Attributes:
        before: version that was found, None for an empty database.
        after: version that it has now.
    """

    before: str | None
    after: str


def newest_version() -> str:
    """The version that this code works with."""
    return max(versions())


@cache
def versions() -> frozenset[str]:
    """Every version that this code can bring to the newest, and the newest.

    They are in the names of the steps' files, in their order.
    """
    steps = files("headwater.storage.migrations") / "versions"
    found = [_STEP_FILE.fullmatch(step.name) for step in steps.iterdir()]
    return frozenset(name[1] for name in found if name is not None)


def version_of(connection: sa.Connection) -> str | None:
    """The version that a database has, None for an empty one."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()
    return found


def stored_version(database: Database) -> str | None:
    """The version of a database that is there, which is only looked at.

    Raises:
        StorageError: it cannot be read.
    """
    with ReadSession(database) as session, session.snapshot():
        return version_of(session.connection)


def upgrade(database: Database) -> Upgrade:
    """Brings a database to the newest version; call it under `claim`.

    Raises:
        StorageError: the database is newer than the code, or a step failed; it has then the
            version of the last step that did not.
    """
    with WriteSession(database) as session:
        connection = session.connection
        try:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_lock(_ADVISORY_LOCK)))
                connection.commit()
            before = version_of(connection)
            connection.rollback()
            _refuse_newer(database, before)
            if before != newest_version():
                _take_steps(connection)
            after = version_of(connection)
            connection.rollback()
        except sa.exc.SQLAlchemyError as error:
            raise database.error_of(error) from error
    assert after is not None, "an upgrade leaves a version"
    return Upgrade(before=before, after=after)


def _take_steps(connection: sa.Connection) -> None:
    """Runs every step that the database has not had yet."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_newer(database: Database, version: str | None) -> None:
    """A version that no step here makes comes from newer code: there is no way back."""
    if version is not None and version not in versions():
        raise StorageError(
            database.label,
            f"its version {version} is newer than this program's {newest_version()}: update the "
            "program or restore a backup of before",
        )
