"""What was asked for on `headwater fetch`'s command line, and what of it does not go together."""

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from pydantic_core import PydanticCustomError

from headwater.api.parameters import TIME_ALLOWED, read_moment
from headwater.api.schemas.base import View
from headwater.app.fetch_request import KINDS, FetchRequest, Kind
from headwater.app.row_files import STDOUT, Reached, RowFormat, format_of
from headwater.app.stored_download import StoredSpan
from headwater.core.errors import ConfigError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval

NEWEST_ROWS: Final = 500
"""Rows of a series when neither a start nor a number is given."""
NEWEST_ROWS_MAX: Final = 20_000
"""Most rows without a start: they are asked for at once and held in memory."""
_DEFAULT_INTERVAL: Final = {
    Kind.CANDLES: Interval.M1,
    Kind.MARK_CANDLES: Interval.M1,
    Kind.OPEN_INTEREST: Interval.M5,
}


class Into(StrEnum):
    """Where rows go."""

    FILE = "file"
    STORAGE = "storage"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line.

    Attributes:
        kind: of what.
        symbols: in any common spelling; empty for every instrument (of `instruments` only).
        interval: of candles and open interest.
        since_ms: earliest time, inclusive; None for the newest rows.
        until_ms: latest time, inclusive; None for now.
        limit: most rows of each series, None for all.
        into: where rows go.
        out: path of the file, or `-`; empty for storage.
        row_format: how rows are written to a file.
        resume: whether the file is continued.
    """

    kind: Kind
    symbols: tuple[str, ...]
    interval: Interval | None
    since_ms: int | None
    until_ms: int | None
    limit: int | None
    into: Into
    out: str
    row_format: RowFormat
    resume: bool


def check(job: Job) -> None:
    """Refuses what does not go together.

    Raises:
        ConfigError: names the option.
    """
    if not job.symbols and job.kind is not Kind.INSTRUMENTS:
        raise ConfigError("--symbol", "not given", "one symbol or more, comma-separated")
    if job.since_ms is not None and job.until_ms is not None and job.since_ms > job.until_ms:
        raise ConfigError("--until", f"{job.until_ms} ms", f"not before --since ({job.since_ms})")
    if job.into is Into.STORAGE:
        _check_stored(job)
        return
    if KINDS[job.kind].view is None:
        raise ConfigError("--into", f"{job.kind} to a file", "--into storage")
    if job.since_ms is None and (job.limit or 0) > NEWEST_ROWS_MAX and not job.resume:
        raise ConfigError("--limit", str(job.limit), f"with --since, or at most {NEWEST_ROWS_MAX}")
    if job.resume and (job.out == STDOUT or job.kind is Kind.INSTRUMENTS):
        raise ConfigError("--resume", "there is nothing to continue", "a file of a series")
    if job.resume and job.row_format is RowFormat.PARQUET:
        raise ConfigError("--resume", "a file of Parquet cannot be added to", ".csv or .jsonl")
    if not job.resume and job.out != STDOUT and Path(job.out).exists():
        raise ConfigError("--out", f"{job.out} exists", "a new file, or --resume to continue it")


def _check_stored(job: Job) -> None:
    """Refuses what belongs to files.

    Raises:
        ConfigError: names the option.
    """
    for option, is_given in (
        ("--out", bool(job.out)),
        ("--limit", job.limit is not None),
        ("--resume", job.resume),
    ):
        if is_given:
            raise ConfigError(option, "with --into storage", "--since, and --until if you like")
    if job.since_ms is None:
        raise ConfigError("--since", "not given", "the earliest time that storage shall have")


def row_format_of(into: Into, out: str | None, given: RowFormat | None) -> RowFormat:
    """How rows are written to the file.

    Raises:
        ConfigError: there is no file, or its suffix does not tell.
    """
    if into is Into.STORAGE:
        if given is not None:
            raise ConfigError("--format", "with --into storage", "a file (--out)")
        return RowFormat.JSONL
    if not out:
        raise ConfigError("--out", "not given", "a file, - for standard output, or --into storage")
    return format_of(out, given)


def interval_of(kind: Kind, text: str | None) -> Interval | None:
    """The interval of a kind that has one.

    Raises:
        ConfigError: there is no such interval, or the kind has none.
    """
    if kind not in _DEFAULT_INTERVAL:
        if text is not None:
            raise ConfigError("--interval", f"{kind} have none", "candles or open-interest")
        return None
    if text is None:
        return _DEFAULT_INTERVAL[kind]
    try:
        return Interval(text)
    except ValueError as error:
        raise ConfigError("--interval", f"{text!r} is none", ", ".join(Interval)) from error


def moment_of(option: str, text: str | None) -> int | None:
    """The time that an option names, ms; None where it is not given.

    Raises:
        ConfigError: it names none.
    """
    try:
        moment = read_moment(text)
    except PydanticCustomError as error:
        raise ConfigError(option, f"{text!r} is no time", TIME_ALLOWED) from error
    assert moment is None or isinstance(moment, int)
    return moment


def column_of(job: Job) -> str | None:
    """What the rows have in their column `interval`, None without one."""
    return job.interval.value if job.kind is Kind.CANDLES and job.interval is not None else None


def view_of(kind: Kind) -> type[View]:
    """The rows of a kind in a file."""
    view = KINDS[kind].view
    assert view is not None, "`check` has refused what has no rows in a file"
    return view


def span_of(job: Job) -> StoredSpan:
    """What is wanted in storage."""
    assert job.since_ms is not None, "`check` wants a start for storage"
    return StoredSpan(
        kind=job.kind, interval=job.interval, since_ms=job.since_ms, until_ms=job.until_ms
    )


def request_of(
    job: Job, now_ms: int, instrument: Instrument, reached: Reached | None
) -> FetchRequest:
    """What is asked of a venue for a file.

    Args:
        job: what was asked for.
        now_ms: the venue's time.
        instrument: of which.
        reached: how far the file goes already.
    """
    limit = job.limit
    if job.since_ms is None and reached is None and limit is None:
        limit = NEWEST_ROWS
    return FetchRequest(
        kind=job.kind,
        instrument=instrument,
        interval=job.interval,
        since_ms=job.since_ms,
        until_ms=now_ms if job.until_ms is None else job.until_ms,
        limit=limit,
        reached=reached,
    )
