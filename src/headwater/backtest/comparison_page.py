"""The comparison of runs as an HTML page that stands alone, with their equity in one chart."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

import msgspec
import numpy as np

from headwater.backtest.comparison import Comparison, Difference
from headwater.backtest.report_drawing import Line, drawing
from headwater.backtest.report_metrics import figure_text, metric_label
from headwater.backtest.report_page import MODULES, page, slot, table
from headwater.backtest.report_series import kept_points, seconds_of
from headwater.backtest.summary import Summary

__all__ = ["comparison_html"]


class _EquityLine(msgspec.Struct, frozen=True, kw_only=True):
    """The equity of one run for the script of the page: fractions of its capital."""

    name: str
    time_s: list[float]
    equity: list[float]


def comparison_html(
    comparison: Comparison, runs: Mapping[str, Summary], *, modules: Path = MODULES
) -> str:
    """The page as text.

    Args:
        comparison: of the runs.
        runs: the same summaries; those with their equity are drawn, as multiples of the capital.
        modules: folder of the dashboard's third-party modules.
    """
    lines = [_line(name, one) for name, one in runs.items() if one.equity]
    names = comparison.runs
    parts = [_warnings(comparison)]
    if comparison.differences:
        parts.append(_differences("What is not alike", names, comparison.differences))
    if comparison.strategies:
        parts.append(_differences("What is compared", names, comparison.strategies))
    if lines:
        plain = drawing(
            [
                Line(times=one.time_s, values=one.equity, colour=number)
                for number, one in enumerate(lines)
            ],
            "Equity of the runs",
        )
        parts.append(
            "<h2>Equity as a multiple of the capital</h2>"
            f"{slot('compare', 'Equity of the runs over time', plain)}"
        )
    missing = [name for name, one in runs.items() if not one.equity]
    if missing:
        parts.append(
            f'<p class="dim">Not drawn, because their summaries were made without --equity: '
            f"{escape(', '.join(missing))}.</p>"
        )
    rows = [
        (metric_label(one.name), *(figure_text(one.name, value) for value in one.values))
        for one in comparison.metrics
    ]
    parts.append(f"<h2>Figures</h2>{table('Figures', ('figure', *names), rows)}")
    title = f"Comparison of {len(names)} back-tests"
    body = (
        '<a class="skip" href="#main">To the comparison</a>'
        f"<header><h1>{title}</h1></header>"
        f'<main id="main"><!--notice-->{"".join(parts)}</main>'
        "<footer><p>Made by Headwater. Charts: Lightweight Charts™, copyright TradingView, Inc., "
        "Apache License 2.0.</p></footer>"
    )
    return page(title, body, {"lines": lines}, script="report.js", modules=modules)


def _warnings(comparison: Comparison) -> str:
    found = ""
    if not comparison.is_alike:
        found += (
            '<p class="loud" role="alert">THESE RUNS ARE NOT ALIKE: their data or assumptions '
            "differ, so their figures cannot be set against each other as they stand.</p>"
        )
    if comparison.insolvent:
        names = escape(", ".join(comparison.insolvent))
        found += f'<p class="loud" role="alert">INSOLVENT: {names}.</p>'
    return found


def _differences(head: str, names: tuple[str, ...], rows: tuple[Difference, ...]) -> str:
    made = table(head, ("of", *names), [(one.what, *one.values) for one in rows])
    return f"<h2>{escape(head)}</h2>{made}"


def _line(name: str, run: Summary) -> _EquityLine:
    """Times are counted from the first bar by the interval: a summary has no times of its bars."""
    equity = np.array(run.equity) / run.initial_capital
    kept = kept_points((equity,))
    return _EquityLine(
        name=name,
        time_s=seconds_of(run.start_ms + kept * max(run.interval_ms, 1)),
        equity=[float(f"{value:.8g}") for value in equity[kept].tolist()],
    )
