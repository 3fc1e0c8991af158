"""Runs cases in our own engine, in the environment with the peers' Python.

`python -m benchmarks.peers.run_headwater JOBS.json ANSWERS.json`, as every peer, so that ours is
timed by the same clock around the same work in the same rotation. `engine` is `sparse` (the shipped
strategy, only `generate_signals`, the default) or `per-bar` (its callbacks written out). The guard
against look-ahead is on, as it is for users.
"""

import time
from dataclasses import fields
from typing import Any

from benchmarks.peers.case import Bars, Case, Outcome, Refused, Trade, drive, spent_of, timed
from headwater import __version__
from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.strategies.bars import Bars as OurBars
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.mean_reversion import MeanReversion
from headwater.strategies.parameters import Integer
from headwater.strategies.sma_cross import SmaCross

SHARPE_IS = "`sharpe.bar_365`"


class CalledCross(BaseStrategy):
    """The cross of two means, long only, asked at every bar."""

    name = "called_cross"
    description = "The cross of two means by callbacks."
    declared = (
        Integer("fast", 10, "Bars of the fast average.", least=1, most=5_000),
        Integer("slow", 30, "Bars of the slow average.", least=2, most=10_000),
    )

    @property
    def lookback(self) -> int:
        """The slow average of the bar before must be there."""
        return int(self.params["slow"]) + 1

    def should_open_position(self, data: Any) -> Decision:
        """At a cross above."""
        if len(data) < 2:
            return False, None
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        return bool(fast[-2] <= slow[-2] and fast[-1] > slow[-1]), None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        """At a cross below."""
        del position
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        return bool(fast[-2] >= slow[-2] and fast[-1] < slow[-1]), "cross"


def prepare(case: Case, bars: Bars) -> OurBars:
    """Our view of the columns."""
    del case
    columns = {each.name: getattr(bars, each.name) for each in fields(Bars)}
    return OurBars.from_columns(columns.pop("timestamp_ms"), columns, symbol="BTCUSDT")


def _assumptions(case: Case) -> Assumptions:
    return Assumptions(
        initial_capital=case.capital,
        fee_rate=case.fee,
        slippage_rate=case.slippage,
        fill=FillRule(case.fill),
    )


def _strategy(case: Case) -> BaseStrategy:
    if case.engine == "per-bar":
        if case.strategy != "sma_cross" or case.direction != "long" or case.has_brackets:
            raise Refused("callbacks are written out for sma_cross, long, without brackets")
        return CalledCross({"fast": case.fast, "slow": case.slow})
    if case.strategy == "mean_reversion":
        names = ("lookback_period", "entry_threshold", "exit_threshold", "ddof", "direction")
        return MeanReversion({name: getattr(case, name) for name in names})
    given = {"fast": case.fast, "slow": case.slow, "direction": case.direction}
    brackets = {"stop_loss": case.stop_loss, "take_profit": case.take_profit}
    return SmaCross({**given, **{key: each for key, each in brackets.items() if each is not None}})


def run(case: Case, bars: OurBars) -> Outcome:
    """One back-test."""
    engine = BacktestEngine(_strategy(case), data=bars, assumptions=_assumptions(case))
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
    """All pairs of the case, which must be a whole grid; compilation is paid by the warm-up."""
    swept = sorted({fast for fast, _ in case.sweep}), sorted({slow for _, slow in case.sweep})
    if len(swept[0]) * len(swept[1]) != len(case.sweep):
        raise Refused("a sweep is of a whole grid")
    ranges = [
        ParameterRange(name=name, values=tuple(values))
        for name, values in zip(("fast", "slow"), swept, strict=True)
    ]

    def once(some: Bars) -> Any:
        made = Sweep(
            SmaCross, prepare(case, some), ranges, _assumptions(case), workers=case.processes
        )
        return made.run()

    # A short series would not repay compiling, so the warm-up is the whole.
    once(bars)
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
        **spent_of([cpu]),
    }


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case, single or sweep."""
    return sweep(case, bars) if case.sweep else timed(case, bars, run, prepare)


if __name__ == "__main__":
    drive(f"headwater {__version__}", answer)
