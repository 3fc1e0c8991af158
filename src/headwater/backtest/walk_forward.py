"""Walk-forward: choose parameters on the past, run them on what follows, move on, and join.

In each fold a sweep over the in-sample bars chooses the best combination, which then runs over the
out-of-sample bars behind them. There its indicators know the whole past, as they would live, but
the account begins flat with its first bar. A position that is open at a fold's end is valued as if
it were closed there, with fee and slippage. The joined out-of-sample equity is what somebody would
have earned who had chosen so at the time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.cross_validation import Split, walk_forward_windows
from headwater.analytics.performance import Performance, performance
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.funding import FundingColumns
from headwater.backtest.outcome import Outcome
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.searchable import check_searchable
from headwater.backtest.sweep import Progress, Sweep
from headwater.backtest.sweep_candidates import ParameterGrid
from headwater.backtest.sweep_result import SweepRow, objective_values
from headwater.backtest.sweep_tally import tally_of
from headwater.backtest.sweep_task import StrategyReference, SweepTask, resolved
from headwater.backtest.walk_forward_result import (
    FoldFigures,
    ParameterStability,
    WalkForwardFold,
    WalkForwardResult,
)
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars

__all__ = ["FOLD_BARS_MIN", "WalkForward"]

FOLD_BARS_MIN: Final = 30
"""Fewest bars of an in-sample or out-of-sample range: figures of fewer say nothing."""

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How each fold chooses its parameters; as the arguments of `Sweep` by these names.

    Attributes:
        ranges: the values of each swept parameter.
        fixed: parameters that are the same for all.
        method: `grid`, `random` or `bayesian`.
        samples: how many combinations of the latter two.
        seed: of what is drawn.
        objective: what the best is chosen by.
        scheduler: address of a Dask scheduler; empty: this machine.
        workers: at once; None: as many as there are processors.
    """

    ranges: Sequence[ParameterRange]
    fixed: Mapping[str, Any] | None = None
    method: str = "grid"
    samples: int = 100
    seed: int = 0
    objective: str = "sharpe"
    scheduler: str = ""
    workers: int | None = None


