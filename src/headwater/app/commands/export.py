"""`headwater export`: what is stored, as a file or on standard output.

Reads the database beside a running platform. The work is in `storage/exporting.py`; here are the
options, progress and the exit status.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from pydantic_core import PydanticCustomError

from headwater.api.parameters import TIME_ALLOWED, read_moment
from headwater.app.row_files import STDOUT
from headwater.app.settings import load
from headwater.app.storing import database_of_settings
from headwater.core.enums import StoredTable
from headwater.core.errors import ConfigError, RequestError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS
from headwater.storage.base import Database
from headwater.storage.exporting import (
    PAGE_ROWS,
    ExportFormat,
    ExportQuery,
    key_of,
    page_of,
    write_pages,
)
from headwater.storage.sessions import ReadSession

_SUFFIXES: Final = {
    ".csv": ExportFormat.CSV,
    ".json": ExportFormat.JSON,
    ".ndjson": ExportFormat.NDJSON,
    ".jsonl": ExportFormat.NDJSON,
    ".parquet": ExportFormat.PARQUET,
}


def export(
    table: Annotated[StoredTable, typer.Argument(help="Which table.")],
    out: Annotated[
        str,
        typer.Option("--out", "-o", help="New file; - writes to standard output."),
    ],
    venue: Annotated[str | None, typer.Option("--venue", help="Venue id.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Symbol.")] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of candles (1m).")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", "--since", help="Earliest time: ms, s or ISO-8601."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", "--until", help="Latest time, inclusive.")
    ] = None,
    row_format: Annotated[
        ExportFormat | None, typer.Option("--format", help="Instead of the file's suffix.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
    ] = None,
) -> None:
    """Write a stored table, or a part of it, as CSV, JSON, NDJSON or Parquet.

    Rows have the fields of the records, times are milliseconds. They go series by series, each in
    the order of time. The platform may run meanwhile. A file gets its name when it is whole.
    """
    query = ExportQuery(
        table=table,
        exchange=None if venue is None else venue.strip().lower(),
        symbol=symbol if symbol is None or symbol == ALL_SYMBOLS else canonical_spelling(symbol),
        interval=_interval(interval),
        start_ms=_moment("--start", start),
        end_ms=_after(_moment("--end", end)),
    )
    if query.start_ms is not None and query.end_ms is not None and query.start_ms >= query.end_ms:
        raise ConfigError("--end", str(end), f"not before --start ({start})")
    try:
        page_of(query, None)
    except RequestError as error:
        raise ConfigError(
            "--interval", f"{error.value!r} of {table.value}", error.allowed
        ) from error
    chosen = format_of(out, row_format)
    database = database_of_settings(load(config))
    try:
        with tempfile.TemporaryDirectory(prefix="headwater-") as folder, _target(out) as target:
            progress = _Progress(table.value)
            pages = _pages(database, query)
            rows = write_pages(pages, table, chosen, target, Path(folder), progress.tell)
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    except OSError as error:
        raise ConfigError("--out", f"{out}: {error.strerror}", "a file to write") from error
    progress.end(rows, out)


def format_of(out: str, wanted: ExportFormat | None) -> ExportFormat:
    """The format of a file: the one that is wanted, else the one its suffix means.

    Raises:
        ConfigError: the suffix means none.
    """
    if wanted is not None:
        return wanted
    if out == STDOUT:
        return ExportFormat.CSV
    suffix = Path(out).suffix.lower()
    if suffix not in _SUFFIXES:
        raise ConfigError("--out", f"{suffix or out!r} means no format", ", ".join(_SUFFIXES))
    return _SUFFIXES[suffix]


def _pages(database: Database, query: ExportQuery) -> Iterator[Sequence[Any]]:
    with ReadSession(database) as session:
        after = None
        while True:
            page = session.fetch(page_of(query, after))
            if page:
                yield page
            if len(page) < PAGE_ROWS:
                return
            after = key_of(query.table, page[-1])


@contextlib.contextmanager
def _target(out: str) -> Iterator[BinaryIO]:
    """Where the bytes go: a file gets its name at the end, when everything went well.

    Raises:
        ConfigError: the file is there.
    """
    if out == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    if path.exists():
        raise ConfigError("--out", f"{out} exists", "a new file")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class _Progress:
    """Says how far it is: on a terminal as it goes, elsewhere at the end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shows = sys.stderr.isatty()

    def tell(self, rows: int) -> None:
        if self._shows:
            typer.echo(f"\r{self._what}: {rows:,} rows", err=True, nl=False)

    def end(self, rows: int, out: str) -> None:
        start = "\r" if self._shows else ""
        typer.echo(f"{start}{self._what}: {rows:,} rows written to {out}.", err=True)


def _interval(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return Interval(text).value
    except ValueError as error:
        raise ConfigError("--interval", f"{text!r} is none", ", ".join(Interval)) from error


def _moment(option: str, text: str | None) -> int | None:
    try:
        moment = read_moment(text)
    except PydanticCustomError as error:
        raise ConfigError(option, f"{text!r} is no time", TIME_ALLOWED) from error
    assert moment is None or isinstance(moment, int)
    return moment


def _after(moment_ms: int | None) -> int | None:
    return None if moment_ms is None else moment_ms + 1
