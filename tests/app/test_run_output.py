"""What a back-test says on a terminal."""

import io

import pytest
from rich.console import Console
from tests.backtest.portfolio_runs import crossing
from tests.backtest.report_runs import HOSTILE, ruined, run, walk

from headwater.app.run_output import print_portfolio, print_result, spark_line
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.result import BacktestResult


def said(result: BacktestResult) -> str:
    out = io.StringIO()
    print_result(result, Console(file=out, width=160))
    return out.getvalue()


@pytest.mark.parametrize(
    ("values", "line"),
    [([], ""), ([1.0], "▁"), ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"), ([5, 5], "▁▁")],
)
def test_a_spark_line_goes_from_lowest_to_highest(values: list[float], line: str) -> None:
    assert spark_line(values) == line


def test_several_contracts_have_a_row_each_and_every_assumption() -> None:
    out = io.StringIO()
    result = crossing(stop_loss=0.02)
    print_portfolio(result, Console(file=out, width=200))
    text = out.getvalue()
    assert "sma_cross on 2 contracts" in text
    for name in ("x:BTCUSDT", "y:BTCUSDT"):
        assert f"│ {name}" in text
        assert f"bars of {name}: " in text
    for told in result.told().values():
        assert told in text
    assert "open at the end: " in text


def test_a_long_spark_line_is_cut_and_keeps_its_end() -> None:
    line = spark_line([*range(1_000), 5_000], length=10)
    assert len(line) == 10
    assert line[-1] == "█"


def test_everything_that_makes_figures_less_certain_is_said() -> None:
    text = said(run(bars=walk(495), stop_loss=0.0005, take_profit=0.0005))
    assert "ambiguous:" in text
    assert "pending: enter_long decided at the last close, bar 494" in text
    assert "stop_loss=0.0005" in text
    assert "INSOLVENT" in said(ruined())


def test_refused_orders_are_said_and_counted() -> None:
    result = run(assumptions=Assumptions(min_notional=20_000.0, quantity_step=0.001))
    text = said(result)
    assert text.count("refused: enter_long") == 5
    assert f"refused: {len(result.outcome.refused) - 5:,} more" in text


def test_names_are_no_markup() -> None:
    result = run(note=f"[red]{HOSTILE}")
    assert f"note=[red]{HOSTILE}" in said(result)