class WalkForward:
    """A walk-forward over some bars, ready to run.

    Args:
        strategy: the class, its name in the registry, or `path.py:Class`.
        data: what `Bars.of` understands.
        search: how each fold chooses.
        in_sample_days: length of what is learned from (of the first one if anchored), > 0.
        out_of_sample_days: length of what is tested on, > 0; also the step of the folds.
        embargo_days: between the two, belonging to neither, ≥ 0.
        anchored: every in-sample range begins with the first bar.
        folds: only so many, the latest; None: as many as there are.
        assumptions: costs and rules.
        funding: payments of a perpetual contract.
        detail: bars of a smaller interval, which tell what a bar reached first.

    Raises:
        RequestError: something that cannot be; names it.
    """

    def __init__(
        self,
        strategy: StrategyReference,
        data: Any,
        search: Search,
        *,
        in_sample_days: float,
        out_of_sample_days: float,
        embargo_days: float = 0.0,
        anchored: bool = False,
        folds: int | None = None,
        assumptions: Assumptions | None = None,
        funding: FundingColumns | None = None,
        detail: Bars | None = None,
    ) -> None:
        check_searchable(resolved(strategy), search.fixed)
        self.strategy = strategy
        self.bars = Bars.of(data)
        self.search = search
        self.assumptions = (assumptions or Assumptions()).checked()
        self.funding = funding
        self.detail = detail
        self.grid = ParameterGrid.of(resolved(strategy), search.ranges, search.fixed)
        if not self.bars.interval_ms:
            raise RequestError("data", f"{len(self.bars)} bars", "at least two bars")
        train = self._bars("in_sample_days", in_sample_days)
        test = self._bars("out_of_sample_days", out_of_sample_days)
        if not (math.isfinite(embargo_days) and embargo_days >= 0):
            raise RequestError("embargo_days", embargo_days, "a number of days, at least 0")
        embargo = math.ceil(embargo_days * _DAY_MS / self.bars.interval_ms)
        if len(self.bars) < train + embargo + FOLD_BARS_MIN:
            raise RequestError(
                "data",
                f"{len(self.bars)} bars",
                f"at least {train + embargo + FOLD_BARS_MIN}: {train} to learn from, {embargo} "
                f"between, {FOLD_BARS_MIN} to test on",
            )
        windows = walk_forward_windows(
            len(self.bars),
            train_bars=train,
            test_bars=test,
            embargo_bars=embargo,
            anchored=anchored,
        )
        # A last stretch that is too short to be judged is left out.
        windows = [one for one in windows if one.test[0].end - one.test[0].start >= FOLD_BARS_MIN]
        if folds is not None:
            if not 1 <= folds <= len(windows):
                raise RequestError("folds", folds, f"from 1 to {len(windows)}, as many as fit")
            windows = windows[-folds:]
        self.windows: list[Split] = windows

    def run(
        self, progress: Progress | None = None, resume: Path | None = None
    ) -> WalkForwardResult:
        """Runs all folds.

        Args:
            progress: told (folds done, folds).
            resume: folder of the folds' journals; made if it is not there.

        Raises:
            RequestError: as `Sweep.run`.
        """
        capital = self.assumptions.initial_capital
        folds: list[WalkForwardFold] = []
        stretches: list[FloatArray] = []
        pnl: list[FloatArray] = []
        held: list[FloatArray] = []
        for number, window in enumerate(self.windows, start=1):
            if progress is not None:
                progress(number - 1, len(self.windows))
            journal = None if resume is None else resume / f"fold-{number:03d}.jsonl"
            chosen = self._choose(window, journal)
            outcome = self._test(window, chosen, capital)
            equity = _closed_equity(
                outcome, self.bars.close[window.test[0].start :], self.assumptions
            )
            folds.append(self._fold(number, window, chosen, outcome, equity))
            stretches.append(equity)
            pnl.append(outcome.trades.pnl())
            held.append(outcome.held)
            if outcome.insolvent_bar is not None or equity[-1] <= 0.0:
                break
            capital = float(equity[-1])
        if progress is not None:
            progress(len(self.windows), len(self.windows))
        return self._joined(
            folds, np.concatenate(stretches), np.concatenate(pnl), np.concatenate(held)
        )

    def _bars(self, name: str, days: float) -> int:
        """A number of days in bars.

        Raises:
            RequestError: too few to be judged.
        """
        least = FOLD_BARS_MIN * self.bars.interval_ms / _DAY_MS
        if not math.isfinite(days) or days < least:
            raise RequestError(
                name, days, f"at least {least:g} days, which are {FOLD_BARS_MIN} bars of the data"
            )
        return round(days * _DAY_MS / self.bars.interval_ms)

    def _choose(self, window: Split, journal: Path | None) -> SweepRow:
        """The best combination of a fold's in-sample bars."""
        search, learn = self.search, window.train[0]
        sweep = Sweep(
            self.strategy,
            self.bars[learn.start : learn.end],
            search.ranges,
            self.assumptions,
            fixed=search.fixed,
            method=search.method,
            samples=search.samples,
            seed=search.seed,
            objective=search.objective,
            funding=self.funding,
            detail=self.detail,
            scheduler=search.scheduler,
            workers=search.workers,
        )
        return sweep.run(resume=journal).best

    def _test(self, window: Split, chosen: SweepRow, capital: float) -> Outcome:
        """The chosen combination over a fold's out-of-sample bars."""
        test = window.test[0]
        task = SweepTask(
            strategy=self.strategy,
            bars=self.bars[: test.end],
            assumptions=msgspec.structs.replace(self.assumptions, initial_capital=capital),
            funding=self.funding,
            trade_from=test.start,
            detail=self.detail,
        )
        return task.outcome(self.grid.parameters(chosen.number))

    def _fold(
        self,
        number: int,
        window: Split,
        chosen: SweepRow,
        outcome: Outcome,
        equity: FloatArray,
    ) -> WalkForwardFold:
        learn, test = window.train[0], window.test[0]
        times, interval = self.bars.timestamp_ms, self.bars.interval_ms
        year = 365.0 * _DAY_MS / interval
        row = tally_of(outcome, test.end - test.start)[0][np.newaxis]
        sharpe = float(objective_values("sharpe", row, outcome.initial_capital, year)[0])
        gained = float(equity[-1]) / outcome.initial_capital - 1.0
        inside = _growth(chosen.total_return, learn.end - learn.start, year)
        outside = _growth(gained, len(equity), year)
        return WalkForwardFold(
            number=number,
            parameters=chosen.parameters,
            in_sample=FoldFigures(
                from_ms=int(times[learn.start]),
                to_ms=int(times[learn.end - 1]) + interval,
                bars=learn.end - learn.start,
                total_return=chosen.total_return,
                growth_rate=inside,
                sharpe=chosen.sharpe,
                max_drawdown=chosen.max_drawdown,
                trades=chosen.trades,
            ),
            out_of_sample=FoldFigures(
                from_ms=int(times[test.start]),
                to_ms=int(times[test.end - 1]) + interval,
                bars=test.end - test.start,
                total_return=gained,
                growth_rate=outside,
                sharpe=None if math.isnan(sharpe) else sharpe,
                max_drawdown=float(row[0, 1]),
                trades=len(outcome.trades.pnl()),
            ),
            efficiency=outside / inside if inside > 0.0 else None,
            insolvent=outcome.insolvent_bar is not None,
        )

    def _joined(
        self, folds: list[WalkForwardFold], equity: FloatArray, pnl: FloatArray, held: FloatArray
    ) -> WalkForwardResult:
        start = self.windows[0].test[0].start
        times = self.bars.timestamp_ms[start : start + len(equity)]
        return WalkForwardResult(
            strategy=self.grid.strategy.name,
            objective=self.search.objective,
            folds=tuple(folds),
            planned_folds=len(self.windows),
            timestamp_ms=times,
            equity=equity,
            performance=_measured(self.assumptions, equity, times, self.bars, pnl, held),
            stability=_stability(self.grid, folds),
            assumptions=self.assumptions.told(),
        )


