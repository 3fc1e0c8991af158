"""Rows of archives: packed or not, with a header or not; what is wrong is named with its place."""

from pathlib import Path

import pytest
from tests.app.archives.archive_files import gzipped, zipped

from headwater.app.archives.csv_rows import (
    LINE_CHARS_MAX,
    ArchiveUnreadable,
    CellRefused,
    Sheet,
    is_iso,
    moment_us,
    number,
    positive,
    read_rows,
    whole,
)

SHEET = Sheet(
    layouts=[("time", "side", "price"), ("time", "side", "price", "note")],
    needed=("price", "time", "note"),
    optional=frozenset({"note"}),
)
TEXT = "time,side,price\n1,buy,2.5\n3,sell,4\n"


def cells(path: Path) -> list[tuple[int, tuple[str, ...] | None]]:
    return [(row.line, row.cells) for row in read_rows(path, SHEET)]


def test_all_packings_have_the_same_rows(tmp_path: Path) -> None:
    plain = tmp_path / "a.csv"
    plain.write_text(TEXT)
    wanted = [(2, ("2.5", "1", "")), (3, ("4", "3", ""))]
    assert cells(plain) == cells(gzipped(tmp_path, "b", TEXT)) == wanted
    assert cells(zipped(tmp_path, "c", TEXT, TEXT)) == wanted * 2
    plain.write_text("\ufeff" + TEXT.replace("\n", "\r\n"))
    assert cells(plain) == wanted


def test_columns_by_name_or_by_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("note,price,time\nx,2.5,1\n")
    assert cells(path) == [(2, ("2.5", "1", "x"))]
    path.write_text("1,buy,2.5,x\n")
    assert cells(path) == [(1, ("2.5", "1", "x"))]
    path.write_text("1,buy,2.5\n1,buy\n\n3,sell,4\n")
    assert cells(path) == [(1, ("2.5", "1", "")), (2, None), (4, ("4", "3", ""))]
    path.write_text("")
    assert cells(path) == []


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("time,side,price,colour\n", 1, "colour", "unknown"),
        ("time,side\n", 1, "price", "lacking"),
        ("time,price,price\n", 1, "price", "twice"),
        ("1,2\n", 1, "", "expected 3 or 4"),
        ("time,price\n" + "x" * (LINE_CHARS_MAX + 1) + "\n", 2, "", "longer"),
    ],
)
def test_what_is_wrong_with_a_file(
    tmp_path: Path, text: str, line: int, column: str, words: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ArchiveUnreadable, match=words) as caught:
        cells(path)
    assert (caught.value.file, caught.value.line, caught.value.column) == ("a.csv", line, column)
    assert f"a.csv:{line}" in str(caught.value)


def test_a_file_that_is_cut_off_gives_its_rows_and_an_error(tmp_path: Path) -> None:
    whole_file = gzipped(tmp_path, "b", "time,price\n" + "1,2\n" * 100_000)
    whole_file.write_bytes(whole_file.read_bytes()[:-20])
    rows = read_rows(whole_file, SHEET)
    assert next(rows).cells == ("2", "1", "")
    with pytest.raises(ArchiveUnreadable):
        list(rows)
    for name in ("no.zip", "no.csv.gz"):
        path = tmp_path / name
        path.write_bytes(b"nothing of the kind")
        with pytest.raises(ArchiveUnreadable, match=name):
            cells(path)
    with pytest.raises(ArchiveUnreadable, match="0 CSV files"):
        cells(zipped(tmp_path, "empty"))
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"time,price\n1,\xff\n")
    with pytest.raises(ArchiveUnreadable):
        cells(latin)


def test_times_in_milliseconds_and_microseconds() -> None:
    assert moment_us("t", "1704067200123") == 1_704_067_200_123_000
    assert moment_us("t", "1704067200123456") == 1_704_067_200_123_456
    assert is_iso("2024-01-01 00:05:00")
    assert not is_iso("1704067200123")


@pytest.mark.parametrize("text", ["", "1704067200", "17040672001234", "-704067200123", "x" * 13,
                                  "0000000000001", "9999999999999", "١٧٠٤٠٦٧٢٠٠١٢٣"])  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(CellRefused, match="column t"):
        moment_us("t", text)


def test_numbers() -> None:
    assert (number("n", "-1.5e3"), positive("n", "0.1"), whole("n", "007")) == (-1500.0, 0.1, 7)
    for text in ("", "nan", "inf", "-inf", "1_000", "one", "1e999"):
        with pytest.raises(CellRefused, match="no number"):
            number("n", text)
    with pytest.raises(CellRefused, match="above 0"):
        positive("n", "0")
    with pytest.raises(CellRefused, match="at least 0"):
        number("n", "-1", least=0.0)
    for text in ("", "-1", "1.0", "1" * 19, "²"):
        with pytest.raises(CellRefused, match="whole"):
            whole("n", text)
