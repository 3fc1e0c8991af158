"""`headwater walk-forward`: what parameters chosen on the past earned on what followed.

Exit status: 0 it was done, 1 a worker was lost, 2 the call or the data are wrong. `--resume` names
a folder here, with a journal for each fold.
"""

import sys
from typing import Annotated

import msgspec
import typer

from headwater.app.run_options import (
    AsJson,
    Capital,
    ConfigFile,
    Data,
    End,
    Exchange,
    FeeBps,
    Fill,
    Html,
    IntervalText,
    Leverage,
    Params,
    SlippageBps,
    Start,
    Strategy,
    Symbol,
    named_options,
    written,
)
from headwater.app.sweep_options import (
    Objective,
    Ranges,
    Resume,
    Scheduler,
    Search,
    Seed,
    Trials,
    Workers,
    bars_asked,
    costs_told,
    option_of,
    progress_shown,
    sweep_request,
)
from headwater.backtest.assumptions import FillRule
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


def walk_forward(
    strategy: Strategy,
    in_sample_days: InSample,
    out_of_sample_days: OutOfSample,
    data: Data = None,
    range_: Ranges = None,
    param: Params = None,
    folds: Folds = None,
    embargo_days: Embargo = 0.0,
    anchored: Anchored = False,
    search: Search = "grid",
    trials: Trials = 100,
    seed: Seed = 0,
    objective: Objective = "sharpe",
    resume: Resume = "",
    scheduler: Scheduler = "",
    workers: Workers = None,
    symbol: Symbol = "",
    exchange: Exchange = "",
    interval: IntervalText = "",
    start: Start = None,
    end: End = None,
    capital: Capital = 10_000.0,
    fee_bps: FeeBps = None,
    slippage_bps: SlippageBps = 0.0,
    fill: Fill = FillRule.NEXT_OPEN,
    leverage: Leverage = 1.0,
    html: Html = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Choose parameters on one stretch of the past, run them on the next, and so on."""
    assumed = costs_told(capital, fee_bps, slippage_bps, fill, leverage, exchange)
    request = WalkForwardRequest(
        sweep=sweep_request(
            *(strategy, range_, param, assumed),
            method=search,
            samples=trials,
            seed=seed,
            objective=objective,
            scheduler=scheduler,
            workers=workers,
            journal=resume,
            top=1,
        ),
        in_sample_days=in_sample_days,
        out_of_sample_days=out_of_sample_days,
        embargo_days=embargo_days,
        anchored=anchored,
        folds=folds,
    )
    bars = bars_asked(data, symbol, exchange, interval, start, end, config)
    with named_options(option_of), progress_shown("walking forward") as progress:
        result = run_walk_forward(request, bars, progress)
    _tell(result, as_json=as_json)
    if html is not None:
        from headwater.backtest.walk_forward_page import walk_forward_html

        with written("--html", html):
            html.write_text(walk_forward_html(result), encoding="utf-8")
        typer.echo(f"report: {html}", err=True)


def _tell(result: WalkForwardResult, *, as_json: bool) -> None:
    """Prints the folds and what they mean."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result.summary()).decode() + "\n")
        return
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
    for line in result.summary().words:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
