"""Whole tables, or parts of them, as CSV, JSON, NDJSON and Parquet, a page at a time.

A row has the fields of its record; times are ms since the epoch. Rows go series by series, each in
the order of time, because that is how they lie on the disk: each page begins behind the last key of
the one before, so a table of any size is walked through once, in bounded memory. A page is one
state of the database; rows that are added meanwhile may or may not be there, none is there twice.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import msgspec
import polars as pl
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.core.errors import RequestError, StorageError
from headwater.core.records import (
    Candle,
    FundingRate,
    Gap,
    LargeTrade,
    Liquidation,
    MarkCandle,
    OpenInterest,
    Trade,
)
from headwater.storage.backfills import Backfilled
from headwater.storage.base import Query, Row
from headwater.storage.forecasts import StoredForecast
from headwater.storage.live_spells import LiveSpell
from headwater.storage.parquet_layout import Layout
from headwater.storage.tables import TABLES

PAGE_ROWS: Final = 5_000
"""Rows that are read and written at a time."""

COPY_BYTES: Final = 256 * 1024
"""Bytes of a finished file that are handed on at a time."""


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"


MEDIA_TYPES: Final[Mapping[ExportFormat, str]] = MappingProxyType(
    {
        ExportFormat.CSV: "text/csv; charset=utf-8",
        ExportFormat.JSON: "application/json",
        ExportFormat.NDJSON: "application/x-ndjson",
        ExportFormat.PARQUET: "application/vnd.apache.parquet",
    }
)
"""What HTTP calls each format."""


class ExportQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is exported.

    Attributes:
        table: of which table.
        exchange: venue id, None for all.
        symbol: canonical symbol, None for all.
        interval: length of candles, None for all; other tables have none.
        start_ms: earliest time, inclusive, None for the beginning. The time of a table is the one
            it is kept by: of a settlement that of the settlement, of a forecast that of its issue.
        end_ms: first time that is not wanted any more, None for the end.
    """

    table: StoredTable
    exchange: str | None = None
    symbol: str | None = None
    interval: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None


class StoredTrade(Trade, frozen=True, kw_only=True, gc=False):
    """A trade as it is exported: large ones and others have the same fields.

    Attributes:
        is_large: whether it reached the threshold of large trades when it was heard.
    """

    is_large: bool


_ROWS: Final[Mapping[StoredTable, type[Any]]] = MappingProxyType(
    {
        StoredTable.CANDLES: Candle,
        StoredTable.MARK_CANDLES: MarkCandle,
        StoredTable.TRADES: StoredTrade,
        StoredTable.LIQUIDATIONS: Liquidation,
        StoredTable.FUNDING_RATES: FundingRate,
        StoredTable.OPEN_INTEREST: OpenInterest,
        StoredTable.GAPS: Gap,
        StoredTable.FORECASTS: StoredForecast,
        StoredTable.LIVE_SPELLS: LiveSpell,
        StoredTable.BACKFILLS: Backfilled,
    }
)


EXPORTED: Final = tuple(_ROWS)
"""The tables that can be exported: those of the market and of what was said of it."""


def fields_of(table: StoredTable) -> tuple[str, ...]:
    """The columns of an export.

    Raises:
        RequestError: the table is none that is exported.
    """
    return tuple(_row_type(table).__struct_fields__)


def layout_of_table(table: StoredTable) -> Layout:
    """The columns of an export as Parquet.

    Raises:
        RequestError: the table is none that is exported.
    """
    return Layout(_row_type(table))


def _row_type(table: StoredTable) -> type[Any]:
    try:
        return _ROWS[table]
    except KeyError:
        raise RequestError("table", table.value, f"one of {', '.join(EXPORTED)}") from None


def page_of(query: ExportQuery, after: Row | None, rows: int = PAGE_ROWS) -> Query[Any]:
    """The next rows of an export.

    Args:
        query: what is exported.
        after: key of the last row so far (`key_of`), None for the first page.
        rows: most rows.

    Raises:
        RequestError: an interval of a table that has none, or the table is none that is exported.
    """
    _row_type(query.table)
    spec = TABLES[query.table]
    columns = spec.table.c
    if query.interval is not None and "interval" not in columns:
        raise RequestError("interval", query.interval, "left out: only candles have one")
    conditions: list[sa.ColumnElement[bool]] = []
    for name in ("exchange", "symbol", "interval"):
        value = getattr(query, name)
        if value is not None:
            conditions.append(columns[name] == value)
    if query.end_ms is not None:
        conditions.append(spec.time < query.end_ms)
    key = [columns[name] for name in spec.key]
    if after is None:
        if query.start_ms is not None:
            conditions.append(spec.time >= query.start_ms)
    else:
        conditions += _behind(query, after)
    statement = sa.select(*columns).where(*conditions).order_by(*key).limit(rows)
    return Query(statement, spec.record_of)


