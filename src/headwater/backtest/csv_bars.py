"""Bars of a CSV file: a quick way for plain files, a careful one for all others and for errors.

The quick way hands the rows to a JSON decoder, whose numbers are read several times as fast as
Python's. It takes only what is plain: numbers in JSON's spelling, every row of one length, at most
the first column a text. Whatever it does not take is read again from the beginning by the `csv`
module, cell by cell, which names line and column of what is wrong. Both read a file in parts, so
that beside the columns only one part is held.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TextIO

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.core.errors import RequestError
from headwater.strategies.bars import COLUMNS, time_text
from headwater.strategies.epochs import epoch_column
from headwater.strategies.row_errors import RowError

__all__ = ["ROWS_MAX", "FileColumns", "read_csv"]

ROWS_MAX: Final = 20_000_000
"""Most bars of one file: 38 years of minutes, about a gigabyte of columns."""

_PART_BYTES: Final = 256 * 1024
"""Read at once: its numbers stay in the processor's cache, which halves the time of 8 MiB."""

_PART_ROWS: Final = 50_000
_HEADER_BYTES: Final = 65_536
_COMMA, _LINE_FEED = b",\n"
_NUMBERS: Final = msgspec.json.Decoder(list[float])
_LINE_MAX: Final = 1024 * 1024
"""Longest line that is read: a file without line breaks is not held whole."""

_TIMES: Final = ("timestamp_ms", "timestamp")
_HEADER: Final = "a first line with timestamp,open,high,low,close,volume (any order, any capitals)"


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file.

    Attributes:
        times: shape (N,), ms since the epoch.
        columns: the five usual ones.
        extras: further columns of numbers.
        lines: shape (N,), the line on which each row ends, where rows are not simply one a line.
    """

    times: IndexArray
    columns: dict[str, FloatArray]
    extras: dict[str, FloatArray]
    lines: IndexArray | None = None

    def line(self, row: int) -> int:
        """Number of the line of a row, counted from 1; the header is line 1."""
        return row + 2 if self.lines is None else int(self.lines[row])


@dataclass(frozen=True, slots=True)
class _Header:
    """Names of the columns in their order, and which of them is the time."""

    names: tuple[str, ...]
    time: int


def read_csv(path: Path) -> FileColumns:
    """The columns of a file with a header; UTF-8, commas.

    Raises:
        RequestError: the header lacks a column, a row has another number of cells, a cell is no
            number or no time, the file is no text or has more than `ROWS_MAX` rows; names the line.
        OSError: it cannot be read.
    """
    header = _header(path)
    quick = _read_quickly(path, header)
    return _read_carefully(path, header) if quick is None else quick


def _header(path: Path) -> _Header:
    """The first line, read.

    Raises:
        RequestError: it does not name all columns once.
    """
    with path.open("rb") as file:
        line = file.readline(_HEADER_BYTES)
    text = _text(line, 1, path).removeprefix("\ufeff")
    names = tuple(cell.strip().lower() for cell in next(csv.reader([text]), []))
    missing = [name for name in COLUMNS if name not in names]
    if not any(name in names for name in _TIMES):
        missing.insert(0, "timestamp")
    if missing:
        raise RequestError(
            "columns", ",".join(names), f"{_HEADER}; {', '.join(missing)} missing in {path.name}"
        )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise RequestError("columns", ",".join(sorted(twice)), "names that are there once")
    return _Header(names, names.index(next(name for name in _TIMES if name in names)))


def _text(line: bytes, number: int, path: Path) -> str:
    """A line as text.

    Raises:
        RequestError: it is not UTF-8.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(
            "encoding", line[error.start : error.end], f"UTF-8; line {number} of {path.name}"
        ) from None


# --- the quick way -------------------------------------------------------------------------------


