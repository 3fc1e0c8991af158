"""The figures of a run as people read them: label, value with its unit, and definition."""

import math
from typing import Final

import msgspec

from headwater.analytics.performance import Performance
from headwater.backtest.result import BacktestResult
from headwater.core.formatting import fixed

__all__ = ["MetricRow", "figure_text", "headline", "metric_rows"]


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One figure.

    Attributes:
        name: the field of `Performance`.
        label: what people call it.
        text: its value with the unit; a dash where it is not defined.
        definition: how it is computed.
    """

    name: str
    label: str
    text: str
    definition: str


_FRACTIONS: Final = frozenset({"total_return", "max_drawdown", "win_rate", "exposure"})
_HEADLINE: Final = ("max_drawdown", "sharpe_bar_365", "sortino", "profit_factor", "win_rate")


def figure_text(name: str, value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, float):
        return f"{fixed(100 * value, 2)} %" if name in _FRACTIONS else fixed(value, 3)
    return str(value)


def metric_rows(performance: Performance) -> tuple[MetricRow, ...]:
    return tuple(
        MetricRow(name=name, label=name.replace("_", " "), text=figure_text(name, value), definition="")
        for name, value in msgspec.to_builtins(performance).items()
    )


def headline(result: BacktestResult) -> tuple[MetricRow, ...]:
    rows = {one.name: one for one in metric_rows(result.performance)}
    return tuple(rows[name] for name in ("total_return", *_HEADLINE) if name in rows)
