"""`headwater fetch`: past market data of any venue to a file, to standard output or into storage.

What is asked of a venue is in `app/download.py`, how rows are written in `app/row_files.py` and
`app/stored_download.py`; here are the options, the order of work and the exit status.
"""

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from headwater.app.download import VenueDownload
from headwater.app.fetch_job import (
    Into,
    Job,
    check,
    column_of,
    interval_of,
    moment_of,
    request_of,
    row_format_of,
    span_of,
    view_of,
)
from headwater.app.fetch_progress import RowProgress
from headwater.app.fetch_request import Kind, demand
from headwater.app.parquet_rows import ParquetRowWriter
from headwater.app.process import run_loop, until_stopped
from headwater.app.row_files import (
    STDOUT,
    Reached,
    RowFormat,
    RowWriter,
    SeriesKey,
    reached_in,
)
from headwater.app.settings import Settings, load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.app.stored_download import demand_stored, retention_note, store_series
from headwater.app.storing import open_store
from headwater.app.venues import addresses_of, chosen_venues
from headwater.core.clock import SystemClock
from headwater.core.errors import ConfigError, PlatformError, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.feeds.settings import RestSettings
from headwater.feeds.venue_rest import venue_rest
from headwater.storage.store import Store
from headwater.transport.http import HttpClient
from headwater.venues.base import Venue

IntervalText = Annotated[
    str | None,
    typer.Option("--interval", help="Length of a candle (1m) or open-interest period (5m)."),
]
SinceText = Annotated[
    str | None, typer.Option("--since", "--start", help="Earliest time: ms, s or ISO-8601.")
]
UntilText = Annotated[
    str | None, typer.Option("--until", "--end", help="Latest time, inclusive; now by default.")
]


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
        str | None,
        typer.Option("--out", "-o", help="File: .csv, .jsonl, .parquet; - is standard output."),
    ] = None,
    into: Annotated[
        Into, typer.Option("--into", help="A file, or the platform's database.")
    ] = Into.FILE,
    symbol: Annotated[
        str | None,
        typer.Option("--symbol", help="Symbols in any common spelling, comma-separated."),
    ] = None,
    interval: IntervalText = None,
    since: SinceText = None,
    until: UntilText = None,
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
    """Download candles, trades, funding, open interest or instruments to a file or into storage.

    Rows have the columns of the HTTP API and go from the oldest to the newest, one series after
    the other. Without --since the newest rows come, as many as --limit says. The forming candle
    is left out; candles that the venue lacks are built from smaller ones (`built_from`). A
    venue's memory ends somewhere: of trades some give only the newest page. What is waited for or
    missing is said on standard error, where progress is too.

    --into storage fetches what the database lacks from --since on, of candles, mark-candles,
    funding and open interest, the newest first; the same command goes on where it stopped. It
    wants the database for itself: not while the platform runs. Exit status 1 when a series is not
    complete, 2 when an option is wrong.
    """
    settings = load(config)
    job = Job(
        kind=kind,
        symbols=_names(symbol),
        interval=interval_of(kind, interval),
        since_ms=moment_of("--since", since),
        until_ms=moment_of("--until", until),
        limit=limit,
        into=into,
        out=out or "",
        row_format=row_format_of(into, out, row_format),
        resume=resume,
    )
    check(job)
    if into is Into.STORAGE and simulated:
        raise ConfigError("--simulated", "rows of made-up markets", "a file (--out)")
    venues = _venues(settings, _names(venue), job)
    again = "--resume" if into is Into.FILE else "the same command"
    try:
        run_loop(_stoppable(_fetch(settings, venues, job, simulated=simulated), again))
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _stoppable(work: "asyncio._CoroutineLike[None]", again: str) -> None:
    """Runs `work` to its end, or until a signal; then what is written stays.

    Args:
        work: the download.
        again: how to go on.
    """
    task = asyncio.create_task(work, name="fetch")
    try:
        await until_stopped(None, task)
        if not task.done():
            raise Incomplete([f"stopped; {again} goes on from here"])
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
        store: Store | None = None
        if job.into is Into.STORAGE:  # first of all: another process may hold it
            opening = open_store(settings, clock, simulated=False)
            store = await stack.enter_async_context(opening)
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
        if series and store is not None:
            span = span_of(job)
            note = retention_note(span, settings.retention_days, clock.now_ms())
            if note:
                typer.echo(note, err=True)
            problems += await store_series(series, span, store, clock)
        elif series:
            problems += await _write(series, job, stack)
    if problems:
        raise Incomplete(problems)


async def _write(
    series: Sequence[tuple[VenueDownload, Instrument]], job: Job, stack: AsyncExitStack
) -> list[str]:
    """Writes every series; returns what went wrong, a line each."""
    target, reached = _target(job, stack)
    view = view_of(job.kind)
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
            exchange=instrument.exchange, symbol=instrument.symbol, interval=column_of(job)
        )
        request = request_of(job, download.now_ms(), instrument, reached.get(key))
        progress = RowProgress(f"{instrument.exchange} {instrument.symbol} {job.kind}")
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
        reached = reached_in(path, job.row_format, view_of(job.kind))
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
            if job.into is Into.STORAGE:
                demand_stored(venue, job.kind, job.interval)
    except RequestError as error:
        raise ConfigError("--venue/--interval", str(error.value), error.allowed) from error
    return found


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
