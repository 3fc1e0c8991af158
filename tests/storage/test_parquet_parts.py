"""Parts: where they lie, that they are whole or not there, and which a question concerns."""

from pathlib import Path

import pytest
from tests.storage.samples import T0, gap, trade
from tests.storage.tape_records import raw

from headwater.core.errors import RequestError, StorageError, StorageUnavailable
from headwater.storage.parquet_parts import (
    REPLACES,
    Partition,
    TapeQuery,
    day_of,
    is_tape,
    partitioned,
    parts_in,
    parts_of,
    put_file,
    venues_in,
    write_part,
)

DAY_MS = 86_400_000
# 1_790_000_000_000 ms is 2026-09-21T14:13:20Z.
DAY = "2026-09-21"


def test_folders_say_what_is_in_them(tmp_path: Path) -> None:
    ((partition, rows),) = partitioned([gap(symbol="*")]).items()
    part = write_part(tmp_path, partition, rows)
    assert part.path.parent == (
        tmp_path / "venue=hyperliquid" / "kind=gap" / "symbol=%2A" / f"day={DAY}"
    )
    assert (part.first_ms, part.last_ms) == (T0, T0)
    assert day_of(T0) == DAY
    assert is_tape(tmp_path)
    assert not is_tape(tmp_path / "nothing")
    assert venues_in(tmp_path, "gap") == ["hyperliquid"]
    assert venues_in(tmp_path, "raw") == []


def test_the_same_part_twice_is_one_and_another_is_beside_it(tmp_path: Path) -> None:
    one = Partition("okx", "raw", "all", DAY)
    write_part(tmp_path, one, [raw(1)])
    write_part(tmp_path, one, [raw(1)])
    write_part(tmp_path, one, [raw(2)])
    assert len(parts_in(one.folder(tmp_path))) == 2


def test_only_parts_that_a_question_concerns_are_found(tmp_path: Path) -> None:
    rows = [trade(1), trade(2, at_ms=T0 + DAY_MS), trade(3, at_ms=T0 + 2 * DAY_MS)]
    for partition, some in partitioned(rows).items():
        write_part(tmp_path, partition, some)

    def times(**wanted: object) -> list[int]:
        query = TapeQuery(kind="trade", **wanted)  # type: ignore[arg-type]
        return [part.first_ms - T0 for part in parts_of(tmp_path, query)]

    assert times() == [0, DAY_MS, 2 * DAY_MS]
    assert times(start_ms=T0 + 1) == [DAY_MS, 2 * DAY_MS]
    assert times(end_ms=T0 + DAY_MS) == [0]
    assert times(end_ms=T0 + DAY_MS + 1) == [0, DAY_MS]
    assert times(exchange="okx") == times(symbol="ETHUSDT") == []
    with pytest.raises(RequestError, match="kind"):
        parts_of(tmp_path, TapeQuery(kind="no"))


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is needed")
    with pytest.raises(StorageUnavailable):
        put_file(blocked / "part", b"x")
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(StorageUnavailable):
        put_file(taken, b"x")
    assert {path.name for path in tmp_path.iterdir()} == {"blocked", "taken"}


def test_unfinished_and_replaced_parts_are_not_read(tmp_path: Path) -> None:
    one = Partition("okx", "raw", "all", DAY)
    old = write_part(tmp_path, one, [raw(1)])
    new = write_part(tmp_path, one, [raw(1), raw(2)])
    (old.path.parent / f".{old.path.name}-1.unfinished").write_bytes(b"half")
    listed = new.path.with_name(new.path.name + REPLACES)
    listed.write_text(f'["{old.path.name}"]')
    assert parts_in(old.path.parent) == [new]
    listed.write_text("[")
    with pytest.raises(StorageError, match="replaces"):
        parts_in(old.path.parent)
