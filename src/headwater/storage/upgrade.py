"""Versions of the tables: which one a database has, and bringing it to that of this code."""

from typing import Final

import msgspec
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from headwater.core.errors import StorageError
from headwater.storage.base import Database
from headwater.storage.sessions import ReadSession, WriteSession

_SCRIPTS: Final = "headwater.storage:migrations"

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
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package has no migrations"
    return head


def versions() -> frozenset[str]:
    """Every version that this code can bring to the newest, and the newest."""
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def version_of(connection: sa.Connection) -> str | None:
    """The version that a database has, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


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
    config = _config()
    with WriteSession(database) as session:
        connection = session.connection
        try:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_lock(_ADVISORY_LOCK)))
                connection.commit()
            before = version_of(connection)
            connection.rollback()
            _refuse_newer(database, before)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            after = version_of(connection)
            connection.rollback()
        except sa.exc.SQLAlchemyError as error:
            raise database.error_of(error) from error
    assert after is not None, "an upgrade leaves a version"
    return Upgrade(before=before, after=after)


def _refuse_newer(database: Database, version: str | None) -> None:
    """A version that no step here makes comes from newer code: there is no way back."""
    if version is not None and version not in versions():
        raise StorageError(
            database.label,
            f"its version {version} is newer than this program's {newest_version()}: update the "
            "program or restore a backup of before",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.set_main_option("path_separator", "os")
    return config
