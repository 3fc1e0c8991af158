"""Readings of open interest in the database."""

from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.intervals import Interval
from headwater.core.records import OpenInterest
from headwater.storage.base import ColumnsQuery, Query, Row, Span, TableSpec
from headwater.storage.schema import OPEN_INTEREST


def row_of(reading: OpenInterest) -> Row:
    """The row of a reading."""
    return (
        reading.exchange,
        reading.symbol,
        reading.timestamp_ms,
        reading.native_symbol,
        reading.received_ns,
        reading.open_interest,
        reading.value,
    )


def record_of(row: "sa.Row[Any]") -> OpenInterest:
    """The reading of a row."""
    return OpenInterest(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.timestamp_ms,
        received_ns=row.received_ns,
        open_interest=row.open_interest,
        value=row.value,
    )


SPEC: Final = TableSpec(
    name=StoredTable.OPEN_INTEREST,
    table=OPEN_INTEREST,
    time_column="timestamp_ms",
    row_of=row_of,
    record_of=record_of,
)
"""How open interest is stored: the first reading of a moment stays."""


def between(exchange: str, symbol: str, span: Span) -> Query[OpenInterest]:
    """Readings of one symbol by time."""
    statement = span.of(
        SPEC, OPEN_INTEREST.c.exchange == exchange, OPEN_INTEREST.c.symbol == symbol
    )
    return Query(statement, record_of)


def at_periods(exchange: str, symbol: str, period: Interval, span: Span) -> Query[OpenInterest]:
    """Readings of one symbol that were taken at the full period: those of a history."""
    return Query(_at_periods(exchange, symbol, period, span), record_of)


def period_times(exchange: str, symbol: str, period: Interval, span: Span) -> Query[int]:
    """Times, ms, of the readings that were taken at the full period."""
    statement = _at_periods(exchange, symbol, period, span)
    times = statement.with_only_columns(OPEN_INTEREST.c.timestamp_ms)
    return Query(times, lambda row: int(row.timestamp_ms))


def reading_columns(
    exchange: str, symbol: str, start_ms: int, end_ms: int, rows: int
) -> ColumnsQuery:
    """Readings of one symbol as numbers, oldest first.

    Columns: time of the reading (ms), open interest (base units).

    Args:
        exchange: venue id.
        symbol: canonical symbol.
        start_ms: earliest time, inclusive.
        end_ms: times are before this.
        rows: most rows that are given.
    """
    row = OPEN_INTEREST.c
    statement = (
        sa.select(row.timestamp_ms, row.open_interest)
        .where(
            row.exchange == exchange,
            row.symbol == symbol,
            row.timestamp_ms >= start_ms,
            row.timestamp_ms < end_ms,
        )
        .order_by(row.timestamp_ms)
        .limit(rows)
    )
    return ColumnsQuery(statement)


def _at_periods(
    exchange: str, symbol: str, period: Interval, span: Span
) -> "sa.Select[tuple[Any, ...]]":
    return span.of(
        SPEC,
        OPEN_INTEREST.c.exchange == exchange,
        OPEN_INTEREST.c.symbol == symbol,
        OPEN_INTEREST.c.timestamp_ms % period.nominal_ms == 0,
    )
