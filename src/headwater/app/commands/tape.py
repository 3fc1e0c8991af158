"""Commands of the raw tape: record what venues send, and play it to the platform again."""

import asyncio
import random
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
from headwater.core.errors import ConfigError, RequestError
from headwater.feeds.replay_source import ReplaySource
from headwater.venues.base import Venue
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
    stop_after_s: StopAfter = None,
    config: ConfigFile = None,
) -> None:
    """Record everything the venues send, as it came, with its receive time."""
    settings = load(
        config, {"venues": venues, "supported_symbols": symbols, "record_dir": str(out)}
    )
    configure_logs(settings.log_level, settings.log_format)
    run_loop(_record(settings, stop_after_s))


def replay(
    tape: Annotated[
        Path, typer.Argument(help="Folder of `record`, or a recording in any known layout.")
    ],
    venue: Annotated[
        str | None, typer.Option("--venue", help="Whose tape; guessed from the folder if unset.")
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
    run_loop(_replay(settings, tape, _venue_of(tape, venue), speed, stop_at_end, stop_after_s))


def _venue_of(tape: Path, name: str | None) -> Venue:
    """The venue that was named, or the only one with a part in the tape."""
    if name is None:
        found = [one for one in all_venues() if (tape / one).is_dir() or one in tape.parts]
        if len(found) != 1:
            allowed = ", ".join(found or all_venues())
            raise ConfigError("--venue", "the tape does not say whose it is", allowed)
        name = found[0]
    try:
        return venue_of(name)
    except RequestError as error:
        raise ConfigError("--venue", f"{name!r} is unknown", error.allowed) from error


async def _record(settings: Settings, stop_after_s: float | None) -> None:
    bus = MemoryBus()
    feeds = LiveFeeds(settings, bus=bus, clock=SystemClock(), simulated=False)
    async with feeds:
        typer.echo(f"Recording to {settings.record_dir}; Ctrl-C ends it.", err=True)
        progress = asyncio.create_task(_tell(feeds), name="progress")
        try:
            await until_stopped(stop_after_s)
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
    tape: Path,
    venue: Venue,
    speed: float,
    stop_at_end: bool,
    stop_after_s: float | None,
) -> None:
    bus = MemoryBus()
    source = ReplaySource(
        venue,
        tape,
        bus=bus,
        clock=SystemClock(),
        rng=random.Random(),  # noqa: S311 - jitter, no secret
        speed=speed,
    )
    sources = {venue.facts.venue_id: source}
    async with Platform(settings, simulated=True, sources=sources, bus=bus) as platform:
        typer.echo(f"Headwater replays {tape.name} on {platform.base_url}.", err=True)
        await source.start()
        ended = asyncio.create_task(source.wait_finished(), name="end of the tape")
        told = asyncio.create_task(_tell_end(ended, source), name="tell the end")
        try:
            ends = (platform.failed, told) if stop_at_end else (platform.failed,)
            await until_stopped(stop_after_s, *ends)
        finally:
            for task in (ended, told):
                task.cancel()
            await asyncio.gather(ended, told, return_exceptions=True)
            await source.stop()


async def _tell_end(ended: "asyncio.Task[None]", source: ReplaySource) -> None:
    """Says what came of the tape when it has ended."""
    await ended
    stats = source.stats
    typer.echo(
        f"The tape has ended: {stats.messages:,} messages, "
        f"{stats.passed_over:,} lines passed over.",
        err=True,
    )
