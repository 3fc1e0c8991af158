"""Figures as text: units, signs, what is not defined; none without a definition."""

import pytest
from tests.backtest.report_runs import Never, run

from headwater.analytics.metric_definitions import METRIC_DEFINITIONS
from headwater.backtest.report_metrics import (
    HEADLINE,
    figure_of,
    figure_text,
    metric_label,
    metric_rows,
)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("total_return", -0.12345, "-12.34 %"),
        ("final_equity", 12345.678, "12,345.68"),
        ("sharpe.bar_365", 1.23456, "1.235"),
        ("total_trades", 12345, "12,345"),
        ("profit_factor", None, "–"),
        ("max_drawdown_ms", 90_000_000, "1 d 1 h"),
        ("max_drawdown_ms", 5_400_000, "1 h 30 min"),
        ("max_drawdown_ms", 90_000, "1.5 min"),
    ],
)
def test_figures_have_their_unit(name: str, value: float | None, text: str) -> None:
    assert figure_text(name, value) == text


def test_every_single_figure_has_a_row_with_its_definition() -> None:
    performance = run().performance
    rows = metric_rows(performance)
    assert {one.name for one in rows} == set(METRIC_DEFINITIONS) - {
        "sharpe",
        "worst_drawdowns",
        "ruined_bar",
    }
    assert all(one.definition for one in rows)
    assert set(HEADLINE) <= {one.name for one in rows}
    assert figure_of(performance, "sharpe.bar_365") == performance.sharpe.bar_365


def test_figures_of_a_run_without_trades_are_dashes() -> None:
    texts = {one.name: one.text for one in metric_rows(run(Never).performance)}
    assert texts["win_rate"] == texts["profit_factor"] == "–"
    assert texts["total_return"] == "0.00 %"


def test_labels_are_words() -> None:
    assert metric_label("win_rate") == "win rate"
    assert metric_label("sharpe.bar_365") == "Sharpe (bars, 365 days)"
