import math

import msgspec
import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing

from headwater.analytics.performance import performance
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.backtest.sweep_result import OBJECTIVES, SweepResult, objective_values
from headwater.backtest.sweep_tally import Figure
from headwater.core.errors import RequestError

RANGES = [ParameterRange.of("fast", 2, 6), ParameterRange.of("slow", 8, 24, 4)]


def swept(objective: str = "sharpe") -> SweepResult:
    return Sweep(
        Crossing, walk(1, 600), RANGES, Assumptions(fee_rate=0.001), objective=objective
    ).run()


def test_every_figure_is_that_of_a_single_run() -> None:
    result = swept()
    task = Sweep(Crossing, walk(1, 600), RANGES, Assumptions(fee_rate=0.001)).task
    for row in list(result.rows())[::6]:
        outcome = task.outcome(row.parameters)
        expected = performance(
            outcome.equity,
            capital=10_000.0,
            timestamps_ms=task.bars.timestamp_ms,
            interval_ms=task.bars.interval_ms,
            trade_pnls=outcome.trades.pnl(),
            exposed=outcome.held,
        )
        assert row.final_equity == expected.final_equity
        assert row.total_return == pytest.approx(expected.total_return, rel=1e-12)
        assert row.sharpe == pytest.approx(expected.sharpe.bar_365, rel=1e-12)
        assert row.max_drawdown == pytest.approx(expected.max_drawdown, rel=1e-12)
        assert row.calmar == pytest.approx(expected.calmar, rel=1e-9)
        assert row.profit_factor == pytest.approx(expected.profit_factor, rel=1e-12)
        assert row.win_rate == expected.win_rate
        assert row.exposure == expected.exposure
        assert row.trades == expected.total_trades


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_are_ordered_by_the_objective(objective: str) -> None:
    rows = list(swept(objective).rows())
    assert [one.rank for one in rows] == list(range(1, 26))
    values = [getattr(one, objective) for one in rows]
    known = [-math.inf if one is None else one for one in values]
    assert known == sorted(known, reverse=True)


def figures(**parts: float) -> np.ndarray:
    row = np.zeros(Figure.COUNT)
    row[Figure.FINAL_EQUITY], row[Figure.BARS_RUN], row[Figure.INSOLVENT_BAR] = 100.0, 10.0, -1.0
    for name, value in parts.items():
        row[Figure[name]] = value
    return row


def test_what_is_not_defined_is_none_and_ruin_comes_last() -> None:
    whole = swept()
    result = SweepResult(
        strategy="crossing",
        grid=whole.grid,
        numbers=whole.numbers[:3],
        figures=np.array(
            [
                figures(FINAL_EQUITY=-5.0, INSOLVENT_BAR=4.0, RETURN_SUM=1.0, RETURN_SQUARES=1.0),
                figures(),
                figures(FINAL_EQUITY=90.0, RETURN_SUM=-0.1, RETURN_SQUARES=0.01, MAX_DRAWDOWN=-0.1),
            ]
        ),
        kept_places=np.arange(3),
        blocks=whole.blocks[:3],
        objective="sharpe",
        initial_capital=100.0,
        bars_a_year=8_760.0,
        bars=10,
        skipped=0,
        reused=0,
        drive="",
    )
    loser, idle, ruined = result.rows()
    assert (loser.final_equity, idle.final_equity, ruined.insolvent_bar) == (90.0, 100.0, 4)
    undefined = (idle.sharpe, idle.calmar, idle.win_rate, idle.profit_factor)
    assert undefined == (None, None, None, None)
    assert ruined.total_return == pytest.approx(-1.05)


def test_a_sharpe_ratio_by_hand() -> None:
    """Returns 0.1 and −0.05: mean 0.025, deviation √(2 × 0.075² / 1) = 0.106066…; √4 a year."""
    rows = figures(RETURN_SUM=0.05, RETURN_SQUARES=0.0125, BARS_RUN=2.0)[np.newaxis]
    ratio = objective_values("sharpe", rows, 100.0, 4.0)
    assert ratio == pytest.approx(0.025 / (0.075 * math.sqrt(2.0)) * 2.0)
    with pytest.raises(RequestError, match="objective"):
        objective_values("luck", rows, 100.0, 4.0)


def test_a_yearly_return_beyond_all_numbers_is_not_defined() -> None:
    """Doubled within two of half a million bars a year: 2 to the power 250,000."""
    rows = figures(FINAL_EQUITY=200.0, BARS_RUN=2.0, MAX_DRAWDOWN=-0.5)[None]
    assert math.isnan(objective_values("calmar", rows, 100.0, 500_000.0)[0])


def test_rows_are_ready_for_tables_and_json() -> None:
    result = swept()
    table = result.table(3)
    assert len(table) == 3
    assert list(table[0])[:3] == ["fast", "slow", "rank"]
    assert msgspec.json.decode(msgspec.json.encode(result.best))["parameters"] == {
        "fast": table[0]["fast"],
        "slow": table[0]["slow"],
    }
