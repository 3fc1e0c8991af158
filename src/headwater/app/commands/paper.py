"""`headwater paper` and `headwater parity`: a strategy on a live market without money, and after.

Exit status of `paper`: 0 it ran until it was stopped, 1 it failed, 2 the call was wrong. Of
`parity`: 0 the back-test did the same, 1 something differs, 2 the call or the journal are wrong.
"""

import sys
import traceback
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from headwater.app.run_options import AsJson, ConfigFile, Params, Strategy, pairs_of, strategy_of
from headwater.core.errors import ConfigError, PlatformError, RequestError
from headwater.core.intervals import Interval
from headwater.core.order_kinds import MarginMode
from headwater.strategies.base import BaseStrategy

if TYPE_CHECKING:
    from headwater.app.paper_session import PaperOrder
    from headwater.app.settings import Settings

_HISTORY_MAX: Final = 1_000
_FRAMES_SHOWN: Final = 3

Names = Annotated[str, typer.Option(help="Symbol, or several with commas.")]
Venues = Annotated[str, typer.Option(help="Venue, or several with commas.")]
Bps = Annotated[float | None, typer.Option(help="Fee of every fill; else the venue's own fees.")]
JournalFile = Annotated[
    Path, typer.Option(help="File to write, one JSON object a line.", dir_okay=False)
]


def paper(
    strategy: Strategy,
    journal: JournalFile,
    exchange: Venues = "binance",
    symbol: Names = "BTCUSDT",
    interval: Annotated[Interval, typer.Option(help="Length of a bar.")] = Interval.M1,
    param: Params = None,
    capital: Annotated[float, typer.Option(help="Cash at the start.", min=0.01)] = 10_000.0,
    fee_bps: Bps = None,
    slippage_bps: Annotated[float, typer.Option(help="Of fills that take.", min=0)] = 0.0,
    leverage: Annotated[float, typer.Option(help="Of every position.", min=1)] = 1.0,
    margin_mode: Annotated[
        MarginMode, typer.Option(help="What a liquidation may take.")
    ] = MarginMode.CROSS,
    history: Annotated[
        int, typer.Option(help="Bars before the start that it sees.", min=0, max=_HISTORY_MAX)
    ] = 500,
    stop_after_s: Annotated[
        float | None, typer.Option("--for", help="Stop by itself after so many seconds.", min=0.1)
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="On simulated exchanges: nothing is real.")
    ] = False,
    seed: Annotated[int, typer.Option(help="With --simulated: decides what happens.")] = 1,
    speed: Annotated[
        float, typer.Option(help="With --simulated: seconds per second.", min=0.1, max=60)
    ] = 1.0,
    config: ConfigFile = None,
) -> None:
    """Run a strategy on the live market with an account on paper, and write down all of it."""
    from headwater.app.logs import configure_logs
    from headwater.app.paper_session import PaperOrder
    from headwater.app.process import run_loop
    from headwater.app.settings import load

    chosen = strategy_of(strategy, param)
    order = PaperOrder(
        strategy=strategy,
        parameters=pairs_of("--param", param, "name=value, such as fast=10"),
        contracts=_contracts(exchange, symbol),
        interval=interval,
        capital=_exact(capital),
        fee_bps=None if fee_bps is None else _exact(fee_bps),
        slippage_bps=_exact(slippage_bps),
        leverage=_exact(leverage),
        margin_mode=margin_mode,
        history=history,
        journal=journal,
        stop_after_s=stop_after_s,
        is_simulated=simulated,
    )
    if journal.exists():
        raise ConfigError("--journal", str(journal), "a file that does not exist yet")
    settings = load(config, {})
    configure_logs(settings.log_level, settings.log_format)
    try:
        run_loop(_paper(order, chosen, settings, seed, speed))
    except PlatformError:
        raise
    except Exception as error:  # a user's strategy may raise anything
        lines = traceback.format_exception(error, limit=-_FRAMES_SHOWN)
        sys.stderr.write(f"{''.join(lines)}headwater: the strategy {chosen.name} failed\n")
        raise typer.Exit(1) from error


async def _paper(
    order: "PaperOrder", chosen: BaseStrategy, settings: "Settings", seed: int, speed: float
) -> None:
    from headwater.app.paper_session import run_paper
    from headwater.app.simulated import SimulatedExchanges, SimulatorOptions

    exchanges: SimulatedExchanges | None = None
    try:
        if order.is_simulated:
            venues = tuple(dict.fromkeys(one for one, _ in order.contracts))
            exchanges = SimulatedExchanges(SimulatorOptions(seed=seed, speed=speed, venues=venues))
            addresses = await exchanges.start()
            settings = settings.model_copy(update={"venue_addresses": addresses})
        end = await run_paper(order, chosen, settings, lambda line: typer.echo(line, err=True))
    finally:
        if exchanges is not None:
            await exchanges.stop()
    typer.echo(
        f"{end.heard:,} market events heard, {end.dropped:,} dropped; equity {end.equity}; "
        f"{end.reason}; journal {order.journal}",
        err=True,
    )


def parity(
    journal: Annotated[Path, typer.Argument(help="Journal of `headwater paper`.", dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Repeat a paper run as a back-test over its journal and list what differs."""
    import msgspec

    from headwater.backtest.paper_parity import parity_of, read_recording
    from headwater.strategies.registry import strategy_class

    try:
        recording = read_recording(journal)
        found = parity_of(recording, lambda name, given: strategy_class(name)(given))
    except RequestError as error:
        raise ConfigError(error.field, str(error.value), error.allowed) from error
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        typer.echo(
            f"{found.heard:,} market events; live {found.live_events:,} events, "
            f"{found.live_fills:,} fills; back-test {found.replayed_events:,} events, "
            f"{found.replayed_fills:,} fills; {found.differing:,} differ"
        )
        for one in found.differences:
            typer.echo(f"{one.place}\n  live      {one.live}\n  back-test {one.replayed}")
        if not found.is_ended:
            typer.echo("The journal has no end: the run was cut off.")
        elif found.live_equity != found.replayed_equity:
            typer.echo(f"equity: live {found.live_equity}, back-test {found.replayed_equity}")
    if not found.is_equal:
        raise typer.Exit(1)


def _contracts(exchange: str, symbol: str) -> tuple[tuple[str, str], ...]:
    """Every symbol on every venue.

    Raises:
        ConfigError: an option without a name, or a venue that is not known.
    """
    from headwater.core.instruments import canonical_spelling
    from headwater.venues.discovery import venues

    exchanges = [one.strip().lower() for one in exchange.split(",") if one.strip()]
    symbols = [one.strip() for one in symbol.split(",") if one.strip()]
    known = list(venues())
    for one in exchanges or [exchange]:
        if one not in known:
            raise ConfigError("--exchange", one, f"one of {', '.join(known)}")
    if not symbols:
        raise ConfigError("--symbol", symbol, "at least one symbol")
    return tuple(
        dict.fromkeys(
            (venue, canonical_spelling(name) or name) for venue in exchanges for name in symbols
        )
    )


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
