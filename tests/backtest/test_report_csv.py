"""Files of a run: every trade and close, with all digits."""

import csv

import pytest
from tests.backtest.report_runs import Never, Short, run, walk

from headwater.backtest.report_csv import equity_csv, trades_csv


def test_trades_read_back_are_those_of_the_run() -> None:
    result = run(stop_loss=0.02)
    rows = list(csv.DictReader(trades_csv(result).splitlines()))
    assert len(rows) == len(result.trades)
    for row, trade in zip(rows, result.trades, strict=True):
        assert int(row["entry_bar"]) == trade.entry_bar
        assert float(row["entry_price"]) == trade.entry_price
        assert float(row["pnl"]) == trade.pnl
        assert row["exit_reason"] == (trade.exit_reason or "")
    assert rows[0]["entry_time"] == "2024-01-01T05:00:00Z"


def test_what_an_open_trade_does_not_have_is_empty() -> None:
    (row,) = csv.DictReader(trades_csv(run(Short, walk(20))).splitlines())
    assert row["side"] == "short"
    assert (row["exit_bar"], row["exit_time"], row["exit_price"], row["pnl"]) == ("", "", "", "")


def test_no_trades_are_a_head_alone() -> None:
    assert trades_csv(run(Never)).count("\n") == 1


def test_the_equity_has_a_row_for_every_close_in_pieces() -> None:
    result = run(bars=25_000)
    pieces = list(equity_csv(result))
    assert len(pieces) == 4
    rows = list(csv.DictReader("".join(pieces).splitlines()))
    assert len(rows) == 25_000
    assert [float(row["equity"]) for row in rows] == result.outcome.equity.tolist()
    assert min(float(row["drawdown"]) for row in rows) == pytest.approx(
        result.performance.max_drawdown
    )
    assert float(rows[7]["held"]) == result.outcome.held[7]
