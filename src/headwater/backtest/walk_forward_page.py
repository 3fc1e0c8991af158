"""The report of a walk-forward as an HTML page that stands alone, and its folds as text."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from headwater.backtest.report_drawing import Line, drawing
from headwater.backtest.report_metrics import metric_rows
from headwater.backtest.report_page import MODULES, page, slot, table
from headwater.backtest.report_sections import wordy
from headwater.backtest.report_series import kept_points, seconds_of
from headwater.backtest.walk_forward_result import FoldFigures, WalkForwardResult
from headwater.core.formatting import fixed
from headwater.strategies.bars import time_text

__all__ = ["fold_texts", "walk_forward_html"]

_DATE_LETTERS = len("2024-12-31")


def fold_texts(
    result: WalkForwardResult,
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows of the table of folds."""
    heads: tuple[str, ...] = (
        *("fold", "chosen", "learned on", "return", "Sharpe", "tested on", "return", "Sharpe"),
        *("drawdown", "trades"),
    )
    rows: list[tuple[str, ...]] = []
    for one in result.folds:
        chosen = " ".join(f"{name}={value}" for name, value in one.parameters.items())
        inside, outside = one.in_sample, one.out_of_sample
        rows.append(
            (
                f"{one.number}{' RUINED' if one.insolvent else ''}",
                chosen,
                *_stretch(inside),
                *_stretch(outside),
                f"{fixed(100 * outside.max_drawdown, 2)} %",
                f"{outside.trades:,}",
            )
        )
    return heads, rows


def walk_forward_html(result: WalkForwardResult, *, modules: Path = MODULES) -> str:
    """The page as text.

    Args:
        result: of a walk-forward.
        modules: folder of the dashboard's third-party modules.
    """
    words: Sequence[str] = result.summary().words
    kept = kept_points((result.equity,))
    times = seconds_of(result.timestamp_ms[kept])
    equity = [float(f"{value:.8g}") for value in result.equity[kept].tolist()]
    plain = drawing([Line(times=times, values=equity)], "Joined equity out of sample")
    heads, rows = fold_texts(result)
    figures = [(one.label, one.text, one.definition) for one in metric_rows(result.performance)]
    stable = [
        (one.name, " ".join(map(str, one.chosen)), str(one.distinct), f"{one.mean_step:.0%}")
        for one in result.stability
    ]
    chosen = table(
        "How the choice moved",
        ("parameter", "chosen, fold by fold", "different", "mean step of its range"),
        stable,
    )
    told = [(name.replace("_", " "), text) for name, text in result.assumptions.items()]
    assumed = wordy(table("Assumptions", ("of", "what was assumed"), told))
    title = f"Walk-forward of {result.strategy}"
    body = (
        '<a class="skip" href="#main">To the report</a>'
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="dim">{len(result.folds)} folds, chosen by {escape(result.objective)}.</p>'
        '</header><main id="main"><!--notice-->'
        + "".join(f'<p class="notice">{escape(text)}</p>' for text in words)
        + "<h2>Equity out of sample, joined</h2>"
        + slot("compare", "Joined equity out of sample", plain)
        + f"<h2>Folds</h2>{table('Folds, oldest first', heads, rows)}"
        + f"<h2>Choice of parameters</h2>{chosen}"
        + f"<h2>Figures out of sample</h2>{table('Figures', ('figure', 'value', 'is'), figures)}"
        + f"<h2>Assumptions</h2>{assumed}"
        + "</main><footer><p>Made by Headwater. Charts: Lightweight Charts™, copyright "
        "TradingView, Inc., Apache License 2.0.</p></footer>"
    )
    line = {"name": result.strategy, "time_s": times, "equity": equity}
    return page(title, body, {"lines": [line]}, script="report.js", modules=modules)


def _stretch(part: FoldFigures) -> tuple[str, str, str]:
    """Time, return and Sharpe ratio of one side of a fold."""
    first, last = (time_text(at)[:_DATE_LETTERS] for at in (part.from_ms, part.to_ms))
    return (
        f"{first} to {last}",
        f"{fixed(100 * part.total_return, 2)} %",
        "–" if part.sharpe is None else fixed(part.sharpe, 2),
    )
