"""Trades in the database: one row per trade of a venue; large ones are marked.

A venue's id is a number or a text; it is stored as text beside a flag that says which, so that the
same record comes back.
"""

from typing import Any, Final

import sqlalchemy as sa

from headwater.core.enums import Side, StoredTable
from headwater.core.records import LargeTrade, Trade
from headwater.storage.base import Columns, Query, Row, Span, TableSpec
from headwater.storage.schema import TRADES


def row_of(trade: Trade) -> Row:
    """The row of a trade."""
    trade_id = trade.trade_id
    return (
        trade.exchange,
        trade.symbol,
        trade.timestamp_ms,
        str(trade_id),
        trade_id.__class__ is int,
        trade.native_symbol,
        trade.received_ns,
        trade.side.value,
        trade.price,
        trade.quantity,
        trade.value,
        trade.sequence,
        trade.__class__ is LargeTrade,
    )


def record_of(row: "sa.Row[Any]") -> Trade:
    """The trade of a row, a `LargeTrade` when it is marked as one."""
    side = Side(row.side)
    trade_id = int(row.trade_id) if row.trade_id_is_number else row.trade_id
    if row.is_large:
        return LargeTrade(
            exchange=row.exchange,
            symbol=row.symbol,
            native_symbol=row.native_symbol,
            timestamp_ms=row.timestamp_ms,
            received_ns=row.received_ns,
            side=side,
            price=row.price,
            quantity=row.quantity,
            value=row.value,
            trade_id=trade_id,
            sequence=row.sequence,
            is_buyer_maker=side is Side.SELL,
        )
    return Trade(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.timestamp_ms,
        received_ns=row.received_ns,
        side=side,
        price=row.price,
        quantity=row.quantity,
        value=row.value,
        trade_id=trade_id,
        sequence=row.sequence,
    )


def _replaces(stored: Columns, new: Columns) -> "sa.ColumnElement[bool]":
    """Only the mark can be news: a trade does not change."""
    return sa.and_(new.is_large, sa.not_(stored.is_large))


SPEC: Final = TableSpec(
    name=StoredTable.TRADES,
    table=TRADES,
    time_column="timestamp_ms",
    row_of=row_of,
    record_of=record_of,
    replaces=_replaces,
)
"""How trades are stored."""


def between(exchange: str, symbol: str, span: Span, *, large_only: bool = False) -> Query[Trade]:
    """Trades of one symbol by time, or only those that are marked as large."""
    conditions = [TRADES.c.exchange == exchange, TRADES.c.symbol == symbol]
    if large_only:
        conditions.append(TRADES.c.is_large)
    return Query(span.of(SPEC, *conditions), record_of)
