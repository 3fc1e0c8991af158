"""What a back-test says on a terminal: the figures, what they rest on, and the equity as a line."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater.analytics.arrays import FloatArray
from headwater.analytics.performance import Performance
from headwater.backtest.portfolio import PortfolioResult
from headwater.backtest.portfolio_contracts import (
    ContractFigures,
    contract_figures,
    contract_name,
)
from headwater.backtest.report_metrics import metric_rows
from headwater.backtest.result import BacktestResult
from headwater.core.formatting import fixed
from headwater.strategies.bars import time_text

__all__ = ["SHOWN", "print_portfolio", "print_result", "spark_line"]

SHOWN: Final = (
    *("final_equity", "total_return", "cagr", "max_drawdown", "max_drawdown_ms", "exposure"),
    *("sharpe.bar_365", "sharpe.daily_arith_365", "sortino", "calmar", "omega"),
    *("total_trades", "win_rate", "profit_factor", "avg_win", "avg_loss", "expectancy"),
)
"""Figures of the table; the report and the JSON have all."""

_SPARKS: Final = "▁▂▃▄▅▆▇█"
_SPARK_LENGTH: Final = 60
_LISTED: Final = 5


def spark_line(values: Sequence[float], length: int = _SPARK_LENGTH) -> str:
    """Values as a line of blocks, the lowest flat and the highest full.

    Args:
        values: any finite numbers.
        length: blocks at most.

    Returns:
        As many blocks as values, or `length`, each the last value of its stretch; empty without
        values.
    """
    column = np.asarray(values, dtype=np.float64)
    if not len(column):
        return ""
    ends = np.linspace(0, len(column), min(length, len(column)) + 1).astype(np.int64)[1:] - 1
    shown = column[ends]
    low, span = shown.min(), np.ptp(shown)
    if span == 0:
        return _SPARKS[0] * len(shown)
    steps = ((shown - low) / span * (len(_SPARKS) - 1)).round().astype(np.int64)
    return "".join(_SPARKS[step] for step in steps.tolist())


def print_result(result: BacktestResult, console: Console) -> None:
    """Prints a result for people.

    Args:
        result: of a run.
        console: where to.
    """
    outcome, times = result.outcome, result.bars.timestamp_ms
    title = f"{result.strategy} on {result.symbol or 'an unnamed symbol'}"
    console.print(_figures(title, result.performance))
    if outcome.insolvent_bar is not None:
        console.print(
            f"[bold red]INSOLVENT[/] in bar {outcome.insolvent_bar:,} "
            f"({time_text(int(times[outcome.insolvent_bar]))}): the run stopped there."
        )
    _print_equity(outcome.initial_capital, outcome.equity, console)
    _print_basis(result, console)


def print_portfolio(result: PortfolioResult, console: Console) -> None:
    """Prints the result of a run over several contracts for people.

    Args:
        result: of a run.
        console: where to.
    """
    outcome = result.outcome
    figures = contract_figures(result)
    console.print(_figures(f"{result.strategy} on {len(figures)} contracts", result.performance))
    heads = ("contract", "closed", "open", "profit", "fees", "funding", "time held")
    table = Table(*heads[:1])
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    for one in figures:
        table.add_row(
            escape(contract_name(one.exchange, one.symbol)),
            f"{one.closed_trades:,}",
            f"{one.open_trades:,}",
            *(fixed(amount, 2) for amount in (one.pnl, one.fees, one.funding)),
            f"{fixed(100 * one.exposure, 2)} %",
        )
    console.print(table)
    if outcome.insolvent_ms is not None:
        console.print(
            f"[bold red]INSOLVENT[/] at {time_text(outcome.insolvent_ms)}: the run stopped there."
        )
    _print_equity(outcome.initial_capital, outcome.equity, console)
    _print_lines(_portfolio_basis(result, figures), console)


def _portfolio_basis(result: PortfolioResult, figures: Sequence[ContractFigures]) -> list[str]:
    """What was run, assumed, left open and refused."""
    outcome = result.outcome
    said = []
    for one in figures:
        cover = one.coverage
        if cover.first_ms is not None and cover.last_ms is not None:
            said.append(
                f"bars of {contract_name(one.exchange, one.symbol)}: {cover.bars:,} from "
                f"{time_text(cover.first_ms)} to {time_text(cover.last_ms)}, "
                f"{cover.missing_bars:,} missing"
            )
    said.append(_parameters(result.parameters))
    said += [f"{name.replace('_', ' ')}: {text}" for name, text in result.told().items()]
    said.append(f"look-ahead: {result.look_ahead}")
    said += [
        f"open at the end: {one.request.side} {one.request.order_type} of "
        f"{contract_name(one.request.exchange, one.request.symbol)}, {one.state}"
        for one in outcome.pending[:_LISTED]
    ]
    if len(outcome.pending) > _LISTED:
        said.append(f"open at the end: {len(outcome.pending) - _LISTED:,} more")
    if outcome.ambiguous_bars:
        said.append(
            f"ambiguous: {len(outcome.ambiguous_bars):,} bars reached stop and target; stop taken"
        )
    said += [
        f"refused: {one.action} of {contract_name(one.exchange, one.symbol)} at "
        f"{time_text(one.at_ms)}: {one.reason}"
        for one in outcome.refused[:_LISTED]
    ]
    if len(outcome.refused) > _LISTED:
        said.append(f"refused: {len(outcome.refused) - _LISTED:,} more")
    return said


def _figures(title: str, performance: Performance) -> Table:
    """The figures that are shown first."""
    table = Table(title=escape(title), title_justify="left")
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    for row in metric_rows(performance):
        if row.name in SHOWN:
            table.add_row(row.label, row.text)
    return table


def _print_equity(initial_capital: float, equity: FloatArray, console: Console) -> None:
    last = float(equity[-1]) if len(equity) else initial_capital
    console.print(
        f"equity {fixed(initial_capital, 2)} {spark_line(equity.tolist())} {fixed(last, 2)}",
        highlight=False,
        soft_wrap=True,
    )


def _print_basis(result: BacktestResult, console: Console) -> None:
    """What was run, assumed, left open and refused."""
    outcome, cover = result.outcome, result.coverage
    times = result.bars.timestamp_ms
    said = [
        (
            f"bars: {cover.bars:,} from {time_text(int(times[0]))} to {time_text(int(times[-1]))}, "
            f"{cover.missing_bars:,} missing"
        ),
        _parameters(result.parameters),
        *(f"{name.replace('_', ' ')}: {text}" for name, text in result.assumptions.told().items()),
        f"look-ahead: {result.look_ahead.how}",
        *(
            f"pending: {one.action} decided at the last close, bar {one.bar:,}"
            for one in outcome.pending
        ),
    ]
    if outcome.ambiguous_bars:
        said.append(
            f"ambiguous: {len(outcome.ambiguous_bars):,} bars reached stop and target; stop taken"
        )
    said.extend(
        f"refused: {refusal.action} in bar {refusal.bar:,}: {refusal.reason}"
        for refusal in outcome.refused[:_LISTED]
    )
    if len(outcome.refused) > _LISTED:
        said.append(f"refused: {len(outcome.refused) - _LISTED:,} more")
    _print_lines(said, console)


def _print_lines(lines: Sequence[str], console: Console) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _parameters(parameters: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name}={_or_off(value)}" for name, value in parameters.items())
    return f"parameters: {told or 'none'}"


def _or_off(value: object) -> object:
    return "off" if value is None else value
