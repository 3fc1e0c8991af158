"""`headwater fetch`: past market data of any venue to a file or to standard output.

What is asked of a venue is in `app/download.py`, how rows are written in `app/row_files.py`; here
are the options, the order of work, progress and the exit status.
"""

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import msgspec
import typer
from pydantic_core import PydanticCustomError

from headwater.api.parameters import TIME_ALLOWED, read_moment
from headwater.app.download import VenueDownload
from headwater.app.fetch_request import KINDS, FetchRequest, Kind, demand
from headwater.app.parquet_rows import ParquetRowWriter
from headwater.app.process import run_loop, until_stopped
from headwater.app.row_files import (
    STDOUT,
    Reached,
    RowFormat,
    RowWriter,
    SeriesKey,
    format_of,
    reached_in,
)
from headwater.app.settings import Settings, load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.app.venues import addresses_of, chosen_venues
from headwater.core.clock import SystemClock
from headwater.core.errors import ConfigError, PlatformError, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.feeds.settings import RestSettings
from headwater.feeds.venue_rest import venue_rest
from headwater.transport.http import HttpClient
from headwater.venues.base import Venue

NEWEST_ROWS: Final = 500
"""Rows of a series when neither a start nor a number is given."""
NEWEST_ROWS_MAX: Final = 20_000
"""Most rows without a start: they are asked for at once and held in memory."""
_WITH_INTERVAL: Final = (Kind.CANDLES, Kind.OPEN_INTEREST)
_DEFAULT_INTERVAL: Final = {Kind.CANDLES: Interval.M1, Kind.OPEN_INTEREST: Interval.M5}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line.

    Attributes:
        kind: of what.
        symbols: in any common spelling; empty for every instrument (of `instruments` only).
        interval: of candles and open interest.
        since_ms: earliest time, inclusive; None for the newest rows.
        until_ms: latest time, inclusive; None for now.
        limit: most rows of each series, None for all.
        out: path of the file, or `-`.
        row_format: how rows are written.
        resume: whether the file is continued.
    """

    kind: Kind
    symbols: tuple[str, ...]
    interval: Interval | None
    since_ms: int | None
    until_ms: int | None
    limit: int | None
    out: str
    row_format: RowFormat
    resume: bool


class Incomplete(PlatformError):
    """Some series are not in the file, or not whole.

    Args:
        problems: one line each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("not complete: " + "; ".join(problems))


