"""Back-tests of several contracts on one account, with the figures that a single run has too."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import IndexArray
from headwater.analytics.performance import Performance, performance
from headwater.backtest.asked import AskedStrategy
from headwater.backtest.event_account import FINE_GRID, EventAccount
from headwater.backtest.event_outcome import EventOutcome
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.round_trips import RoundTrip
from headwater.backtest.run_inputs import detail_told
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.trading.paper_contract import PaperContract

__all__ = ["PortfolioResult", "run_portfolio"]

_PERCENT: Final = 100.0


@dataclass(frozen=True)
class PortfolioResult:
    """What a run over several contracts found.

    Attributes:
        strategy: its name.
        parameters: all of them with their values.
        streams: what was run over, in the order of the account's contracts.
        account: contracts with their fees and leverage, cash, how orders fill.
        outcome: equity, orders and fills with their reasons, what is pending.
        performance: every figure, from the equity at each time at which a bar ended.
        interval_ms: the smallest distance of two such times, which the figures are annualised by.
        cpu_s: seconds of processor time that the run took.
        funding: which payments each contract had, in words; empty where nobody said.
        is_asked: whether it is a strategy of signals or callbacks that was asked at every close.
    """

    strategy: str
    parameters: Mapping[str, Any]
    streams: tuple[MarketStreams, ...]
    account: EventAccount
    outcome: EventOutcome
    performance: Performance
    interval_ms: int
    cpu_s: float
    funding: tuple[str, ...] = ()
    is_asked: bool = False

    @property
    def opened_ms(self) -> IndexArray:
        """Shape (samples,): times of the equity less an interval, where such a bar opens."""
        return self.outcome.sample_ms - self.interval_ms

    @property
    def trades(self) -> tuple[RoundTrip, ...]:
        """Positions from entry to exit, of all contracts by time; open ones last."""
        return self.outcome.trips

    @property
    def total_return(self) -> float:
        """Gain over the cash at the start in **percent**."""
        return _PERCENT * self.performance.total_return

    @property
    def sharpe_ratio(self) -> float | None:
        """Mean over deviation of the returns between samples, for 365 days; None if undefined."""
        return self.performance.sharpe.bar_365

    @property
    def max_drawdown(self) -> float:
        """The deepest fall from a peak in **percent**, ≤ 0."""
        return _PERCENT * self.performance.max_drawdown

    @cached_property
    def pnl_by_contract(self) -> dict[tuple[str, str], float]:
        """Realised and unrealised profit less fees plus funding, by (exchange, symbol)."""
        venue = self.outcome.venue
        found = {}
        for contract in self.account.contracts:
            name = (contract.exchange, contract.symbol)
            one = venue.position(venue.market(*name))
            found[name] = float(one.realised_pnl + one.unrealised_pnl - one.fees + one.funding)
        return found

    @property
    def look_ahead(self) -> str:
        """What was done against look-ahead, in words."""
        if self.is_asked:
            return "the strategy is handed the past bars alone"
        return "the strategy hears events in the order of their times"

    def told(self) -> dict[str, str]:
        """What the run takes for granted, in words."""
        account = self.account
        cash = f"{account.cash.normalize():f} {account.currency}"
        texts = {
            "initial_capital": f"{cash}, one account for all contracts, which are taken to be "
            "settled in it"
        }
        texts |= {f"fills {n}": text for n, text in enumerate(account.fills.texts(), 1)}
        if self.is_asked:
            texts["sizing"] = (
                f"asked at every close of every contract; all in is 1/{len(account.contracts)} of "
                "the equity for each"
            )
        for at, one in enumerate(account.contracts):
            name = f"{one.exchange}:{one.symbol}"
            texts[name] = _terms(one)
            stream = self.streams[at]
            if stream.detail is not None and stream.bars is not None:
                told = detail_told(stream.detail, stream.bars)
                texts[f"{name} bars"] = f"orders meet {told} where all of a bar's are there"
            if self.funding:
                texts[f"{name} funding"] = self.funding[at]
        texts["latency"] = "none: an order meets the first event after the one it was placed at"
        texts["annualisation"] = "365 days"
        return texts


def _terms(contract: PaperContract) -> str:
    """What a contract costs and demands, in words."""
    parts = [
        f"fees {contract.fees.maker} maker, {contract.fees.taker} taker",
        f"leverage {contract.leverage.normalize():f}, {contract.margin_mode} margin",
    ]
    if contract.tiers:
        parts.append(f"liquidated by {len(contract.tiers)} margin tiers")
    else:
        parts.append("NO margin tiers: liquidated only when its whole margin is lost")
    is_fine = contract.price_tick == FINE_GRID and contract.quantity_step == FINE_GRID
    parts.append(
        "no rounding"
        if is_fine
        else f"tick {contract.price_tick:f}, step {contract.quantity_step:f}"
    )
    if contract.min_notional is not None:
        parts.append(f"no order below {contract.min_notional:f}")
    return "; ".join(parts)


def run_portfolio(
    strategy: BaseStrategy,
    streams: Sequence[MarketStreams],
    account: EventAccount,
    *,
    funding: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> PortfolioResult:
    """Runs a strategy over several contracts.

    Args:
        strategy: of any form; one of signals or callbacks is asked at every close of every
            contract and has an equal share of the equity for each.
        streams: what happened, in the order of the account's contracts.
        account: what is traded with.
        funding: which payments each contract has, in words, for the result.
        progress: told (events done, events) now and then.

    Returns:
        The result; running again with a fresh strategy gives an equal one.

    Raises:
        RequestError: streams that do not fit, an order that makes no sense, or no bar at all.
    """
    started = time.process_time()
    played = strategy
    if strategy.form() != "events":
        played = AskedStrategy(strategy, contracts=max(1, len(streams)))
    outcome = run_events(played, streams, account, progress=progress)
    samples = outcome.sample_ms
    if not len(samples):
        raise RequestError("streams", "no bar", "bars, or a bar_interval_ms, to measure equity at")
    steps = np.diff(samples)
    interval_ms = int(steps[steps > 0].min()) if (steps > 0).any() else 1
    exposed = np.zeros(len(samples), dtype=np.bool_)
    for column in outcome.held:
        exposed |= column != 0.0
    pnls = [one.pnl for one in outcome.trips if one.pnl is not None]
    figures = performance(
        outcome.equity,
        capital=outcome.initial_capital,
        timestamps_ms=samples - interval_ms,
        interval_ms=interval_ms,
        trade_pnls=np.array(pnls, dtype=np.float64),
        exposed=exposed,
    )
    return PortfolioResult(
        strategy=strategy.name,
        parameters=strategy.params,
        streams=tuple(streams),
        account=account,
        outcome=outcome,
        performance=figures,
        interval_ms=interval_ms,
        cpu_s=time.process_time() - started,
        funding=tuple(funding),
        is_asked=played is not strategy,
    )
