"""What bars open: worked by hand, and the same in portions as at once."""

import math
from decimal import Decimal

import numpy as np
import pytest

from headwater.analytics import model_seeds
from headwater.analytics.arrays import FloatArray
from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import LeverageLadder
from headwater.analytics.leverage_weights import LeverageClass
from headwater.analytics.price_buckets import grid_between
from headwater.core.enums import PositionSide

GRID = grid_between(Decimal(10), 800.0, 1200.0)


def tenth(side: PositionSide, entry: float, leverage: float) -> float:
    return entry * (1.0 - 1.0 / leverage if side is PositionSide.LONG else 1.0 + 1.0 / leverage)


LADDER = LeverageLadder(
    [LeverageClass(leverage=10.0, weight=1.0, half_life_ms=math.inf)], tenth, GRID.edges
)


def columns(entries: list[list[float]], volumes: list[list[float]], low: float) -> BarColumns:
    count, steps = np.shape(entries)
    marks = np.full((count, steps), np.nan)
    marks[:, -1] = low
    return BarColumns(
        opened_ms=np.arange(count),
        ends_ms=np.arange(count) + 1,
        price=np.full(count, 1000.0),
        open_interest=np.full(count, np.nan),
        mark_low=marks,
        mark_high=marks,
        entry_price=np.array(entries),
        entry_volume=np.array(volumes),
    ).checked()


def seeds_of(bars: BarColumns, rise_usd: FloatArray, part: slice) -> model_seeds.Seeds:
    """The seeds of one venue."""
    seeds = model_seeds.Seeds(len(rise_usd), 1, 1, GRID.count)
    model_seeds.seeds_of(GRID, LADDER, bars, rise_usd, part, seeds.of(0, 0))
    return seeds


def test_a_rise_is_shared_as_volume_was_and_later_steps_reach_it() -> None:
    """400 USD over 3 of volume at 1000 and 1 at 1100: longs 300 at 900, 100 at 990.

    The last step's mark of 950 reaches the longs of the first step at 990 or above 950: none of
    900; the entry at 1100 is of the last step itself and is not reached. Shorts lie at 1100 (300)
    and 1210 (100): the latter is outside of the grid.
    """
    bars = columns([[1000.0, 1100.0]], [[3.0, 1.0]], 950.0)
    seeds = seeds_of(bars, np.array([400.0]), slice(0, 1))
    assert seeds.created.tolist() == [[[400.0, 300.0]]]
    assert seeds.unplaced.tolist() == [[[0.0, 100.0]]]
    assert seeds.reached.tolist() == [[[0.0, 0.0]]]
    longs, shorts = seeds.amounts[0, 0, 0]
    assert (longs[10], longs[19]) == (300.0, 100.0)
    assert shorts.sum() == shorts[30] == 300.0
    assert seeds.sums.tolist() == [[[[400.0, 300.0]]]]
    assert (seeds.longs_end.tolist(), seeds.shorts_begin.tolist()) == ([[20]], [[30]])
    assert seeds.is_any.tolist() == [True]
    reached = seeds_of(
        columns([[1000.0, 1100.0]], [[3.0, 1.0]], 850.0), np.array([400.0]), slice(1)
    )
    assert reached.reached.tolist() == [[[300.0, 0.0]]]
    assert reached.sums.tolist() == [[[[100.0, 300.0]]]]


def test_without_volume_nothing_is_placed() -> None:
    bars = columns([[math.nan]], [[0.0]], 950.0)
    seeds = seeds_of(bars, np.array([400.0]), slice(0, 1))
    assert seeds.unplaced.tolist() == [[[400.0, 400.0]]]
    assert seeds.amounts.sum() == 0.0


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_portions_change_no_digit(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    rng = np.random.default_rng(1)
    entries = rng.uniform(900.0, 1100.0, (40, 5)).tolist()
    bars = columns(entries, rng.exponential(size=(40, 5)).tolist(), 1000.0)
    rise = rng.exponential(1000.0, 40)
    whole = seeds_of(bars, rise, slice(0, 40))
    monkeypatch.setattr(model_seeds, "_TARGETS_AT_ONCE", at_once)
    parts = seeds_of(bars, rise, slice(0, 40))
    assert whole.amounts.tobytes() == parts.amounts.tobytes()
    assert whole.created.tobytes() == parts.created.tobytes()
    assert whole.created.sum() > 0.0
