"""What is the same for every combination of a sweep, and how one combination is run.

A task can be sent to another process: the strategy travels as its name, its `path.py:Class` or an
importable class, the bars as columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.detail import NO_DETAIL, Detail
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.outcome import Outcome
from headwater.backtest.per_bar import run_per_bar
from headwater.backtest.searchable import check_one_is_enough
from headwater.backtest.sparse import run_sparse
from headwater.backtest.sweep_tally import tally_of
from headwater.core.errors import RequestError
from headwater.strategies.bars import COLUMNS, Bars
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.signals import Signals

__all__ = ["StrategyReference", "SweepTask", "resolved", "traded_signals"]

StrategyReference = str | type[BaseStrategy]
"""A name of the registry, `path.py:Class`, or the class itself."""

_DAYS: float = 365.0
_DAY_MS: float = 86_400_000.0


def resolved(strategy: StrategyReference) -> type[BaseStrategy]:
    """The class.

    Raises:
        RequestError: there is none of that name, or the file has none.
    """
    if isinstance(strategy, str):
        from headwater.strategies.registry import strategy_class

        return strategy_class(strategy)
    return strategy


@dataclass(frozen=True, slots=True)
class SweepTask:
    """What every combination runs on.

    Attributes:
        strategy: what is swept.
        bars: all bars; signals are computed over them.
        assumptions: costs and rules, checked.
        funding: payments; None for none.
        trade_from: number of the bar at whose close the account begins to act; those before it only
            warm the indicators. The account's figures are of the bars from there on.
        detail: bars of a smaller interval, which tell what a bar reached first; None for none.
    """

    strategy: StrategyReference
    bars: Bars
    assumptions: Assumptions
    funding: FundingColumns | None = None
    trade_from: int = 0
    detail: Bars | None = None

    @property
    def length(self) -> int:
        """Bars that the account runs over."""
        return len(self.bars) - self.trade_from

    @property
    def bars_a_year(self) -> float:
        """Bars in 365 days; what a Sharpe ratio of bars is annualised with."""
        return _DAYS * _DAY_MS / self.bars.interval_ms if self.bars.interval_ms else 0.0

    def light(self) -> "SweepTask":
        """The same without the indicators that its bars have kept, for sending."""
        return SweepTask(
            strategy=self.strategy,
            bars=_bare(self.bars),
            assumptions=self.assumptions,
            funding=self.funding,
            trade_from=self.trade_from,
            detail=None if self.detail is None else _bare(self.detail),
        )

    def outcome(self, parameters: Mapping[str, Any], bars: Bars | None = None) -> Outcome:
        """Runs one combination by the drive for its form.

        Args:
            parameters: of the strategy.
            bars: the task's, in a form that shares indicators.

        Raises:
            RequestError: parameters that the strategy refuses, or a form that a sweep cannot run.
        """
        bars = bars or self.bars
        strategy = resolved(self.strategy)(parameters)
        check_one_is_enough(strategy)
        traded = bars[self.trade_from :] if self.trade_from else bars
        funding = None if self.funding is None else FundingBars.of(self.funding, traded)
        form = strategy.form()
        detail = NO_DETAIL if self.detail is None else Detail(self.detail, traded)
        if form == "signals":
            return run_sparse(
                traded,
                traded_signals(strategy, bars, traded),
                self.assumptions,
                bracket=strategy.checked_bracket(),
                reverses=strategy.reverses,
                funding=funding,
                detail=detail,
            )
        if form == "callbacks":
            return self._called(strategy, bars)
        raise RequestError(
            "strategy",
            strategy.name,
            "one that writes signals or callbacks; sweeps do not run strategies of events",
        )

    def figures(
        self, parameters: Mapping[str, Any], bars: Bars | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Row and blocks of one combination (`tally_of`), by the drive for its form."""
        return tally_of(self.outcome(parameters, bars), self.length)

    def _called(self, strategy: BaseStrategy, bars: Bars) -> Outcome:
        """Runs callbacks over all bars, asking for entries only from `trade_from` on."""
        start = self.trade_from
        funding = None if self.funding is None else FundingBars.of(self.funding, bars)
        detail = NO_DETAIL if self.detail is None else Detail(self.detail, bars)
        if not start:
            return run_per_bar(strategy, bars, self.assumptions, funding=funding, detail=detail)
        asked = strategy.should_open_position

        def should_open(data: Any) -> Decision:
            return asked(data) if len(data) > start else (False, None)

        # The instance is this run's own, so its question may be replaced.
        vars(strategy)["should_open_position"] = should_open
        outcome = run_per_bar(strategy, bars, self.assumptions, funding=funding, detail=detail)
        return _shifted(outcome, start)


def _bare(bars: Bars) -> Bars:
    """The same bars without kept indicators."""
    return Bars(
        bars.timestamp_ms,
        {name: getattr(bars, name) for name in COLUMNS},
        symbol=bars.symbol,
        interval_ms=bars.interval_ms,
        extras=bars.extras,
    )


def traded_signals(strategy: BaseStrategy, bars: Bars, traded: Bars) -> Signals:
    """A strategy's signals of the last bars, computed over all.

    Args:
        strategy: of the form that writes signals.
        bars: all bars.
        traded: the last of them.
    """
    signals = Signals.of(strategy.generate_signals(bars), bars)
    start = len(bars) - len(traded)
    if not start:
        return signals
    return Signals(
        traded,
        enter_long=signals.enter_long[start:],
        exit_long=signals.exit_long[start:],
        enter_short=signals.enter_short[start:],
        exit_short=signals.exit_short[start:],
    )


def _shifted(outcome: Outcome, start: int) -> Outcome:
    """An outcome without its first bars, in which nothing happened."""
    trades = outcome.trades
    return Outcome(
        initial_capital=outcome.initial_capital,
        equity=outcome.equity[start:],
        held=outcome.held[start:],
        trades=replace(
            trades,
            entry_bar=trades.entry_bar - start,
            exit_bar=np.where(trades.exit_bar < 0, -1, trades.exit_bar - start),
        ),
        pending=tuple(type(one)(bar=one.bar - start, action=one.action) for one in outcome.pending),
        refused=tuple(
            type(one)(bar=one.bar - start, action=one.action, reason=one.reason)
            for one in outcome.refused
        ),
        ambiguous_bars=tuple(at - start for at in outcome.ambiguous_bars),
        insolvent_bar=None if outcome.insolvent_bar is None else outcome.insolvent_bar - start,
    )
