"""The figures of a run as people read them: label, value with its unit, and definition.

The list of figures is that of their definitions, so none is shown without one. What is not a single
number (the deepest drawdowns) has a table of its own.
"""

from typing import Any, Final

import msgspec

from headwater.analytics.metric_definitions import METRIC_DEFINITIONS
from headwater.analytics.performance import Performance
from headwater.core.formatting import fixed

__all__ = ["HEADLINE", "MetricRow", "figure_of", "figure_text", "metric_label", "metric_rows"]


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One figure.

    Attributes:
        name: as in `METRIC_DEFINITIONS`.
        label: what people call it.
        text: its value with its unit; a dash where it is not defined.
        definition: how it is computed.
    """

    name: str
    label: str
    text: str
    definition: str


HEADLINE: Final = (
    *("final_equity", "total_return", "max_drawdown", "sharpe.bar_365", "sortino"),
    *("profit_factor", "win_rate", "total_trades"),
)
"""Figures that are seen first."""

_PERCENTS: Final = frozenset(
    {
        *("total_return", "cagr", "volatility", "downside_volatility", "max_drawdown"),
        *("avg_drawdown", "ulcer_index", "pain_index", "win_rate", "exposure"),
    }
)
"""Fractions that people read as percents."""

_CASH: Final = frozenset(
    {
        *("final_equity", "total_pnl", "profit", "avg_win", "avg_loss", "expectancy"),
        *("best_trade", "worst_trade"),
    }
)
_LABELS: Final = {
    "cagr": "yearly growth",
    "sharpe.bar_365": "Sharpe (bars, 365 days)",
    "sharpe.daily_arith_365": "Sharpe (days, 365)",
    "sharpe.daily_arith_252": "Sharpe (days, 252)",
    "max_drawdown": "deepest drawdown",
    "avg_drawdown": "mean drawdown",
    "drawdown_count": "drawdowns",
    "avg_drawdown_bars": "mean drawdown, bars",
    "max_drawdown_bars": "longest drawdown, bars",
    "avg_drawdown_ms": "mean drawdown, time",
    "max_drawdown_ms": "longest drawdown, time",
    "total_trades": "closed trades",
    "avg_win": "mean win",
    "avg_loss": "mean loss",
    "total_pnl": "profit with open positions",
    "profit": "profit of closed trades",
}
_ELSEWHERE: Final = frozenset({"sharpe", "worst_drawdowns", "ruined_bar"})
"""Not a single figure of their own, or told louder elsewhere."""

_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000


def metric_label(name: str) -> str:
    """What people call a figure."""
    return _LABELS.get(name, name.replace("_", " ").replace(".", ", "))


def figure_of(performance: Performance, name: str) -> Any:
    """A figure by its name in `METRIC_DEFINITIONS`: a dot leads into a group of figures."""
    found: Any = performance
    for part in name.split("."):
        found = getattr(found, part)
    return found


def figure_text(name: str, value: float | None) -> str:
    """A figure with its unit; a dash where it is not defined.

    Args:
        name: as in `METRIC_DEFINITIONS`; says the unit.
        value: as `Performance` has it.
    """
    if value is None:
        return "–"
    if name in _PERCENTS:
        return f"{fixed(100 * value, 2)} %"
    if name in _CASH:
        return fixed(value, 2)
    if name.endswith("_ms"):
        return _duration(int(value))
    return f"{value:,}" if isinstance(value, int) else fixed(value, 3)


def metric_rows(performance: Performance) -> tuple[MetricRow, ...]:
    """Every figure that is a single number, in the order of the definitions."""
    return tuple(
        MetricRow(
            name=name,
            label=metric_label(name),
            text=figure_text(name, figure_of(performance, name)),
            definition=definition,
        )
        for name, definition in METRIC_DEFINITIONS.items()
        if name not in _ELSEWHERE
    )


def _duration(length_ms: int) -> str:
    """A length of time in its two largest units."""
    days, rest = divmod(length_ms, _DAY_MS)
    hours, rest = divmod(rest, _HOUR_MS)
    minutes = rest // _MINUTE_MS
    if days:
        return f"{days:,} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{rest / _MINUTE_MS:.3g} min"
