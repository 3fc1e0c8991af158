"""Forecasts in the database: what a model said, kept as it was said.

Rows are added and never changed or deleted (triggers refuse both), so that a model is judged by
what it really said. They belong to the durable class: acknowledged when they are on the disk.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.storage.base import Query, Row, Span, TableSpec
from headwater.storage.schema import FORECASTS

_DOUBLE_BYTES: Final = 8


class StoredForecast(msgspec.Struct, frozen=True, kw_only=True):
    """A forecast of where positions will be liquidated, on a grid of cells around the price.

    Cell `j` of a side lies between `j` and `j + 1` cell widths from the price: longs below it,
    shorts above it.

    Attributes:
        model: name of the model.
        version: of the model; changed parameters are another version.
        exchange: venue id, or `all` when it speaks of several.
        symbol: canonical symbol.
        issued_ms: when it was said, ms since the epoch, UTC.
        horizon_ms: for how long after that, > 0.
        parameters: the model's parameters, as JSON text.
        price: at that time, quote currency, > 0.
        cell_width_share: width of a cell as a share of the price (0.001 = 0.1 %).
        long_mass: per cell the weight of longs, ≥ 0, in the model's unit (USD where it has one).
        short_mass: the same of shorts.
    """

    model: str
    version: str
    exchange: str
    symbol: str
    issued_ms: int
    horizon_ms: int
    parameters: str
    price: float
    cell_width_share: float
    long_mass: tuple[float, ...]
    short_mass: tuple[float, ...]


class ForecastSeries(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one version of a model for one symbol and horizon.

    Attributes:
        model: name of the model.
        version: of the model.
        exchange: venue id, or `all`.
        symbol: canonical symbol.
        horizon_ms: for how long each forecast speaks.
        count: forecasts.
        first_issued_ms: time of issue of the first one, ms since the epoch, UTC.
        last_issued_ms: of the last one.
    """

    model: str
    version: str
    exchange: str
    symbol: str
    horizon_ms: int
    count: int
    first_issued_ms: int
    last_issued_ms: int


def row_of(forecast: StoredForecast) -> Row:
    """The row of a forecast."""
    return (
        forecast.model,
        forecast.version,
        forecast.exchange,
        forecast.symbol,
        forecast.horizon_ms,
        forecast.issued_ms,
        forecast.parameters,
        forecast.price,
        forecast.cell_width_share,
        _packed(forecast.long_mass),
        _packed(forecast.short_mass),
    )


def record_of(row: "sa.Row[Any]") -> StoredForecast:
    """The forecast of a row."""
    return StoredForecast(
        model=row.model,
        version=row.version,
        exchange=row.exchange,
        symbol=row.symbol,
        issued_ms=row.issued_ms,
        horizon_ms=row.horizon_ms,
        parameters=row.parameters,
        price=row.price,
        cell_width_share=row.cell_width_share,
        long_mass=_unpacked(row.long_mass),
        short_mass=_unpacked(row.short_mass),
    )


SPEC: Final = TableSpec(
    name=StoredTable.FORECASTS,
    table=FORECASTS,
    time_column="issued_ms",
    row_of=row_of,
    record_of=record_of,
    append_only=True,
)
"""How forecasts are stored: the first of a key stays."""


def between(
    model: str,
    version: str,
    exchange: str,
    symbol: str,
    span: Span,
    *,
    horizon_ms: int | None = None,
) -> Query[StoredForecast]:
    """Forecasts of one version of a model by the time of issue, of one horizon or of all."""
    conditions = [
        FORECASTS.c.model == model,
        FORECASTS.c.version == version,
        FORECASTS.c.exchange == exchange,
        FORECASTS.c.symbol == symbol,
    ]
    if horizon_ms is not None:
        conditions.append(FORECASTS.c.horizon_ms == horizon_ms)
    return Query(span.of(SPEC, *conditions), record_of)


def series(symbol: str | None = None) -> Query[ForecastSeries]:
    """Which forecasts there are, one answer per model, version, venues, symbol and horizon.

    Args:
        symbol: canonical symbol, None for all.
    """
    named = [FORECASTS.c[name] for name in SPEC.series]
    statement = (
        sa.select(
            *named,
            sa.func.count().label("forecasts"),
            sa.func.min(FORECASTS.c.issued_ms).label("first_ms"),
            sa.func.max(FORECASTS.c.issued_ms).label("last_ms"),
        )
        .where(*([] if symbol is None else [FORECASTS.c.symbol == symbol]))
        .group_by(*named)
        .order_by(*named)
    )
    return Query(statement, _series_of)


def _series_of(row: "sa.Row[Any]") -> ForecastSeries:
    return ForecastSeries(
        model=row.model,
        version=row.version,
        exchange=row.exchange,
        symbol=row.symbol,
        horizon_ms=row.horizon_ms,
        count=row.forecasts,
        first_issued_ms=row.first_ms,
        last_issued_ms=row.last_ms,
    )


def _packed(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def _unpacked(data: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(data) // _DOUBLE_BYTES}d", data)
