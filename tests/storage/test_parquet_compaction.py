"""A day that is over becomes one part; a kill at any moment loses and doubles nothing."""

from pathlib import Path

import pytest
from tests.storage.samples import T0, trade
from tests.storage.tape_records import raw

from headwater.storage.parquet_compaction import CompactionReport, compact
from headwater.storage.parquet_layout import TapeRecord
from headwater.storage.parquet_parts import TapeQuery, partitioned, parts_of, write_part
from headwater.storage.parquet_reading import read

DAY_MS = 86_400_000
TRADES = TapeQuery(kind="trade")
LATER = T0 + 2 * DAY_MS


def write(root: Path, rows: list[TapeRecord]) -> None:
    for partition, some in partitioned(rows).items():
        write_part(root, partition, some)


def fill(root: Path) -> list[TapeRecord]:
    rows: list[TapeRecord] = [trade(n, at_ms=T0 + n * 1000) for n in range(30)]
    for start in range(0, 30, 10):
        write(root, rows[start : start + 10])
    return rows


def test_many_parts_become_one_and_repeated_rows_go(tmp_path: Path) -> None:
    rows = fill(tmp_path)
    write(tmp_path, rows[5:8])
    write(tmp_path, [raw(1), raw(2)])
    assert compact(tmp_path, T0) == CompactionReport()  # the day is not over
    done = compact(tmp_path, LATER)
    assert done == CompactionReport(parts_before=4, parts_after=1, repeated_rows=3)
    assert len(parts_of(tmp_path, TRADES)) == 1
    assert list(read(tmp_path, TRADES)) == rows
    assert compact(tmp_path, LATER) == CompactionReport()
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".parquet"
    ]


def test_equal_raw_messages_are_two_messages(tmp_path: Path) -> None:
    write(tmp_path, [raw(1)])
    write(tmp_path, [raw(1), raw(2)])
    compact(tmp_path, LATER)
    assert len(list(read(tmp_path, TapeQuery(kind="raw")))) == 3


@pytest.mark.parametrize("step", range(7))
def test_killed_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Each rename and deletion in turn is the last thing that happened."""
    rows = fill(tmp_path)
    left = step

    class Killed(BaseException):
        pass

    def counting(name: str) -> None:
        real = getattr(Path, name)

        def do(path: Path, *args: object, **options: object) -> object:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return real(path, *args, **options)

        monkeypatch.setattr(Path, name, do)

    for name in ("replace", "unlink"):
        counting(name)
    with pytest.raises(Killed):
        compact(tmp_path, LATER)
    monkeypatch.undo()
    assert list(read(tmp_path, TRADES)) == rows
    compact(tmp_path, LATER)
    assert list(read(tmp_path, TRADES)) == rows
    assert len(parts_of(tmp_path, TRADES)) == 1
