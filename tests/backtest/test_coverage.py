"""Which bars of the grid are missing."""

import numpy as np
from tests.strategies.samples import HOUR, T0, bars_of

from headwater.backtest.coverage import HOLES_MAX, MissingBars, coverage_of
from headwater.strategies.bars import Bars


def _at(numbers: list[int], step_ms: int = HOUR) -> Bars:
    whole = bars_of([1.0] * len(numbers))
    columns = {name: whole.column(name) for name in ("open", "high", "low", "close", "volume")}
    return Bars(T0 + np.array(numbers, dtype=np.int64) * step_ms, columns)


def test_holes_are_told_by_the_bars_that_are_missing() -> None:
    # Bars 0 1 _ _ 4 5 _ 7: two are missing from 2 on, one at 6.
    found = coverage_of(_at([0, 1, 4, 5, 7]))
    assert (found.bars, found.first_ms, found.last_ms) == (5, T0, T0 + 7 * HOUR)
    assert (found.holes, found.missing_bars, found.interval_ms) == (2, 3, HOUR)
    assert found.missing == (
        MissingBars(from_ms=T0 + 2 * HOUR, to_ms=T0 + 4 * HOUR, bars=2),
        MissingBars(from_ms=T0 + 6 * HOUR, to_ms=T0 + 7 * HOUR, bars=1),
    )


def test_a_whole_grid_and_too_few_bars_have_no_holes() -> None:
    assert coverage_of(_at([0, 1, 2])).missing == ()
    assert coverage_of(_at([3])).holes == 0
    assert coverage_of(_at([])).first_ms is None


def test_months_of_different_length_are_no_holes() -> None:
    # January, February, March, May of 2023 (31, 28, 31 days): only April is missing.
    days = [0, 31, 59, 120]
    found = coverage_of(_at(days, 24 * HOUR))
    assert found.interval_ms == 28 * 24 * HOUR
    assert (found.holes, found.missing_bars) == (1, 1)


def test_the_list_of_holes_is_bounded_and_the_count_is_not() -> None:
    found = coverage_of(_at([0, *range(1, 2 * HOLES_MAX + 6, 2)]))
    assert len(found.missing) == HOLES_MAX
    assert found.holes == HOLES_MAX + 2
    assert found.missing_bars == HOLES_MAX + 2
