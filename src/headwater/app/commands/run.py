"""Commands that run the platform: on the live exchanges, and on simulated ones."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer

from headwater.app.logs import configure_logs
from headwater.app.process import ProcessUsage, run_loop, until_stopped
from headwater.app.settings import Settings, load
from headwater.app.simulated import SimulatedExchanges, SimulatorFailed, SimulatorOptions
from headwater.app.wiring import Platform

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
]
Venues = Annotated[
    str | None, typer.Option("--venues", help="Venues to connect to, comma-separated.")
]
Host = Annotated[str | None, typer.Option("--host", help="Address the API listens on.")]
Port = Annotated[int | None, typer.Option("--port", help="TCP port of the API; 0: any free one.")]
Dashboard = Annotated[
    bool | None,
    typer.Option("--dashboard/--no-dashboard", help="Serve the dashboard, or not."),
]
StopAfter = Annotated[
    float | None, typer.Option("--for", help="Stop by itself after so many seconds.", min=0.1)
]


def run(
    venues: Venues = None,
    host: Host = None,
    port: Port = None,
    dashboard: Dashboard = None,
    config: ConfigFile = None,
    stop_after_s: StopAfter = None,
) -> None:
    """Run the platform on the live exchanges."""
    options = {"venues": venues, "host": host, "port": port, "dashboard": dashboard}
    settings = load(config, options)
    configure_logs(settings.log_level, settings.log_format)
    run_loop(_live(settings, stop_after_s))


def demo(
    port: Port = None,
    stop_after_s: StopAfter = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides everything that happens.")] = 1,
    speed: Annotated[
        float, typer.Option("--speed", help="Simulated seconds per second.", min=0.1, max=60)
    ] = 1.0,
    faults: Annotated[
        Path | None, typer.Option("--faults", help="Fault plan of the exchanges.", exists=True)
    ] = None,
    dashboard: Dashboard = None,
    config: ConfigFile = None,
) -> None:
    """Run the platform on simulated exchanges: no account, no internet, no real money."""
    settings = load(config, {"port": port, "dashboard": dashboard})
    configure_logs(settings.log_level, settings.log_format)
    options = SimulatorOptions(
        seed=seed,
        speed=speed,
        venues=settings.venues,
        faults=None if faults is None else str(faults),
    )
    run_loop(_demo(settings, options, stop_after_s))


async def _live(settings: Settings, stop_after_s: float | None) -> None:
    platform = Platform(settings, simulated=False)
    async with platform:
        _greet(platform, "the live exchanges", dashboard=settings.dashboard)
        await until_stopped(stop_after_s, platform.failed)


async def _demo(settings: Settings, options: SimulatorOptions, stop_after_s: float | None) -> None:
    exchanges = SimulatedExchanges(options)
    addresses = await exchanges.start()
    try:
        platform = Platform(
            settings.model_copy(update={"venue_addresses": addresses}), simulated=True
        )
        async with platform:
            _greet(
                platform,
                "simulated exchanges: nothing here is real",
                dashboard=settings.dashboard,
            )
            ended = asyncio.create_task(exchanges.wait(), name="simulated exchanges")
            try:
                await until_stopped(stop_after_s, platform.failed, ended)
                if ended.done():
                    raise SimulatorFailed(f"ended with exit code {ended.result()}")
            finally:
                ended.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ended
            typer.echo(ProcessUsage.now().summary(platform.uptime_s), err=True)
    finally:
        await exchanges.stop()


def _greet(platform: Platform, source: str, *, dashboard: bool) -> None:
    """Says where to look, on standard error: standard output belongs to data."""
    base = platform.base_url
    stream = base.replace("http", "ws", 1) + "/ws/binance/BTCUSDT/trades"
    typer.echo(
        "\n".join(
            [
                f"Headwater runs on {base} with {source}.",
                *([f"  look       {base}/dashboard/"] if dashboard else []),
                f"  try        curl {base}/binance/ohlc/BTCUSDT/1m?limit=5",
                f"  live       {stream}",
                f"  documents  {base}/docs   {base}/ws-catalog   {base}/health",
                "  stop       Ctrl-C",
            ]
        ),
        err=True,
    )
