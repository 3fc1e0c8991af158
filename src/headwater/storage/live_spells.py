"""When which stream was live: one row per unbroken spell, carried on while it lasts.

What lies between two spells of one stream was not heard. The newest row of a stream says until
when everything that came was stored, whatever ended the process.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import Channel, StoredTable
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import LIVE_SPELLS


class LiveSpell(msgspec.Struct, frozen=True, kw_only=True):
    """An unbroken time in which a stream was live.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol, `*` for a whole market.
        native_symbol: the venue's spelling.
        channel: which stream.
        since_ms: wall time of its beginning.
        until_ms: wall time up to which everything that was heard is stored.
        last_sequence: number of the last trade then, None where the venue does not count.
    """

    exchange: str
    symbol: str
    native_symbol: str
    channel: Channel
    since_ms: int
    until_ms: int
    last_sequence: int | None


def row_of(spell: LiveSpell) -> Row:
    """The row of a spell."""
    return (
        spell.exchange,
        spell.symbol,
        spell.channel.value,
        spell.since_ms,
        spell.native_symbol,
        spell.until_ms,
        spell.last_sequence,
    )


def record_of(row: "sa.Row[Any]") -> LiveSpell:
    """The spell of a row."""
    return LiveSpell(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        channel=Channel(row.channel),
        since_ms=row.since_ms,
        until_ms=row.until_ms,
        last_sequence=row.last_sequence,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """The longer one."""
    return sa.and_(new.until_ms > stored.until_ms)


SPEC: Final = TableSpec(
    name=StoredTable.LIVE_SPELLS,
    table=LIVE_SPELLS,
    time_column="since_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How spells are stored."""


def between(
    span: Span,
    *,
    exchange: str,
    symbol: str | None = None,
    channel: Channel | None = None,
) -> Query[LiveSpell]:
    """Spells of one venue by their beginning; whatever is None is not asked for."""
    conditions: list[sa.ColumnElement[bool]] = [LIVE_SPELLS.c.exchange == exchange]
    if symbol is not None:
        conditions.append(LIVE_SPELLS.c.symbol == symbol)
    if channel is not None:
        conditions.append(LIVE_SPELLS.c.channel == channel.value)
    return Query(span.of(SPEC, *conditions), record_of)
