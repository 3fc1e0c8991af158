"""Portfolios: the figures, and that they add up."""

from typing import Any

import pytest
from tests.backtest.drives import walk
from tests.backtest.event_markets import HOUR, Scripted, account

from headwater.backtest.event_streams import MarketStreams, TradeTape
from headwater.backtest.portfolio import run_portfolio
from headwater.core.errors import RequestError
from headwater.strategies.sma_cross import SmaCross


def _streams() -> list[MarketStreams]:
    return [
        MarketStreams("x", "BTCUSDT", bars=walk(1, 300, tick=0.01)),
        MarketStreams("y", "BTCUSDT", bars=walk(2, 280, tick=0.01)),
    ]


def test_profits_of_the_contracts_and_of_the_trades_add_up_to_the_equity() -> None:
    streams = _streams()
    terms = account(streams, fee="0.0005")
    result = run_portfolio(SmaCross({"fast": 3, "slow": 8, "direction": "both"}), streams, terms)
    gained = result.outcome.final_equity - 10_000
    assert sum(result.pnl_by_contract.values()) == pytest.approx(gained, abs=1e-6)
    assert result.total_return == pytest.approx(gained / 100, rel=1e-9)
    assert {(one.exchange) for one in result.trades} == {"x", "y"}
    closed = [one for one in result.trades if one.exit_ms is not None]
    assert len(closed) > 20
    open_ = sum(
        float(one.unrealised_pnl) - trip.entry_fee
        for one in result.outcome.venue.positions()
        for trip in result.trades
        if trip.exit_ms is None and trip.exchange == one.exchange
    )
    assert sum(one.pnl or 0.0 for one in closed) + open_ == pytest.approx(gained, abs=1e-6)
    assert (result.interval_ms, len(result.outcome.equity)) == (HOUR, 300)
    assert result.max_drawdown < 0
    assert result.sharpe_ratio is not None
    assert "0.0005 taker" in result.told()["x:BTCUSDT"]


def test_running_again_gives_an_equal_result() -> None:
    streams = _streams()
    terms = account(streams, fee="0.0005")
    one, other = (run_portfolio(SmaCross(), streams, terms) for _ in range(2))
    assert one.outcome.fills == other.outcome.fills
    assert one.outcome.equity.tolist() == other.outcome.equity.tolist()


def test_a_run_without_any_bar_has_no_figures() -> None:
    def nothing(context: Any) -> None:
        del context

    streams = [MarketStreams("x", "BTCUSDT", trades=TradeTape.of([1], [1.0], [1.0]))]
    with pytest.raises(RequestError, match="bar_interval_ms"):
        run_portfolio(Scripted(nothing), streams, account(streams))
