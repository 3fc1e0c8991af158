"""Which parts of which series the venue was asked for, whole: what need not be asked for again.

A row is written after the part's records are on the disk. What the venue did not have then is in
neither; it will not have it later.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import BACKFILLS


class Backfilled(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a series of which everything that the venue has is stored.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        series: `candles 1m`, `open_interest 5m`, `funding`.
        start_ms: its first moment.
        end_ms: the first moment after it.
        rows_found: rows that the venue had of what was missing.
        done_ns: when that was, ns since the epoch.
    """

    exchange: str
    symbol: str
    series: str
    start_ms: int
    end_ms: int
    rows_found: int
    done_ns: int


def row_of(part: Backfilled) -> Row:
    """The row of a part."""
    return (
        part.exchange,
        part.symbol,
        part.series,
        part.start_ms,
        part.end_ms,
        part.rows_found,
        part.done_ns,
    )


def record_of(row: "sa.Row[Any]") -> Backfilled:
    """The part of a row."""
    return Backfilled(
        exchange=row.exchange,
        symbol=row.symbol,
        series=row.series,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        rows_found=row.rows_found,
        done_ns=row.done_ns,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """What was done later."""
    return sa.and_(new.done_ns > stored.done_ns)


SPEC: Final = TableSpec(
    name=StoredTable.BACKFILLS,
    table=BACKFILLS,
    time_column="start_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How finished parts are stored."""


def between(exchange: str, symbol: str, series: str, span: Span) -> Query[Backfilled]:
    """Finished parts of one series by their beginning."""
    statement = span.of(
        SPEC,
        BACKFILLS.c.exchange == exchange,
        BACKFILLS.c.symbol == symbol,
        BACKFILLS.c.series == series,
    )
    return Query(statement, record_of)
