"""Both ways of reading a CSV give the same bars; what is wrong is named with its line."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies.samples import T0

from headwater.backtest import csv_bars
from headwater.backtest.csv_bars import read_csv
from headwater.core.errors import RequestError

HEADER = "timestamp,open,high,low,close,volume\n"


def _file(folder: Path, text: str) -> Path:
    file = folder / "bars.csv"
    file.write_bytes(text.encode())
    return file


def _rows(*times: object) -> str:
    return HEADER + "".join(f"{time},1.5,3e0,1,2.25,{at}\n" for at, time in enumerate(times))


@pytest.mark.parametrize(
    "times",
    [
        (T0, T0 + 60_000),
        (T0 // 1000, T0 // 1000 + 60),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"),
        ("2024-01-01 00:00", "2024-01-01 00:01"),
        ("2024-01-01T00:00:00+00:00", "2024-01-01T00:01:00.000Z"),
        ('"2024-01-01T00:00:00Z"', "2024-01-01T00:01:00Z"),
    ],
)
def test_times_of_every_kind_are_read(tmp_path: Path, times: tuple[object, ...]) -> None:
    for text in (_rows(*times), _rows(*times).replace("\n", "\r\n"), _rows(*times).rstrip("\n")):
        found = read_csv(_file(tmp_path, text))
        assert found.times.tolist() == [T0, T0 + 60_000]
        assert found.columns["open"].tolist() == [1.5, 1.5]
        assert found.columns["high"].tolist() == [3.0, 3.0]
        assert found.columns["volume"].tolist() == [0.0, 1.0]
        assert [found.line(row) for row in range(2)] == [2, 3]


def test_columns_stand_in_any_order_and_further_numbers_are_kept(tmp_path: Path) -> None:
    text = (
        "Venue,CLOSE,oi,low, High ,open,Volume,taker,timestamp,empty\n"
        "okx,2,7,1,3,2,5,,2024-01-01T00:00:00Z,\n"
        "\n"
        "okx,2,8,1,3,2,5,1.5,2024-01-01T00:01:00Z,\n"
    )
    found = read_csv(_file(tmp_path, "\ufeff" + text))
    assert found.columns["high"].tolist() == [3.0, 3.0]
    assert set(found.extras) == {"oi", "taker"}
    assert np.isnan(found.extras["taker"][0])
    assert found.extras["taker"][1] == 1.5
    # An empty line in between: rows are not simply one a line.
    assert [found.line(row) for row in range(2)] == [2, 4]


numbers = st.floats(1e-9, 1e12, allow_nan=False)


@given(
    st.lists(st.tuples(numbers, numbers, numbers, numbers, numbers), min_size=1, max_size=30),
    st.booleans(),
)
def test_the_quick_and_the_careful_way_agree_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]], as_text: bool
) -> None:
    written = io.StringIO()
    table = csv.writer(written)
    for minute, row in enumerate(rows):
        time = np.datetime64(T0 + minute * 60_000, "ms")
        table.writerow([f"{time}Z" if as_text else T0 + minute * 60_000, *row])
    file = _file(tmp_path_factory.getbasetemp(), HEADER + written.getvalue())
    header = csv_bars._header(file)
    quick, careful = (
        csv_bars._read_quickly(file, header),
        csv_bars._read_carefully(file, header),
    )
    assert quick is not None
    assert quick.times.tolist() == careful.times.tolist()
    for name, column in quick.columns.items():
        assert column.tolist() == careful.columns[name].tolist()


def test_files_of_several_parts_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_bars, "_PART_BYTES", 100)
    monkeypatch.setattr(csv_bars, "_PART_ROWS", 3)
    times = [T0 + minute * 60_000 for minute in range(50)]
    plain = read_csv(_file(tmp_path, _rows(*times)))
    odd = read_csv(_file(tmp_path, _rows(*times) + "\n\n"))
    assert plain.lines is None
    assert odd.lines is not None
    assert plain.times.tolist() == odd.times.tolist() == times
    assert plain.columns["volume"].tolist() == odd.columns["volume"].tolist() == list(range(50))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "timestamp, open, high, low, close, volume missing"),
        ("timestamp,open,high,low,close\n", "volume missing in bars.csv"),
        ("1704067200000,1,2,1,2,5\n", "a first line with timestamp,open"),
        ("timestamp;open;high;low;close;volume\n", "missing"),
        (
            "timestamp,open,open,high,low,close,volume\n",
            "columns='open': names that are there once",
        ),
        (HEADER + "2024-01-01,1,2,1,2\n", "line 2='2024-01-01,1,2,1,2': 6 cells"),
        (HEADER + "2024-01-01,1,2,1,2,5\n2024-01-02,1,2,1,2,5,6\n", "line 3=.*: 6 cells"),
        (
            HEADER + "2024-01-01,1,2,1,dear,5\n",
            "close='dear': a number; line 2 of bars.csv, 2024-01-01T",
        ),
        (HEADER + "2024-01-01,1,2,1,,5\n", "close='': a number; line 2"),
        (HEADER + "2024-01-01,1,2,1,2,5\nnoon,1,2,1,2,5\n", "timestamp='noon': .*line 3"),
        (HEADER + "12345,1,2,1,2,5\n", "timestamp='12345': a time from 1990"),
        (HEADER + "1704067200,1,2,1,2,5\n1704067260000,1,2,1,2,5\n", "row is in s.*line 3"),
        (HEADER + '2024-01-01,1,2,1,2,"5\n', "unexpected end of data.*a line of CSV"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_csv(_file(tmp_path, text))


@pytest.mark.parametrize("place", [b"1,2,1,\xff,5", b"1,2,1,2,5\n2024-01-02,\xe9,2,1,2,5"])
def test_another_encoding_is_told(tmp_path: Path, place: bytes) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(HEADER.encode() + b"2024-01-01," + place + b"\n")
    with pytest.raises(RequestError, match=r"encoding.*UTF-8"):
        read_csv(file)
    file.write_bytes(b"timest\xe4mp,open\n")
    with pytest.raises(RequestError, match=r"encoding.*line 1"):
        read_csv(file)


def test_more_rows_than_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_bars, "ROWS_MAX", 3)
    with pytest.raises(RequestError, match="more than 3 rows"):
        read_csv(_file(tmp_path, _rows(*[T0 + minute for minute in range(4)])))


def test_a_file_without_line_breaks_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_bars, "_LINE_MAX", 100)
    monkeypatch.setattr(csv_bars, "_PART_BYTES", 100)
    with pytest.raises(RequestError, match=r"line 3=.*more than 100 characters.*bars\.csv"):
        read_csv(_file(tmp_path, HEADER + "2024-01-01,1,2,1,2,5\n" + "\0" * 400))
    # A line as long as that is read, and whatever its length is, rows are never cut in two.
    long = HEADER + "".join(f"2024-01-0{day},1,2,1,2,5{'0' * 70}\n" for day in range(1, 8))
    assert len(read_csv(_file(tmp_path, long)).times) == 7


def test_cells_with_brackets_are_no_rows(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="line 2"):
        read_csv(_file(tmp_path, HEADER + f"{T0},1,2,1,2,5],[{T0},1,2,1,2,5\n"))


def test_rows_whose_cells_add_up_are_not_taken_for_one_another(tmp_path: Path) -> None:
    # 5 and 7 cells are as many as twice 6: counted together they would shift into other columns.
    text = HEADER + f"{T0},1,2,1,2\n{T0 + 60_000},1,2,1,2,5,6\n"
    with pytest.raises(RequestError, match=r"line 2=.*: 6 cells"):
        read_csv(_file(tmp_path, text))


def test_one_unit_of_time_holds_for_every_part_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_bars, "_PART_BYTES", 10)
    with pytest.raises(RequestError, match=r"row is in s.*line 4"):
        read_csv(_file(tmp_path, _rows(T0 // 1000, T0 // 1000 + 60, T0 + 120_000)))
    # Texts in one part and numbers in another are no plain file: the careful way reads it.
    mixed = read_csv(_file(tmp_path, _rows("2024-01-01T00:00:00Z", T0 + 60_000)))
    assert mixed.times.tolist() == [T0, T0 + 60_000]
    assert mixed.lines is not None


def test_no_rows_are_no_bars(tmp_path: Path) -> None:
    assert len(read_csv(_file(tmp_path, HEADER)).times) == 0
    assert len(read_csv(_file(tmp_path, HEADER + "\n")).times) == 0
