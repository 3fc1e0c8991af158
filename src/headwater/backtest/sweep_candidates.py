"""The combinations that a sweep tries: all of a grid, or distinct ones drawn from it.

A combination is known by its number in the grid of all values (the last range runs fastest), so a
million of them are a million whole numbers, and an interrupted sweep finds them again.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import IndexArray
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy

__all__ = ["COMBINATIONS_MAX", "Candidates", "ParameterGrid", "drawn", "whole_grid"]

COMBINATIONS_MAX: Final = 1_000_000
"""Most combinations of one sweep; their figures take about 100 bytes each."""

_NUMBERS_MAX: Final = 2**62
# Of a grid in which hardly anything is allowed, so many times as many as asked for are tried.
_DRAWS_PER_CANDIDATE: Final = 20


@dataclass(frozen=True, slots=True)
class ParameterGrid:
    """All combinations of some ranges of a strategy's parameters.

    Attributes:
        strategy: whose.
        ranges: checked, each value in its declared type.
        fixed: the parameters that are the same for all.
    """

    strategy: type[BaseStrategy]
    ranges: tuple[ParameterRange, ...]
    fixed: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        strategy: type[BaseStrategy],
        ranges: Sequence[ParameterRange],
        fixed: Mapping[str, Any] | None = None,
    ) -> "ParameterGrid":
        """The grid, once the strategy allows every value by itself.

        Raises:
            RequestError: no range, a parameter that the strategy does not have, or is there twice,
                or a value that it does not allow.
        """
        declared = {one.name: one for one in strategy.declared}
        names = [*(one.name for one in ranges), *(fixed or {})]
        if not ranges:
            raise RequestError("ranges", "none", "at least one range of a parameter")
        for name in names:
            if name not in declared:
                there = ", ".join(declared) or "none at all"
                raise RequestError("parameter", name, f"{strategy.name} has {there}")
            if names.count(name) > 1:
                raise RequestError("parameter", name, "one range or one value, not two")
        read = tuple(
            ParameterRange.listed(one.name, [declared[one.name].read(v) for v in one.values])
            for one in ranges
        )
        if math.prod(len(one.values) for one in read) > _NUMBERS_MAX:
            raise RequestError("combinations", "beyond counting", f"at most {_NUMBERS_MAX:,}")
        settled = {name: declared[name].read(value) for name, value in (fixed or {}).items()}
        return cls(strategy=strategy, ranges=read, fixed=settled)

    def __len__(self) -> int:
        """How many combinations, allowed or not."""
        return math.prod(len(one.values) for one in self.ranges)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each range has."""
        return tuple(len(one.values) for one in self.ranges)

    def places(self, number: int) -> tuple[int, ...]:
        """The place of a combination's value within each range."""
        places: list[int] = []
        for count in reversed(self.shape):
            number, place = divmod(number, count)
            places.append(place)
        return tuple(reversed(places))

    def number(self, places: Sequence[int]) -> int:
        """The number of a combination from the places of its values."""
        number = 0
        for count, place in zip(self.shape, places, strict=True):
            number = number * count + place
        return number

    def swept(self, number: int) -> dict[str, Any]:
        """The values of the swept parameters of a combination, by name."""
        pairs = zip(self.ranges, self.places(number), strict=True)
        return {one.name: one.values[place] for one, place in pairs}

    def parameters(self, number: int) -> dict[str, Any]:
        """All given parameters of a combination, the fixed ones included."""
        return {**self.fixed, **self.swept(number)}

    def allows(self, number: int) -> bool:
        """Whether the strategy takes the combination (fast below slow, and the like)."""
        try:
            self.strategy(self.parameters(number)).checked_bracket()
        except RequestError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Candidates:
    """The combinations of one sweep.

    Attributes:
        grid: what they are of.
        numbers: shape (K,), their numbers in the grid, rising.
        skipped: how many were refused by the strategy.
    """

    grid: ParameterGrid
    numbers: IndexArray
    skipped: int

    def __len__(self) -> int:
        """How many."""
        return len(self.numbers)

    def order(self, tile: int) -> IndexArray:
        """Places 0 … K − 1 so that neighbours share values of their parameters.

        Indicators of a value are kept while its neighbours need them, and not longer.

        Args:
            tile: so many values of each range are gone through together.
        """
        places = np.array(np.unravel_index(self.numbers, self.grid.shape))
        # The last key counts most.
        order: IndexArray = np.lexsort((*places[::-1], *(places[::-1] // max(1, tile))))
        return order


def whole_grid(grid: ParameterGrid) -> Candidates:
    """Every combination that the strategy takes.

    Raises:
        RequestError: there are more than 1,000,000, or none is left.
    """
    total = len(grid)
    if total > COMBINATIONS_MAX:
        raise RequestError(
            "combinations", f"{total:,}", f"at most {COMBINATIONS_MAX:,}; draw some at random"
        )
    numbers = [number for number in range(total) if grid.allows(number)]
    return _some(grid, numbers, total - len(numbers))


def drawn(grid: ParameterGrid, count: int, seed: int) -> Candidates:
    """As many distinct combinations drawn at random, or all there are if they are fewer.

    Args:
        grid: what they are drawn from.
        count: how many, from 1 to 1,000,000.
        seed: the same seed draws the same ones.

    Raises:
        RequestError: a count out of range, or none is left.
    """
    if not 1 <= count <= COMBINATIONS_MAX:
        raise RequestError("samples", count, f"from 1 to {COMBINATIONS_MAX:,}")
    total = len(grid)
    tries = min(total, count * _DRAWS_PER_CANDIDATE)
    numbers: list[int] = []
    skipped = 0
    draws = random.Random(seed).sample(range(total), tries)  # noqa: S311  # repeatable, not secret
    for number in draws:
        if len(numbers) == count:
            break
        if grid.allows(number):
            numbers.append(number)
        else:
            skipped += 1
    return _some(grid, sorted(numbers), skipped)


def _some(grid: ParameterGrid, numbers: list[int], skipped: int) -> Candidates:
    """The candidates, if there are any.

    Raises:
        RequestError: there is none.
    """
    if not numbers:
        raise RequestError(
            "combinations",
            f"0 of {skipped:,}",
            f"ranges with at least one combination that {grid.strategy.name} takes; it refused all",
        )
    return Candidates(grid=grid, numbers=np.array(numbers, dtype=np.int64), skipped=skipped)