def _measured(
    assumptions: Assumptions,
    equity: FloatArray,
    times: Any,
    bars: Bars,
    pnl: FloatArray,
    held: FloatArray,
) -> Performance:
    return performance(
        equity,
        capital=assumptions.initial_capital,
        timestamps_ms=times,
        interval_ms=bars.interval_ms,
        trade_pnls=pnl,
        exposed=held,
    )


def _closed_equity(outcome: Outcome, close: FloatArray, assumptions: Assumptions) -> FloatArray:
    """The equity of a fold with what it would cost to close the last position at the last close."""
    equity = outcome.equity.copy()
    held = float(outcome.held[-1])
    if held and outcome.insolvent_bar is None:
        fee, slippage = assumptions.fee_rate, assumptions.slippage_rate
        side = 1.0 if held > 0.0 else -1.0
        value = abs(held) * float(close[len(equity) - 1])
        equity[-1] -= value * (slippage + fee * (1.0 - side * slippage))
    return equity


def _growth(total_return: float, bars: int, bars_a_year: float) -> float:
    """A return of some bars as a continuous rate: ln(1 + return) a year of 365 days."""
    # Of an account with less than nothing left the rate has no number; this is a loss of e⁻¹⁰⁰.
    left = max(1.0 + total_return, math.exp(-100.0))
    return math.log(left) * bars_a_year / bars


def _stability(grid: ParameterGrid, folds: list[WalkForwardFold]) -> tuple[ParameterStability, ...]:
    """How the chosen values moved from fold to fold, as shares of their ranges."""
    found = []
    for one in grid.ranges:
        values = [fold.parameters[one.name] for fold in folds]
        places = [one.values.index(value) for value in values]
        reach = max(1, len(one.values) - 1)
        steps = [abs(b - a) / reach for a, b in pairwise(places)]
        found.append(
            ParameterStability(
                name=one.name,
                chosen=tuple(values),
                distinct=len(set(values)),
                mean_step=sum(steps) / len(steps) if steps else 0.0,
            )
        )
    return tuple(found)
