"""What a walk-forward found: figures of each fold inside and outside, and the joined equity."""

from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import msgspec

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.performance import Performance

__all__ = [
    "FoldFigures",
    "ParameterStability",
    "WalkForwardFold",
    "WalkForwardResult",
    "WalkForwardSummary",
]

_GOOD: Final = 0.5


class FoldFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one side of a fold.

    Attributes:
        from_ms: opening time of its first bar.
        to_ms: end of its last bar.
        bars: how many.
        total_return: fraction.
        growth_rate: ln(1 + total_return) for a year of 365 days: stretches of different lengths
            compare by it without compounding.
        sharpe: of the bars' returns, annualised; None where they do not deviate.
        max_drawdown: negative fraction.
        trades: closed ones.
    """

    from_ms: int
    to_ms: int
    bars: int
    total_return: float
    growth_rate: float
    sharpe: float | None
    max_drawdown: float
    trades: int


class WalkForwardFold(msgspec.Struct, frozen=True, kw_only=True):
    """One fold.

    Attributes:
        number: from 1, by time.
        parameters: what was chosen.
        in_sample: figures of the chosen combination where it was chosen.
        out_of_sample: and behind.
        efficiency: growth rate outside over that inside; None where that inside is not above 0.
        insolvent: whether the account was ruined outside.
    """

    number: int
    parameters: dict[str, Any]
    in_sample: FoldFigures
    out_of_sample: FoldFigures
    efficiency: float | None
    insolvent: bool


class ParameterStability(msgspec.Struct, frozen=True, kw_only=True):
    """How much the choice of a parameter moved.

    Attributes:
        name: of the parameter.
        chosen: its value in each fold.
        distinct: how many different ones.
        mean_step: mean distance between neighbouring folds, in places of its range, over the
            range's length: 0 never moves, 1 jumps from end to end.
    """

    name: str
    chosen: tuple[Any, ...]
    distinct: int
    mean_step: float


class WalkForwardSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A walk-forward without its equity curve, ready for JSON.

    Attributes:
        strategy: its name.
        objective: what each fold chose by.
        folds: in order of time.
        planned_folds: how many there would have been without a ruin.
        performance: of the joined out-of-sample equity.
        efficiency: median of the folds'; None where none has one.
        profitable_folds: share of the folds that gained outside.
        stability: of each parameter.
        words: what the figures mean.
        assumptions: everything that was taken for granted, in words.
    """

    strategy: str
    objective: str
    folds: tuple[WalkForwardFold, ...]
    planned_folds: int
    performance: Performance
    efficiency: float | None
    profitable_folds: float
    stability: tuple[ParameterStability, ...]
    words: tuple[str, ...]
    assumptions: dict[str, str]


@dataclass(frozen=True, slots=True)
class WalkForwardResult:
    """What a walk-forward found.

    Attributes:
        strategy: its name.
        objective: what each fold chose by.
        folds: in order of time; fewer than planned when the account was ruined.
        planned_folds: how many were planned.
        timestamp_ms: shape (N,), opening times of the out-of-sample bars.
        equity: shape (N,), the joined equity at their closes.
        performance: of it.
        stability: of each parameter.
        assumptions: everything that was taken for granted, in words.
    """

    strategy: str
    objective: str
    folds: tuple[WalkForwardFold, ...]
    planned_folds: int
    timestamp_ms: IndexArray
    equity: FloatArray
    performance: Performance
    stability: tuple[ParameterStability, ...]
    assumptions: dict[str, str]

    @property
    def efficiency(self) -> float | None:
        """Median of the folds' efficiencies; None where none has one."""
        known = [one.efficiency for one in self.folds if one.efficiency is not None]
        return median(known) if known else None

    @property
    def profitable_folds(self) -> float:
        """Share of the folds that gained outside."""
        return sum(one.out_of_sample.total_return > 0.0 for one in self.folds) / len(self.folds)

    def table(self) -> list[dict[str, Any]]:
        """One flat row a fold: parameters, then figures inside and outside."""
        rows = []
        for one in self.folds:
            row: dict[str, Any] = {"fold": one.number, **one.parameters}
            for side, figures in (("in", one.in_sample), ("out", one.out_of_sample)):
                row |= {
                    f"{side}_{name}": value
                    for name, value in msgspec.structs.asdict(figures).items()
                }
            rows.append({**row, "efficiency": one.efficiency})
        return rows

    def summary(self) -> WalkForwardSummary:
        """The result without its curve, ready for JSON."""
        return WalkForwardSummary(
            strategy=self.strategy,
            objective=self.objective,
            folds=self.folds,
            planned_folds=self.planned_folds,
            performance=self.performance,
            efficiency=self.efficiency,
            profitable_folds=self.profitable_folds,
            stability=self.stability,
            words=self.words(),
            assumptions=self.assumptions,
        )

    def words(self) -> tuple[str, ...]:
        """What the figures mean, one sentence each."""
        gained, joined = self.profitable_folds, self.performance.total_return
        words = [
            f"{len(self.folds)} folds, {gained:.0%} gained out of sample; joined {joined:+.1%}."
        ]
        if self.efficiency is None:
            words.append("No fold gained in sample: there was nothing to choose.")
        else:
            judged = (
                "what was learned held"
                if self.efficiency >= _GOOD
                else "most of what was learned did not hold: over-fitting is likely"
            )
            words.append(
                f"Out of sample the median fold grew at {self.efficiency:.0%} of its rate in "
                f"sample: {judged} ({_GOOD:.0%} is a usual bar)."
            )
        if len(self.folds) < self.planned_folds:
            words.append(f"The account was ruined in fold {len(self.folds)}; the rest was not run.")
        return tuple(words)
