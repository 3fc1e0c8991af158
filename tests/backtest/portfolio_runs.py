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
    pairs: int = 1,
) -> PortfolioResult:
    """SMA cross both ways over 300 and 280 hours of two venues, of one symbol or of several."""
    symbols = ("BTCUSDT", *(f"C{number}USDT" for number in range(1, pairs)))
    streams = [
        MarketStreams(exchange, symbol, bars=walk(seed, length, tick=0.01))
        for symbol in symbols
        for exchange, seed, length in (("x", 1, 300), ("y", 2, 280))
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