def _behind(query: ExportQuery, after: Row) -> "list[sa.ColumnElement[bool]]":
    """That a row comes behind a key: written so that the database looks it up in its index.

    What the query fixes is left out of the comparison, and so is an earliest time that the key
    has passed: either would make the database begin each page at the beginning.
    """
    spec = TABLES[query.table]
    rest = list(zip(spec.key, after, strict=True))
    while getattr(query, rest[0][0], None) is not None:
        rest.pop(0)
    names = [spec.table.c[name] for name, _ in rest]
    values = [sa.literal(value, spec.table.c[name].type) for name, value in rest]
    found: list[sa.ColumnElement[bool]] = [sa.tuple_(*names) > sa.tuple_(*values)]
    if query.start_ms is not None and names[0] is not spec.time:
        found.append(spec.time >= query.start_ms)
    return found


def key_of(table: StoredTable, record: Any) -> Row:
    """The key of a row, behind which the next page begins."""
    spec = TABLES[table]
    row = dict(zip(spec.columns, spec.row_of(record), strict=True))
    return tuple(row[name] for name in spec.key)


def rows_of(records: Iterable[Any]) -> list[Any]:
    """Records as rows of an export: all of one class."""
    return [_trade_row(one) if isinstance(one, Trade) else one for one in records]


def _trade_row(trade: Trade) -> StoredTrade:
    return StoredTrade(
        *(getattr(trade, name) for name in Trade.__struct_fields__),
        is_large=isinstance(trade, LargeTrade),
    )


class RowText:
    """Writes rows as CSV, JSON or NDJSON; the pieces put together are the file.

    Args:
        columns: names of the columns, for a CSV.
        row_format: which of them; not Parquet.
    """

    def __init__(self, columns: Sequence[str], row_format: ExportFormat) -> None:
        assert row_format is not ExportFormat.PARQUET
        self._columns = columns
        self._format = row_format
        self._encoder = msgspec.json.Encoder()
        self._begun = False

    def begin(self) -> bytes:
        """What comes before the first row."""
        if self._format is ExportFormat.CSV:
            return _csv_lines([self._columns])
        return b"[" if self._format is ExportFormat.JSON else b""

    def page(self, rows: Sequence[Any]) -> bytes:
        """Some rows."""
        if not rows:
            return b""
        if self._format is ExportFormat.CSV:
            names = self._columns
            return _csv_lines([self._cell(getattr(row, n)) for n in names] for row in rows)
        lines = [self._encoder.encode(row) for row in rows]
        if self._format is ExportFormat.NDJSON:
            return b"\n".join(lines) + b"\n"
        before = b",\n" if self._begun else b"\n"
        self._begun = True
        return before + b",\n".join(lines)

    def end(self) -> bytes:
        """What comes behind the last row."""
        return b"\n]\n" if self._format is ExportFormat.JSON else b""

    def _cell(self, value: object) -> str:
        """The text that JSON has for a value, without quotes; nothing for null."""
        if value is None:
            return ""
        if isinstance(value, str):
            return str(value)
        return self._encoder.encode(value).decode()


class ParquetPages:
    """Makes one file of Parquet of many pages: each is laid aside, then they are put together.

    Args:
        folder: an empty one for this export alone.
        layout: the columns.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder = folder
        self._layout = layout
        self._pages: list[Path] = []

    def add(self, rows: Sequence[Any]) -> None:
        """Lays a page aside.

        Raises:
            StorageError: the disk does not take it.
        """
        page = self._folder / f"page-{len(self._pages):08d}.parquet"
        try:
            self._layout.frame(rows).write_parquet(page, compression="lz4")
        except OSError as error:
            raise StorageError(str(page), error.strerror or str(error)) from error
        self._pages.append(page)

    def finish(self) -> Path:
        """Puts the pages together; returns the file.

        Raises:
            StorageError: the disk does not take it.
        """
        whole = self._folder / "whole.parquet"
        try:
            if self._pages:
                lazy = pl.scan_parquet(self._pages, glob=False, hive_partitioning=False)
                lazy.sink_parquet(whole, compression="zstd", maintain_order=True)
            else:
                self._layout.frame([]).write_parquet(whole, compression="zstd")
            for page in self._pages:
                page.unlink()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StorageError(str(whole), str(error)) from error
        return whole


def write_pages(
    pages: Iterable[Sequence[Any]],
    table: StoredTable,
    row_format: ExportFormat,
    target: BinaryIO,
    folder: Path,
    tell: Callable[[int], None],
) -> int:
    """Writes an export to an open file.

    Args:
        pages: the records.
        table: of which table.
        row_format: how.
        target: where to.
        folder: an empty one, for Parquet.
        tell: hears the rows so far, after each page.

    Returns:
        Rows written.

    Raises:
        OSError: the file cannot be written.
        StorageError: a page cannot be read, or the folder not be written.
    """
    written = 0
    if row_format is ExportFormat.PARQUET:
        parquet = ParquetPages(folder, layout_of_table(table))
        for page in pages:
            parquet.add(rows_of(page))
            written += len(page)
            tell(written)
        for piece in pieces_of(parquet.finish()):
            target.write(piece)
        return written
    text = RowText(fields_of(table), row_format)
    target.write(text.begin())
    for page in pages:
        target.write(text.page(rows_of(page)))
        written += len(page)
        tell(written)
    target.write(text.end())
    return written


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(COPY_BYTES):
            yield piece


def _csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
