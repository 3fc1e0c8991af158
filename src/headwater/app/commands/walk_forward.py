"""`headwater walk-forward`: what parameters chosen on the past earned on what followed.

Exit status: 0 it was done, 1 a worker was lost, 2 the call or the data are wrong. `--resume` names
a folder here, with a journal for each fold.
"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headwater.app.contract_options import (
    ContractWanted,
    LiquidationFeeBps,
    MinNotional,
    PriceTick,
    QuantityStep,
    Tiers,
    costs_told,
)
from headwater.app.run_inputs import DetailBars, Funding, inputs_asked
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
    Margin,
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
    option_of,
    progress_shown,
    sweep_request,
)
from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
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
    margin_mode: Margin = MarginMode.CROSS,
    quantity_step: QuantityStep = 0.0,
    price_tick: PriceTick = 0.0,
    min_notional: MinNotional = 0.0,
    tiers: Tiers = "",
    liquidation_fee_bps: LiquidationFeeBps = 0.0,
    funding: Funding = "",
    detail: DetailBars = "",
    html: Html = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Choose parameters on one stretch of the past, run them on the next, and so on."""
    contract = ContractWanted(
        quantity_step=quantity_step,
        price_tick=price_tick,
        min_notional=min_notional,
        tiers=tiers,
        liquidation_fee_bps=liquidation_fee_bps,
        exchange=exchange,
        symbol=symbol,
    )
    assumed = costs_told(capital, fee_bps, slippage_bps, fill, leverage, margin_mode, contract)
    inputs = inputs_asked(data, symbol, exchange, interval, start, end, config, funding, detail)
    request = WalkForwardRequest(
        sweep=sweep_request(
            *(strategy, range_, param, inputs.stated(assumed)),
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
    _tell(_run(request, inputs), inputs.stated(assumed), html, as_json=as_json)


def _run(request: WalkForwardRequest, inputs: RunInputs) -> WalkForwardResult:
    """Runs it, with progress on a terminal."""
    with named_options(option_of), progress_shown("walking forward") as progress:
        return run_walk_forward(
            request, inputs.bars, progress, funding=inputs.funding, detail=inputs.detail
        )


def _tell(
    result: WalkForwardResult, assumptions: Assumptions, html: Path | None, *, as_json: bool
) -> None:
    """Prints the folds and writes the page."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result.summary()).decode() + "\n")
    else:
        _print(result, assumptions)
    if html is not None:
        from headwater.backtest.walk_forward_page import walk_forward_html

        with written("--html", html):
            html.write_text(walk_forward_html(result), encoding="utf-8")
        typer.echo(f"report: {html}", err=True)


def _print(result: WalkForwardResult, assumptions: Assumptions) -> None:
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
    told = (f"{name.replace('_', ' ')}: {text}" for name, text in assumptions.told().items())
    for line in (*result.summary().words, *told):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
