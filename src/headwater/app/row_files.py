"""Files of rows: CSV and JSON Lines, written page by page and continued where they end.

Parquet is another matter: `parquet_rows`.

A row is a view of the market API, so a column has the name, unit and text that HTTP gives it. A
file that was cut in the middle of a line is continued from the last whole one.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from headwater.api.parameters import read_moment
from headwater.api.schemas.base import View
from headwater.core.errors import ConfigError

STDOUT: Final = "-"
"""Stands for standard output where a file is asked for."""

_SUFFIXES_ALLOWED: Final = ".csv, .jsonl, .ndjson or .parquet, or - for standard output"


class RowFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


_SUFFIXES: Final = {
    ".csv": RowFormat.CSV,
    ".jsonl": RowFormat.JSONL,
    ".ndjson": RowFormat.JSONL,
    ".parquet": RowFormat.PARQUET,
}


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """What tells rows apart when a file is continued; the names are those of the views.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        interval: of candles, else None.
        timestamp: ISO-8601.
        funding_time: of settlements, ISO-8601.
        trade_id: of trades.
    """

    exchange: str
    symbol: str
    timestamp: str
    interval: str | None = None
    funding_time: str | None = None
    trade_id: str | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far a file goes in one series.

    Attributes:
        moment_ms: time of its newest row, ms since the epoch.
        ids: ids of the rows of that time; only trades have any.
    """

    moment_ms: int
    ids: frozenset[str] = frozenset()


class SeriesKey(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that follow each other in time.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        interval: of candles, else None.
    """

    exchange: str
    symbol: str
    interval: str | None


def format_of(out: str, wanted: RowFormat | None) -> RowFormat:
    """The format of a file: the one that is wanted, else the one its suffix means.

    Args:
        out: path of the file, or `-`.
        wanted: None to go by the suffix.

    Raises:
        ConfigError: the suffix means no format that there is.
    """
    suffix = Path(out).suffix.lower()
    if wanted is not None:
        return wanted
    if out == STDOUT:
        return RowFormat.JSONL
    if suffix not in _SUFFIXES:
        raise ConfigError("--out", f"{suffix or out!r} means no format", _SUFFIXES_ALLOWED)
    return _SUFFIXES[suffix]


class RowWriter:
    """Writes rows of one kind.

    Args:
        target: where to; flushed after every page.
        row_format: how; not Parquet.
        view: kind of the rows.
        with_header: whether a CSV begins with the names of its columns.
    """

    def __init__(
        self, target: BinaryIO, row_format: RowFormat, view: type[View], *, with_header: bool
    ) -> None:
        assert row_format is not RowFormat.PARQUET
        self._target = target
        self._format = row_format
        self._encoder = msgspec.json.Encoder()
        self.written = 0
        if with_header and row_format is RowFormat.CSV:
            target.write(_csv_lines([view.__struct_fields__]))

    def write(self, rows: Sequence[View]) -> None:
        """Writes a page of rows.

        Raises:
            OSError: the file cannot be written.
        """
        if self._format is RowFormat.JSONL:
            text = b"".join(self._encoder.encode(row) + b"\n" for row in rows)
        else:
            text = _csv_lines([self._cell(value) for value in _values(row)] for row in rows)
        self._target.write(text)
        self._target.flush()
        self.written += len(rows)

    def finish(self) -> None:
        """Nothing is left to do: every page is in the file already."""

    def _cell(self, value: object) -> str:
        """The text that JSON has for a value, without quotes; nothing for null."""
        if value is None:
            return ""
        text = self._encoder.encode(value).decode()
        return str(value) if text.startswith('"') else text


def reached_in(path: Path, row_format: RowFormat, view: type[View]) -> dict[SeriesKey, Reached]:
    """How far a file goes, by series; cuts an unfinished last line off.

    Args:
        path: an existing file.
        row_format: how it was written.
        view: kind of the rows that will follow.

    Raises:
        ConfigError: it cannot be read, or holds other rows.
    """
    found: dict[SeriesKey, Reached] = {}
    try:
        _drop_torn_line(path)
        for row in _rows_in(path, row_format, view):
            _note(found, row)
    except (OSError, ValueError, msgspec.MsgspecError, csv.Error) as error:
        allowed = f"a file of such rows: {', '.join(view.__struct_fields__)}"
        raise ConfigError("--resume", f"{path}: {error}", allowed) from error
    return found


def _note(found: dict[SeriesKey, Reached], row: Column) -> None:
    key = SeriesKey(exchange=row.exchange, symbol=row.symbol, interval=row.interval)
    moment = read_moment(row.funding_time or row.timestamp)
    assert isinstance(moment, int)
    ids = frozenset() if row.trade_id is None else frozenset((row.trade_id,))
    before = found.get(key)
    if before is None or moment > before.moment_ms:
        found[key] = Reached(moment_ms=moment, ids=ids)
    elif moment == before.moment_ms:
        found[key] = Reached(moment_ms=moment, ids=before.ids | ids)


def _drop_torn_line(path: Path) -> None:
    """Ends the file after its last whole line."""
    with path.open("r+b") as file:
        size = at = file.seek(0, io.SEEK_END)
        while at > 0:
            first = max(0, at - io.DEFAULT_BUFFER_SIZE)
            file.seek(first)
            newline = file.read(at - first).rfind(b"\n")
            if newline >= 0:
                at = first + newline + 1
                break
            at = first
        if at < size:
            file.truncate(at)


def _rows_in(path: Path, row_format: RowFormat, view: type[View]) -> Iterator[Column]:
    columns = view.__struct_fields__
    if row_format is RowFormat.JSONL:
        decoder = msgspec.json.Decoder(Column)
        with path.open("rb") as lines:
            for line in lines:
                yield decoder.decode(line)
        return
    with path.open(encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        header = next(reader, None)
        if header is not None and tuple(header) != columns:
            raise ValueError(f"its columns are {', '.join(header)}")
        for cells in reader:
            known = dict(zip(columns, cells, strict=True))
            yield msgspec.convert(known, Column)


def _values(row: View) -> Iterable[object]:
    return (getattr(row, name) for name in row.__struct_fields__)


def _csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
