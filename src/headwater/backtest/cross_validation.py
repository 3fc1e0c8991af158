"""Purged cross-validation of a sweep: does what is best on most of the time hold on the rest?

The bars are cut into folds; each is tested once, with parameters that were best (by Sharpe ratio)
on the others. Bars beside the test range are left out of training on both sides, and more behind it
(`analytics/cross_validation.py`): an open trade, or an average of many bars, reaches over the
border. Unlike a walk-forward it learns from the future of a test range too, so it judges a way of
choosing, and is no record that anybody could have earned.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.cross_validation import BarRange, Split, purged_folds
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.funding import FundingColumns
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Progress, Sweep
from headwater.backtest.sweep_result import SweepResult, objective_values
from headwater.backtest.sweep_tally import Figure
from headwater.backtest.sweep_task import StrategyReference
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars

__all__ = ["CrossValidation", "CrossValidationResult", "ValidationFold"]

_FOLD_BARS_MIN = 30


class ValidationFold(msgspec.Struct, frozen=True, kw_only=True):
    """One fold.

    Attributes:
        number: from 1, by time.
        from_ms: opening time of the first bar that is tested on.
        to_ms: end of the last one.
        parameters: what was best on the other folds.
        train_sharpe: there, annualised; None where its returns do not deviate.
        test_sharpe: on this fold; None likewise.
        test_return: on this fold, a fraction.
        test_place: where it stands among all combinations on this fold, by Sharpe ratio: 1 is the
            best, 0 the worst.
    """

    number: int
    from_ms: int
    to_ms: int
    parameters: dict[str, Any]
    train_sharpe: float | None
    test_sharpe: float | None
    test_return: float
    test_place: float


class CrossValidationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a cross-validation found.

    Attributes:
        strategy: its name.
        combinations: how many were compared.
        folds: in order of time.
        mean_place: mean of the folds' places; 0.5 is what chance gives.
        losing_folds: share of the folds that lost money.
        words: what it means.
    """

    strategy: str
    combinations: int
    folds: tuple[ValidationFold, ...]
    mean_place: float
    losing_folds: float
    words: tuple[str, ...]

    def table(self) -> list[dict[str, Any]]:
        """One flat row a fold."""
        return [
            {"fold": one.number, **one.parameters}
            | {
                name: value
                for name, value in msgspec.structs.asdict(one).items()
                if name not in {"number", "parameters"}
            }
            for one in self.folds
        ]


class CrossValidation:
    """A purged cross-validation over all combinations of a grid, ready to run.

    Args:
        strategy: the class, its name in the registry, or `path.py:Class`.
        data: what `Bars.of` understands.
        ranges: the values of each swept parameter.
        assumptions: costs and rules.
        fixed: parameters that are the same for all.
        folds: how many, from 2.
        purge_bars: left out of training on both sides of the tested fold.
        embargo_bars: left out behind it, beyond the purge.
        funding: payments of a perpetual contract.
        workers: at once; None: as many as there are processors.

    Raises:
        RequestError: something that cannot be; names it.
    """

    def __init__(
        self,
        strategy: StrategyReference,
        data: Any,
        ranges: Sequence[ParameterRange],
        assumptions: Assumptions | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        folds: int = 5,
        purge_bars: int = 0,
        embargo_bars: int = 0,
        funding: FundingColumns | None = None,
        workers: int | None = None,
    ) -> None:
        self.bars = Bars.of(data)
        if len(self.bars) < folds * _FOLD_BARS_MIN:
            least = folds * _FOLD_BARS_MIN
            raise RequestError(
                "folds", folds, f"folds of {_FOLD_BARS_MIN} bars: {least} bars for so many"
            )
        self.splits: list[Split] = purged_folds(
            len(self.bars), folds, purge_bars=purge_bars, embargo_bars=embargo_bars
        )
        self._strategy = strategy
        self._ranges = ranges
        self._assumptions = assumptions
        self._fixed = fixed
        self._funding = funding
        self._workers = workers

    def run(self, progress: Progress | None = None) -> CrossValidationResult:
        """Runs all folds.

        Args:
            progress: told (folds done, folds).

        Raises:
            RequestError: as `Sweep.run`.
        """
        folds = []
        swept: SweepResult | None = None
        for number, split in enumerate(self.splits, start=1):
            if progress is not None:
                progress(number - 1, len(self.splits))
            trained = _pooled([self._swept(one).figures for one in split.train])
            swept = self._swept(split.test[0])
            folds.append(self._fold(number, split.test[0], trained, swept))
        if progress is not None:
            progress(len(self.splits), len(self.splits))
        assert swept is not None, "at least two folds"
        place = float(np.mean([one.test_place for one in folds]))
        losing = sum(one.test_return < 0.0 for one in folds) / len(folds)
        told = (
            f"What was best on the other folds stood at {place:.0%} of the combinations on the "
            "tested one (100% is the best, 50% what chance gives) and lost money on "
            f"{losing:.0%} of the {len(folds)} folds."
        )
        return CrossValidationResult(
            strategy=swept.strategy,
            combinations=len(swept),
            folds=tuple(folds),
            mean_place=place,
            losing_folds=losing,
            words=(told,),
        )

    def _swept(self, part: BarRange) -> SweepResult:
        """All combinations over some bars, their indicators warmed by the bars before."""
        return Sweep(
            self._strategy,
            self.bars[: part.end],
            self._ranges,
            self._assumptions,
            fixed=self._fixed,
            funding=self._funding,
            workers=self._workers,
            trade_from=part.start,
        ).run()

    def _fold(
        self, number: int, tested: BarRange, trained: FloatArray, swept: SweepResult
    ) -> ValidationFold:
        year = swept.bars_a_year
        train = objective_values("sharpe", trained, swept.initial_capital, year)
        ratios = np.nan_to_num(swept.values("sharpe"), nan=0.0)
        best = int(np.argmax(np.nan_to_num(train, nan=-np.inf)))
        others = len(ratios) - 1
        below = np.count_nonzero(ratios < ratios[best])
        equal = np.count_nonzero(ratios == ratios[best]) - 1
        test = float(swept.values("sharpe")[best])
        times = self.bars.timestamp_ms
        return ValidationFold(
            number=number,
            from_ms=int(times[tested.start]),
            to_ms=int(times[tested.end - 1]) + self.bars.interval_ms,
            parameters=swept.grid.swept(int(swept.numbers[best])),
            train_sharpe=None if math.isnan(train[best]) else float(train[best]),
            test_sharpe=None if math.isnan(test) else test,
            test_return=float(swept.values("total_return")[best]),
            # Equals share the middle of their places.
            test_place=float(below + equal / 2.0) / others if others else 0.5,
        )


def _pooled(parts: Sequence[FloatArray]) -> FloatArray:
    """Figures of several stretches as if their returns were one series; only sums are joined."""
    pooled = np.zeros_like(parts[0])
    for figure in (Figure.RETURN_SUM, Figure.RETURN_SQUARES, Figure.BARS_RUN):
        pooled[:, figure] = np.sum([part[:, figure] for part in parts], axis=0)
    return pooled
