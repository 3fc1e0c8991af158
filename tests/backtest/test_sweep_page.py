"""The page of a sweep: judgement first, rows, heat map of two parameters."""

from html import escape
from pathlib import Path

import pytest
from tests.backtest.report_runs import walk

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep_page import row_texts, sweep_html
from headwater.backtest.sweep_requests import SweepRequest, SweepRun, run_sweep

NOWHERE = Path("no-modules-here")


def swept(*ranges: ParameterRange) -> SweepRun:
    request = SweepRequest(
        strategy="sma_cross", ranges=ranges, assumptions=Assumptions(fee_rate=0.0005), workers=1
    )
    return run_sweep(request, walk(600))


FAST = ParameterRange.listed("fast", [3, 6])
SLOW = ParameterRange.listed("slow", [10, 20, 30])


def test_the_judgement_comes_before_the_rows() -> None:
    run = swept(FAST, SLOW)
    page = sweep_html(run, modules=NOWHERE)
    first = run.report.overfit.words[0]
    assert page.index(escape(first)) < page.index("Best combinations")
    for text in run.report.assumptions.values():
        assert escape(text) in page


def test_rows_have_parameters_and_figures() -> None:
    run = swept(FAST, SLOW)
    heads, rows = row_texts(run.report, ["fast", "slow"])
    assert heads[:3] == ("rank", "fast", "slow")
    assert len(rows) == 6
    assert all(len(row) == len(heads) for row in rows)
    best = run.report.rows[0]
    assert rows[0][1:3] == (str(best.parameters["fast"]), str(best.parameters["slow"]))
    assert rows[0][3] == f"{100 * best.total_return:,.2f} %"


def test_the_heat_map_has_a_cell_for_every_pair() -> None:
    run = swept(FAST, SLOW)
    page = sweep_html(run, modules=NOWHERE)
    assert page.count('<span class="heat-') == 6
    best = run.report.rows[0].sharpe
    assert best is not None
    assert f'<span class="heat-4">{best:,.2f}</span>' in page


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ((SLOW,), "One parameter was swept"),
        ((FAST, ParameterRange.of("slow", 10, 80)), "no map is drawn"),
    ],
)
def test_where_there_is_no_map_it_is_said(ranges: tuple[ParameterRange, ...], said: str) -> None:
    assert said in sweep_html(swept(*ranges), modules=NOWHERE)
