"""`headwater walk-forward`: what parameters chosen on the past earned on what followed.

Exit status: 0 it was done, 1 a worker was lost, 2 the call or the data are wrong. `--resume` names
a folder here, with a journal for each fold.
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
from headwater.backtest.run_inputs import RunInputs
from headwater.backtest.sweep_requests import WalkForwardRequest, run_walk_forward
from headwater.backtest.walk_forward_result import WalkForwardResult

InSample = Annotated[float, typer.Option("--in-sample-days", help="Days that are learned from.")]
OutOfSample = Annotated[
    float, typer.Option("--out-of-sample-days", help="Days that are tested on; also the step.")
]
Folds = Annotated[int | None, typer.Option(help="Only the latest so many; else all that fit.")]
Embargo = Annotated[
    float, typer.Option("--embargo-days", help="Days between the two that belong to neither.")
]
Anchored = Annotated[bool, typer.Option("--anchored", help="Always learn from the first bar on.")]


@spread
def walk_forward(
    options: RunOptions,
    in_sample_days: InSample,
    out_of_sample_days: OutOfSample,
    search: SearchOptions,
    folds: Folds = None,
    embargo_days: Embargo = 0.0,
    anchored: Anchored = False,
) -> None:
    """Choose parameters on one stretch of the past, run them on the next, and so on."""
    search.check_strategy(options.strategy, options.param)
    contract = options.one_contract()
    assumed = options.costs(contract)
    inputs = options.inputs(contract)
    request = WalkForwardRequest(
        sweep=search.request(options.strategy, options.param, inputs.stated(assumed), top=1),
        in_sample_days=in_sample_days,
        out_of_sample_days=out_of_sample_days,
        embargo_days=embargo_days,
        anchored=anchored,
        folds=folds,
    )
    search.check_resume()
    _tell(_run(request, inputs), options.html, as_json=options.as_json)


def _run(request: WalkForwardRequest, inputs: RunInputs) -> WalkForwardResult:
    """Runs it, with progress on a terminal."""
    with named_options(option_of), progress_shown("walking forward") as progress:
        return run_walk_forward(
            request, inputs.bars, progress, funding=inputs.funding, detail=inputs.detail
        )


def _tell(result: WalkForwardResult, html: Path | None, *, as_json: bool) -> None:
    """Prints the folds and writes the page."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result.summary()).decode() + "\n")
    else:
        _print(result)
    if html is not None:
        from headwater.backtest.walk_forward_page import walk_forward_html

        with written("--html", html):
            html.write_text(walk_forward_html(result), encoding="utf-8")
        typer.echo(f"report: {html}", err=True)


def _print(result: WalkForwardResult) -> None:
    """The folds, what they mean and what was taken for granted, for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from headwater.backtest.walk_forward_page import fold_texts

    console = Console()
    # A file or a pipe has no width: nothing may be cut there.
    console = Console(width=None if console.is_terminal else 160)
    heads, rows = fold_texts(result)
    table = Table(*heads, title=f"{escape(result.strategy)}, walk-forward")
    for row in rows:
        table.add_row(*(escape(text) for text in row))
    console.print(table)
    told = (f"{name.replace('_', ' ')}: {text}" for name, text in result.assumptions.items())
    for line in (*result.summary().words, *told):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
