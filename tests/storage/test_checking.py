"""Checks: what is sound says so, what is not says what; checksums are those of the rows."""

import hashlib
import random
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.samples import candle, liquidation, mark_candle, one_of_each, store, trade

from headwater.core.errors import StorageError
from headwater.storage.base import Database
from headwater.storage.checking import RunningSum, check
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade


def test_a_sound_database(database: Database) -> None:
    records = one_of_each()
    store(database, records)
    report = check(database)
    assert report.sound, report.problems
    assert sum(one.rows for one in report.tables.values()) == len(records)


def test_rows_that_no_market_has_are_found(database: Database) -> None:
    store(database, [candle(high=0.1), mark_candle(low=0.0), liquidation(price=-1.0), trade(1)])
    problems = check(database).problems
    assert [one.partition(":")[0] for one in problems] == [
        "candles",
        "mark_candles",
        "liquidations",
    ]


def test_tables_of_another_version_are_said(blank: Database) -> None:
    with blank.claim():
        if isinstance(blank, SqliteDatabase):
            with pytest.raises(StorageError):
                check(blank)
            blank.path.touch()
        report = check(blank)
        assert not report.sound
        assert "db upgrade" in report.problems[0]
        upgrade(blank)
        assert check(blank).sound


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    """A byte of a key in the middle of the file is changed: the order of the table is broken."""
    database = SqliteDatabase(tmp_path / "db.sqlite3", journal="delete")
    with database.claim():
        upgrade(database)
        store(database, [trade(number) for number in range(500)])
    assert check(database).sound
    data = bytearray(database.path.read_bytes())
    key = b"binanceBTCUSDT"
    places = [found.start() for found in re.finditer(key, data)]
    at = places[len(places) // 2]
    data[at : at + len(key)] = b"binanceZZZZZZZ"
    database.path.write_bytes(data)
    assert not check(database).sound


def test_the_checksum_by_hand() -> None:
    """The sum of the hashes of two rows, modulo 2^128."""
    rows = [("a", 1, None), ("b", 2.5, True)]
    total = sum(
        int.from_bytes(hashlib.blake2b(msgspec.msgpack.encode(row), digest_size=16).digest())
        for row in rows
    )
    running = RunningSum()
    running.add(rows)
    assert running.result.checksum == f"{total % 2**128:032x}"
    assert running.result.rows == 2
    assert RunningSum().result.checksum == "0" * 32


_rows = st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9)), unique=True, max_size=20)


@given(_rows, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_any_change_does(
    rows: list[tuple[str, int]], rng: random.Random
) -> None:
    def total(some: list[tuple[str, int]]) -> str:
        running = RunningSum()
        for row in some:
            running.add([row])
        return running.result.checksum

    shuffled = rows.copy()
    rng.shuffle(shuffled)
    assert total(shuffled) == total(rows)
    if rows:
        name, number = rows[0]
        assert total([(name, number + 10), *rows[1:]]) != total(rows)
        assert total(rows[1:]) != total(rows)
