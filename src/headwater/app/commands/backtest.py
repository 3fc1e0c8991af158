"""`headwater backtest`: one strategy over past bars, and everything that the result rests on.

With `--json` the summary alone is on standard output (`backtest/summary.py` has its fields). Exit
status: 0 the run was done, also when it ruined its account; 1 the strategy failed, or its signals
know the future; 2 the call or the data are wrong.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

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
    strategy_of,
    written,
)
from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.result import BacktestResult
from headwater.backtest.run_inputs import RunInputs
from headwater.backtest.strategy_failure import failure_text
from headwater.core.errors import PlatformError
from headwater.strategies.base import BaseStrategy

TradesCsv = Annotated[
    Path | None, typer.Option("--trades-csv", help="Write the trades here.", dir_okay=False)
]
EquityCsv = Annotated[
    Path | None, typer.Option("--equity-csv", help="Write the equity here.", dir_okay=False)
]
WithEquity = Annotated[
    bool, typer.Option("--equity", help="With --json: the equity at every close, too.")
]
NoCheck = Annotated[
    bool,
    typer.Option("--no-look-ahead-check", help="Do not search the signals for look-ahead."),
]


def backtest(
    strategy: Strategy,
    data: Data = None,
    symbol: Symbol = "",
    exchange: Exchange = "",
    interval: IntervalText = "",
    start: Start = None,
    end: End = None,
    param: Params = None,
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
    trades_csv: TradesCsv = None,
    equity_csv: EquityCsv = None,
    as_json: AsJson = False,
    equity: WithEquity = False,
    no_look_ahead_check: NoCheck = False,
    config: ConfigFile = None,
) -> None:
    """Run a strategy over past bars and tell what came of it."""
    chosen = strategy_of(strategy, param)
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
    assumed = inputs.stated(assumed)
    result = _run(chosen, inputs, assumed, symbol, check_look_ahead=not no_look_ahead_check)
    # Files first: a reader of standard output may have gone before the end.
    _write(result, html, trades_csv, equity_csv)
    _tell(result, as_json=as_json, with_equity=equity)


def _run(
    strategy: BaseStrategy,
    inputs: RunInputs,
    assumptions: Assumptions,
    symbol: str,
    *,
    check_look_ahead: bool,
) -> BacktestResult:
    """Runs it, with progress on a terminal; a failure of the strategy ends with status 1."""
    with named_options(), _failures_told(strategy), _progress(strategy) as progress:
        return BacktestEngine(
            strategy,
            symbol=symbol or inputs.bars.symbol,
            data=inputs.bars,
            assumptions=assumptions,
            funding=inputs.funding,
            detail=inputs.detail,
            check_look_ahead=check_look_ahead,
            progress=progress,
        ).run()


@contextmanager
def _failures_told(strategy: BaseStrategy) -> Iterator[None]:
    """Ends with status 1 where a strategy fails or looks ahead; says where it did."""
    try:
        yield
    except LookAhead as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise typer.Exit(1) from error
    except PlatformError:
        raise
    except (Exception, SystemExit) as error:
        sys.stderr.write(f"headwater: {failure_text(error, type(strategy))}\n")
        raise typer.Exit(1) from error


@contextmanager
def _progress(strategy: BaseStrategy) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while a strategy is asked at every bar; on a terminal only."""
    if strategy.form() == "signals" or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(strategy.name, total=None)

        def told(done: int, of: int) -> None:
            shown.update(task, completed=done, total=of)

        yield told


def _tell(result: BacktestResult, *, as_json: bool, with_equity: bool) -> None:
    """Prints the result."""
    if as_json:
        import msgspec

        from headwater.backtest.summary import summary

        encoded = msgspec.json.encode(summary(result, with_equity=with_equity))
        sys.stdout.write(encoded.decode() + "\n")
        return
    from rich.console import Console

    from headwater.app.run_output import print_result

    print_result(result, Console())


def _write(
    result: BacktestResult, html: Path | None, trades: Path | None, equity: Path | None
) -> None:
    """Writes the files that are wanted and says where they are.

    Raises:
        ConfigError: one cannot be written.
    """
    if html is not None:
        from headwater.backtest.report import report_html

        with written("--html", html):
            html.write_text(report_html(result), encoding="utf-8")
    if trades is not None or equity is not None:
        from headwater.backtest.report_csv import equity_csv, trades_csv

        if trades is not None:
            with written("--trades-csv", trades):
                trades.write_text(trades_csv(result), encoding="utf-8", newline="")
        if equity is not None:
            with (
                written("--equity-csv", equity),
                equity.open("w", encoding="utf-8", newline="") as file,
            ):
                file.writelines(equity_csv(result))
    for what, path in (("report", html), ("trades", trades), ("equity", equity)):
        if path is not None:
            typer.echo(f"{what}: {path}", err=True)
