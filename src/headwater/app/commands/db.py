"""`headwater db`: brings the database up to date, checks it, backs it up and restores it.

The work is in `storage`; here are the options, what is said, and the exit status. Results go to
standard output, everything else to standard error.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headwater.app.settings import load
from headwater.app.storing import database_of_settings
from headwater.core.enums import StoredTable
from headwater.storage.backup import backup as back_up
from headwater.storage.backup import restore as bring_back
from headwater.storage.base import Database
from headwater.storage.checking import TableSum
from headwater.storage.checking import check as check_database
from headwater.storage.upgrade import upgrade as bring_up

app = typer.Typer(no_args_is_help=True, help="Look after the database.")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.callback()
def _group() -> None:
    """Look after the database."""


@app.command()
def upgrade(config: ConfigFile = None) -> None:
    """Bring the tables to the version of this program; `run` does the same when it starts."""
    database = _database(config)
    with database.claim():
        done = bring_up(database)
    if done.before == done.after:
        typer.echo(f"{database.label} has version {done.after} already.")
    else:
        typer.echo(f"{database.label} is at version {done.after} now.")


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Read every row and page; print what each table holds and what is wrong. Exit 1 if any."""
    database = _database(config)
    report = check_database(database)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(report), indent=2))
    else:
        typer.echo(f"{database.label}, version {report.version or 'none'}")
        _print_tables(report.tables)
        for problem in report.problems:
            typer.echo(f"wrong: {problem}")
    if not report.sound:
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="New file for the copy.", dir_okay=False)],
    config: ConfigFile = None,
) -> None:
    """Copy the database to a file, also while the platform runs, and compare the copy."""
    done = back_up(_database(config), file)
    _print_tables(done.tables)
    typer.echo(f"{file}: {done.rows:,} rows, equal.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File of `backup`.", dir_okay=False)],
    config: ConfigFile = None,
) -> None:
    """Fill an empty database, SQLite or PostgreSQL, with a backup: all of it, or nothing."""
    database = _database(config)
    done = bring_back(database, file)
    _print_tables(done.tables)
    typer.echo(f"{database.label}: {done.rows:,} rows, equal.")


def _database(config: Path | None) -> Database:
    return database_of_settings(load(config))


def _print_tables(tables: Mapping[StoredTable, TableSum]) -> None:
    for name, one in tables.items():
        typer.echo(f"{name.value:<14} {one.rows:>12,} rows  {one.checksum}")
