"""Configured strategies in the database: every change is a row of its own, so the past is kept.

What a strategy is now is its row of the highest version. Rows are never changed: a change that two
callers made of the same version has the same key twice, and only the first is stored, so whoever
writes second is told (0 rows) and nothing is lost.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.storage.base import Query, Row, TableSpec
from headwater.storage.schema import STRATEGIES


class StrategyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A configured strategy as it was after one change.

    Attributes:
        strategy_id: chosen by us, for the strategy's life.
        version: from 1, one more with every change.
        saved_ms: when this version was made, ms since the epoch, UTC.
        created_ms: when the first version was made.
        name: 3 to 100 letters, chosen by its owner.
        description: at most 500 letters.
        class_name: name of the strategy's class in the registry.
        parameters: values by name, as JSON text.
        is_active: whether it may be used by what trades.
        is_deleted: whether this change took it away; then there is no later version.
    """

    strategy_id: str
    version: int
    saved_ms: int
    created_ms: int
    name: str
    description: str
    class_name: str
    parameters: str
    is_active: bool
    is_deleted: bool = False


def row_of(one: StrategyVersion) -> Row:
    """The row of a version."""
    return tuple(getattr(one, name) for name in SPEC.columns)


def record_of(row: "sa.Row[Any]") -> StrategyVersion:
    """The version of a row."""
    return StrategyVersion(**{name: getattr(row, name) for name in SPEC.columns})


SPEC: Final = TableSpec(
    name=StoredTable.STRATEGIES,
    table=STRATEGIES,
    time_column="saved_ms",
    row_of=row_of,
    record_of=record_of,
    append_only=True,
)
"""How versions are stored: the first of a key stays."""


def versions(strategy_id: str, limit: int) -> Query[StrategyVersion]:
    """The versions of one strategy, the newest first."""
    chosen = sa.select(*STRATEGIES.columns).where(STRATEGIES.c.strategy_id == strategy_id)
    return Query(chosen.order_by(STRATEGIES.c.version.desc()).limit(limit), record_of)


def version_of(strategy_id: str, version: int) -> Query[StrategyVersion]:
    """One version of one strategy."""
    chosen = sa.select(*STRATEGIES.columns).where(
        STRATEGIES.c.strategy_id == strategy_id, STRATEGIES.c.version == version
    )
    return Query(chosen, record_of)


def newest(limit: int, *, active_only: bool = False) -> Query[StrategyVersion]:
    """What every strategy is now, deleted ones left out, by the time it was made."""
    last = (
        sa.select(STRATEGIES.c.strategy_id, sa.func.max(STRATEGIES.c.version).label("version"))
        .group_by(STRATEGIES.c.strategy_id)
        .subquery()
    )
    chosen = (
        sa.select(*STRATEGIES.columns)
        .join(
            last,
            sa.and_(
                STRATEGIES.c.strategy_id == last.c.strategy_id,
                STRATEGIES.c.version == last.c.version,
            ),
        )
        .where(sa.not_(STRATEGIES.c.is_deleted))
    )
    if active_only:
        chosen = chosen.where(STRATEGIES.c.is_active)
    ordered = chosen.order_by(STRATEGIES.c.created_ms, STRATEGIES.c.strategy_id)
    return Query(ordered.limit(limit), record_of)
