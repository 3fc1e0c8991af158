"""The command that runs only the simulated exchanges, for any client library to be pointed at."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from headwater.app.process import until_stopped
from headwater.core.clock import SystemClock
from headwater.core.errors import ConfigError, PlatformError
from headwater.simulator.faults import FaultPlan, plan_from_file
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.venues.discovery import venue as venue_of
from headwater.venues.discovery import venues as all_venues

_HIGHEST_PORT = 65_535
_READ_BYTES = 4096


class PortTaken(PlatformError):
    """A port cannot be listened on."""


def simulate(
    venues: Annotated[
        str | None, typer.Option("--venues", help="Venue ids, comma-separated; all by default.")
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            "--port", help="Port of the first venue; 0: any free ones.", min=0, max=_HIGHEST_PORT
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Decides everything that happens.")] = 1,
    speed: Annotated[
        float, typer.Option("--speed", help="Simulated seconds per second.", min=0.1, max=60)
    ] = 1.0,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Canonical symbols, comma-separated.")
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", help="Fault plan, TOML or JSON.", exists=True, dir_okay=False),
    ] = None,
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="Stop when standard input closes.")
    ] = False,
) -> None:
    """Run only the simulated exchanges; print one JSON line with their addresses.

    REST and WebSocket speak the venues' own protocols. Below `/_simulator/` of each venue are the
    truth and the fault switches.
    """
    plan = FaultPlan() if faults is None else plan_from_file(faults)
    chosen = _names(venues) or list(all_venues())
    server = _server(chosen, port, seed, speed, _names(symbols), plan)
    asyncio.run(_serve(server, seed, stop_with_stdin=stop_with_stdin))


def _server(
    venue_ids: Sequence[str],
    port: int,
    seed: int,
    speed: float,
    symbols: Sequence[str] | None,
    plan: FaultPlan,
) -> SimulatorServer:
    """Builds the markets; nothing listens yet.

    Raises:
        ConfigError: the ports would end beyond the highest one.
    """
    if port and port + len(venue_ids) - 1 > _HIGHEST_PORT:
        raise ConfigError("--port", f"{port} leaves no room for every venue", "a lower port")
    clock = SystemClock()
    start_ms = clock.now_ms()
    venues = [venue_of(venue_id) for venue_id in venue_ids]
    hosted = host_venues(venues, seed=seed, start_ms=start_ms, symbols=symbols)
    return SimulatorServer(hosted, clock=clock, speed=speed, base_port=port, plan=plan)


async def _serve(server: SimulatorServer, seed: int, *, stop_with_stdin: bool) -> None:
    """Runs until a signal, the end of standard input, or a failure of the market."""
    try:
        await server.start()
    except OSError as error:
        raise PortTaken(f"--port: {error}") from error
    ends = [asyncio.create_task(server.wait_failed(), name="simulator failure")]
    if stop_with_stdin:
        ends.append(asyncio.create_task(_stdin_closed(), name="standard input"))
    try:
        sys.stdout.write(json.dumps(_announcement(server, seed)) + "\n")
        sys.stdout.flush()
        await until_stopped(None, *ends)
    finally:
        for end in ends:
            end.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await end
        await server.stop()


def _announcement(server: SimulatorServer, seed: int) -> dict[str, object]:
    """The one line that says where everything is."""
    venues = {
        venue_id: {
            "rest": venue.addresses.rest,
            "streams": dict(venue.addresses.streams),
            "admin": venue.admin_url,
        }
        for venue_id, venue in server.venues.items()
    }
    return {"venues": venues, "seed": seed, "speed": server.speed, "simulated": True}


async def _stdin_closed() -> None:
    """Returns when standard input ends: whoever started this process is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(_READ_BYTES):
            pass
    finally:
        transport.close()


def _names(text: str | None) -> list[str] | None:
    """Comma-separated names; None when there are none."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    return names or None
