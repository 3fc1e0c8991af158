"""The report of a sweep as an HTML page that stands alone, and its rows as text.

A heat map of the first two swept parameters shows whether the best row stands alone on a spike or
on a hill: neighbours that do as well are the better sign.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from headwater.backtest.report_drawing import Line, drawing
from headwater.backtest.report_page import MODULES, Markup, page, slot, table
from headwater.backtest.report_sections import parameters_table
from headwater.backtest.report_series import equity_series
from headwater.backtest.sweep_requests import SweepReport, SweepRun
from headwater.core.formatting import fixed

__all__ = ["CELLS_MAX", "row_texts", "sweep_html"]

CELLS_MAX: Final = 60
"""Values of a parameter in the heat map."""

_SHADES: Final = 4
_FIGURES: Final = (
    *("total_return", "sharpe", "max_drawdown", "calmar", "trades", "win_rate"),
    *("profit_factor", "exposure"),
)
_PERCENTS: Final = frozenset({"total_return", "max_drawdown", "win_rate", "exposure"})


def row_texts(
    report: SweepReport, names: Sequence[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows of the table of combinations.

    Args:
        report: of a sweep.
        names: swept parameters.
    """
    heads = ("rank", *names, *(one.replace("_", " ") for one in _FIGURES), "note")
    rows = [
        (
            str(row.rank),
            *(str(row.parameters[name]) for name in names),
            *(_text(one, getattr(row, one)) for one in _FIGURES),
            "INSOLVENT" if row.insolvent_bar is not None else "",
        )
        for row in report.rows
    ]
    return heads, rows


def sweep_html(run: SweepRun, *, modules: Path = MODULES) -> str:
    """The page as text.

    Args:
        run: of a sweep.
        modules: folder of the dashboard's third-party modules.
    """
    report, best = run.report, run.best
    names = [one.name for one in run.result.grid.ranges]
    heads, rows = row_texts(report, names)
    equity = equity_series(best.bars, best.outcome)
    plain = drawing([Line(times=equity.time_s, values=equity.equity)], "Equity of the best row")
    title = f"Sweep of {report.strategy}"
    likely = report.overfit.verdict == "likely"
    words = "".join(f"<p>{escape(text)}</p>" for text in report.overfit.words[1:])
    assumed = [(name.replace("_", " "), text) for name, text in report.assumptions.items()]
    body = (
        '<a class="skip" href="#main">To the report</a>'
        f'<header><h1>{escape(title)}</h1><p class="dim">{report.combinations:,} combinations over '
        f"{report.bars:,} bars, best by {escape(report.objective)}.</p></header>"
        '<main id="main"><!--notice-->'
        f'<p class="{"loud" if likely else "notice"}" role="note">'
        f"{escape(report.overfit.words[0])}</p>{words}"
        f"<h2>Best combinations</h2>{table('Best first', heads, rows)}"
        f"<h2>Heat map</h2>{_heat_map(run, names)}"
        f"<h2>Equity of the best</h2>{slot('equity', 'Equity of the best row', plain)}"
        f"<h2>Parameters of the best</h2>{parameters_table(report.best_parameters)}"
        f"<h2>Assumptions</h2>{table('Assumptions', ('of', 'what was assumed'), assumed)}"
        f"<p>Look-ahead: {escape(report.look_ahead)}.</p></main>"
        "<footer><p>Made by Headwater. Charts: Lightweight Charts™, copyright TradingView, Inc., "
        "Apache License 2.0.</p></footer>"
    )
    return page(title, body, {"equity": equity}, script="report.js", modules=modules)


def _heat_map(run: SweepRun, names: Sequence[str]) -> str:
    """The best of the objective at every pair of values of the first two parameters."""
    result = run.result
    if len(names) < 2:
        return "<p>One parameter was swept: the table above is the whole map.</p>"
    down, across = result.grid.ranges[:2]
    if max(len(down.values), len(across.values)) > CELLS_MAX:
        return f"<p>More than {CELLS_MAX} values of a parameter: no map is drawn.</p>"
    cells: dict[tuple[Any, Any], float] = {}
    values = result.values(result.objective).tolist()
    for number, value in zip(result.numbers.tolist(), values, strict=True):
        swept = result.grid.swept(number)
        place = (swept[down.name], swept[across.name])
        if value == value and value > cells.get(place, -np.inf):
            cells[place] = value
    edges = np.quantile(list(cells.values()), np.arange(1, _SHADES + 1) / (_SHADES + 1)).tolist()
    rows = [
        (
            str(first),
            *(_cell(cells.get((first, second)), edges) for second in across.values),
        )
        for first in down.values
    ]
    others = f", the best over {', '.join(names[2:])}" if len(names) > 2 else ""
    caption = f"{result.objective}: {down.name} down, {across.name} across{others}"
    return table(caption, (down.name, *map(str, across.values)), rows)


def _cell(value: float | None, edges: Sequence[float]) -> str:
    if value is None:
        return "–"
    shade = sum(1 for edge in edges if value >= edge)
    return Markup(f'<span class="heat-{shade}">{fixed(value, 2)}</span>')


def _text(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name in _PERCENTS:
        return f"{fixed(100 * value, 2)} %"
    return f"{value:,}" if isinstance(value, int) else fixed(value, 2)
