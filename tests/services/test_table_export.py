"""Exports for clients: bounded in number, whole in their pieces, closed however they end."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.storage.ready_tables import with_tables
from tests.storage.samples import T0, liquidation

from headwater.core.clock import ManualClock
from headwater.core.enums import StoredTable
from headwater.core.errors import RequestError, StorageUnavailable
from headwater.services.table_export import EXPORTS_MAX, TableExport
from headwater.storage.exporting import ExportFormat, ExportQuery
from headwater.storage.store import Store

ALL = ExportQuery(table=StoredTable.LIQUIDATIONS)


@pytest.fixture
async def exports(tmp_path: Path) -> AsyncIterator[TableExport]:
    """Seven liquidations, pages of three."""
    async with Store(with_tables(tmp_path / "made.sqlite3"), ManualClock()) as store:
        for number in range(7):
            store.put(liquidation(T0 + number))
        yield TableExport(store, page_rows=3)


async def test_pieces_are_the_file(exports: TableExport, tmp_path: Path) -> None:
    times = [T0 + number for number in range(7)]
    export = await exports.begin(ALL, ExportFormat.JSON)
    rows = msgspec.json.decode(b"".join([piece async for piece in export.pieces()]))
    assert [row["timestamp_ms"] for row in rows] == times
    await export.close()
    export = await exports.begin(ALL, ExportFormat.PARQUET)
    file = tmp_path / "whole.parquet"
    file.write_bytes(b"".join([piece async for piece in export.pieces()]))
    assert pl.read_parquet(file)["timestamp_ms"].to_list() == times
    await export.close()


async def test_only_so_many_run_and_closing_makes_room(exports: TableExport) -> None:
    running = [await exports.begin(ALL, ExportFormat.CSV) for _ in range(EXPORTS_MAX)]
    with pytest.raises(StorageUnavailable, match="exports run"):
        await exports.begin(ALL, ExportFormat.CSV)
    await running[0].close()
    await running[0].close()  # harmless
    again = await exports.begin(ALL, ExportFormat.PARQUET)
    with pytest.raises(StorageUnavailable):
        await exports.begin(ALL, ExportFormat.CSV)
    await again.close()


async def test_one_that_cannot_begin_holds_nothing(exports: TableExport) -> None:
    wrong = ExportQuery(table=StoredTable.GAPS, interval="1m")
    for _ in range(EXPORTS_MAX + 1):
        with pytest.raises(RequestError):
            await exports.begin(wrong, ExportFormat.CSV)
    export = await exports.begin(ExportQuery(table=StoredTable.GAPS), ExportFormat.CSV)
    assert export.is_empty
    await export.close()


async def test_one_given_up_in_the_middle_leaves_no_file(exports: TableExport) -> None:
    export = await exports.begin(ALL, ExportFormat.PARQUET)
    pieces = export.pieces()
    await anext(pieces)
    folder = export._folder
    assert folder is not None
    assert Path(folder.name).exists()
    await pieces.aclose()  # type: ignore[attr-defined]
    await export.close()
    assert not Path(folder.name).exists()
