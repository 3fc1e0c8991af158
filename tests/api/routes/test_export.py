"""Exports over HTTP, from a real database."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from starlette.types import Message
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables
from tests.storage.samples import T0, candle, large, liquidation, trade

from headwater.api.routes.export import ExportResponse
from headwater.core.clock import ManualClock
from headwater.core.enums import StoredTable
from headwater.services.table_export import EXPORTS_MAX
from headwater.storage.exporting import ExportFormat, ExportQuery
from headwater.storage.store import Store


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Platform]:
    """Ten trades, five candles and a liquidation of a venue that is not connected."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        for number in range(10):
            made = trade(number, at_ms=T0 + number * 1000)
            store.put(large(made) if number == 4 else made)
        for number in range(5):
            store.put(candle(T0 + number * 60_000))
        store.put(liquidation(exchange="deribit", symbol="BTCUSDPERP"))
        async with Platform(clock=clock, store=store).served() as served:
            yield served


async def rows_of(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return reply.json()


async def test_a_csv_is_the_json_row_by_row(stored: Platform) -> None:
    for table in ("trades", "candles", "liquidations", "gaps"):
        rows = await rows_of(stored, f"/export/{table}?format=json")
        reply = await stored.get(f"/export/{table}?format=csv")
        assert reply.headers["content-type"].startswith("text/csv")
        assert reply.headers["content-disposition"] == f'attachment; filename="{table}.csv"'
        header, *lines = csv.reader(io.StringIO(reply.body.decode(), newline=""))
        wanted = [
            [
                "" if v is None else v if isinstance(v, str) else msgspec.json.encode(v).decode()
                for v in row.values()
            ]
            for row in rows
        ]
        assert lines == wanted
        assert all(list(row) == header for row in rows)
        ndjson = await stored.get(f"/export/{table}?format=ndjson")
        assert [msgspec.json.decode(line) for line in ndjson.body.splitlines()] == rows
        parquet = await stored.get(f"/export/{table}?format=parquet")
        assert pl.read_parquet(io.BytesIO(parquet.body)).height == len(rows)


async def test_what_is_asked_for_is_what_comes(stored: Platform) -> None:
    start, end = T0 + 2000, T0 + 4000
    target = f"/export/trades?format=json&symbol=btc-usdt&start_time={start}&end_time={end}"
    rows = await rows_of(stored, target)
    assert [row["timestamp_ms"] - T0 for row in rows] == [2000, 3000, 4000]  # both inclusive
    assert [row["is_large"] for row in rows] == [False, False, True]
    assert await rows_of(stored, "/export/trades?format=json&exchange=BINANCE&symbol=ETHUSDT") == []
    assert len(await rows_of(stored, "/export/candles?format=json&interval=1m")) == 5
    assert await rows_of(stored, "/export/candles?format=json&interval=1h") == []


async def test_a_venue_that_is_only_stored_can_be_named(stored: Platform) -> None:
    assert len(await rows_of(stored, "/export/liquidations?format=json&exchange=deribit")) == 1
    reply = await stored.get("/export/trades?exchange=binanse")
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("target", "status", "field"),
    [
        ("/export/orders", 422, "table"),
        ("/export/trades?format=xlsx", 422, "format"),
        ("/export/trades?interval=1m", 422, "interval"),
        ("/export/candles?interval=7m", 422, "interval"),
        ("/export/trades?start_time=yesterday", 422, "start_time"),
        ("/export/trades?start_time=2000000000000&end_time=1900000000000", 422, "end_time"),
        ("/export/trades?start_time=-1", 422, "start_time"),
        ("/export/trades?venue=binance", 422, "venue"),
        ("/export/trades?format=csv&format=json", 422, "format"),
        ("/export/trades?symbol=", 422, "symbol"),
        ("/export/trades?exchange=nowhere", 404, "exchange"),
        ("/export/trades?exchange=" + "x" * 40, 422, "exchange"),
    ],
)
async def test_bad_input(stored: Platform, target: str, status: int, field: str) -> None:
    reply = await stored.get(target)
    problem: Any = reply.json()
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert problem["errors"][0]["field"] == field


async def test_too_many_at_a_time_are_told_to_come_again(stored: Platform) -> None:
    exports = stored.deps.exports
    assert exports is not None
    query = ExportQuery(table=StoredTable.TRADES)
    running = [await exports.begin(query, ExportFormat.CSV) for _ in range(EXPORTS_MAX)]
    reply = await stored.get("/export/trades")
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    await running.pop().close()
    for _ in range(3):
        assert (await stored.get("/export/trades")).status == 200
        assert (await stored.get("/export/trades?exchange=nowhere")).status == 404
    await running.pop().close()


async def test_a_client_that_goes_away_frees_its_place(stored: Platform) -> None:
    exports = stored.deps.exports
    assert exports is not None
    for _ in range(EXPORTS_MAX * 2):
        _, writer = await asyncio.open_connection("127.0.0.1", stored.port)
        writer.write(b"GET /export/trades HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        await writer.drain()
        writer.close()
    async with asyncio.timeout(10):
        # The server may not have heard of all of them yet: places are taken and freed meanwhile.
        while exports._running or (await stored.get("/export/trades")).status != 200:
            await asyncio.sleep(0)


async def test_a_client_that_takes_nothing_is_given_up(stored: Platform) -> None:
    """Its connection ends without the last piece, and its place is free."""
    exports = stored.deps.exports
    assert exports is not None
    never = asyncio.Event()

    async def receive() -> Message:
        await never.wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await never.wait()

    for version in ("2.3", "2.4"):
        export = await exports.begin(ExportQuery(table=StoredTable.TRADES), ExportFormat.CSV)
        response = ExportResponse(export, ExportFormat.CSV, "trades", stall_s=0.01)
        scope = {"type": "http", "asgi": {"spec_version": version}}
        await response(scope, receive, send)
        assert exports._running == 0


async def test_without_storage_there_is_nothing(platform: Platform) -> None:
    assert (await platform.get("/export/trades")).status == 404
