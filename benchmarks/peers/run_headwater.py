"""Runs cases in our own engine, in the environment with the peers' Python.

`python -m benchmarks.peers.run_headwater JOBS.json ANSWERS.json`, as every peer, so that ours is
timed by the same clock around the same work in the same rotation. The guard against look-ahead is
on, as it is for users. `engine`, of a single run:

- `sparse`: the shipped strategy, only `generate_signals`; the default.
- `per-bar`: its callbacks written out, their columns kept in `prepare`, as backtesting.py's `init`
  keeps its; `bench_callbacks` tells what asking at every bar costs.
- `per-bar-all-on`: the same with every feature of the account: a far bracket, slippage, leverage
  tiers with a liquidation price, funding every eight hours.

And of a sweep: `own` is a user's class, vectorised, and no shipped one.
"""

import time
from dataclasses import fields
from typing import Any, Final

import numpy as np

from benchmarks.peers.all_features import (
    FAR_STOP,
    FAR_TARGET,
    KeptCross,
    funding_of,
    with_all_features,
)
from benchmarks.peers.case import Bars, Case, Outcome, Refused, Trade, drive, spent_of, timed
from headwater import __version__
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.strategies.bars import Bars as OurBars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.mean_reversion import MeanReversion
from headwater.strategies.parameters import Integer
from headwater.strategies.signals import Signals
from headwater.strategies.sma_cross import SmaCross

SHARPE_IS = "`sharpe.bar_365`"

_ALL_ON: Final = "per-bar-all-on"


class OwnCross(BaseStrategy):
    """A cross as a user would write it: whole columns in, whole columns out."""

    name = "own_cross"
    description = "The cross of two means, a user's own."
    declared = (
        Integer("fast", 10, "Bars of the fast average.", least=1, most=5_000),
        Integer("slow", 30, "Bars of the slow average.", least=2, most=10_000),
    )

    @property
    def lookback(self) -> int:
        """The slow average of the bar before must be there."""
        return int(self.params["slow"]) + 1

    def generate_signals(self, data: Any) -> Signals:
        """The crosses of all bars."""
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        first = self.lookback - 1
        above, below = (np.zeros(len(data), dtype=np.bool_) for _ in range(2))
        above[first:] = (fast[first - 1 : -1] <= slow[first - 1 : -1]) & (
            fast[first:] > slow[first:]
        )
        below[first:] = (fast[first - 1 : -1] >= slow[first - 1 : -1]) & (
            fast[first:] < slow[first:]
        )
        return Signals(data, enter_long=above, exit_long=below)


def prepare(case: Case, bars: Bars) -> OurBars:
    """Our view of the columns."""
    del case
    columns = {each.name: getattr(bars, each.name) for each in fields(Bars)}
    return OurBars.from_columns(columns.pop("timestamp_ms"), columns, symbol="BTCUSDT")


def _assumptions(case: Case) -> Assumptions:
    plain = Assumptions(
        initial_capital=case.capital,
        fee_rate=case.fee,
        slippage_rate=case.slippage,
        fill=FillRule(case.fill),
    )
    return with_all_features(plain) if case.engine == _ALL_ON else plain


def _strategy(case: Case) -> BaseStrategy:
    if case.engine in ("per-bar", _ALL_ON):
        if case.strategy != "sma_cross" or case.direction != "long" or case.has_brackets:
            raise Refused("callbacks are written out for sma_cross, long, without brackets")
        far = {"stop_loss": FAR_STOP, "take_profit": FAR_TARGET} if case.engine == _ALL_ON else {}
        return KeptCross({"fast": case.fast, "slow": case.slow, **far})
    if case.strategy == "mean_reversion":
        names = ("lookback_period", "entry_threshold", "exit_threshold", "ddof", "direction")
        return MeanReversion({name: getattr(case, name) for name in names})
    given = {"fast": case.fast, "slow": case.slow, "direction": case.direction}
    brackets = {"stop_loss": case.stop_loss, "take_profit": case.take_profit}
    return SmaCross({**given, **{key: each for key, each in brackets.items() if each is not None}})


def run(case: Case, bars: OurBars) -> Outcome:
    """One back-test."""
    engine = BacktestEngine(
        _strategy(case),
        data=bars,
        assumptions=_assumptions(case),
        funding=funding_of(bars) if case.engine == _ALL_ON else None,
    )
    result = engine.run()
    return Outcome(
        trades=[
            Trade(
                each.side,
                each.entry_bar,
                each.exit_bar,
                each.entry_price,
                each.exit_price,
                each.pnl if each.pnl is not None else 0.0,
            )
            for each in result.trades
        ],
        equity=result.outcome.equity,
        final_equity=result.final_equity,
        max_drawdown=result.max_drawdown,
        sharpe=result.performance.sharpe.bar_365,
        sharpe_is=SHARPE_IS,
    )


def sweep(case: Case, bars: Bars) -> dict[str, Any]:
    """All pairs of the case, which must be a whole grid; compilation is paid by the warm-up.

    `first_wall_s` is what the first sweep of the process took, loading or compiling included.
    """
    swept = sorted({fast for fast, _ in case.sweep}), sorted({slow for _, slow in case.sweep})
    if len(swept[0]) * len(swept[1]) != len(case.sweep):
        raise Refused("a sweep is of a whole grid")
    ranges = [
        ParameterRange(name=name, values=tuple(values))
        for name, values in zip(("fast", "slow"), swept, strict=True)
    ]

    def once(some: Bars) -> Any:
        made = Sweep(
            OwnCross if case.engine == "own" else SmaCross,
            prepare(case, some),
            ranges,
            _assumptions(case),
            workers=case.processes,
        )
        return made.run()

    # A short series would not repay compiling, so the warm-up is the whole.
    began = time.perf_counter()
    once(bars)
    first = time.perf_counter() - began
    began, began_cpu = time.perf_counter(), time.process_time()
    result = once(bars)
    took, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    found = {
        (row.parameters["fast"], row.parameters["slow"]): row.total_return for row in result.rows()
    }
    return {
        "wall_s": took,
        "returns": [found[pair] for pair in case.sweep],
        "drive": result.drive,
        "first_wall_s": first,
        **spent_of([cpu]),
    }


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case, single or sweep."""
    return sweep(case, bars) if case.sweep else timed(case, bars, run, prepare)


if __name__ == "__main__":
    drive(f"headwater {__version__}", answer)
