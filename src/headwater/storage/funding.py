"""Funding rates in the database: per settlement the latest that was said of it."""

from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.records import FundingRate
from headwater.storage.base import Columns, ColumnsQuery, Query, Row, Span, TableSpec
from headwater.storage.schema import FUNDING_RATES


def row_of(funding: FundingRate) -> Row:
    """The row of a funding rate."""
    return (
        funding.exchange,
        funding.symbol,
        funding.funding_time_ms,
        funding.timestamp_ms,
        funding.native_symbol,
        funding.received_ns,
        funding.rate,
        funding.interval_h,
    )


def record_of(row: "sa.Row[Any]") -> FundingRate:
    """The funding rate of a row."""
    return FundingRate(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.timestamp_ms,
        received_ns=row.received_ns,
        rate=row.rate,
        interval_h=row.interval_h,
        funding_time_ms=row.funding_time_ms,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """What the venue said later: the settled rate over every estimate before it."""
    return sa.and_(new.timestamp_ms > stored.timestamp_ms)


SPEC: Final = TableSpec(
    name=StoredTable.FUNDING_RATES,
    table=FUNDING_RATES,
    time_column="funding_time_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How funding rates are stored."""


def between(exchange: str, symbol: str, span: Span) -> Query[FundingRate]:
    """Funding rates of one symbol by the time of settlement."""
    statement = span.of(
        SPEC, FUNDING_RATES.c.exchange == exchange, FUNDING_RATES.c.symbol == symbol
    )
    return Query(statement, record_of)


def settled_columns(
    exchange: str, symbol: str, start_ms: int, end_ms: int, rows: int
) -> ColumnsQuery:
    """Settled rates of one symbol as numbers, oldest first; estimates of coming ones are left out.

    Columns: time at which it was known, ms (the settlement, or later where the venue told it
    later), rate (fraction per interval).

    Args:
        exchange: venue id.
        symbol: canonical symbol.
        start_ms: earliest settlement, inclusive.
        end_ms: settlements are before this.
        rows: most rows that are given.
    """
    return _settled(FUNDING_RATES.c.timestamp_ms, exchange, symbol, start_ms, end_ms, rows)


def payment_columns(
    exchange: str, symbol: str, start_ms: int, end_ms: int, rows: int
) -> ColumnsQuery:
    """Settled payments of one symbol as numbers, oldest first; arguments as `settled_columns`.

    Columns: time of the settlement, ms; rate (fraction of the position's value).
    """
    return _settled(FUNDING_RATES.c.funding_time_ms, exchange, symbol, start_ms, end_ms, rows)


def _settled(
    known_ms: sa.ColumnElement[int],
    exchange: str,
    symbol: str,
    start_ms: int,
    end_ms: int,
    rows: int,
) -> ColumnsQuery:
    """Settlements of a span with their rate, each with the time that is wanted of it."""
    row = FUNDING_RATES.c
    statement = (
        sa.select(known_ms, row.rate)
        .where(
            row.exchange == exchange,
            row.symbol == symbol,
            row.funding_time_ms >= start_ms,
            row.funding_time_ms < end_ms,
            row.timestamp_ms >= row.funding_time_ms,
        )
        .order_by(row.funding_time_ms)
        .limit(rows)
    )
    return ColumnsQuery(statement)
