"""Bars of the mark price in the database: one row per bar, the venue's own before a heard one.

A bar made of the mark prices that were heard has their first, last and extremes, and the venue may
have had higher and lower ones between two messages. So the venue's bar takes its place when a
back-fill brings it, and it never takes the place of the venue's.
"""

from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.intervals import Interval
from headwater.core.records import MarkCandle
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import MARK_CANDLES


def row_of(bar: MarkCandle) -> Row:
    """The row of a bar."""
    return (
        bar.exchange,
        bar.symbol,
        bar.interval.value,
        bar.timestamp_ms,
        bar.native_symbol,
        bar.received_ns,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.is_closed,
        bar.readings,
    )


def record_of(row: "sa.Row[Any]") -> MarkCandle:
    """The bar of a row."""
    return MarkCandle(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.timestamp_ms,
        received_ns=row.received_ns,
        interval=Interval(row.interval),
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        is_closed=row.is_closed,
        readings=row.readings,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """A closed one over a running one, then the venue's own over a heard one, then the later.

    The three are asked in this order, so that any order of writing leaves the same row. The venue's
    own bar is the one without `readings`.
    """
    stored_heard, new_heard = stored.readings.is_not(None), new.readings.is_not(None)
    return sa.or_(
        sa.and_(new.is_closed, sa.not_(stored.is_closed)),
        sa.and_(
            new.is_closed == stored.is_closed,
            sa.or_(
                sa.and_(sa.not_(new_heard), stored_heard),
                sa.and_(new_heard == stored_heard, new.received_ns > stored.received_ns),
            ),
        ),
    )


SPEC: Final = TableSpec(
    name=StoredTable.MARK_CANDLES,
    table=MARK_CANDLES,
    time_column="timestamp_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How bars of the mark price are stored."""


def between(exchange: str, symbol: str, interval: Interval, span: Span) -> Query[MarkCandle]:
    """Bars of one series by opening time; closed ones and, if one was stored, the running one."""
    statement = span.of(
        SPEC,
        MARK_CANDLES.c.exchange == exchange,
        MARK_CANDLES.c.symbol == symbol,
        MARK_CANDLES.c.interval == interval.value,
    )
    return Query(statement, record_of)


def told_times(exchange: str, symbol: str, interval: Interval, span: Span) -> Query[int]:
    """When those closed bars opened, ms, that the venue itself told; heard ones are left out."""
    statement = span.of(
        SPEC,
        MARK_CANDLES.c.exchange == exchange,
        MARK_CANDLES.c.symbol == symbol,
        MARK_CANDLES.c.interval == interval.value,
        MARK_CANDLES.c.is_closed,
        MARK_CANDLES.c.readings.is_(None),
    ).with_only_columns(MARK_CANDLES.c.timestamp_ms)
    return Query(statement, lambda row: int(row.timestamp_ms))
