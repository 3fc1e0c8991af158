"""Candles in the database: one row per bar; a higher revision takes the place of a lower one."""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.storage.base import Columns, ColumnsQuery, Query, Row, Span, TableSpec
from headwater.storage.schema import CANDLES


class StoredSpan(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one series.

    Attributes:
        interval: length of its candles.
        candles: how many closed ones.
        first_ms: opening time of the first, ms since the epoch.
        last_ms: opening time of the last.
    """

    interval: Interval
    candles: int
    first_ms: int
    last_ms: int


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


def bar_columns(
    exchange: str, symbol: str, interval: Interval, start_ms: int, end_ms: int, rows: int
) -> ColumnsQuery:
    """Closed candles of one series as numbers, oldest first.

    Columns: opening time (ms), open, high, low, close (quote currency), volume (base units).

    Args:
        exchange: venue id.
        symbol: canonical symbol.
        interval: length of the candles, as stored.
        start_ms: earliest opening, inclusive.
        end_ms: openings are before this.
        rows: most rows that are given.
    """
    bar = CANDLES.c
    statement = (
        sa.select(bar.timestamp_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        .where(
            bar.exchange == exchange,
            bar.symbol == symbol,
            bar.interval == interval.value,
            bar.is_closed.is_(sa.true()),
            bar.timestamp_ms >= start_ms,
            bar.timestamp_ms < end_ms,
        )
        .order_by(bar.timestamp_ms)
        .limit(rows)
    )
    return ColumnsQuery(statement)


def any_of(exchange: str, symbol: str) -> Query[str]:
    """One interval of a symbol's candles, whichever is found first; nothing when there are none."""
    bar = CANDLES.c
    chosen = sa.select(bar.interval).where(bar.exchange == exchange, bar.symbol == symbol)
    return Query(chosen.limit(1), lambda row: str(row.interval))


def series_span(exchange: str, symbol: str) -> Query[StoredSpan]:
    """Which closed candles of a symbol there are, by interval."""
    bar = CANDLES.c
    count = sa.func.count().label("candles")
    first, last = sa.func.min(bar.timestamp_ms), sa.func.max(bar.timestamp_ms)
    statement = (
        sa.select(bar.interval, count, first.label("first_ms"), last.label("last_ms"))
        .where(bar.exchange == exchange, bar.symbol == symbol, bar.is_closed.is_(sa.true()))
        .group_by(bar.interval)
        .order_by(count.desc())
    )
    return Query(statement, _span_of)


def _span_of(row: "sa.Row[Any]") -> StoredSpan:
    return StoredSpan(
        interval=Interval(row.interval),
        candles=row.candles,
        first_ms=row.first_ms,
        last_ms=row.last_ms,
    )
