from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tests.backtest.drives import walk

from headwater.analytics.arrays import FloatArray
from headwater.backtest.sweep_columns import SweepBars, columns_kept


def test_only_the_columns_asked_for_last_are_kept() -> None:
    bars = SweepBars(walk(1, 1_000_000 // 2))
    asked: list[int] = []

    def compute(values: FloatArray, factor: int) -> FloatArray:
        asked.append(factor)
        return values * factor

    most = columns_kept(len(bars))
    # 24 MiB of columns of 500,000 bars at 8 bytes: 6.29.
    assert most == 6
    for factor in [*range(most), 0, most, 0, 1]:
        bars.indicator("times", compute, factor)
    # 0 was asked for again before the seventh came, so 1 had to go instead.
    assert asked == [*range(most), most, 1]


def test_the_columns_are_those_of_any_bars_and_the_bars_too() -> None:
    bars = walk(2, 300)
    swept = SweepBars(bars)
    assert np.array_equal(swept.sma(7), bars.sma(7), equal_nan=True)
    assert swept.sma(7) is swept.sma(7)
    assert swept.interval_ms == bars.interval_ms
    assert swept[100:].close.tolist() == bars[100:].close.tolist()


def test_several_threads_compute_a_column_once() -> None:
    bars = SweepBars(walk(3, 100))
    asked: list[int] = []

    def compute(values: FloatArray) -> FloatArray:
        asked.append(1)
        return values + 1.0

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: bars.indicator("one more", compute), range(64)))
    assert len(asked) == 1
    assert all(one is found[0] for one in found)
