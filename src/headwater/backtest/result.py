"""The result of a back-test: what was found, and everything it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from headwater.analytics.performance import Performance
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.coverage import Coverage
from headwater.backtest.look_ahead import LookAheadReport
from headwater.backtest.outcome import Outcome, Trade
from headwater.strategies.bars import Bars

__all__ = ["BacktestResult", "RunEvent"]

_PERCENT = 100.0


class RunEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened to an order.

    Attributes:
        bar: number of the bar.
        at_ms: opening time of that bar, ms since the epoch.
        kind: `filled`, `refused` or `pending`.
        action: `enter_long`, `enter_short`, `exit` or a reversal.
        reason: why, in words.
        price: of a fill, quote currency; else None.
        quantity: of a fill, base units; else None.
    """

    bar: int
    at_ms: int
    kind: str
    action: str
    reason: str
    price: float | None = None
    quantity: float | None = None


@dataclass(frozen=True)
class BacktestResult:
    """What a run found.

    Attributes:
        strategy: its name.
        parameters: all of them with their values.
        symbol: canonical symbol, empty when it is not known.
        bars: what was traded on.
        assumptions: costs and rules.
        outcome: trades, equity, and what did not go through.
        performance: every figure (`metric_definitions` says how each is computed).
        look_ahead: what was done against look-ahead.
        coverage: which part of its time the data have.
        drive: `signals`, `callbacks` or `events`.
        cpu_s: seconds of processor time that the run took.
    """

    strategy: str
    parameters: Mapping[str, Any]
    symbol: str
    bars: Bars
    assumptions: Assumptions
    outcome: Outcome
    performance: Performance
    look_ahead: LookAheadReport
    coverage: Coverage
    drive: str
    cpu_s: float

    @property
    def interval_ms(self) -> int:
        """Length of a bar, ms."""
        return self.bars.interval_ms

    @cached_property
    def trades(self) -> tuple[Trade, ...]:
        """The trades, oldest first; the last may be open."""
        return tuple(self.outcome.trades.records())

    @property
    def final_equity(self) -> float:
        """Equity at the last close, quote currency."""
        return self.outcome.final_equity

    @property
    def total_return(self) -> float:
        """Gain over the capital in **percent**; as a fraction it is in `performance`."""
        return _PERCENT * self.performance.total_return

    @property
    def sharpe_ratio(self) -> float | None:
        """Mean over deviation of the bars' returns, for 365 days; None when it is not defined."""
        return self.performance.sharpe.bar_365

    @property
    def max_drawdown(self) -> float:
        """The deepest fall from a peak in **percent**, ≤ 0; the fraction is in `performance`."""
        return _PERCENT * self.performance.max_drawdown

    def events(self) -> list[RunEvent]:
        """Every fill, refusal and pending decision, by time; made anew at each call."""
        events: list[RunEvent] = []
        for one in self.trades:
            events.append(self._fill(one, one.entry_bar, f"enter_{one.side}", "signal"))
            if one.exit_bar is not None and one.exit_reason is not None:
                events.append(self._fill(one, one.exit_bar, "exit", one.exit_reason.value))
        events.extend(
            self._event(one.bar, "refused", one.action, one.reason) for one in self.outcome.refused
        )
        events.sort(key=lambda event: event.bar)
        why = "decided at the last close: there is no bar left to fill it in"
        events.extend(
            self._event(one.bar, "pending", one.action, why) for one in self.outcome.pending
        )
        return events

    def _fill(self, trade: Trade, bar: int, action: str, reason: str) -> RunEvent:
        return RunEvent(
            bar=bar,
            at_ms=int(self.bars.timestamp_ms[bar]),
            kind="filled",
            action=action,
            reason=reason,
            price=trade.exit_price if action == "exit" else trade.entry_price,
            quantity=trade.quantity,
        )

    def _event(self, bar: int, kind: str, action: str, reason: str) -> RunEvent:
        at_ms = int(self.bars.timestamp_ms[bar])
        return RunEvent(bar=bar, at_ms=at_ms, kind=kind, action=action, reason=reason)
