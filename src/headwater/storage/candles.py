"""Candles in the database: one row per bar; a higher revision takes the place of a lower one."""

from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import CANDLES


def row_of(candle: Candle) -> Row:
    """The row of a candle."""
    return (
        candle.exchange,
        candle.symbol,
        candle.interval.value,
        candle.timestamp_ms,
        candle.native_symbol,
        candle.received_ns,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.quote_volume,
        candle.trades_count,
        candle.is_closed,
        candle.taker_buy_volume,
        None if candle.built_from is None else candle.built_from.value,
        candle.revision,
    )


def record_of(row: "sa.Row[Any]") -> Candle:
    """The candle of a row."""
    return Candle(
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
        volume=row.volume,
        quote_volume=row.quote_volume,
        trades_count=row.trades_count,
        is_closed=row.is_closed,
        taker_buy_volume=row.taker_buy_volume,
        built_from=None if row.built_from is None else Interval(row.built_from),
        revision=row.revision,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """A closed one over a running one, then the higher revision, then of running ones the later."""
    return sa.or_(
        sa.and_(new.is_closed, sa.not_(stored.is_closed)),
        sa.and_(new.is_closed == stored.is_closed, new.revision > stored.revision),
        sa.and_(
            sa.not_(new.is_closed),
            sa.not_(stored.is_closed),
            new.revision == stored.revision,
            new.received_ns > stored.received_ns,
        ),
    )


SPEC: Final = TableSpec(
    name=StoredTable.CANDLES,
    table=CANDLES,
    time_column="timestamp_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How candles are stored."""


def between(exchange: str, symbol: str, interval: Interval, span: Span) -> Query[Candle]:
    """Candles of one series by opening time."""
    statement = span.of(
        SPEC,
        CANDLES.c.exchange == exchange,
        CANDLES.c.symbol == symbol,
        CANDLES.c.interval == interval.value,
    )
    return Query(statement, record_of)


def opening_times(exchange: str, symbol: str, interval: Interval, span: Span) -> Query[int]:
    """When the closed candles of one series opened, ms; much cheaper than the candles."""
    statement = span.of(
        SPEC,
        CANDLES.c.exchange == exchange,
        CANDLES.c.symbol == symbol,
        CANDLES.c.interval == interval.value,
        CANDLES.c.is_closed,
    ).with_only_columns(CANDLES.c.timestamp_ms)
    return Query(statement, lambda row: int(row.timestamp_ms))
