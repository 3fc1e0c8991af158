"""Finding and reading the files of a tape."""

import gzip
from pathlib import Path

import pytest

from headwater.core.errors import ConfigError
from headwater.feeds.tape_files import tape_files, tape_lines


def test_a_folder_gives_its_files_in_the_order_they_were_written(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    folder.mkdir()
    for name in ("1000.ndjson.gz", "999.ndjson", "readme.md"):
        (folder / name).write_bytes(b"")
    names = ["999.ndjson", "1000.ndjson.gz"]
    assert [path.name for path in tape_files(tmp_path, "toy")] == names
    assert [path.name for path in tape_files(folder, "toy")] == names
    assert tape_files(folder / "999.ndjson", "toy") == [folder / "999.ndjson"]


def test_nothing_to_read_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 tapes"):
        tape_files(tmp_path, "toy")
    with pytest.raises(ConfigError, match="does not exist"):
        tape_files(tmp_path / "nowhere", "toy")


def test_lines_come_from_plain_and_packed_files_and_from_one_that_was_cut_off(
    tmp_path: Path,
) -> None:
    plain, packed, cut = tmp_path / "a.txt", tmp_path / "b.gz", tmp_path / "c.gz"
    plain.write_bytes(b"1\n2\n")
    packed.write_bytes(gzip.compress(b"3\n4"))
    with gzip.open(cut, "wb") as file:
        file.write(b"5\n")
        file.flush()
        held = cut.read_bytes()
    cut.write_bytes(held)
    assert list(tape_lines([plain, packed, cut])) == [b"1\n", b"2\n", b"3\n", b"4", b"5\n"]
