"""A tape gives back what was written, in the order of time, and reads no more than is asked for."""

import itertools
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.samples import T0, liquidation, trade
from tests.storage.tape_records import raw

from headwater.core.errors import StorageError
from headwater.core.records import Record
from headwater.storage.parquet_layout import LAYOUTS
from headwater.storage.parquet_parts import TapeQuery, partitioned, parts_of, write_part
from headwater.storage.parquet_reading import identity_of, read, scan, without_known

TRADES = TapeQuery(kind="trade")


def write(root: Path, *batches: list[Record]) -> None:
    for batch in batches:
        for partition, rows in partitioned(batch).items():
            write_part(root, partition, rows)


@given(
    times=st.lists(st.integers(0, 3 * 86_400_000), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    start=st.none() | st.integers(0, 3 * 86_400_000),
    end=st.none() | st.integers(0, 3 * 86_400_000),
)
@settings(max_examples=20, deadline=None)
def test_any_batches_are_read_in_the_order_of_time(
    tmp_path_factory: pytest.TempPathFactory,
    times: list[int],
    cuts: list[int],
    start: int | None,
    end: int | None,
) -> None:
    root = tmp_path_factory.mktemp("tape")
    rows: list[Record] = [trade(n, at_ms=T0 + at) for n, at in enumerate(times)]
    edges = [0, *sorted(cuts), len(rows)]
    write(root, *[rows[a:b] for a, b in itertools.pairwise(edges) if a < b])
    start_ms = None if start is None else T0 + start
    end_ms = None if end is None else T0 + end
    query = TapeQuery(kind="trade", start_ms=start_ms, end_ms=end_ms)
    wanted = [
        one
        for one in rows
        if (start_ms is None or one.timestamp_ms >= start_ms)
        and (end_ms is None or one.timestamp_ms < end_ms)
    ]
    found = list(read(root, query))
    assert [one.timestamp_ms for one in found if isinstance(one, Record)] == sorted(
        one.timestamp_ms for one in wanted
    )
    assert {repr(one) for one in found} == {repr(one) for one in wanted}
    assert LAYOUTS["trade"].rows(scan(root, query).collect()) == found


def test_raw_messages_keep_the_order_of_their_arrival(tmp_path: Path) -> None:
    rows = [raw(n, payload=b"%d" % n) for n in (3, 1, 2)]
    for partition, some in partitioned(rows).items():
        write_part(tmp_path, partition, some)
    found = read(tmp_path, TapeQuery(kind="raw", exchange="okx"))
    assert [one.received_ns - T0 * 1_000_000 for one in found] == [1, 2, 3]


def test_conditions_reach_the_files(tmp_path: Path) -> None:
    write(tmp_path, [trade(n, at_ms=T0 + n) for n in range(100)])
    lazy = scan(tmp_path, TapeQuery(kind="trade", start_ms=T0 + 90)).filter(pl.col("price") > 195)
    plan = lazy.select("price").explain()
    assert "SELECTION" in plan, plan
    assert plan.count("timestamp_ms") >= 1
    assert lazy.collect().height == 5  # 100.1 + n > 195: n of 95 to 99
    assert scan(tmp_path, TapeQuery(kind="candle")).collect().height == 0


def test_parts_from_before_a_field_was_added_are_read(tmp_path: Path) -> None:
    write(tmp_path, [trade(1)])
    (part,) = parts_of(tmp_path, TRADES)
    older = pl.read_parquet(part.path, hive_partitioning=False).drop("sequence")
    older.write_parquet(part.path)
    (found,) = read(tmp_path, TRADES)
    assert found == msgspec.structs.replace(trade(1), sequence=None)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    write(tmp_path, [trade(1)])
    (part,) = parts_of(tmp_path, TRADES)
    part.path.write_bytes(b"PAR1 and no more")
    with pytest.raises(StorageError, match=part.path.name):
        list(read(tmp_path, TRADES))


def test_what_is_there_already_is_told_from_what_is_new(tmp_path: Path) -> None:
    write(tmp_path, [liquidation(), liquidation(order_price=1.0)])
    layout, query = LAYOUTS["liquidation"], TapeQuery(kind="liquidation")
    again = [
        liquidation(received_ns=99),
        liquidation(order_price=1.0),
        liquidation(order_price=2.0),
        liquidation(order_price=2.0, received_ns=7),
    ]
    fresh = layout.rows(without_known(tmp_path, query, layout.frame(again)))
    assert fresh == [liquidation(order_price=2.0)]
    assert "received_ns" not in identity_of("liquidation")
    assert layout.rows(without_known(tmp_path / "new", query, layout.frame(again[:1]))) == again[:1]
