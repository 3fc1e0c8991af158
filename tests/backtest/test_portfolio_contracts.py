"""Contract by contract: the figures add up, the exposure is that of the positions."""

import numpy as np
import pytest
from tests.backtest.portfolio_runs import crossing

from headwater.backtest.event_streams import MarketStreams, TradeTape
from headwater.backtest.portfolio_contracts import contract_figures, contract_name, exposures


def test_the_figures_of_the_contracts_add_up_to_those_of_the_run() -> None:
    result = crossing()
    found = contract_figures(result)
    assert [contract_name(one.exchange, one.symbol) for one in found] == ["x:BTCUSDT", "y:BTCUSDT"]
    assert sum(one.pnl for one in found) == pytest.approx(result.outcome.final_equity - 10_000)
    assert sum(one.closed_trades for one in found) == result.performance.total_trades
    assert sum(one.closed_trades + one.open_trades for one in found) == len(result.trades)
    assert sum(one.fees for one in found) == pytest.approx(
        sum(one.entry_fee + one.exit_fee for one in result.trades)
    )
    assert [one.coverage.bars for one in found] == [300, 280]
    assert all(0 < one.exposure < 1 for one in found)


def test_the_exposure_is_the_position_at_the_last_close_over_the_equity() -> None:
    result = crossing()
    shares, outcome = exposures(result), result.outcome
    bars = result.streams[0].bars
    assert bars is not None
    # The two have bars at the same times, so sample n is the close of bar n.
    assert shares[0] == pytest.approx(outcome.held[0] * bars.close / outcome.equity)
    # Behind the end of its bars the last close stands for the price.
    other = result.streams[1].bars
    assert other is not None
    expected = outcome.held[1][285] * other.close[-1] / outcome.equity[285]
    assert shares[1][285] == pytest.approx(expected)
    assert np.abs(shares[0]).max() < 0.7


def test_the_price_of_a_tape_is_that_of_its_trades() -> None:
    result = crossing()
    tape = TradeTape.of(result.outcome.sample_ms, np.full(300, 50.0), np.ones(300))
    streams = (MarketStreams("x", "BTCUSDT", trades=tape), result.streams[1])
    moved = type(result)(**{**result.__dict__, "streams": streams})
    assert exposures(moved)[0] == pytest.approx(
        result.outcome.held[0] * 50.0 / result.outcome.equity
    )
