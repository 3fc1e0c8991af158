"""The writer of a tape: bounded, counted, and whole after a kill."""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.storage.samples import T0, candle, liquidation, one_of_each, trade
from tests.storage.tape_records import raw

from headwater.core.clock import ManualClock
from headwater.core.records import BookDelta, Record
from headwater.storage.parquet_layout import LAYOUTS
from headwater.storage.parquet_parts import TapeQuery, parts_of
from headwater.storage.parquet_reading import read
from headwater.storage.parquet_tape import ParquetTape, TapeSettings, size_of

TRADES = TapeQuery(kind="trade")


def written(root: Path, rows: list[Record], settings: TapeSettings | None = None) -> ParquetTape:
    tape = ParquetTape(root, ManualClock(), settings)
    tape.start()
    for row in rows:
        tape.put(row)
    assert tape.close() == 0
    return tape


def until(tape: ParquetTape, happened: Callable[[], bool]) -> None:
    """Waits for the tape's thread; raises what ended it."""
    while not happened():
        with contextlib.suppress(TimeoutError):
            tape.ended.result(0.005)


def test_everything_put_is_read_again(tmp_path: Path) -> None:
    rows = [one for one in one_of_each() if isinstance(one, Record)]
    tape = written(tmp_path, rows)
    assert (tape.stats.written, tape.stats.waiting, tape.stats.dropped) == (len(rows), 0, 0)
    found = [one for kind in LAYOUTS for one in read(tmp_path, TapeQuery(kind=kind))]
    assert sorted(map(repr, found)) == sorted(map(repr, rows))
    assert tape.ended.done()


def test_parts_have_at_most_so_many_rows(tmp_path: Path) -> None:
    rows: list[Record] = [trade(n, at_ms=T0 + n) for n in range(25)]
    tape = written(tmp_path, rows, TapeSettings(part_rows=10))
    assert tape.stats.parts == len(parts_of(tmp_path, TRADES)) == 3
    assert list(read(tmp_path, TRADES)) == rows


def test_a_part_is_written_when_its_time_has_come(tmp_path: Path) -> None:
    """While the tape stays open: the counters say when."""
    tape = ParquetTape(tmp_path, ManualClock(), TapeSettings(part_s=0.0, wake_s=0.001))
    tape.start()
    tape.put(trade(1))
    until(tape, lambda: tape.stats.written > 0)
    assert list(read(tmp_path, TRADES)) == [trade(1)]
    tape.close()


def test_what_does_not_fit_is_dropped_and_counted(tmp_path: Path) -> None:
    one = size_of(trade(1))
    tape = ParquetTape(tmp_path, ManualClock(), TapeSettings(waiting_bytes_max=2 * one))
    for number in range(5):
        tape.put(trade(number))
    assert (tape.stats.waiting, tape.stats.dropped) == (2, 3)
    tape.start()
    tape.close()
    assert (tape.stats.written, tape.stats.dropped) == (2, 3)
    tape.put(trade(9))
    assert tape.stats.dropped == 4  # closed


def test_a_row_that_fits_no_column_costs_no_other(tmp_path: Path) -> None:
    rows: list[Record] = [candle(T0 + n, trades_count=2**70 if n == 3 else n) for n in range(8)]
    tape = written(tmp_path, rows)
    assert (tape.stats.written, tape.stats.refused, tape.stats.waiting) == (7, 1, 0)
    found = list(read(tmp_path, TapeQuery(kind="candle")))
    assert found == [*rows[:3], *rows[4:]]


def test_a_name_that_no_folder_has_costs_no_other(tmp_path: Path) -> None:
    rows: list[Record] = [trade(1), liquidation(symbol="中" * 64), liquidation()]
    tape = written(tmp_path, rows)
    assert (tape.stats.written, tape.stats.refused, tape.stats.dropped) == (2, 1, 0)


@pytest.mark.parametrize("time_ms", [-1, 253_402_300_800_000, 10**17])
def test_a_time_that_no_day_has_costs_no_other(tmp_path: Path, time_ms: int) -> None:
    """A venue's wrong time (nanoseconds for milliseconds, say) ends neither thread nor tape."""
    rows: list[Record] = [trade(1), trade(2, at_ms=time_ms), trade(3)]
    tape = written(tmp_path, rows)
    assert (tape.stats.written, tape.stats.refused, tape.stats.dropped) == (2, 1, 0)
    assert tape.ended.exception() is None
    assert list(read(tmp_path, TRADES)) == [rows[0], rows[2]]


def test_while_the_disk_fails_rows_wait(tmp_path: Path) -> None:
    root = tmp_path / "tape"
    root.write_text("a file where the folder should be")
    tape = ParquetTape(root, ManualClock(), TapeSettings(part_s=0.0, wake_s=0.001, retry_s=0.001))
    tape.start()
    tape.put(trade(1))
    until(tape, lambda: tape.stats.problem != "")
    assert (tape.stats.waiting, tape.stats.written) == (1, 0)
    root.unlink()
    until(tape, lambda: tape.stats.written > 0)
    assert tape.stats.problem == ""
    root2 = tmp_path / "other"
    root2.write_text("again")
    lost = ParquetTape(root2, ManualClock())
    lost.start()
    lost.put(trade(2))
    assert lost.close() == 1
    assert lost.stats.dropped == 1
    tape.close()


KILLED = """
import sys, pathlib
from headwater.core.clock import SystemClock
from headwater.storage.parquet_tape import ParquetTape, TapeSettings
from tests.storage.samples import T0, trade
tape = ParquetTape(pathlib.Path(sys.argv[1]), SystemClock(), TapeSettings(part_s=0, wake_s=0.0001))
tape.start()
number = 0
while True:
    tape.put(trade(number, at_ms=T0 + number))
    number += 1
    if number % 500 == 0:
        print(tape.stats.written, flush=True)
"""


@pytest.mark.parametrize("after", [1, 4])
def test_every_part_is_whole_after_a_kill(tmp_path: Path, after: int) -> None:
    """What was counted as written is there; every file with a part's name can be read."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told, changes = 0, 0
        for line in process.stdout:
            changes += int(line) > told
            told = int(line)
            if changes == after:
                break
        process.kill()
        process.stdout.read()
    found = list(read(tmp_path, TRADES))
    assert len(found) >= told > 0
    assert [one.trade_id for one in found if hasattr(one, "trade_id")] == list(range(len(found)))


def test_books_count_by_their_levels() -> None:
    delta = BookDelta(
        exchange="okx",
        symbol="BTCUSDT",
        native_symbol="BTC-USDT-SWAP",
        timestamp_ms=T0,
        received_ns=1,
        bids=((1.0, 2.0),) * 3,
        asks=(),
        sequence=None,
    )
    assert size_of(delta) - size_of(trade(1)) == 3 * 128
    assert size_of(raw(1, payload=bytes(100))) == 612
