"""Steps of a price path and readings at the ends of bars, as plain numbers.

A model of a year reads a million rows: a record for each would cost more than the model. These
questions give arrays (`Store.columns`). Where bars of the wanted length are not stored, minutes
are folded by the database; what is wanted at the end of a bar is looked up by key, so that a year
of readings is not read to keep two thousand of them.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import PositionSide
from headwater.core.intervals import Interval
from headwater.storage.base import ColumnsQuery
from headwater.storage.schema import CANDLES, LIQUIDATIONS, MARK_CANDLES, OPEN_INTEREST

_BARS: Final = {"candles": CANDLES, "mark_candles": MARK_CANDLES}


def traded_steps(
    exchange: str, symbol: str, interval: Interval, start_ms: int, end_ms: int
) -> ColumnsQuery:
    """What was traded, by stored closed candles.

    Columns: opening time (ms), typical price ((high + low + close) / 3, quote currency), volume
    (base units), close; oldest first.

    Args:
        exchange: venue id.
        symbol: canonical symbol.
        interval: length of the candles, as stored.
        start_ms: earliest opening, inclusive.
        end_ms: openings are before this.
    """
    bar = CANDLES.c
    typical = (bar.high + bar.low + bar.close) / 3.0
    return _stored(CANDLES, exchange, symbol, interval, start_ms, end_ms, typical, bar.volume)


def marked_steps(
    exchange: str, symbol: str, interval: Interval, start_ms: int, end_ms: int
) -> ColumnsQuery:
    """Where the mark price went, by stored closed bars.

    Columns: opening time (ms), lowest, highest, close (quote currency); oldest first. Arguments as
    `traded_steps`.
    """
    bar = MARK_CANDLES.c
    return _stored(MARK_CANDLES, exchange, symbol, interval, start_ms, end_ms, bar.low, bar.high)


def traded_folded(
    exchange: str, symbol: str, step_ms: int, start_ms: int, end_ms: int
) -> ColumnsQuery:
    """The same as `traded_steps` of stored minutes, `step_ms` of them together.

    Columns: opening time of the step, mean typical price weighted by volume (empty without
    volume), volume. A step is there when any of its minutes is.
    """
    bar = CANDLES.c
    typical = (bar.high + bar.low + bar.close) / 3.0
    volume = sa.func.sum(bar.volume)
    mean = sa.func.sum(typical * bar.volume) / sa.func.nullif(volume, 0.0)
    return _folded(CANDLES, exchange, symbol, step_ms, start_ms, end_ms, mean, volume)


def marked_folded(
    exchange: str, symbol: str, step_ms: int, start_ms: int, end_ms: int
) -> ColumnsQuery:
    """The same as `marked_steps` of stored minutes, `step_ms` of them together.

    Columns: opening time of the step, lowest, highest.
    """
    bar = MARK_CANDLES.c
    low, high = sa.func.min(bar.low), sa.func.max(bar.high)
    return _folded(MARK_CANDLES, exchange, symbol, step_ms, start_ms, end_ms, low, high)


def interest_at_ends(
    exchange: str, symbol: str, length_ms: int, start_ms: int, end_ms: int
) -> ColumnsQuery:
    """The last reading of open interest within each bar.

    Columns: opening time of the bar, open interest (base units; empty for no reading).

    Args:
        exchange: venue id.
        symbol: canonical symbol.
        length_ms: of a bar.
        start_ms: opening of the first bar.
        end_ms: end of the last one; after `start_ms`.
    """
    row = OPEN_INTEREST.c
    begins = _bar_starts(length_ms, start_ms, end_ms)
    last = (
        sa.select(row.open_interest)
        .where(row.exchange == exchange, row.symbol == symbol)
        .where(row.timestamp_ms >= begins.c.t, row.timestamp_ms < begins.c.t + length_ms)
        .order_by(row.timestamp_ms.desc())
        .limit(1)
        .scalar_subquery()
    )
    return ColumnsQuery(sa.select(begins.c.t, last).order_by(begins.c.t))


def closes_at_ends(
    table: str, exchange: str, symbol: str, length_ms: int, start_ms: int, end_ms: int
) -> ColumnsQuery:
    """The close of the last stored minute within each bar.

    Columns: opening time of the bar, price (quote currency; empty without a minute).

    Args:
        table: `candles` or `mark_candles`.
        exchange: venue id.
        symbol: canonical symbol.
        length_ms: of a bar.
        start_ms: opening of the first bar.
        end_ms: end of the last one; after `start_ms`.
    """
    row = _BARS[table].c
    begins = _bar_starts(length_ms, start_ms, end_ms)
    last = (
        sa.select(row.close)
        .where(row.exchange == exchange, row.symbol == symbol)
        .where(row.interval == Interval.M1.value, row.is_closed.is_(sa.true()))
        .where(row.timestamp_ms >= begins.c.t, row.timestamp_ms < begins.c.t + length_ms)
        .order_by(row.timestamp_ms.desc())
        .limit(1)
        .scalar_subquery()
    )
    return ColumnsQuery(sa.select(begins.c.t, last).order_by(begins.c.t))


def minutes(exchange: str, symbol: str, start_ms: int, end_ms: int) -> ColumnsQuery:
    """Stored minutes as they are.

    Columns: opening time (ms), open, high, low, close (quote currency), volume (base units); oldest
    first. Arguments as `traded_steps`.
    """
    bar = CANDLES.c
    statement = (
        sa.select(bar.timestamp_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        .where(*_series(CANDLES, exchange, symbol, Interval.M1, start_ms, end_ms))
        .order_by(bar.timestamp_ms)
    )
    return ColumnsQuery(statement)


def liquidated(
    symbol: str, exchanges: Sequence[str], start_ms: int, end_ms: int, most: int
) -> ColumnsQuery:
    """The newest liquidations of a span.

    Columns: time (ms), place of the venue in `exchanges`, 1 for a liquidated long and 0 for a
    short, price (quote currency), value (USD), 1 when it came by a throttled feed; newest first.

    Args:
        symbol: canonical symbol.
        exchanges: venue ids.
        start_ms: earliest time, inclusive.
        end_ms: times are before this.
        most: rows.
    """
    row = LIQUIDATIONS.c
    places = {name: place for place, name in enumerate(exchanges)}
    statement = (
        sa.select(
            row.timestamp_ms,
            sa.case(places, value=row.exchange, else_=-1),
            sa.case((row.position_side == PositionSide.LONG.value, 1), else_=0),
            row.price,
            row.value,
            sa.case((row.is_floor.is_(sa.true()), 1), else_=0),
        )
        .where(row.symbol == symbol, row.exchange.in_(list(exchanges)))
        .where(row.timestamp_ms >= start_ms, row.timestamp_ms < end_ms)
        .order_by(row.timestamp_ms.desc(), row.exchange, row.side, row.price, row.quantity)
        .limit(most)
    )
    return ColumnsQuery(statement)


def _stored(
    table: sa.Table,
    exchange: str,
    symbol: str,
    interval: Interval,
    start_ms: int,
    end_ms: int,
    *wanted: "sa.ColumnElement[Any]",
) -> ColumnsQuery:
    row = table.c
    statement = (
        sa.select(row.timestamp_ms, *wanted, row.close)
        .where(*_series(table, exchange, symbol, interval, start_ms, end_ms))
        .order_by(row.timestamp_ms)
    )
    return ColumnsQuery(statement)


def _folded(
    table: sa.Table,
    exchange: str,
    symbol: str,
    step_ms: int,
    start_ms: int,
    end_ms: int,
    *wanted: "sa.ColumnElement[Any]",
) -> ColumnsQuery:
    time = table.c.timestamp_ms
    # A literal: PostgreSQL takes two parameters for two different expressions.
    step = (time - time % sa.literal_column(str(int(step_ms)))).label("step")
    statement = (
        sa.select(step, *wanted)
        .where(*_series(table, exchange, symbol, Interval.M1, start_ms, end_ms))
        .group_by(step)
        .order_by(step)
    )
    return ColumnsQuery(statement)


def _series(
    table: sa.Table, exchange: str, symbol: str, interval: Interval, start_ms: int, end_ms: int
) -> "list[sa.ColumnElement[bool]]":
    """Closed bars of one series that open in a span."""
    row = table.c
    return [
        row.exchange == exchange,
        row.symbol == symbol,
        row.interval == interval.value,
        row.timestamp_ms >= start_ms,
        row.timestamp_ms < end_ms,
        row.is_closed.is_(sa.true()),
    ]


def _bar_starts(length_ms: int, start_ms: int, end_ms: int) -> sa.CTE:
    """The openings of bars of one length, as a table of one column `t`."""
    first = sa.select(sa.cast(sa.literal(start_ms), sa.BigInteger).label("t"))
    begins = first.cte("bar_starts", recursive=True)
    following = begins.c.t + length_ms
    return begins.union_all(sa.select(following).where(following < end_ms))
