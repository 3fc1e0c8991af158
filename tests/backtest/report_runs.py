"""Runs for the tests of reports: real ones of the engine over made-up prices."""

from typing import Any

import numpy as np

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.result import BacktestResult
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Number, Text
from headwater.strategies.signals import Signals

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000
HOSTILE = "</script><img src=x onerror=alert(1)>&amp;\"'"


def walk(length: int, seed: int = 7) -> Bars:
    """Hourly bars of a random walk that begins at 100 in 2024."""
    steps = np.random.default_rng(seed).normal(0.0, 0.01, length)
    close = np.round(100.0 * np.exp(np.cumsum(steps)), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    high = np.round(np.maximum(opened, close) * 1.002, 2)
    low = np.round(np.minimum(opened, close) * 0.998, 2)
    return Bars.from_columns(
        START_MS + np.arange(length) * HOUR_MS,
        {"open": opened, "high": high, "low": low, "close": close, "volume": np.ones(length)},
        symbol="BTCUSDT",
    )


class Alternating(BaseStrategy):
    """Is long for five bars and out for five: many trades of known places."""

    name = "alternating"
    description = "Long for half of the time."
    declared = (
        Number("stop_loss", None, "Fraction of the entry price.", most=0.9),
        Number("take_profit", None, "Fraction of the entry price.", most=9.0),
        Text("note", "", "Anything."),
    )
    half = 5
    limit = 1_000_000_000

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        at = np.arange(len(bars))
        enter = (at % (2 * self.half) == self.half - 1) & (at < self.limit)
        leave = at % (2 * self.half) == 2 * self.half - 1
        return Signals(bars, enter_long=enter, exit_long=leave)


class Once(Alternating):
    """One trade."""

    name = "once"
    limit = 10


class Never(Alternating):
    """No trade."""

    name = "never"
    limit = 0


class Short(Alternating):
    """Sells at the fifth bar and never buys back."""

    name = "short"

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        enter = np.arange(len(bars)) == 4
        return Signals(bars, enter_short=enter)


def run(
    strategy: type[BaseStrategy] = Alternating,
    bars: Bars | int = 500,
    assumptions: Assumptions | None = None,
    **params: Any,
) -> BacktestResult:
    """A run of a strategy over a random walk, or over the given bars."""
    data = walk(bars) if isinstance(bars, int) else bars
    return BacktestEngine(
        strategy(params), data=data, assumptions=assumptions or Assumptions(fee_rate=0.0005)
    ).run()


def ruined() -> BacktestResult:
    """A short position in a price that rises fivefold."""
    close = np.linspace(100.0, 500.0, 60)
    bars = Bars.from_columns(
        START_MS + np.arange(60) * HOUR_MS,
        {"open": close, "high": close, "low": close, "close": close, "volume": close * 0 + 1},
        symbol="UPUSDT",
    )
    return run(Short, bars)
