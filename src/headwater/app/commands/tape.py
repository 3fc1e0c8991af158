"""Commands of the raw tape: record what venues send, and play it to the platform again."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from headwater.app.live_feeds import LiveFeeds
from headwater.app.logs import configure_logs
from headwater.app.process import run_loop, until_stopped
from headwater.app.settings import Settings, load
from headwater.app.wiring import Platform
from headwater.bus.memory import MemoryBus
from headwater.core.clock import SystemClock
from headwater.core.enums import TapeFormat
from headwater.core.errors import ConfigError, RequestError
from headwater.feeds.replay_source import ReplaySource
from headwater.storage.parquet_compaction import compact as merge_parts
from headwater.storage.parquet_layout import RawMessage
from headwater.storage.parquet_parts import is_tape, venues_in
from headwater.venues.discovery import venue as venue_of
from headwater.venues.discovery import venues as all_venues

PROGRESS_S = 1.0
"""How often progress is said on a terminal."""

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
]
StopAfter = Annotated[
    float | None, typer.Option("--for", help="Stop by itself after so many seconds.", min=0.1)
]


def record(
    out: Annotated[Path, typer.Option("--out", help="Folder for the tape.", file_okay=False)],
    venues: Annotated[
        str | None, typer.Option("--venues", help="Venues, comma-separated; all by default.")
    ] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Symbols, comma-separated.")
    ] = None,
    tape_format: Annotated[
        TapeFormat | None,
        typer.Option("--format", help="Lines or columns; `record_format` by default."),
    ] = None,
    stop_after_s: StopAfter = None,
    config: ConfigFile = None,
) -> None:
    """Record everything the venues send, as it came, with its receive time.

    Lines (ndjson) are on the disk within half a second; columns (parquet) within a minute, so a
    crash loses more, but they are a little smaller and read many times as fast.
    """
    options = {"venues": venues, "supported_symbols": symbols, "record_dir": str(out)}
    if tape_format is not None:
        options["record_format"] = tape_format.value
    settings = load(config, options)
    configure_logs(settings.log_level, settings.log_format)
    run_loop(_record(settings, stop_after_s))


def replay(
    tape: Annotated[
        Path, typer.Argument(help="Folder of `record`, or a recording in any known layout.")
    ],
    venue: Annotated[
        str | None, typer.Option("--venue", help="Whose tape; unset: everybody's in the folder.")
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", help="Tape seconds per second; 0: all at once.", min=0)
    ] = 1.0,
    port: Annotated[
        int | None, typer.Option("--port", help="TCP port of the API; 0: any free one.")
    ] = None,
    stop_at_end: Annotated[
        bool, typer.Option("--stop-at-end", help="End with the tape instead of serving on.")
    ] = False,
    stop_after_s: StopAfter = None,
    config: ConfigFile = None,
) -> None:
    """Play a tape through the same parsers, books and API as live data."""
    settings = load(config, {"port": port})
    configure_logs(settings.log_level, settings.log_format)
    if not tape.exists():
        raise ConfigError("tape", f"{tape} is not there", "a folder of `record`, or a file")
    parts = _parts(tape, venue)
    run_loop(_replay(settings, tape.name, parts, speed, stop_at_end, stop_after_s))


def compact(
    tape: Annotated[Path, typer.Argument(help="Folder of a tape of Parquet.", file_okay=False)],
) -> None:
    """Merge the many small files of each day that is over into a few large ones.

    It may run beside a platform that writes the tape, but not while somebody reads those days.
    """
    if not tape.is_dir() or not is_tape(tape):
        raise ConfigError(
            "tape",
            f"{tape} is no tape of Parquet",
            "a folder of `record --format "
            "parquet`, `ingest --into parquet` or the setting tape_dir",
        )
    done = merge_parts(tape, SystemClock().now_ms())
    typer.echo(
        f"{tape}: {done.parts_before:,} files are {done.parts_after:,} now, "
        f"{done.repeated_rows:,} rows were there twice."
    )


def _parts(tape: Path, name: str | None) -> dict[str, Path]:
    """Which file or folder is whose: the named venue's, or every venue's that has a part."""
    if name is not None:
        try:
            venue_of(name)
        except RequestError as error:
            raise ConfigError("--venue", f"{name!r} is unknown", error.allowed) from error
        found = [name]
    else:
        there = venues_in(tape, RawMessage.kind) if is_tape(tape) else ()
        found = [
            one
            for one in all_venues()
            if one in there or (tape / one).is_dir() or one in tape.parts
        ]
    if not found:
        allowed = ", ".join(all_venues())
        raise ConfigError("--venue", "the tape does not say whose it is", allowed)
    return {one: tape / one if (tape / one).is_dir() else tape for one in found}


async def _record(settings: Settings, stop_after_s: float | None) -> None:
    bus = MemoryBus()
    feeds = LiveFeeds(settings, bus=bus, clock=SystemClock(), simulated=False)
    async with feeds:
        typer.echo(f"Recording to {settings.record_dir}; Ctrl-C ends it.", err=True)
        progress = asyncio.create_task(_tell(feeds), name="progress")
        try:
            await until_stopped(stop_after_s, feeds.failed)
        finally:
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)
    for name, stats in feeds.tapes.items():
        typer.echo(
            f"{name}: {stats.written} messages written, {stats.dropped} dropped"
            + (f"; {stats.problem}" if stats.problem else ""),
            err=True,
        )
    if any(stats.dropped for stats in feeds.tapes.values()):
        raise typer.Exit(1)


async def _tell(feeds: LiveFeeds) -> None:
    """Says how far it is, once a second."""
    while True:
        await asyncio.sleep(PROGRESS_S)
        said = ", ".join(f"{name} {stats.written:,}" for name, stats in feeds.tapes.items())
        typer.echo(f"\r{said} messages", err=True, nl=False)


async def _replay(
    settings: Settings,
    name: str,
    parts: Mapping[str, Path],
    speed: float,
    stop_at_end: bool,
    stop_after_s: float | None,
) -> None:
    bus = MemoryBus()
    sources = {
        venue: ReplaySource(
            venue_of(venue),
            path,
            bus=bus,
            clock=SystemClock(),
            rng=random.Random(),  # noqa: S311 - jitter, no secret
            speed=speed,
        )
        for venue, path in parts.items()
    }
    # A tape cannot be asked for wallets, whatever the environment names for live runs.
    settings = settings.model_copy(update={"hyperliquid_wallets": ()})
    async with Platform(settings, simulated=True, sources=sources, bus=bus) as platform:
        typer.echo(f"Headwater replays {name} on {platform.base_url}.", err=True)
        told = asyncio.create_task(_tell_end(tuple(sources.values())), name="end of the tape")
        try:
            for source in sources.values():
                await source.start()
            ends = (platform.failed, told) if stop_at_end else (platform.failed,)
            await until_stopped(stop_after_s, *ends)
        finally:
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
            for source in sources.values():
                await source.stop()


async def _tell_end(sources: Sequence[ReplaySource]) -> None:
    """Says what came of the tape when every part of it has ended."""
    await asyncio.gather(*[source.wait_finished() for source in sources])
    messages = sum(source.stats.messages for source in sources)
    passed_over = sum(source.stats.passed_over for source in sources)
    typer.echo(
        f"The tape has ended: {messages:,} messages, {passed_over:,} lines passed over.", err=True
    )
