"""`headwater sweep`: many parameters over the same bars, and how far the best can be trusted.

Exit status: 0 the sweep was done, 1 a worker was lost or the best combination looks ahead, 2 the
call or the data are wrong. With `--resume FILE` a sweep that was stopped goes on where it was.
"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headwater.app.option_records import spread
from headwater.app.run_options import named_options, written
from headwater.app.shared_options import RunOptions
from headwater.app.sweep_options import SearchOptions, option_of, progress_shown
from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.sweep_requests import SweepReport, SweepRun, run_sweep

Top = Annotated[int, typer.Option(help="Rows that are shown.")]


@spread
def sweep(options: RunOptions, search: SearchOptions, top: Top = 20) -> None:
    """Try many parameters of a strategy over the same bars, and how far the best can be trusted."""
    search.check_strategy(options.strategy, options.param)
    contract = options.one_contract()
    assumed = options.costs(contract)
    inputs = options.inputs(contract)
    request = search.request(options.strategy, options.param, inputs.stated(assumed), top=top)
    search.check_resume()
    try:
        with named_options(option_of), progress_shown("sweeping") as progress:
            run = run_sweep(
                request, inputs.bars, progress, funding=inputs.funding, detail=inputs.detail
            )
    except LookAhead as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise typer.Exit(1) from error
    _tell(run, options.html, as_json=options.as_json)


def _tell(run: SweepRun, html: Path | None, *, as_json: bool) -> None:
    """Prints the answer and writes the page."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(run.report).decode() + "\n")
    else:
        _print(run.report)
    if html is not None:
        from headwater.backtest.sweep_page import sweep_html

        with written("--html", html):
            html.write_text(sweep_html(run), encoding="utf-8")
        typer.echo(f"report: {html}", err=True)


def _print(report: SweepReport) -> None:
    """The rows and the judgement for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from headwater.backtest.sweep_page import row_texts

    console = Console()
    # A file or a pipe has no width: nothing may be cut there.
    console = Console(width=None if console.is_terminal else 160)
    names = list(report.rows[0].parameters) if report.rows else []
    heads, rows = row_texts(report, names)
    table = Table(
        *(escape(head) for head in heads),
        title=f"{escape(report.strategy)}: best {len(report.rows)} of {report.combinations:,} "
        f"by {report.objective}",
    )
    for row in rows:
        table.add_row(*(escape(text) for text in row))
    console.print(table)
    for line in (
        *report.overfit.words,
        f"look-ahead: {report.look_ahead}",
        *(f"{name.replace('_', ' ')}: {text}" for name, text in report.assumptions.items()),
        (
            f"run by: {report.drive}; {report.skipped:,} refused by the strategy, "
            f"{report.reused:,} from the journal"
        ),
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
