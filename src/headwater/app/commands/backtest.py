"""`headwater backtest`: one strategy over past bars, and everything that the result rests on.

With `--json` the summary alone is on standard output (`backtest/summary.py` has its fields, for
several contracts `backtest/portfolio_summary.py`). Exit status: 0 the run was done, also when it
ruined its account; 1 the strategy failed, or its signals know the future; 2 the call or the data
are wrong.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from headwater.app.option_records import spread
from headwater.app.run_options import named_options, strategy_of, written
from headwater.app.run_progress import bar_progress, failures_told
from headwater.app.shared_options import RunOptions
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.result import BacktestResult
from headwater.backtest.run_inputs import RunInputs
from headwater.core.errors import ConfigError
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


@spread
def backtest(
    options: RunOptions,
    trades_csv: TradesCsv = None,
    equity_csv: EquityCsv = None,
    equity: WithEquity = False,
    no_look_ahead_check: NoCheck = False,
) -> None:
    """Run a strategy over past bars and tell what came of it."""
    if equity and not options.as_json:
        raise ConfigError(
            "--equity", "without --json", "with --json; or --equity-csv FILE for a table"
        )
    chosen = strategy_of(options.strategy, options.param)
    contracts = options.contracts()
    if len(contracts) > 1:
        from headwater.app import portfolio_command

        found = portfolio_command.run(options, chosen, contracts)
        portfolio_command.write(found, options.html, trades_csv, equity_csv)
        portfolio_command.tell(found, as_json=options.as_json, with_equity=equity)
        return
    _check_alone(chosen)
    (contract,) = contracts
    assumed = options.costs(contract)
    inputs = options.inputs(contract)
    result = _run(
        *(chosen, inputs, inputs.stated(assumed), contract.symbol),
        check_look_ahead=not no_look_ahead_check,
    )
    # Files first: a reader of standard output may have gone before the end.
    _write(result, options.html, trades_csv, equity_csv)
    _tell(result, as_json=options.as_json, with_equity=equity)


def _check_alone(strategy: BaseStrategy) -> None:
    """Refuses one contract for a strategy that needs several.

    Raises:
        ConfigError: tells how several are given.
    """
    if strategy.contracts_least > 1:
        raise ConfigError(
            "--data",
            f"one contract; {strategy.name} takes {strategy.contracts_least} or more",
            "--data binance:BTCUSDT=FILE --data bybit:BTCUSDT=FILE, or stored candles: --exchange "
            "binance,bybit --symbol BTCUSDT --interval 1h",
        )


def _run(
    strategy: BaseStrategy,
    inputs: RunInputs,
    assumptions: Assumptions,
    symbol: str,
    *,
    check_look_ahead: bool,
) -> BacktestResult:
    """Runs it, with progress on a terminal; a failure of the strategy ends with status 1."""
    with named_options(), failures_told(strategy), bar_progress(strategy) as progress:
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
