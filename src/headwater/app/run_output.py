"""What a back-test says on a terminal: the figures, what they rest on, and the equity as a line."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater.backtest.report_metrics import metric_rows
from headwater.backtest.result import BacktestResult
from headwater.core.formatting import fixed
from headwater.strategies.bars import time_text

__all__ = ["SHOWN", "print_result", "spark_line"]

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
    table = Table(
        title=escape(f"{result.strategy} on {result.symbol or 'an unnamed symbol'}"),
        title_justify="left",
    )
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    for row in metric_rows(result.performance):
        if row.name in SHOWN:
            table.add_row(row.label, row.text)
    console.print(table)
    if outcome.insolvent_bar is not None:
        console.print(
            f"[bold red]INSOLVENT[/] in bar {outcome.insolvent_bar:,} "
            f"({time_text(int(times[outcome.insolvent_bar]))}): the run stopped there."
        )
    console.print(
        f"equity {fixed(outcome.initial_capital, 2)} {spark_line(outcome.equity.tolist())} "
        f"{fixed(outcome.final_equity, 2)}",
        highlight=False,
        soft_wrap=True,
    )
    _print_basis(result, console)


def _print_basis(result: BacktestResult, console: Console) -> None:
    """What was run, assumed, left open and refused."""
    outcome, cover = result.outcome, result.coverage
    times = result.bars.timestamp_ms
    said = [
        (
            f"bars: {cover.bars:,} from {time_text(int(times[0]))} to {time_text(int(times[-1]))}, "
            f"{cover.missing_bars:,} missing"
        ),
        "parameters: "
        + (
            ", ".join(f"{name}={_or_off(value)}" for name, value in result.parameters.items())
            or "none"
        ),
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
    for line in said:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _or_off(value: object) -> object:
    return "off" if value is None else value
