"""Where records go: each once, however often and in whatever portions they come."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.samples import T0, candle, fetch, liquidation, open_interest, trade

from headwater.app.archives.targets import TapeTarget, database_target, write_sifting
from headwater.core.enums import StoredTable
from headwater.core.records import LargeTrade, MarkPrice, Record
from headwater.storage.exporting import ExportQuery, page_of
from headwater.storage.parquet_parts import TapeQuery
from headwater.storage.parquet_reading import read
from headwater.storage.sqlite import SqliteDatabase

MARK = MarkPrice(
    exchange="okx",
    symbol="BTCUSDT",
    native_symbol="BTC-USDT-SWAP",
    timestamp_ms=T0,
    received_ns=1,
    mark=1.0,
    index=None,
    funding_rate=None,
    next_funding_ms=None,
)


def test_the_database_takes_each_once_and_marks_large_trades(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "made.sqlite3")
    rows: list[Record] = [liquidation(), trade(1), trade(900_000, at_ms=T0 + 1), open_interest()]
    with database_target(database, 500.0) as target:
        assert not target.takes(MARK)
        assert all(target.takes(row) for row in rows)
        assert target.write(rows) == 4
        assert target.write([*rows, candle()]) == 1
    trades = fetch(database, page_of(ExportQuery(table=StoredTable.TRADES), None))
    # 900,100.1 × 0.001 = 900.1001, above the 500 from which on a trade is large.
    assert [isinstance(one, LargeTrade) for one in trades] == [False, True]
    assert trades[1].is_buyer_maker is True  # an even number sold, see `samples.trade`


@given(
    numbers=st.lists(st.integers(0, 12), min_size=1, max_size=25),
    cuts=st.lists(st.integers(0, 25), max_size=3),
)
@settings(max_examples=15, deadline=None)
def test_a_tape_takes_each_once(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], cuts: list[int]
) -> None:
    root = tmp_path_factory.mktemp("tape")
    target = TapeTarget(root)
    rows = [trade(number, at_ms=T0 + number * 20_000_000) for number in numbers]
    edges = sorted({0, *cuts, len(rows)})
    new = 0
    for start, end in itertools.pairwise(edges):
        new += target.write(rows[start:end])
    assert target.write(rows) == 0
    assert new == len(set(numbers))
    found = list(read(root, TapeQuery(kind="trade")))
    assert found == [trade(n, at_ms=T0 + n * 20_000_000) for n in sorted(set(numbers))]


def test_one_that_is_refused_costs_no_other(tmp_path: Path) -> None:
    rows: list[Record] = [candle(T0 + n, trades_count=2**70 if n == 5 else n) for n in range(9)]
    target = TapeTarget(tmp_path / "tape")
    assert target.takes(MARK)
    new, refused = write_sifting(target, rows)
    assert (new, len(refused)) == (8, 1)
    assert len(list(read(tmp_path / "tape", TapeQuery(kind="candle")))) == 8
    with database_target(SqliteDatabase(tmp_path / "made.sqlite3"), 1e9) as database:
        new, refused = write_sifting(database, rows)
        assert (new, len(refused)) == (8, 1)
