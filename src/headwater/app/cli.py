"""The command `headwater`: mounts one module per group of commands.

Exit codes: 0 done, 1 the work failed or found errors, 2 the call itself was wrong.
"""

import sys
from typing import Annotated

import typer

from headwater import __version__
from headwater.app.commands import db, export, fetch, info, ingest, run, score, simulate, tape, wire
from headwater.core.errors import ConfigError, PlatformError

app = typer.Typer(
    name="headwater",
    help="Market data of crypto derivatives as one normalised stream.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(run.run)
app.command("demo")(run.demo)
app.command("simulate")(simulate.simulate)
app.add_typer(wire.app, name="wire")
app.command("record")(tape.record)
app.command("replay")(tape.replay)
app.command("compact")(tape.compact)
app.command("fetch")(fetch.fetch)
app.command("export")(export.export)
app.command("ingest")(ingest.ingest)
app.command("score")(score.score)
app.add_typer(db.app, name="db")
app.command("venues")(info.venues)
app.command("settings")(info.settings)
app.command("doctor")(info.doctor)


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
