"""Files of an archive: CSV, gzipped or in a zip, row by row, with their place for errors.

Knows nothing of what columns mean. A header is recognised by a first cell that is no number and no
time; without one the columns are told by their number. Lines are bounded, nothing is held but the
line at hand.
"""

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from headwater.core.errors import PlatformError

LINE_CHARS_MAX: Final = 64 * 1024
"""Longest line; a longer one is no row of these archives."""

MEMBERS_MAX: Final = 10_000
"""Files in one zip."""

EARLIEST_MS: Final = 1_230_940_800_000
"""3 January 2009, the first block of Bitcoin: earlier times are no times."""

LATEST_MS: Final = 4_102_444_800_000
"""The year 2100."""

_VALUE: Final = re.compile(r"[-+0-9.]")
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}")
_READ_ERRORS: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, UnicodeError, csv.Error)


class ArchiveUnreadable(PlatformError):
    """A file is no archive of the kind it should be.

    Args:
        file: which one, with the member of a zip.
        line: 1-based; 0 where no line is meant.
        column: name of the column; empty where none is meant.
        problem: what is wrong, and what would be right.
    """

    def __init__(self, file: str, line: int, column: str, problem: str) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {f'column {column}: ' if column else ''}{problem}")
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem


class CellRefused(ValueError):
    """A row cannot be taken.

    Args:
        column: whose value is wrong.
        problem: what is wrong with it.
    """

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(f"column {column}: {problem}")


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of one kind of file.

    Attributes:
        layouts: names of the columns in order, for each number of columns that files without a
            header have.
        needed: the columns that are read, in the order in which they are given to the reader.
        optional: those of them that a file may lack; the reader gets an empty text.
    """

    layouts: Sequence[Sequence[str]]
    needed: Sequence[str]
    optional: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """All names that a header may have."""
        return frozenset(name for layout in self.layouts for name in layout) | set(self.needed)


class CsvRow(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        file: which file, with the member of a zip.
        line: 1-based.
        cells: the needed columns, in the sheet's order; None when the row has another number of
            columns than the file.
        columns: number of columns of the row.
    """

    file: str
    line: int
    cells: tuple[str, ...] | None
    columns: int


def read_rows(path: Path, sheet: Sheet) -> Iterator[CsvRow]:
    """The rows of a file: of a zip those of every CSV in it.

    Raises:
        ArchiveUnreadable: it cannot be read, or has columns that are unknown or lacks some.
    """
    label = path.name
    try:
        for label, text in _texts(path):
            yield from _rows(label, text, sheet)
    except _READ_ERRORS as error:
        raise ArchiveUnreadable(label, 0, "", str(error) or type(error).__name__) from error


def _texts(path: Path) -> Iterator[tuple[str, IO[str]]]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.namelist() if one.lower().endswith(".csv")]
            if not members or len(members) > MEMBERS_MAX:
                problem = f"{len(members)} CSV files; 1 to {MEMBERS_MAX} are read"
                raise ArchiveUnreadable(path.name, 0, "", problem)
            for member in members:
                with archive.open(member) as raw, _text(raw) as text:
                    yield f"{path.name}/{member}", text
        return
    with _opened(path) as file, _text(file) as text:
        yield path.name, text


def _opened(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


@contextmanager
def _text(raw: IO[bytes]) -> Iterator[IO[str]]:
    with io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        yield text


def _rows(label: str, text: IO[str], sheet: Sheet) -> Iterator[CsvRow]:
    reader = csv.reader(_lines(label, text))
    first = next(reader, None)
    if first is None:
        return
    if _is_header(first):
        names: Sequence[str] = [name.strip() for name in first]
        _check_header(label, names, sheet)
        rows: Iterator[list[str]] = reader
    else:
        names = _layout_for(label, len(first), sheet)
        rows = _chained(first, reader)
    # What is lacking points behind the last cell, where an empty text is put.
    places = [names.index(name) if name in names else len(names) for name in sheet.needed]
    pick = itemgetter(*places, len(names))
    width = len(names)
    for cells in rows:
        if len(cells) == width:
            cells.append("")
            yield CsvRow(label, reader.line_num, pick(cells)[:-1], width)
        elif cells:
            yield CsvRow(label, reader.line_num, None, len(cells))


def _lines(label: str, text: IO[str]) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_CHARS_MAX + 1):
        number += 1
        if len(line) > LINE_CHARS_MAX:
            problem = f"longer than {LINE_CHARS_MAX} characters: no such row"
            raise ArchiveUnreadable(label, number, "", problem)
        yield line


def _chained(first: list[str], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rest


def _is_header(cells: Sequence[str]) -> bool:
    """Whether no cell looks like a number: in a row of data the times and prices do."""
    return bool(cells) and not any(_VALUE.match(cell) for cell in cells if cell)


def _check_header(label: str, names: Sequence[str], sheet: Sheet) -> None:
    known = sheet.known
    for name in names:
        if name not in known:
            raise ArchiveUnreadable(
                label, 1, name, f"unknown; known are {', '.join(sorted(known))}"
            )
        if names.count(name) > 1:
            raise ArchiveUnreadable(label, 1, name, "there twice")
    for name in sheet.needed:
        if name not in names and name not in sheet.optional:
            raise ArchiveUnreadable(label, 1, name, f"lacking; there are {', '.join(names)}")


def _layout_for(label: str, width: int, sheet: Sheet) -> Sequence[str]:
    for layout in sheet.layouts:
        if len(layout) == width:
            return layout
    wanted = " or ".join(str(len(layout)) for layout in sheet.layouts)
    raise ArchiveUnreadable(label, 1, "", f"{width} columns without a header; expected {wanted}")


def moment_us(column: str, text: str) -> int:
    """A time as microseconds since the epoch.

    Args:
        column: for the error.
        text: milliseconds (13 digits) or microseconds (16 digits) since the epoch.

    Raises:
        CellRefused: neither, or before 2009 or after 2100.
    """
    if text.isascii() and text.isdigit():
        us = int(text) * 1000 if len(text) == 13 else int(text) if len(text) == 16 else -1
        if EARLIEST_MS * 1000 <= us < LATEST_MS * 1000:
            return us
    raise CellRefused(column, f"{text[:40]!r} is no time in milliseconds or microseconds")


def number(column: str, text: str, *, least: float | None = None, above: bool = False) -> float:
    """A finite number.

    Args:
        column: for the error.
        text: digits.
        least: smallest value, None for any.
        above: whether it must be greater than `least`.

    Raises:
        CellRefused: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    # What is not a number fails each comparison.
    if not float("-inf") < value < float("inf") or "_" in text:
        raise CellRefused(column, f"{text[:40]!r} is no number")
    if least is not None and (value < least or (above and value == least)):
        raise CellRefused(
            column, f"{text[:40]} is not {'above' if above else 'at least'} {least:g}"
        )
    return value


def positive(column: str, text: str) -> float:
    """A number above 0; see `number`."""
    return number(column, text, least=0.0, above=True)


def whole(column: str, text: str) -> int:
    """A whole number of at most 18 digits, ≥ 0.

    Raises:
        CellRefused: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise CellRefused(column, f"{text[:40]!r} is no whole number")


def is_iso(text: str) -> bool:
    """Whether a text is a date with a time, `2024-01-31 12:00:00`."""
    return _ISO.fullmatch(text) is not None
