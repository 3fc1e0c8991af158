"""Files of several contracts."""

import csv

import pytest
from tests.backtest.portfolio_runs import crossing

from headwater.backtest.portfolio_csv import portfolio_equity_csv, portfolio_trades_csv


def test_trades_have_their_contract_and_open_ones_no_exit() -> None:
    result = crossing()
    rows = list(csv.DictReader(portfolio_trades_csv(result).splitlines()))
    assert len(rows) == len(result.trades)
    assert {row["exchange"] for row in rows} == {"x", "y"}
    assert float(rows[0]["entry_price"]) == result.trades[0].entry_price
    assert float(rows[0]["pnl"]) == result.trades[0].pnl
    assert (rows[-1]["exit_time"], rows[-1]["exit_price"], rows[-1]["pnl"]) == ("", "", "")


def test_the_equity_has_a_row_a_sample_and_a_column_a_contract() -> None:
    result = crossing()
    rows = list(csv.DictReader("".join(portfolio_equity_csv(result)).splitlines()))
    assert [float(row["equity"]) for row in rows] == result.outcome.equity.tolist()
    assert [float(row["y:BTCUSDT"]) for row in rows] == result.outcome.held[1].tolist()
    assert min(float(row["drawdown"]) for row in rows) == pytest.approx(
        result.performance.max_drawdown
    )
