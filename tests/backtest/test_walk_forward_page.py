"""The page of a walk-forward: what the figures mean, folds, how the choice moved."""

from pathlib import Path

from tests.backtest.report_runs import walk

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep_requests import (
    SweepRequest,
    WalkForwardRequest,
    run_walk_forward,
)
from headwater.backtest.walk_forward_page import fold_texts, walk_forward_html
from headwater.backtest.walk_forward_result import WalkForwardResult


def walked() -> WalkForwardResult:
    """Thirty days of hours: ten to learn, four times five to test."""
    sweep = SweepRequest(
        strategy="sma_cross",
        ranges=[ParameterRange.listed("fast", [3, 6])],
        assumptions=Assumptions(fee_rate=0.0005),
        workers=1,
    )
    request = WalkForwardRequest(sweep=sweep, in_sample_days=10, out_of_sample_days=5)
    return run_walk_forward(request, walk(720))


def test_every_fold_has_a_row() -> None:
    result = walked()
    heads, rows = fold_texts(result)
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert all(len(row) == len(heads) for row in rows)
    assert rows[0][2] == "2024-01-01 to 2024-01-11"
    assert rows[0][5] == "2024-01-11 to 2024-01-16"
    gained = result.folds[0].out_of_sample.total_return
    assert rows[0][6] == f"{100 * gained:,.2f} %"


def test_the_page_says_what_the_figures_mean() -> None:
    result = walked()
    page = walk_forward_html(result, modules=Path("no-modules-here"))
    for text in result.summary().words:
        assert text in page
    assert "How the choice moved" in page
    assert page.count("<polyline") == 1
