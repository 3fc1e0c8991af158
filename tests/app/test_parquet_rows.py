"""Rows of a download as Parquet."""

import io
from decimal import Decimal

import polars as pl
import pytest
from tests.app.test_row_files import candle

from headwater.api.schemas.base import View
from headwater.app.fetch_request import KINDS
from headwater.app.parquet_rows import ParquetRowWriter
from headwater.storage.parquet_layout import Layout


def test_pages_become_one_file() -> None:
    target = io.BytesIO()
    writer = ParquetRowWriter(target, type(candle(1)))
    writer.write([candle(1), candle(2)])
    writer.write([])
    writer.write([candle(3, "ETHUSDT")])
    assert (writer.written, target.getvalue()) == (3, b"")
    writer.finish()
    frame = pl.read_parquet(io.BytesIO(target.getvalue()))
    assert Layout(type(candle(1))).rows(frame) == [candle(1), candle(2), candle(3, "ETHUSDT")]
    assert frame["interval"].to_list() == ["1m"] * 3


@pytest.mark.parametrize("view", [facts.view for facts in KINDS.values() if facts.view is not None])
def test_every_kind_of_a_download_has_columns(view: type[View]) -> None:
    target = io.BytesIO()
    ParquetRowWriter(target, view).finish()
    assert tuple(pl.read_parquet(io.BytesIO(target.getvalue())).columns) == view.__struct_fields__
    assert Decimal not in Layout(view).schema.values()
