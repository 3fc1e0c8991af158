"""`headwater sweep`: many parameters over the same bars, and how far the best can be trusted.

Exit status: 0 the sweep was done, 1 a worker was lost or the best combination looks ahead, 2 the
call or the data are wrong. With `--resume FILE` a sweep that was stopped goes on where it was.
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
from headwater.backtest.assumptions import FillRule, MarginMode
from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.sweep_requests import SweepReport, SweepRun, run_sweep

Top = Annotated[int, typer.Option(help="Rows that are shown.")]


def sweep(
    strategy: Strategy,
    data: Data = None,
    range_: Ranges = None,
    param: Params = None,
    search: Search = "grid",
    trials: Trials = 100,
    seed: Seed = 0,
    objective: Objective = "sharpe",
    top: Top = 20,
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
    """Try many parameters of a strategy over the same bars, and how far the best can be trusted."""
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
    request = sweep_request(
        *(strategy, range_, param, inputs.stated(assumed)),
        method=search,
        samples=trials,
        seed=seed,
        objective=objective,
        scheduler=scheduler,
        workers=workers,
        journal=resume,
        top=top,
    )
    try:
        with named_options(option_of), progress_shown("sweeping") as progress:
            run = run_sweep(
                request, inputs.bars, progress, funding=inputs.funding, detail=inputs.detail
            )
    except LookAhead as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise typer.Exit(1) from error
    _tell(run, html, as_json=as_json)


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
