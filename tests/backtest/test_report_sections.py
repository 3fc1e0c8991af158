"""Parts of a report: gaps of the data, long lists that are cut, months with signs."""

import numpy as np
from tests.backtest.report_runs import Never, run, walk

from headwater.backtest.report_months import monthly_returns
from headwater.backtest.report_sections import (
    coverage_section,
    drawdowns_section,
    months_section,
    parameters_table,
    unfilled_section,
    warnings_of,
)
from headwater.strategies.bars import COLUMNS, Bars


def with_holes(length: int, every: int) -> Bars:
    """A walk of which every so manieth bar is missing."""
    bars = walk(length)
    kept = np.arange(length) % every != every - 1
    return Bars.from_columns(
        bars.timestamp_ms[kept], {name: bars[name][kept] for name in COLUMNS}, symbol="BTCUSDT"
    )


def test_missing_bars_are_counted_listed_and_warned_of() -> None:
    result = run(bars=with_holes(3_000, 10))
    made = coverage_section(result.coverage, result.symbol)
    assert "the first 200 of 299" in made
    assert made.count('<th scope="row">2024-') == 200
    assert "2024-01-01T09:00:00Z" in made
    assert "299 bars are missing" in warnings_of(result)


def test_whole_data_have_no_list_and_no_warning() -> None:
    result = run(Never)
    assert "Missing" not in coverage_section(result.coverage, result.symbol).replace("missing", "")
    assert warnings_of(result) == ""
    assert "never below" in drawdowns_section(result.performance)
    assert "No decision is pending" in unfilled_section(result)


def test_the_deepest_drawdown_comes_first() -> None:
    result = run()
    made = drawdowns_section(result.performance)
    assert f"{100 * result.performance.max_drawdown:.2f} %" in made.split("</tr>")[1]


def test_months_show_gains_and_losses_apart() -> None:
    times = np.array([1_704_067_200_000, 1_706_745_600_000])
    made = months_section(monthly_returns(times, np.array([110.0, 99.0]), 100.0))
    assert '<span class="gain">10.00</span>' in made
    assert '<span class="loss">-10.00</span>' in made


def test_parameters_that_are_off_are_called_so() -> None:
    made = parameters_table({"stop_loss": None, "note": "<b>"})
    assert "<td>off</td>" in made
    assert "&lt;b&gt;" in made
    assert "no parameters" in parameters_table({})
