"""Every kind of record comes back from its columns as it was."""

import struct
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.samples import candle, trade
from tests.storage.tape_records import raw, records_of

from headwater.core import records
from headwater.core.errors import RequestError, StorageRefused
from headwater.storage.parquet_layout import LAYOUTS, Layout, layout_of, symbol_of, time_ms_of


def bits(value: Any) -> Any:
    """A value in which floats are compared bit by bit, so that 0.0 is not -0.0."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, tuple):
        return tuple(bits(one) for one in value)
    return value


@pytest.mark.parametrize("kind", list(LAYOUTS))
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_columns_give_the_records_back(kind: str, data: st.DataObject) -> None:
    layout = LAYOUTS[kind]
    rows = data.draw(st.lists(records_of(layout.kind), max_size=3))
    frame = layout.frame(rows)
    assert frame.schema == pl.Schema(layout.schema)
    back = layout.rows(frame)
    assert back == rows
    names = layout.kind.__struct_fields__
    for one, other in zip(rows, back, strict=True):
        assert [bits(getattr(one, n)) for n in names] == [bits(getattr(other, n)) for n in names]
        assert type(one) is type(other)


def test_an_id_keeps_its_type() -> None:
    rows = [trade(1, trade_id=7), trade(2, trade_id="7")]
    layout = LAYOUTS["trade"]
    assert [one.trade_id for one in layout.rows(layout.frame(rows))] == [7, "7"]


@pytest.mark.parametrize(
    "wrong", [candle(trades_count=2**63), candle(native_symbol="\ud800"), candle(open="one")]
)
def test_a_value_without_a_column_is_refused(wrong: Any) -> None:
    with pytest.raises(StorageRefused):
        LAYOUTS["candle"].frame([wrong])


def test_a_type_without_a_column_is_a_fault_of_the_program() -> None:
    class Odd(msgspec.Struct):
        value: dict[str, int]

    with pytest.raises(TypeError, match="value"):
        Layout(Odd)


def test_kinds_symbols_and_times() -> None:
    with pytest.raises(RequestError, match="book_delta"):
        layout_of("books")
    assert (symbol_of(raw(1)), symbol_of(trade(1))) == ("all", "BTCUSDT")
    assert time_ms_of(raw(999_999, at_ms=5)) == 5


def test_a_field_that_a_record_got_later_has_its_default_in_older_tapes() -> None:
    """Tapes from before `is_start` have a null there once their columns are read."""
    layout = LAYOUTS["book_snapshot"]
    made = records.BookSnapshot(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1,
        received_ns=1,
        bids=((1.0, 2.0),),
        asks=(),
        sequence=None,
        is_start=True,
    )
    older = layout.frame([made]).with_columns(pl.lit(None, dtype=pl.Boolean).alias("is_start"))
    assert layout.rows(older) == [msgspec.structs.replace(made, is_start=False)]
