"""The gap ledger in the database: one row per hole, as it stands."""

from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import Channel, GapCause, GapState, StoredTable
from headwater.core.records import ALL_SYMBOLS, Gap
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import GAPS

# Written out in the statement: an upsert has room for the values of a row only.
_OPEN: Final = sa.literal_column(f"'{GapState.OPEN.value}'", sa.Text)


def row_of(gap: Gap) -> Row:
    """The row of a hole."""
    return (
        gap.exchange,
        gap.symbol,
        gap.channel.value,
        gap.timestamp_ms,
        gap.gap_id,
        gap.native_symbol,
        gap.received_ns,
        gap.cause.value,
        gap.state.value,
        gap.until_ms,
        gap.first_sequence,
        gap.last_sequence,
        gap.recovered,
        gap.detail,
    )


def record_of(row: "sa.Row[Any]") -> Gap:
    """The hole of a row."""
    return Gap(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.timestamp_ms,
        received_ns=row.received_ns,
        gap_id=row.gap_id,
        channel=Channel(row.channel),
        cause=GapCause(row.cause),
        state=GapState(row.state),
        until_ms=row.until_ms,
        first_sequence=row.first_sequence,
        last_sequence=row.last_sequence,
        recovered=row.recovered,
        detail=row.detail,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """What was noted later, as long as the hole is not settled."""
    return sa.and_(
        stored.state == _OPEN,
        sa.or_(new.received_ns > stored.received_ns, new.state != _OPEN),
    )


SPEC: Final = TableSpec(
    name=StoredTable.GAPS,
    table=GAPS,
    time_column="timestamp_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How holes are stored."""


def between(
    span: Span,
    *,
    exchange: str | None = None,
    symbol: str | None = None,
    channel: Channel | None = None,
    state: GapState | None = None,
) -> Query[Gap]:
    """Holes by their start; whatever is None is not asked for."""
    conditions: list[sa.ColumnElement[bool]] = []
    for column, wanted in (
        (GAPS.c.exchange, exchange),
        (GAPS.c.symbol, symbol),
        (GAPS.c.channel, None if channel is None else channel.value),
        (GAPS.c.state, None if state is None else state.value),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    return Query(span.of(SPEC, *conditions), record_of)


def touching(
    exchange: str, symbol: str, channel: Channel, start_ms: int, end_ms: int, limit: int
) -> Query[Gap]:
    """Holes of one stream that touch a span, those of its whole market too, the newest first.

    Args:
        exchange: venue id.
        symbol: canonical symbol.
        channel: which stream.
        start_ms: holes that ended before it or then are left out.
        end_ms: holes that began then or later are left out.
        limit: most of them; the oldest are left out.

    Raises:
        RequestError: the limit is out of its range.
    """
    span = Span(end_ms=end_ms, limit=limit, newest_first=True)
    statement = span.of(
        SPEC,
        GAPS.c.exchange == exchange,
        GAPS.c.symbol.in_(dict.fromkeys((symbol, ALL_SYMBOLS))),
        GAPS.c.channel == channel.value,
        sa.or_(GAPS.c.until_ms.is_(None), GAPS.c.until_ms > start_ms),
    )
    return Query(statement, record_of)


def last_number(exchange: str) -> Query[int]:
    """The highest number that a hole of a venue has: one row, 0 where there is none."""
    highest = sa.func.coalesce(sa.func.max(GAPS.c.gap_id), 0).label("highest")
    statement = sa.select(highest).where(GAPS.c.exchange == exchange)
    return Query(statement, lambda row: int(row.highest))
