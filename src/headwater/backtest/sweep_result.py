"""What a sweep found: one row of figures for each combination, best first."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.sweep_candidates import ParameterGrid
from headwater.backtest.sweep_tally import Figure
from headwater.core.errors import RequestError

__all__ = ["OBJECTIVES", "SweepResult", "SweepRow", "objective_values"]

OBJECTIVES: Final = (
    "sharpe",
    "total_return",
    "max_drawdown",
    "calmar",
    "profit_factor",
    "win_rate",
    "trades",
)
"""What a sweep may look for; each is better the higher it is (drawdowns are negative)."""


class SweepRow(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one combination.

    Attributes:
        rank: 1 is the best by the sweep's objective.
        number: of the combination in the grid of all values.
        parameters: the swept ones by name.
        total_return: fraction of the initial capital.
        sharpe: mean over sample deviation of the bars' returns × √(bars in 365 days); None where
            they do not deviate.
        max_drawdown: negative fraction; the peak begins with the initial capital.
        calmar: return a year of 365 days, compounded, over the drawdown; None without one.
        trades: closed ones.
        open_trade: whether one is open at the end.
        win_rate: share of the closed trades that made money after fees; None without any.
        profit_factor: cash won over cash lost; None where nothing was lost.
        final_equity: quote currency.
        exposure: share of the bars at whose close there was a position.
        ambiguous_bars: bars in which stop and target were both reached.
        pending: whether a decision had no bar left to be filled in.
        insolvent_bar: bar in which the account was ruined; None when it was not.
    """

    rank: int
    number: int
    parameters: dict[str, Any]
    total_return: float
    sharpe: float | None
    max_drawdown: float
    calmar: float | None
    trades: int
    open_trade: bool
    win_rate: float | None
    profit_factor: float | None
    final_equity: float
    exposure: float
    ambiguous_bars: int
    pending: bool
    insolvent_bar: int | None


def objective_values(
    name: str, rows: FloatArray, initial_capital: float, bars_a_year: float
) -> FloatArray:
    """A metric of many combinations.

    Args:
        name: one of `OBJECTIVES`.
        rows: shape (K, Figure.COUNT).
        initial_capital: quote currency.
        bars_a_year: as `SweepTask`.

    Returns:
        Shape (K,); NaN where the metric is not defined.

    Raises:
        RequestError: no such metric.
    """
    if name not in OBJECTIVES:
        raise RequestError("objective", name, f"one of {', '.join(OBJECTIVES)}")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values = _metric(name, rows, initial_capital, bars_a_year)
    values[~np.isfinite(values)] = np.nan
    return values


def _metric(name: str, rows: FloatArray, capital: float, bars_a_year: float) -> FloatArray:
    total_return: FloatArray = rows[:, Figure.FINAL_EQUITY] / capital - 1.0
    drawdown = rows[:, Figure.MAX_DRAWDOWN]
    closed, wins = rows[:, Figure.CLOSED_TRADES], rows[:, Figure.WINS]
    bars = rows[:, Figure.BARS_RUN]
    values: FloatArray
    if name == "sharpe":
        mean = rows[:, Figure.RETURN_SUM] / bars
        spread = rows[:, Figure.RETURN_SQUARES] - bars * mean * mean
        deviation = np.sqrt(np.maximum(spread, 0.0) / (bars - 1.0))
        values = mean / deviation * math.sqrt(bars_a_year)
    elif name == "calmar":
        yearly = np.power(np.maximum(1.0 + total_return, 0.0), bars_a_year / bars) - 1.0
        values = yearly / -drawdown
    elif name == "profit_factor":
        values = rows[:, Figure.GROSS_PROFIT] / rows[:, Figure.GROSS_LOSS]
    elif name == "win_rate":
        values = wins / closed
    else:
        values = {"total_return": total_return, "max_drawdown": drawdown, "trades": closed}[name]
    return values.copy()


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The figures of all combinations.

    Attributes:
        strategy: its name.
        grid: what the combinations are of.
        numbers: shape (K,), the combinations that were run, by number in the grid.
        figures: shape (K, Figure.COUNT), theirs.
        kept_places: shape (M,), places of the combinations whose blocks are kept: all of them, or
            evenly some where there are very many.
        blocks: shape (M, BLOCKS, 2), theirs.
        objective: what the rows are ordered by.
        initial_capital: quote currency.
        bars_a_year: bars in 365 days.
        bars: bars that each account ran over.
        skipped: combinations that the strategy refused.
        reused: combinations that were read from the journal.
        drive: `compiled` or `single`, and where: what ran them.
    """

    strategy: str
    grid: ParameterGrid
    numbers: IndexArray
    figures: FloatArray
    kept_places: IndexArray
    blocks: FloatArray
    objective: str
    initial_capital: float
    bars_a_year: float
    bars: int
    skipped: int
    reused: int
    drive: str

    def __len__(self) -> int:
        """How many combinations were run."""
        return len(self.numbers)

    def values(self, name: str) -> FloatArray:
        """A metric of all combinations, in their own order; shape (K,), NaN where not defined.

        Raises:
            RequestError: no such metric.
        """
        return objective_values(name, self.figures, self.initial_capital, self.bars_a_year)

    def order(self) -> IndexArray:
        """Places of the combinations, best first.

        Ruined accounts come last and before them those without the metric; of equals, the one with
        the smaller number comes first.
        """
        values = np.nan_to_num(self.values(self.objective), nan=-1e300)
        ruined = self.figures[:, Figure.INSOLVENT_BAR] >= 0
        order: IndexArray = np.lexsort((self.numbers, -values, ruined))
        return order

    @property
    def best(self) -> SweepRow:
        """The row of the first rank."""
        return next(self.rows(1))

    def rows(self, limit: int | None = None) -> Iterator[SweepRow]:
        """The rows, best first; at most `limit`."""
        metrics = {name: self.values(name) for name in OBJECTIVES}
        for rank, place in enumerate(self.order()[:limit].tolist(), start=1):
            yield self._row(rank, place, metrics)

    def table(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows as flat dictionaries: parameters first, then figures, for tables and CSV."""
        return [
            {
                **row.parameters,
                **{k: v for k, v in msgspec.structs.asdict(row).items() if k != "parameters"},
            }
            for row in self.rows(limit)
        ]

    def _row(self, rank: int, place: int, metrics: Mapping[str, FloatArray]) -> SweepRow:
        figures = self.figures[place].tolist()
        defined = {
            name: None if math.isnan(values[place]) else float(values[place])
            for name, values in metrics.items()
        }
        number = int(self.numbers[place])
        insolvent = int(figures[Figure.INSOLVENT_BAR])
        return SweepRow(
            rank=rank,
            number=number,
            parameters=self.grid.swept(number),
            total_return=figures[Figure.FINAL_EQUITY] / self.initial_capital - 1.0,
            sharpe=defined["sharpe"],
            max_drawdown=figures[Figure.MAX_DRAWDOWN],
            calmar=defined["calmar"],
            trades=int(figures[Figure.CLOSED_TRADES]),
            open_trade=bool(figures[Figure.OPEN_TRADES]),
            win_rate=defined["win_rate"],
            profit_factor=defined["profit_factor"],
            final_equity=figures[Figure.FINAL_EQUITY],
            exposure=figures[Figure.BARS_EXPOSED] / figures[Figure.BARS_RUN],
            ambiguous_bars=int(figures[Figure.AMBIGUOUS_BARS]),
            pending=bool(figures[Figure.PENDING]),
            insolvent_bar=None if insolvent < 0 else insolvent,
        )
