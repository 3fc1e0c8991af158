"""Runs over two contracts for the tests of what is told of them."""

from decimal import Decimal

import msgspec
from tests.backtest.drives import walk
from tests.backtest.event_markets import account

from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.portfolio import PortfolioResult, run_portfolio
from headwater.strategies.sma_cross import SmaCross


def crossing(
    *,
    fee: str = "0.0005",
    cash: int = 10_000,
    stop_loss: float | None = None,
    min_notional: str | None = None,
) -> PortfolioResult:
    """SMA cross both ways over 300 and 280 hours of two venues."""
    streams = [
        MarketStreams("x", "BTCUSDT", bars=walk(1, 300, tick=0.01)),
        MarketStreams("y", "BTCUSDT", bars=walk(2, 280, tick=0.01)),
    ]
    strategy = SmaCross({"fast": 3, "slow": 8, "direction": "both", "stop_loss": stop_loss})
    terms = account(streams, fee=fee, cash=cash)
    if min_notional is not None:
        contracts = tuple(
            msgspec.structs.replace(one, min_notional=Decimal(min_notional))
            for one in terms.contracts
        )
        terms = msgspec.structs.replace(terms, contracts=contracts)
    return run_portfolio(strategy, streams, terms)
