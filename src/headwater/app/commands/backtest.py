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

from headwater.app.run_options import (
    AsJson,
    BarsWanted,
    Capital,
    ConfigFile,
    CostsWanted,
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
    assumptions_of,
    bars_of,
    named_options,
    strategy_of,
    written,
)
from headwater.backtest.assumptions import FillRule, MarginMode
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.result import BacktestResult
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
    assumed, note = assumptions_of(
        CostsWanted(
            capital=capital,
            fee_bps=fee_bps,
            slippage_bps=slippage_bps,
            fill=fill,
            leverage=leverage,
            margin_mode=margin_mode,
            exchange=exchange,
        )
    )
    wanted = BarsWanted(
        data=data,
        symbol=symbol,
        exchange=exchange,
        interval=interval,
        start=start,
        end=end,
        config=config,
    )
    bars = bars_of(wanted)
    if note:
        typer.echo(note, err=True)
    with named_options(), _failures_told(chosen), _progress(chosen) as progress:
        engine = BacktestEngine(
            chosen,
            symbol=symbol or bars.symbol,
            data=bars,
            assumptions=assumed,
            check_look_ahead=not no_look_ahead_check,
            progress=progress,
        )
        result = engine.run()
    # Files first: a reader of standard output may have gone before the end.
    _write(result, html, trades_csv, equity_csv)
    _tell(result, as_json=as_json, with_equity=equity)


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
        sys.stderr.write(f"headwater: {failure_text(error, strategy)}\n")
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
