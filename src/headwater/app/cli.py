"""The command `headwater`: which commands there are; each is imported when it is called.

Exit codes: 0 done, 1 the work failed or found errors, 2 the call itself was wrong.
"""

import sys
from typing import Annotated, Final

import typer

from headwater import __version__
from headwater.app.lazy_commands import CommandPlace, LazyGroup
from headwater.core.errors import ConfigError, PlatformError

PLACES: Final = tuple(
    CommandPlace(name, f"headwater.app.commands.{where}", summary)
    for name, where, summary in (
        ("run", "run:run", "Run the platform on the live exchanges."),
        (
            "demo",
            "run:demo",
            "Run the platform on simulated exchanges: no account, no internet, no real money.",
        ),
        (
            "simulate",
            "simulate:simulate",
            "Run only the simulated exchanges; print one JSON line with their addresses.",
        ),
        (
            "record",
            "tape:record",
            "Record everything the venues send, as it came, with its receive time.",
        ),
        (
            "replay",
            "tape:replay",
            "Play a tape through the same parsers, books and API as live data.",
        ),
        (
            "compact",
            "tape:compact",
            "Merge the many small files of each day that is over into a few large ones.",
        ),
        (
            "fetch",
            "fetch:fetch",
            (
                "Download candles, trades, funding, open interest or instruments to a file or into "
                "storage."
            ),
        ),
        (
            "export",
            "export:export",
            "Write a stored table, or a part of it, as CSV, JSON, NDJSON or Parquet.",
        ),
        (
            "ingest",
            "ingest:ingest",
            "Read files of public archives: candles, trades, open interest, funding, liquidations.",
        ),
        (
            "score",
            "score:score",
            "Score the stored forecasts of liquidation maps against what followed.",
        ),
        ("venues", "info:venues", "List the venues and what each of them offers."),
        (
            "settings",
            "info:settings",
            (
                "List every setting, its value here and its environment variable. "
                "Secrets do not print."
            ),
        ),
        (
            "doctor",
            "info:doctor",
            "Check this machine, the settings, the clock and the way to every venue.",
        ),
        (
            "backtest",
            "backtest:backtest",
            "Run a strategy over past bars and tell what came of it.",
        ),
        (
            "sweep",
            "sweep:sweep",
            (
                "Try many parameters of a strategy over the same bars, and how far the best can be "
                "trusted."
            ),
        ),
        (
            "walk-forward",
            "walk_forward:walk_forward",
            "Choose parameters on one stretch of the past, run them on the next, and so on.",
        ),
        (
            "paper",
            "paper:paper",
            "Run a strategy on the live market with an account on paper, and write down all of it.",
        ),
        (
            "parity",
            "paper:parity",
            "Repeat a paper run as a back-test over its journal and list what differs.",
        ),
        (
            "strategies",
            "strategies:strategies",
            "List the strategies and their parameters, or tell all of one.",
        ),
        (
            "compare-runs",
            "compare_runs:compare_runs",
            "Put the summaries of back-tests side by side; differing assumptions are named first.",
        ),
        ("wire", "wire:app", "Read raw messages of a venue."),
        ("db", "db:app", "Look after the database."),
    )
)
"""Every command, in the order of the help."""


class _Commands(LazyGroup):
    """All commands."""

    places = PLACES


app = typer.Typer(
    name="headwater",
    cls=_Commands,
    help="Market data of crypto derivatives as one normalised stream.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headwater {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Market data of crypto derivatives as one normalised stream."""
    del version


def main() -> None:
    """Runs the command line; turns our own errors into one line and an exit code."""
    try:
        app()
    except ConfigError as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise SystemExit(2) from error
    except PlatformError as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise SystemExit(1) from error