def _read_quickly(path: Path, header: _Header) -> FileColumns | None:
    """The columns of a plain file; None when it is not one."""
    texts: list[IndexArray] = []
    numbers: list[FloatArray] = []
    rows = 0
    for part in _parts(path):
        found = _quick_part(part, header)
        if found is None:
            return None
        times, table = found
        if times is not None:
            texts.append(times)
        numbers.append(table)
        rows += table.shape[1]
        _check_rows(rows, path)
    if not rows:
        return _collected(header, np.zeros(0, np.int64), np.zeros((len(header.names), 0)))
    if len(texts) not in (0, len(numbers)):
        return None
    table = np.concatenate(numbers, axis=1)
    try:
        # Numbers of all rows together, so that one unit holds for the whole file.
        times = (
            np.concatenate(texts)
            if texts
            else epoch_column(table[header.time], header.names[header.time])
        )
    except RequestError:
        return None
    return _collected(header, times, table)


def _parts(path: Path) -> Iterator[bytes]:
    """The file after its header, in parts that end with a line."""
    with path.open("rb") as file:
        file.readline(_HEADER_BYTES)
        while part := file.read(_PART_BYTES):
            yield part + file.readline(_LINE_MAX)


def _quick_part(part: bytes, header: _Header) -> tuple[IndexArray | None, FloatArray] | None:
    """Times where they are texts, and all columns, shape (columns, rows); None: not plain."""
    width = len(header.names)
    try:
        plain = part.removesuffix(b"\n")
        if b'"' in plain or b"\0" in plain:
            return None
        if b"\r" in plain:
            plain = plain.replace(b"\r\n", b"\n").removesuffix(b"\r")
        first = plain.split(b",", 1)[0]
        if header.time or first.isdigit():
            return None, _table(plain, width)
        # Texts of times are of one length in plain files: cut there, without looking for commas.
        lines, cut = plain.decode("utf-8").split("\n"), len(first)
        if {line[cut] for line in lines} != {","}:
            return None
        times = epoch_column([line[:cut] for line in lines], header.names[0])
        table = _table("\n".join([line[cut + 1 :] for line in lines]).encode(), width - 1)
        return times, np.vstack((np.zeros(len(lines)), table))
    except (ValueError, IndexError, RequestError):
        # Not UTF-8, not JSON's numbers (msgspec's error is a ValueError), a short row, no time.
        return None


def _table(rows: bytes, width: int) -> FloatArray:
    """Lines of numbers as columns, shape (width, lines).

    The numbers are decoded as one flat list, which takes half the time of a list of rows; that
    every row has as many is seen in the bytes between them.

    Raises:
        ValueError: they are not rows of so many numbers.
    """
    letters = np.frombuffer(rows, np.uint8)
    ends = np.flatnonzero((letters == _COMMA) | (letters == _LINE_FEED))
    count = rows.count(b"\n") + 1
    of_lines = ends[width - 1 :: width]
    if len(ends) != count * width - 1 or (letters[of_lines] != _LINE_FEED).any():
        raise ValueError("rows of different lengths")
    flat = _NUMBERS.decode(b"[%b]" % rows.replace(b"\n", b","))
    table = np.fromiter(flat, np.float64, count=count * width)
    return np.ascontiguousarray(table.reshape(count, width).T)


# --- the careful way -----------------------------------------------------------------------------


def _read_carefully(path: Path, header: _Header) -> FileColumns:
    """The columns of any file.

    Raises:
        RequestError: names line and column of what is wrong.
    """
    times: list[IndexArray] = []
    numbers: list[FloatArray] = []
    lines: list[IndexArray] = []
    texts: set[int] = set()
    rows = 0
    for cells, at in _row_groups(path, header):
        rows += len(cells)
        _check_rows(rows, path)
        columns = list(zip(*cells, strict=True))
        try:
            times.append(
                epoch_column(
                    [one.strip() for one in columns[header.time]], header.names[header.time]
                )
            )
        except RowError as error:
            where = f"line {at[error.row]} of {path.name}"
            raise RequestError(error.field, error.value, f"{error.bare}; {where}") from None
        where_is = partial(_where, at, times[-1], path)
        table = np.full((len(columns), len(cells)), np.nan)
        for place, column in enumerate(columns):
            if place != header.time and place not in texts:
                table[place] = _numbers(header.names[place], column, texts, place, where_is)
        numbers.append(table)
        lines.append(np.array(at, dtype=np.int64))
    if not rows:
        return _collected(header, np.zeros(0, np.int64), np.zeros((len(header.names), 0)))
    return _collected(
        header,
        np.concatenate(times),
        np.concatenate(numbers, axis=1),
        np.concatenate(lines),
        frozenset(texts),
    )


