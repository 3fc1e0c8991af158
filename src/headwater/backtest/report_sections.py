"""The parts of a report that are words and tables: what a run rests on, and what it did not do."""

from collections.abc import Mapping
from typing import Any, Final

from headwater.analytics.performance import Performance
from headwater.backtest.coverage import Coverage
from headwater.backtest.report_drawing import Line, drawing
from headwater.backtest.report_metrics import metric_rows
from headwater.backtest.report_months import MONTHS, YearOfReturns
from headwater.backtest.report_page import Markup, slot, table
from headwater.backtest.report_series import EquitySeries
from headwater.backtest.result import BacktestResult
from headwater.core.formatting import fixed
from headwater.strategies.bars import time_text

__all__ = [
    "assumptions_section",
    "coverage_section",
    "drawdowns_section",
    "equity_section",
    "metrics_section",
    "months_section",
    "parameters_table",
    "unfilled_section",
    "warnings_of",
    "wordy",
]

_LISTED: Final = 200
"""Holes, refusals and ambiguous bars that are listed; the rest is counted."""

_DAY_MS: Final = 86_400_000


def warnings_of(result: BacktestResult) -> str:
    """What must not be overlooked: ruin first, then what makes the figures less certain."""
    outcome, found = result.outcome, []
    if outcome.insolvent_bar is not None:
        when = _when(result, outcome.insolvent_bar)
        found.append(
            f'<p class="loud" role="alert">INSOLVENT: the account was ruined in bar '
            f"{outcome.insolvent_bar:,} ({when}). The run stopped there; "
            f"{len(result.bars) - outcome.insolvent_bar - 1:,} bars were not traded, and ratios "
            "over the whole time mean nothing.</p>"
        )
    ambiguous = len(outcome.ambiguous_bars)
    if ambiguous:
        found.append(
            f'<p class="notice">In {ambiguous:,} bars both stop and target were reached, and '
            "nothing tells which came first: the stop was taken. Bars of a smaller interval would "
            "tell.</p>"
        )
    if result.coverage.missing_bars:
        found.append(
            f'<p class="notice">{result.coverage.missing_bars:,} bars are missing within the '
            "time of the data; see the coverage.</p>"
        )
    return "".join(found)


def equity_section(
    equity: EquitySeries, initial_capital: float, final_equity: float, lines: str
) -> str:
    """The chart of equity, drawdown and exposure, with plain drawings where it is not drawn.

    Args:
        equity: what it draws.
        initial_capital: quote currency.
        final_equity: likewise, at the end of the run.
        lines: which line is what, in words.
    """
    label = (
        f"Equity from {fixed(initial_capital, 2)} to {fixed(final_equity, 2)}; "
        f"deepest drawdown {fixed(100 * min(equity.drawdown, default=0.0), 2)} percent"
    )
    plain = drawing([Line(times=equity.time_s, values=equity.equity)], "Equity over time")
    below = drawing(
        [Line(times=equity.time_s, values=equity.drawdown, colour=1)], "Drawdown over time"
    )
    halves = f'<div class="half">{plain}</div><div class="half">{below}</div>'
    return f'<p class="dim">{lines} Keys: arrows, + and −, Home.</p>{slot("equity", label, halves)}'


def metrics_section(performance: Performance) -> str:
    """Every figure with its definition."""
    rows = [
        (one.label, one.text, Markup(f'<span class="dim">{_words(one.definition)}</span>'))
        for one in metric_rows(performance)
    ]
    return wordy(table("Figures and how each is computed", ("figure", "value", "is"), rows))


def drawdowns_section(performance: Performance) -> str:
    """The deepest drawdowns, one by one."""
    found = performance.worst_drawdowns
    if not found:
        return "<p>The equity was never below its highest so far.</p>"
    rows = [
        (
            f"{fixed(100 * one.depth, 2)} %",
            time_text(one.start_ms),
            time_text(one.trough_ms),
            "not yet" if one.recovery_ms is None else time_text(one.recovery_ms),
        )
        for one in found
    ]
    return table("The deepest drawdowns", ("depth", "high", "lowest", "as high again"), rows)


