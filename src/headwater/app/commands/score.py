"""`headwater score`: what the liquidation maps were worth, from the stored forecasts.

Reads the database only, so it works beside a platform that writes it. The same table as
`GET /liquidations/skill`. Exit status: 0 a table was made, 1 there is nothing to score or the
database does not answer, 2 the call was wrong.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from headwater.api.routes.skill import SkillHorizon
from headwater.api.schemas.base import encode
from headwater.api.schemas.skill import SkillRowView, SkillView, skill_view
from headwater.app.settings import load
from headwater.app.skill_page import skill_page
from headwater.app.storing import database_of_settings
from headwater.core.clock import SystemClock
from headwater.core.errors import ConfigError, RequestError
from headwater.core.instruments import canonical_spelling
from headwater.services.liquidation_skill import (
    DAYS_MAX,
    LiquidationSkill,
    SkillQuestion,
    SkillTable,
)
from headwater.services.skill_evidence import CELLS_JOINED
from headwater.storage.base import Database, Query
from headwater.storage.sessions import ReadSession

RecordT = TypeVar("RecordT")

Symbol = Annotated[str, typer.Option(help="Symbol in any common spelling.")]
Model = Annotated[
    str | None, typer.Option(help="One model, with the baselines beside it; else all.")
]
Days = Annotated[
    int, typer.Option(min=1, max=DAYS_MAX, help="Forecasts of the newest so many days.")
]
Horizon = Annotated[
    SkillHorizon | None, typer.Option(help="For how long a forecast speaks; else all.")
]
Exchanges = Annotated[
    str | None,
    typer.Option(help="Venues whose liquidations judge, with commas; else the full feed."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the API gives it.")]
Html = Annotated[
    Path | None, typer.Option(help="Also write a page with pictures to this file.", dir_okay=False)
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
]


class _Reading:
    """Reads with one read-only connection, in the thread that asks."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def __call__(self, query: Query[RecordT]) -> Sequence[RecordT]:
        return self._session.fetch(query)


def score(
    symbol: Symbol,
    model: Model = None,
    days: Days = 30,
    horizon: Horizon = None,
    exchanges: Exchanges = None,
    as_json: AsJson = False,
    html: Html = None,
    config: ConfigFile = None,
) -> None:
    """Score the stored forecasts of liquidation maps against what followed."""
    canonical = canonical_spelling(symbol)
    if not canonical:
        raise ConfigError("--symbol", f"{symbol!r} is none", "a symbol such as BTCUSDT")
    question = SkillQuestion(
        symbol=canonical,
        end_ms=SystemClock().now_ms(),
        days=days,
        model=model,
        horizons_ms=None if horizon is None else (horizon.milliseconds,),
        cell_widths=tuple(CELLS_JOINED),
        exchanges=None if exchanges is None else tuple(exchanges.lower().split(",")),
    )
    table = _table(database_of_settings(load(config)), question)
    view = skill_view(table, None)
    if as_json:
        typer.echo(encode(view).decode())
    else:
        _print(view)
    if html is not None:
        _write(html, skill_page(table, view))
    if not view.data:
        raise typer.Exit(1)


def _table(database: Database, question: SkillQuestion) -> SkillTable:
    """The table, with a bar on standard error while it is made."""
    console = Console(stderr=True)
    with (
        ReadSession(database) as session,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("scoring", total=None)
        skill = LiquidationSkill(_Reading(session))

        def told(done: int, of: int) -> None:
            progress.update(bar, completed=done, total=of)

        try:
            return asyncio.run(skill.table(question, told))
        except RequestError as error:
            raise ConfigError(f"--{error.field}", str(error.value), str(error.allowed)) from error


def _print(view: SkillView) -> None:
    meta = view.meta
    if view.data:
        table = Table(title=f"{meta.symbol}, {meta.start_time[:10]} to {meta.end_time[:10]}")
        for name in ("model", "horizon", "cell"):
            table.add_column(name, no_wrap=True)
        table.add_column("information gain", no_wrap=True, min_width=40)
        for name in ("lift", "precision", "controls", "seen"):
            table.add_column(name, no_wrap=True)
        for row in view.data:
            table.add_row(*_cells(row))
        console = Console()
        # A file or a pipe has no width: nothing may be cut there.
        Console(width=None if console.is_terminal else 160).print(table)
        typer.echo(f"liquidations: {', '.join(meta.exchanges) or 'none'}; line by line:")
        for row in view.data:
            where = f"{row.model} {row.version} {row.venues} {row.horizon} {row.cell_width:.2%}"
            typer.echo(f"  {where}: {row.line}")
    if meta.note:
        typer.echo(meta.note)


def _cells(row: SkillRowView) -> list[str]:
    """A row as text."""
    numbers, checks = row.score, row.controls
    lift = precision = "–"
    if numbers is not None and numbers.lift is not None:
        lift = f"{numbers.lift:.2f}"
    if numbers is not None and numbers.precision is not None:
        found = numbers.precision
        precision = f"{found.model:.2f} ({found.baseline:.2f}, {found.prevalence:.2f})"
    sound = "–" if checks is None or checks.is_sound is None else str(checks.is_sound)
    words = {"True": "sound", "False": "DISTRUST", "–": "–"}
    return [
        f"{row.model} {row.version}",
        row.horizon,
        f"{row.cell_width:.2%}",
        row.line,
        lift,
        precision,
        words[sound],
        "–" if row.coverage is None else f"{row.coverage:.0%}",
    ]


def _write(file: Path, page: str) -> None:
    """Writes the page.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError("--html", str(error.strerror), "a file that can be written") from error
