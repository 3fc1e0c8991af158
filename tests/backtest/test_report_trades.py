"""Trades of a report: columns for the script, rows, places of prices."""

import pytest
from tests.backtest.portfolio_runs import crossing
from tests.backtest.report_runs import Never, Short, run, walk

from headwater.backtest.report_trades import (
    ROWS_FIRST,
    portfolio_trade_data,
    price_places,
    trade_data,
    trades_section,
)


@pytest.mark.parametrize(
    ("prices", "places"),
    [
        ([100.0, 101.25], 2),
        ([100.0, 101.0], 0),
        ([0.00001234], 8),
        ([12345.123456789], 2),
        ([], 2),
    ],
)
def test_prices_have_the_places_that_they_need(prices: list[float], places: int) -> None:
    assert price_places(prices) == places


def test_the_columns_are_those_of_the_newest_trades() -> None:
    result = run()
    data = trade_data(result, most=3)
    newest = result.trades[-3:]
    assert data.entry_price == pytest.approx([one.entry_price for one in newest])
    assert data.pnl == pytest.approx([one.pnl for one in newest])
    first = int(result.bars.timestamp_ms[newest[0].entry_bar])
    assert data.entry_s[0] == first / 1000
    assert data.side == ["long"] * 3


def test_an_open_trade_has_no_exit() -> None:
    data = trade_data(run(Short, walk(20)))
    assert (data.exit_s, data.pnl, data.reason) == ([None], [None], [None])


def test_rows_before_the_script_runs_are_few_and_what_is_left_out_is_told() -> None:
    result = run(bars=2_500)
    data = trade_data(result, most=100)
    made = trades_section(data, len(result.trades), {"": 2})
    assert made.count('<th scope="row">') == ROWS_FIRST
    assert f"The newest 100 of {len(result.trades)} trades" in made


def test_prices_of_each_contract_have_its_places() -> None:
    result = crossing()
    data = portfolio_trade_data(result.trades)
    made = trades_section(data, len(result.trades), {"x:BTCUSDT": 4, "y:BTCUSDT": 3})
    for at, one in enumerate(result.trades[:ROWS_FIRST]):
        price = f"{one.entry_price:.4f}" if one.exchange == "x" else f"{one.entry_price:.3f}"
        row = made.split(f'<th scope="row">{at + 1}</th>')[1].partition("</tr>")[0]
        assert f"<td>{price}</td>" in row


def test_no_trades_are_told() -> None:
    result = run(Never)
    assert trades_section(trade_data(result), 0, {}) == "<p>There was no trade.</p>"
