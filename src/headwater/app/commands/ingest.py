"""`headwater ingest`: files of public archives into the database or a tape of Parquet.

What the files are is in `app/archives`; here are the options, progress, the summary and the exit
status.
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from headwater.api.schemas.base import iso_or_none
from headwater.app.archives import binance_vision, tardis
from headwater.app.archives.base import Archive, FilePlan, FileWish
from headwater.app.archives.ingest import FileReport, ingest_file
from headwater.app.archives.targets import TapeTarget, Target, database_target
from headwater.app.settings import Settings, load
from headwater.app.storing import database_of_settings
from headwater.core.clock import SystemClock
from headwater.core.enums import StoredTable
from headwater.core.errors import ConfigError

FILES_MAX: Final = 100_000
"""Files of one call."""

_DAY_MS: Final = 86_400_000
_SUFFIXES: Final = (".csv", ".csv.gz", ".zip")
_TABLES: Final[Mapping[str, StoredTable]] = {
    "klines": StoredTable.CANDLES,
    "aggTrades": StoredTable.TRADES,
    "trades": StoredTable.TRADES,
    "metrics": StoredTable.OPEN_INTEREST,
    "derivative_ticker": StoredTable.OPEN_INTEREST,
    "fundingRate": StoredTable.FUNDING_RATES,
    "liquidationSnapshot": StoredTable.LIQUIDATIONS,
    "liquidations": StoredTable.LIQUIDATIONS,
}


class Source(StrEnum):
    """An archive that can be read."""

    BINANCE_VISION = "binance-vision"
    TARDIS = "tardis"


class Into(StrEnum):
    """Where records go."""

    STORAGE = "storage"
    PARQUET = "parquet"


_ARCHIVES: Final[Mapping[Source, Archive]] = {
    Source.BINANCE_VISION: binance_vision.ARCHIVE,
    Source.TARDIS: tardis.ARCHIVE,
}


def ingest(
    files: Annotated[
        list[Path], typer.Argument(help="Files .csv, .csv.gz or .zip, or folders of them.")
    ],
    source: Annotated[Source, typer.Option("--source", help="Whose files they are.")],
    kind: Annotated[
        str | None, typer.Option("--kind", help="Of the rows, when the file's name does not say.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option("--venue", help="Venue id that the records get.")
    ] = None,
    symbol: Annotated[
        str | None,
        typer.Option("--symbol", help="The venue's own symbol; of tardis: only its rows."),
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Of candles, when the name does not say.")
    ] = None,
    contract_size: Annotated[
        float | None,
        typer.Option("--contract-size", help="Base units of one contract (OKX).", min=1e-12),
    ] = None,
    into: Annotated[Into, typer.Option("--into", help="Where to.")] = Into.STORAGE,
    tape: Annotated[
        Path | None,
        typer.Option("--tape", help="Folder of the tape, with --into parquet.", file_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
    ] = None,
) -> None:
    """Read files of public archives: candles, trades, open interest, funding, liquidations.

    What is there already is not written twice: an ingest may be repeated, and one that was broken
    off goes on when it is started again. The database must not be in use by a running platform.
    Exit status 1 when a row was refused or a file is not whole, 2 when an option is wrong.
    """
    settings = load(config)
    wish = FileWish(
        kind=kind,
        exchange=_venue_id(venue),
        symbol=symbol,
        interval=interval,
        contract_size=contract_size,
    )
    found = _files(files)
    plans = [_ARCHIVES[source].plan(path, wish) for path in found]
    _check(plans, into, tape)
    with _target(into, tape, settings) as target, _Bar(len(plans)) as bar:
        reports = [bar.run(plan, target) for plan in plans]
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(reports), indent=2))
    else:
        _print(reports)
    if into is Into.STORAGE:
        _warn_of_retention(reports, settings)
    if not all(report.sound for report in reports):
        raise typer.Exit(1)


def _files(named: Sequence[Path]) -> list[Path]:
    """The files, those of folders sorted by name.

    Raises:
        ConfigError: one is not there, or is none of an archive's.
    """
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.name.endswith(_SUFFIXES))
            if not inside:
                raise ConfigError("FILE", f"{path} holds none", ", ".join(_SUFFIXES))
            found += inside
        elif not path.is_file():
            raise ConfigError("FILE", f"{path} is not there", "files or folders of an archive")
        elif not path.name.endswith(_SUFFIXES):
            raise ConfigError("FILE", f"{path.name} is none", ", ".join(_SUFFIXES))
        else:
            found.append(path)
    if len(found) > FILES_MAX:
        raise ConfigError("FILE", f"{len(found)} files", f"at most {FILES_MAX} at a time")
    return found


def _check(plans: Sequence[FilePlan], into: Into, tape: Path | None) -> None:
    """Refuses what does not go together.

    Raises:
        ConfigError: names the option.
    """
    if into is Into.PARQUET and tape is None:
        raise ConfigError("--tape", "not given", "a folder, with --into parquet")
    if into is Into.STORAGE and tape is not None:
        raise ConfigError("--tape", "given without --into parquet", "left out")
    if into is Into.STORAGE:
        for plan in plans:
            if not plan.for_tables:
                problem = f"storage has no table of {plan.kind} ({plan.path.name})"
                raise ConfigError("--into", problem, "parquet")


def _venue_id(text: str | None) -> str | None:
    if text is None:
        return None
    if not (text.isascii() and text.replace("_", "").isalnum() and len(text) <= 32):
        raise ConfigError("--venue", f"{text!r} is no id", "letters, digits and _, at most 32")
    return text.lower()


@contextlib.contextmanager
def _target(into: Into, tape: Path | None, settings: Settings) -> Iterator[Target]:
    if into is Into.PARQUET:
        assert tape is not None, "checked before"
        yield TapeTarget(tape)
        return
    database = database_of_settings(settings)
    with database_target(database, settings.large_trade_threshold_usd) as target:
        yield target


class _Bar:
    """Progress on a terminal; elsewhere nothing."""

    def __init__(self, files: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files, {task.fields[rows]:,} rows"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID = self._progress.add_task("", total=files, rows=0)
        self._rows = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def run(self, plan: FilePlan, target: Target) -> FileReport:
        """Reads one file."""
        self._progress.update(self._task, description=plan.path.name)
        report = ingest_file(plan, target, self._tell)
        self._rows += report.rows
        self._progress.advance(self._task)
        return report

    def _tell(self, rows: int) -> None:
        self._progress.update(self._task, rows=self._rows + rows)


def _print(reports: Sequence[FileReport]) -> None:
    for one in reports:
        span = ""
        if one.first_ms is not None:
            span = f", {iso_or_none(one.first_ms)} to {iso_or_none(one.last_ms)}"
        typer.echo(
            f"{one.file}: {one.kind}, {one.rows:,} rows, {one.records:,} records, "
            f"{one.new:,} new, {one.refused:,} refused{span}"
        )
        for reason in one.reasons:
            typer.echo(f"  refused: {reason}")
        if one.refused > len(one.reasons):
            typer.echo(f"  and {one.refused - len(one.reasons):,} more")
        if one.problem:
            typer.echo(f"  ended: {one.problem}")
    typer.echo(
        f"{len(reports)} files: {sum(one.records for one in reports):,} records, "
        f"{sum(one.new for one in reports):,} new, "
        f"{sum(one.refused for one in reports):,} rows refused."
    )


def _warn_of_retention(reports: Sequence[FileReport], settings: Settings) -> None:
    """The platform deletes old rows when it runs next: whoever fetched them should know."""
    now_ms = SystemClock().now_ms()
    for table in dict.fromkeys(_TABLES[one.kind] for one in reports if one.kind in _TABLES):
        days = settings.retention_days.get(table)
        firsts = [
            one.first_ms
            for one in reports
            if _TABLES.get(one.kind) is table and one.first_ms is not None
        ]
        if days is not None and firsts and min(firsts) < now_ms - days * _DAY_MS:
            typer.echo(
                f"note: {table.value} are kept {days:g} days (retention_days): the next run "
                "deletes what is older",
                err=True,
            )