def fetch(
    kind: Annotated[Kind, typer.Argument(help="What to download.")],
    venue: Annotated[str, typer.Option("--venue", help="Venue ids, comma-separated.")],
    out: Annotated[
        str,
        typer.Option("--out", "-o", help="File: .csv, .jsonl, .parquet; - is standard output."),
    ],
    symbol: Annotated[
        str | None,
        typer.Option("--symbol", help="Symbols in any common spelling, comma-separated."),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option("--interval", help="Length of a candle (1m) or open-interest period (5m)."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", "--start", help="Earliest time: ms, s or ISO-8601."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", "--end", help="Latest time, inclusive; now by default."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Most rows of each series.", min=1)
    ] = None,
    row_format: Annotated[
        RowFormat | None, typer.Option("--format", help="Instead of the file's suffix.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the file after its newest rows.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Ask built-in simulated exchanges instead.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
    ] = None,
) -> None:
    """Download candles, trades, funding, open interest or instruments to a file.

    Rows have the columns of the HTTP API and go from the oldest to the newest, one series after
    the other. Without --since the newest rows come, as many as --limit says. The forming candle
    is left out; candles that the venue lacks are built from smaller ones (`built_from`). A
    venue's memory ends somewhere: of trades some give only the newest page. What is waited for or
    missing is said on standard error, where progress is too. Exit status 1 when a series is not
    complete, 2 when an option is wrong.
    """
    settings = load(config)
    job = Job(
        kind=kind,
        symbols=_names(symbol),
        interval=_interval(kind, interval),
        since_ms=_moment("--since", since),
        until_ms=_moment("--until", until),
        limit=limit,
        out=out,
        row_format=format_of(out, row_format),
        resume=resume,
    )
    _check(job)
    venues = _venues(settings, _names(venue), job)
    try:
        run_loop(_stoppable(_fetch(settings, venues, job, simulated=simulated)))
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _stoppable(work: "asyncio._CoroutineLike[None]") -> None:
    """Runs `work` to its end, or until a signal; then what is written stays."""
    task = asyncio.create_task(work, name="fetch")
    try:
        await until_stopped(None, task)
        if not task.done():
            raise Incomplete(["stopped; --resume goes on from here"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _fetch(settings: Settings, venues: Sequence[Venue], job: Job, *, simulated: bool) -> None:
    """Opens everything, downloads one series after the other, says what is missing."""
    async with AsyncExitStack() as stack:
        if simulated:
            exchanges = SimulatedExchanges(
                SimulatorOptions(venues=tuple(one.facts.venue_id for one in venues))
            )
            stack.push_async_callback(exchanges.stop)
            settings = settings.model_copy(update={"venue_addresses": await exchanges.start()})
            typer.echo("Simulated exchanges: nothing here is real.", err=True)
        clock = SystemClock()
        http = HttpClient(clock)
        await http.start()
        stack.push_async_callback(http.close)
        series: list[tuple[VenueDownload, Instrument]] = []
        problems: list[str] = []
        for venue in venues:
            download = _download(venue, settings, http, clock)
            try:
                await download.open()
            except PlatformError as error:
                problems.append(str(error))
                continue
            series += [(download, one) for one in _instruments(download, job.symbols)]
        if series:
            problems += await _write(series, job, stack)
    if problems:
        raise Incomplete(problems)


async def _write(
    series: Sequence[tuple[VenueDownload, Instrument]], job: Job, stack: AsyncExitStack
) -> list[str]:
    """Writes every series; returns what went wrong, a line each."""
    target, reached = _target(job, stack)
    view = KINDS[job.kind].view
    writer: RowWriter | ParquetRowWriter
    if job.row_format is RowFormat.PARQUET:
        writer = ParquetRowWriter(target, view)
    else:
        writer = RowWriter(target, job.row_format, view, with_header=not reached)
    # What was fetched before the end is kept, however it comes.
    stack.callback(writer.finish)
    problems = []
    for download, instrument in series:
        key = SeriesKey(
            exchange=instrument.exchange, symbol=instrument.symbol, interval=_column(job)
        )
        request = _request(job, download.now_ms(), instrument, reached.get(key))
        progress = _Progress(f"{instrument.exchange} {instrument.symbol} {job.kind}")
        try:
            async for rows in download.pages(request):
                writer.write(rows)
                progress.more(len(rows))
        except PlatformError as error:
            problems.append(f"{progress.what}: {error}")
        if job.kind is not Kind.INSTRUMENTS:
            progress.end()
    typer.echo(f"{writer.written:,} rows written to {job.out}.", err=True)
    return problems


class _Progress:
    """Says how far a series is: on a terminal as it goes, elsewhere at its end."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._rows = 0
        self._shows = sys.stderr.isatty()

    def more(self, rows: int) -> None:
        self._rows += rows
        if self._shows:
            typer.echo(f"\r{self.what}: {self._rows:,} rows", err=True, nl=False)

    def end(self) -> None:
        start = "\r" if self._shows else ""
        typer.echo(f"{start}{self.what}: {self._rows:,} rows", err=True)


def _request(
    job: Job, now_ms: int, instrument: Instrument, reached: Reached | None
) -> FetchRequest:
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


def _target(job: Job, stack: AsyncExitStack) -> tuple[BinaryIO, dict[SeriesKey, Reached]]:
    """Where rows go, and what is there already.

    Raises:
        ConfigError: the file cannot be written, or not be continued.
    """
    if job.out == STDOUT:
        return sys.stdout.buffer, {}
    path = Path(job.out)
    reached = {}
    if job.resume and path.exists():
        reached = reached_in(path, job.row_format, KINDS[job.kind].view)
    try:
        file = path.open("ab" if reached else "wb")
    except OSError as error:
        raise ConfigError("--out", f"{path}: {error.strerror}", "a file to write") from error
    return stack.enter_context(file), reached


def _download(
    venue: Venue, settings: Settings, http: HttpClient, clock: SystemClock
) -> VenueDownload:
    rng = random.Random()  # noqa: S311 - jitter, no secret
    rest = venue_rest(
        venue,
        addresses_of(venue, settings).rest,
        http,
        clock,
        rng,
        RestSettings(timeout_s=settings.request_timeout_s),
    )
    return VenueDownload(
        venue, rest, clock, rng, lambda text: typer.echo(f"headwater: {text}", err=True)
    )


def _instruments(download: VenueDownload, symbols: Sequence[str]) -> list[Instrument]:
    """The instruments of one venue.

    Raises:
        ConfigError: it lists nothing like a symbol; names near ones.
    """
    try:
        return download.instruments(symbols)
    except UnknownSymbol as error:
        near = ", ".join(error.suggestions) or error.allowed
        problem = f"{error.value!r} is not listed by {error.exchange}"
        raise ConfigError("--symbol", problem, near) from error


def _venues(settings: Settings, names: Sequence[str], job: Job) -> list[Venue]:
    """The venues of these names, bridged exchanges among them.

    Raises:
        ConfigError: there is no such venue, or it does not offer what is wanted.
    """
    bridged = tuple(name for name in names if name in settings.ccxt_exchanges)
    ours = tuple(name for name in names if name not in bridged)
    known = chosen_venues(settings.model_copy(update={"venues": ours, "ccxt_exchanges": bridged}))
    found = [one for one in known if one.facts.venue_id in names]
    try:
        for venue in found:
            demand(venue, job.kind, job.interval)
    except RequestError as error:
        raise ConfigError("--venue/--interval", str(error.value), error.allowed) from error
    return found


def _check(job: Job) -> None:
    """Refuses what does not go together.

    Raises:
        ConfigError: names the option.
    """
    if not job.symbols and job.kind is not Kind.INSTRUMENTS:
        raise ConfigError("--symbol", "not given", "one symbol or more, comma-separated")
    if job.since_ms is not None and job.until_ms is not None and job.since_ms > job.until_ms:
        raise ConfigError("--until", f"{job.until_ms} ms", f"not before --since ({job.since_ms})")
    if job.since_ms is None and (job.limit or 0) > NEWEST_ROWS_MAX and not job.resume:
        raise ConfigError("--limit", str(job.limit), f"with --since, or at most {NEWEST_ROWS_MAX}")
    if job.resume and (job.out == STDOUT or job.kind is Kind.INSTRUMENTS):
        raise ConfigError("--resume", "there is nothing to continue", "a file of a series")
    if job.resume and job.row_format is RowFormat.PARQUET:
        raise ConfigError("--resume", "a file of Parquet cannot be added to", ".csv or .jsonl")
    if not job.resume and job.out != STDOUT and Path(job.out).exists():
        raise ConfigError("--out", f"{job.out} exists", "a new file, or --resume to continue it")


def _interval(kind: Kind, text: str | None) -> Interval | None:
    """The interval of a kind that has one.

    Raises:
        ConfigError: there is no such interval, or the kind has none.
    """
    if kind not in _WITH_INTERVAL:
        if text is not None:
            raise ConfigError("--interval", f"{kind} have none", "candles or open-interest")
        return None
    if text is None:
        return _DEFAULT_INTERVAL[kind]
    try:
        return Interval(text)
    except ValueError as error:
        raise ConfigError("--interval", f"{text!r} is none", ", ".join(Interval)) from error


def _moment(option: str, text: str | None) -> int | None:
    try:
        moment = read_moment(text)
    except PydanticCustomError as error:
        raise ConfigError(option, f"{text!r} is no time", TIME_ALLOWED) from error
    assert moment is None or isinstance(moment, int)
    return moment


def _column(job: Job) -> str | None:
    """What the rows have in their column `interval`, None without one."""
    return job.interval.value if job.kind is Kind.CANDLES and job.interval is not None else None


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
