"""Exports on either database: every row once, in the order of its key, alike in each format."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from tests.storage.samples import (
    T0,
    candle,
    fetch,
    forecast,
    large,
    liquidation,
    one_of_each,
    store,
    trade,
)

from headwater.core.enums import StoredTable
from headwater.core.errors import RequestError, StorageError
from headwater.core.intervals import Interval
from headwater.core.records import LargeTrade
from headwater.storage.base import Database
from headwater.storage.exporting import (
    EXPORTED,
    ExportFormat,
    ExportQuery,
    ParquetPages,
    StoredTrade,
    fields_of,
    key_of,
    layout_of_table,
    page_of,
    rows_of,
    write_pages,
)
from headwater.storage.sessions import ReadSession
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade


def pages(database: Database, query: ExportQuery, rows: int) -> Iterator[Sequence[Any]]:
    after = None
    while True:
        page = fetch(database, page_of(query, after, rows))
        if page:
            yield page
        if len(page) < rows:
            return
        after = key_of(query.table, page[-1])


def exported(
    database: Database, query: ExportQuery, how: ExportFormat, folder: Path, rows: int = 2
) -> bytes:
    target = io.BytesIO()
    place = folder / how.value
    place.mkdir(parents=True)
    write_pages(pages(database, query, rows), query.table, how, target, place, lambda _: None)
    return target.getvalue()


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_pages_have_every_row_once_in_the_order_of_the_key(database: Database, rows: int) -> None:
    stored = [
        liquidation(T0 + at, symbol=symbol, exchange=exchange, price=price)
        for at in (0, 5)
        for symbol in ("BTCUSDT", "ETHUSDT")
        for exchange in ("okx", "bybit")
        for price in (99.5, 100.0)
    ]
    store(database, stored)
    query = ExportQuery(table=StoredTable.LIQUIDATIONS)
    found = [row for page in pages(database, query, rows) for row in page]
    assert found == sorted(
        stored, key=lambda one: (one.exchange, one.symbol, one.timestamp_ms, one.price)
    )
    narrow = msgspec.structs.replace(
        query, exchange="okx", symbol="ETHUSDT", start_ms=T0 + 5, end_ms=T0 + 6
    )
    found = [row for page in pages(database, narrow, rows) for row in page]
    assert [(one.exchange, one.symbol, one.timestamp_ms) for one in found] == [
        ("okx", "ETHUSDT", T0 + 5)
    ] * 2


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"exchange": "okx"},
        {"symbol": "BTCUSDT"},
        {"exchange": "okx", "symbol": "BTCUSDT"},
        {"start_ms": T0 + 3},
        {"exchange": "okx", "symbol": "BTCUSDT", "start_ms": T0 + 3},
        {"exchange": "okx", "start_ms": T0 + 3, "end_ms": T0 + 8},
    ],
)
def test_every_choice_gives_all_its_rows(database: Database, wanted: dict[str, Any]) -> None:
    stored = [trade(number, at_ms=T0 + number // 2) for number in range(20)]
    rows = [
        msgspec.structs.replace(one, exchange=exchange, symbol=symbol)
        for one in stored
        for exchange in ("bybit", "okx")
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    store(database, rows)
    query = ExportQuery(table=StoredTable.TRADES, **wanted)
    found = [row for page in pages(database, query, 7) for row in page]
    chosen = [
        row
        for row in rows
        if row.exchange == wanted.get("exchange", row.exchange)
        and row.symbol == wanted.get("symbol", row.symbol)
        and wanted.get("start_ms", 0) <= row.timestamp_ms < wanted.get("end_ms", 2**60)
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, chosen))
    series = [(row.exchange, row.symbol, row.timestamp_ms) for row in found]
    assert series == sorted(series)


def test_a_page_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    """SQLite looks the key up instead of walking there: its plan names no other condition."""
    database = SqliteDatabase(tmp_path / "made.sqlite3")
    with database.claim():
        upgrade(database)
    after = key_of(StoredTable.TRADES, trade(1))
    for wanted, found in (
        ({}, "(exchange,symbol,timestamp_ms,trade_id)>(?,?,?,?)"),
        ({"exchange": "binance"}, "exchange=? AND (symbol,timestamp_ms,trade_id)>(?,?,?)"),
        (
            {"exchange": "binance", "symbol": "BTCUSDT", "start_ms": 5},
            "exchange=? AND symbol=? AND (timestamp_ms,trade_id)>(?,?)",
        ),
    ):
        query = page_of(ExportQuery(table=StoredTable.TRADES, **wanted), after)
        with ReadSession(database) as session:
            text = str(
                query.statement.compile(
                    session.connection.engine, compile_kwargs={"literal_binds": True}
                )
            )
            with session.connection.begin():
                plan = session.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
        assert len(plan) == 1, plan
        assert f"SEARCH trades USING PRIMARY KEY ({found})" in plan[0][3]


@pytest.mark.parametrize("table", EXPORTED)
def test_all_formats_of_a_table_say_the_same(
    database: Database, tmp_path: Path, table: StoredTable
) -> None:
    """Of numbers the text of the CSV is that of the JSON, letter by letter."""
    store(database, [*one_of_each(), candle(T0 + 60_000, quote_volume=1e22, built_from=None)])
    query = ExportQuery(table=table)
    how = {one: exported(database, query, one, tmp_path) for one in ExportFormat}
    rows = msgspec.json.decode(how[ExportFormat.JSON])
    assert rows
    assert [msgspec.json.decode(line) for line in how[ExportFormat.NDJSON].splitlines()] == rows
    header, *cells = csv.reader(io.StringIO(how[ExportFormat.CSV].decode(), newline=""))
    assert tuple(header) == fields_of(table)
    for row, line in zip(rows, cells, strict=True):
        assert list(row) == header
        for value, cell in zip(row.values(), line, strict=True):
            wanted = "" if value is None else value
            assert cell == (
                wanted if isinstance(wanted, str) else msgspec.json.encode(value).decode()
            )
    layout = layout_of_table(table)
    found = layout.rows(pl.read_parquet(io.BytesIO(how[ExportFormat.PARQUET])))
    assert found == rows_of(fetch(database, page_of(query, None)))


def test_an_empty_export_is_a_whole_file(database: Database, tmp_path: Path) -> None:
    query = ExportQuery(table=StoredTable.GAPS, symbol="NOTHING")
    how = {one: exported(database, query, one, tmp_path) for one in ExportFormat}
    assert msgspec.json.decode(how[ExportFormat.JSON]) == []
    assert how[ExportFormat.NDJSON] == b""
    assert how[ExportFormat.CSV].decode().strip() == ",".join(fields_of(StoredTable.GAPS))
    assert pl.read_parquet(io.BytesIO(how[ExportFormat.PARQUET])).columns == list(
        fields_of(StoredTable.GAPS)
    )


def test_texts_are_quoted_and_lists_are_json(database: Database, tmp_path: Path) -> None:
    odd = 'a "quoted", text\nof two lines; =1+1'
    store(database, [forecast(parameters=odd)])
    text = exported(database, ExportQuery(table=StoredTable.FORECASTS), ExportFormat.CSV, tmp_path)
    (row,) = csv.DictReader(io.StringIO(text.decode(), newline=""))
    assert row["parameters"] == odd
    assert msgspec.json.decode(row["long_mass"]) == [0.1, 0.2, 1e300]


def test_trades_have_one_set_of_columns(database: Database) -> None:
    store(database, [trade(1), large(trade(2))])
    rows = rows_of(fetch(database, page_of(ExportQuery(table=StoredTable.TRADES), None)))
    assert [(type(row), row.is_large, row.trade_id) for row in rows] == [
        (StoredTrade, False, 1),
        (StoredTrade, True, 2),
    ]
    assert not any(isinstance(row, LargeTrade) for row in rows)


def test_candles_of_one_interval(database: Database) -> None:
    store(database, [candle(), candle(interval=Interval.H1)])
    query = ExportQuery(table=StoredTable.CANDLES, interval="1h")
    assert [one.interval for one in fetch(database, page_of(query, None))] == [Interval.H1]
    with pytest.raises(RequestError, match="interval"):
        page_of(ExportQuery(table=StoredTable.GAPS, interval="1h"), None)


def test_a_disk_that_does_not_take_pages_is_an_error(tmp_path: Path) -> None:
    pages = ParquetPages(tmp_path / "not there", layout_of_table(StoredTable.TRADES))
    with pytest.raises(StorageError):
        pages.add(rows_of([trade(1)]))
    with pytest.raises(StorageError):
        pages.finish()


@pytest.mark.parametrize("table", sorted(set(StoredTable) - set(EXPORTED)))
def test_a_table_that_is_not_of_the_market_is_refused_by_name(table: StoredTable) -> None:
    for ask in (
        lambda: page_of(ExportQuery(table=table), None),
        lambda: fields_of(table),
        lambda: layout_of_table(table),
    ):
        with pytest.raises(RequestError, match=table.value):
            ask()