def parameters_table(parameters: Mapping[str, Any]) -> str:
    """The parameters of the strategy with their values."""
    if not parameters:
        return "<p>The strategy has no parameters.</p>"
    rows = [(name, "off" if value is None else str(value)) for name, value in parameters.items()]
    return wordy(table("Parameters", ("parameter", "value"), rows))


def assumptions_section(told: Mapping[str, str], look_ahead: str) -> str:
    """What was taken for granted, and what was done against look-ahead.

    Args:
        told: each assumption in words, by what it is of.
        look_ahead: in words.
    """
    rows = [(name.replace("_", " "), text) for name, text in told.items()]
    rows.append(("look-ahead", look_ahead))
    return wordy(table("Assumptions", ("of", "what was assumed"), rows))


def coverage_section(cover: Coverage, symbol: str) -> str:
    """Which part of its time the data have.

    Args:
        cover: what is there.
        symbol: name of the series; may be empty.
    """
    rows = [
        ("symbol", symbol or "not named"),
        ("bars", f"{cover.bars:,}"),
        ("interval", _length(cover.interval_ms)),
        ("first bar opens", "–" if cover.first_ms is None else time_text(cover.first_ms)),
        ("last bar opens", "–" if cover.last_ms is None else time_text(cover.last_ms)),
        ("missing bars", f"{cover.missing_bars:,}"),
    ]
    parts = [wordy(table("Data", ("of", "what is there"), rows))]
    if cover.missing:
        listed = [
            (time_text(hole.from_ms), time_text(hole.to_ms), f"{hole.bars:,}")
            for hole in cover.missing[:_LISTED]
        ]
        parts.append(table(_cut("Missing", cover.holes), ("from", "up to", "bars"), listed))
    return "".join(parts)


def months_section(years: tuple[YearOfReturns, ...]) -> str:
    """The table of monthly returns."""
    rows = [
        (str(year.year), *(_fraction(one) for one in year.months), _fraction(year.whole))
        for year in reversed(years)
    ]
    heads = ("year", *MONTHS, "whole")
    return table("Returns by month, UTC, in percent", heads, rows, name="months")


def unfilled_section(result: BacktestResult) -> str:
    """Decisions and orders that came to nothing, and bars that were ambiguous."""
    outcome, parts = result.outcome, []
    if outcome.pending:
        rows = [
            (_when(result, one.bar), one.action.replace("_", " "), "no bar is left to fill it in")
            for one in outcome.pending
        ]
        parts.append(wordy(table("Pending decisions", ("decided at", "action", "why"), rows)))
    if outcome.refused:
        rows = [
            (_when(result, one.bar), one.action.replace("_", " "), one.reason)
            for one in outcome.refused[:_LISTED]
        ]
        caption = _cut("Refused orders", len(outcome.refused))
        parts.append(wordy(table(caption, ("bar", "action", "why"), rows)))
    if outcome.ambiguous_bars:
        bars = [(f"{at:,}", _when(result, at)) for at in outcome.ambiguous_bars[:_LISTED]]
        caption = _cut("Ambiguous bars", len(outcome.ambiguous_bars))
        parts.append(table(caption, ("bar", "opens"), bars))
    return "".join(parts) or (
        "<p>No decision is pending, no order was refused, no bar was ambiguous.</p>"
    )


def wordy(made: str) -> str:
    """A table of words, which begin at the left, of one that `table` made."""
    return made.replace("<table", '<table class="words"', 1)


def _words(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(caption: str, count: int) -> str:
    return f"{caption}: the first {_LISTED} of {count:,}" if count > _LISTED else caption


def _when(result: BacktestResult, bar: int) -> str:
    times = result.bars.timestamp_ms
    return time_text(int(times[bar])) if 0 <= bar < len(times) else f"bar {bar}"


def _fraction(value: float | None) -> str:
    if value is None:
        return "–"
    text = fixed(100 * value, 2)
    return Markup(f'<span class="{"gain" if value >= 0 else "loss"}">{text}</span>')


def _length(interval_ms: int) -> str:
    for unit, size in (("d", _DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if interval_ms and interval_ms % size == 0:
            return f"{interval_ms // size}{unit}"
    return f"{interval_ms} ms"
