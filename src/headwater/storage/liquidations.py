"""Liquidations in the database, and their volume per bucket of time, summed by the database."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import PositionSide, PriceKind, Side, StoredTable
from headwater.core.errors import RequestError
from headwater.core.numbers import finite
from headwater.core.records import Liquidation
from headwater.storage.base import LIMIT_MAX, Query, Row, Span, TableSpec
from headwater.storage.schema import LIQUIDATIONS


class LiquidationSum(msgspec.Struct, frozen=True, kw_only=True):
    """What was liquidated in one bucket of time, on one side.

    Attributes:
        opened_at_ms: beginning of the bucket, a whole multiple of its length since the epoch, UTC.
        side: side of the closing orders (buy: shorts were closed).
        value: sum, USD.
        quantity: sum, base units; says something for one symbol only.
        count: number of liquidations.
        is_floor: true when any of them came by a throttled stream: the sums are a lower bound.
    """

    opened_at_ms: int
    side: Side
    value: float
    quantity: float
    count: int
    is_floor: bool


class LiquidationFeedSum(msgspec.Struct, frozen=True, kw_only=True):
    """What one venue told of one symbol.

    Attributes:
        exchange: venue id.
        count: liquidations.
        value: sum, USD.
        is_floor: true when any of them came by a throttled stream: the sum is a lower bound.
    """

    exchange: str
    count: int
    value: float
    is_floor: bool


def row_of(liquidation: Liquidation) -> Row:
    """The row of a liquidation.

    Raises:
        ValueError: a number is not finite: one such row would spoil every sum that it is in.
    """
    return (
        liquidation.exchange,
        liquidation.symbol,
        liquidation.timestamp_ms,
        liquidation.side.value,
        finite(liquidation.price),
        finite(liquidation.quantity),
        liquidation.order_id or "",
        liquidation.native_symbol,
        liquidation.received_ns,
        liquidation.position_side.value,
        finite(liquidation.value),
        liquidation.price_kind.value,
        liquidation.is_floor,
        liquidation.order_price,
    )


def record_of(row: "sa.Row[Any]") -> Liquidation:
    """The liquidation of a row."""
    return Liquidation(
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        timestamp_ms=row.timestamp_ms,
        received_ns=row.received_ns,
        side=Side(row.side),
        position_side=PositionSide(row.position_side),
        price=row.price,
        quantity=row.quantity,
        value=row.value,
        price_kind=PriceKind(row.price_kind),
        order_id=row.order_id or None,
        is_floor=row.is_floor,
        order_price=row.order_price,
    )


SPEC: Final = TableSpec(
    name=StoredTable.LIQUIDATIONS,
    table=LIQUIDATIONS,
    time_column="timestamp_ms",
    row_of=row_of,
    record_of=record_of,
)
"""How liquidations are stored: the first of the same key stays."""


def between(
    span: Span,
    *,
    symbol: str | None = None,
    exchanges: Sequence[str] | None = None,
    value_min_usd: float = 0.0,
) -> Query[Liquidation]:
    """Liquidations by time.

    Args:
        span: when, how many and in what order.
        symbol: canonical symbol, None for all.
        exchanges: venue ids, None for all.
        value_min_usd: least value of each.
    """
    conditions = _chosen(symbol, exchanges)
    if value_min_usd > 0:
        conditions.append(LIQUIDATIONS.c.value >= value_min_usd)
    return Query(span.of(SPEC, *conditions), record_of)


def largest(
    span: Span,
    *,
    symbols: Sequence[str],
    exchanges: Sequence[str],
    value_min_usd: float = 0.0,
) -> Query[Liquidation]:
    """Liquidations by value, the largest first; of equal ones the newest first.

    Venues and symbols are always named: the key begins with them, so that the database reads the
    span of each and not the whole table.

    Args:
        span: when and how many; its order has no meaning.
        symbols: canonical symbols.
        exchanges: venue ids.
        value_min_usd: least value of each.

    Raises:
        RequestError: the limit is out of its range.
    """
    columns = LIQUIDATIONS.c
    conditions = _chosen(None, exchanges)
    conditions.append(columns.symbol.in_(list(symbols)))
    if value_min_usd > 0:
        conditions.append(columns.value >= value_min_usd)
    newest = msgspec.structs.replace(span, newest_first=True).of(SPEC, *conditions)
    ties = (columns.timestamp_ms, *(columns[name] for name in SPEC.key if name != "timestamp_ms"))
    order = (columns.value, *ties)
    return Query(newest.order_by(None).order_by(*(one.desc() for one in order)), record_of)


def first_time(symbol: str) -> Query[int | None]:
    """When the earliest stored liquidation of a symbol was, ms; None without any."""
    first = sa.func.min(LIQUIDATIONS.c.timestamp_ms).label("first_ms")
    return Query(sa.select(first).where(LIQUIDATIONS.c.symbol == symbol), _first_of)


def volume(
    span: Span,
    bucket_ms: int,
    *,
    symbol: str | None = None,
    exchanges: Sequence[str] | None = None,
) -> Query[LiquidationSum]:
    """Liquidated volume per bucket of time and side; buckets in which nothing was are left out.

    Args:
        span: when; its limit counts answers, of which a bucket has at most two. A bucket that the
            span cuts has only what lies in the span.
        bucket_ms: length of a bucket, ≥ 1.
        symbol: canonical symbol, None for all.
        exchanges: venue ids, None for all.

    Raises:
        RequestError: the length or the limit is out of its range.
    """
    if bucket_ms < 1:
        raise RequestError("bucket_ms", bucket_ms, "at least 1")
    if not 1 <= span.limit <= LIMIT_MAX:
        raise RequestError("limit", span.limit, f"1 to {LIMIT_MAX}")
    time = LIQUIDATIONS.c.timestamp_ms
    opened = (time - time % bucket_ms).label("opened_at_ms")
    statement = (
        sa.select(
            opened,
            LIQUIDATIONS.c.side,
            sa.func.sum(LIQUIDATIONS.c.value).label("value"),
            sa.func.sum(LIQUIDATIONS.c.quantity).label("quantity"),
            sa.func.count().label("liquidations"),
            # SQLite has no maximum of flags, PostgreSQL none either: count the ones that are set.
            sa.func.sum(sa.case((LIQUIDATIONS.c.is_floor, 1), else_=0)).label("floors"),
        )
        .where(*_chosen(symbol, exchanges), *span.bounds(time))
        .group_by(opened, LIQUIDATIONS.c.side)
        .order_by(opened.desc() if span.newest_first else opened, LIQUIDATIONS.c.side)
        .limit(span.limit)
    )
    return Query(statement, _volume_of)


def by_exchange(symbol: str, span: Span) -> Query[LiquidationFeedSum]:
    """What each venue told of a symbol, the largest sum first; the span's limit has no meaning."""
    value = sa.func.sum(LIQUIDATIONS.c.value)
    statement = (
        sa.select(
            LIQUIDATIONS.c.exchange,
            sa.func.count().label("liquidations"),
            value.label("value"),
            sa.func.sum(sa.case((LIQUIDATIONS.c.is_floor, 1), else_=0)).label("floors"),
        )
        .where(LIQUIDATIONS.c.symbol == symbol, *span.bounds(LIQUIDATIONS.c.timestamp_ms))
        .group_by(LIQUIDATIONS.c.exchange)
        .order_by(value.desc(), LIQUIDATIONS.c.exchange)
    )
    return Query(statement, _feed_of)


def _first_of(row: "sa.Row[Any]") -> int | None:
    first_ms: int | None = row.first_ms
    return first_ms


def _feed_of(row: "sa.Row[Any]") -> LiquidationFeedSum:
    return LiquidationFeedSum(
        exchange=row.exchange,
        count=row.liquidations,
        value=row.value,
        is_floor=row.floors > 0,
    )


def _chosen(symbol: str | None, exchanges: Sequence[str] | None) -> "list[sa.ColumnElement[bool]]":
    conditions: list[sa.ColumnElement[bool]] = []
    if symbol is not None:
        conditions.append(LIQUIDATIONS.c.symbol == symbol)
    if exchanges is not None:
        conditions.append(LIQUIDATIONS.c.exchange.in_(list(exchanges)))
    return conditions


def _volume_of(row: "sa.Row[Any]") -> LiquidationSum:
    return LiquidationSum(
        opened_at_ms=row.opened_at_ms,
        side=Side(row.side),
        value=row.value,
        quantity=row.quantity,
        count=row.liquidations,
        is_floor=row.floors > 0,
    )
