"""`headwater compare-runs`: summaries of back-tests side by side.

Exit status: 0 they were compared, also when they are not alike (which is said); 2 the call was
wrong.
"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headwater.app.run_options import AsJson, Html, named_options, written
from headwater.backtest.comparison import Comparison, Difference, compared, read_summary
from headwater.core.errors import ConfigError

Files = Annotated[
    list[Path],
    typer.Argument(help="Files that `backtest --json` wrote, best with --equity.", dir_okay=False),
]


def compare_runs(files: Files, as_json: AsJson = False, html: Html = None) -> None:
    """Put the summaries of back-tests side by side; differing assumptions are named first."""
    with named_options(lambda _: "FILES"):
        names = [str(file) for file in files]
        if len(set(names)) < len(names):
            raise ConfigError("FILES", "one is there twice", "each file once")
        runs = {
            file.stem if [one.stem for one in files].count(file.stem) == 1 else str(file): (
                read_summary(file)
            )
            for file in files
        }
        comparison = compared(runs)
    if as_json:
        sys.stdout.write(msgspec.json.encode(comparison).decode() + "\n")
    else:
        _print(comparison)
    if html is not None:
        from headwater.backtest.comparison_page import comparison_html

        with written("--html", html):
            html.write_text(comparison_html(comparison, runs), encoding="utf-8")
        typer.echo(f"report: {html}", err=True)


def _print(comparison: Comparison) -> None:
    """Tables for people, the differences first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from headwater.backtest.report_metrics import figure_text, metric_label

    console = Console()
    console = Console(width=None if console.is_terminal else 160)

    def shown(title: str, rows: tuple[Difference, ...]) -> None:
        table = Table("of", *(escape(name) for name in comparison.runs), title=title)
        for one in rows:
            table.add_row(*(escape(text) for text in (one.what, *one.values)))
        console.print(table)

    if not comparison.is_alike:
        console.print("[bold red]THESE RUNS ARE NOT ALIKE[/]: their data or assumptions differ.")
        shown("Data and assumptions that differ", comparison.differences)
    if comparison.insolvent:
        names = escape(", ".join(comparison.insolvent))
        console.print(f"[bold red]INSOLVENT[/]: {names}")
    if comparison.strategies:
        shown("What is compared", comparison.strategies)
    table = Table("figure", *(escape(name) for name in comparison.runs), title="Figures")
    for one in comparison.metrics:
        table.add_row(
            metric_label(one.name), *(figure_text(one.name, value) for value in one.values)
        )
    console.print(table)