def _where(lines: list[int], times: IndexArray, path: Path, row: int) -> str:
    """A row of a part by its line and its time."""
    return f"line {lines[row]} of {path.name}, {time_text(int(times[row]))}"


def _row_groups(path: Path, header: _Header) -> Iterator[tuple[list[list[str]], list[int]]]:
    """Rows of cells with the numbers of their lines, some thousands at a time; no empty lines.

    Raises:
        RequestError: a row has another number of cells, or the file is no text.
    """
    width = len(header.names)
    cells: list[list[str]] = []
    lines: list[int] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_lines(file, path), strict=True)
        try:
            next(reader)
            for row in reader:
                if not any(row):
                    continue
                if len(row) != width:
                    raise RequestError(
                        f"line {reader.line_num}",
                        ",".join(row),
                        f"{width} cells, as many as the header of {path.name} has",
                    )
                cells.append(row)
                lines.append(reader.line_num)
                if len(cells) == _PART_ROWS:
                    yield cells, lines
                    cells, lines = [], []
        except UnicodeDecodeError as error:
            bad = error.object[error.start : error.end]
            where = f"UTF-8; after line {reader.line_num} of {path.name}"
            raise RequestError("encoding", bad, where) from None
        except csv.Error as error:
            raise RequestError(
                f"line {reader.line_num + 1}", error, f"a line of CSV in {path.name}"
            ) from None
    if cells:
        yield cells, lines


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file.

    Raises:
        RequestError: one is longer than `_LINE_MAX`.
    """
    number = 0
    while line := file.readline(_LINE_MAX):
        number += 1
        if len(line) == _LINE_MAX and not line.endswith(("\n", "\r")):
            raise RequestError(
                f"line {number}",
                f"{line[:20]}… of more than {_LINE_MAX} characters",
                f"lines of CSV in {path.name}",
            )
        yield line


def _numbers(
    name: str, cells: tuple[str, ...], texts: set[int], place: int, where: Callable[[int], str]
) -> FloatArray:
    """The cells of a column as numbers; a further column that holds a text is noted in `texts`.

    Args:
        name: of the column.
        cells: its texts.
        texts: gets the places of columns that hold texts.
        place: the column's.
        where: names a row for the error.

    Raises:
        RequestError: a cell of a usual column is no number; names its line and time.
    """
    try:
        return np.array(list(map(float, cells)), dtype=np.float64)
    except ValueError:
        pass
    numbers = np.full(len(cells), np.nan)
    usual = name in COLUMNS
    for row, cell in enumerate(cells):
        try:
            if cell.strip() or usual:
                numbers[row] = float(cell)
        except ValueError:
            if usual:
                raise RequestError(name, cell, f"a number; {where(row)}") from None
            texts.add(place)
            break
    return numbers


def _check_rows(rows: int, path: Path) -> None:
    if rows > ROWS_MAX:
        raise RequestError(
            path.name,
            f"more than {ROWS_MAX} rows",
            "a shorter span or longer bars: cut the file by date",
        )


def _collected(
    header: _Header,
    times: IndexArray,
    table: FloatArray,
    lines: IndexArray | None = None,
    texts: frozenset[int] = frozenset(),
) -> FileColumns:
    """The rows of the table under their names; a further column without any number is left out."""
    columns: dict[str, FloatArray] = {}
    extras: dict[str, FloatArray] = {}
    for place, name in enumerate(header.names):
        if name in COLUMNS:
            columns[name] = table[place]
        elif name in _TIMES or place in texts or not name:
            continue
        elif not np.isnan(table[place]).all():
            extras[name] = table[place]
    return FileColumns(times, columns, extras, lines)
