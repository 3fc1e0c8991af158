"""Intervals by days and the test against equality: golden values, laws, coverage."""

from statistics import NormalDist

import numpy as np
import pytest
from tests.analytics.skill_samples import DAY_MS, HOUR_MS

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.skill_gain import Gain
from headwater.analytics.skill_uncertainty import (
    DAYS_MIN,
    Interval,
    bootstrap_interval,
    equal_gain_test,
    expanded_tail,
)


def hourly(days: int, per_day: int = 24) -> IndexArray:
    return np.concatenate([day * DAY_MS + np.arange(per_day) * HOUR_MS for day in range(days)])


def gain(bits: FloatArray) -> Gain:
    return Gain(bits=bits, weight=np.ones_like(bits))


def width(interval: Interval | None) -> float:
    assert interval is not None
    return interval.high - interval.low


def test_days_that_are_all_alike_leave_no_doubt() -> None:
    """Hours of a day differ, days do not: every draw of days is the same."""
    bits = np.tile(np.arange(24.0), 12)
    found = bootstrap_interval(gain(bits), hourly(12), ["A"] * 288, np.random.default_rng(1))
    assert found is not None
    assert [found.low, found.high] == pytest.approx([11.5, 11.5])


def test_hours_of_a_day_that_move_together_count_as_one_draw() -> None:
    """Days of all +1 or all −1: the error is that of 16 draws, 1/√16, not of 384.

    Normal theory: ±1.96 / √16 = ±0.49, so about 0.98 wide; 384 free hours would give 0.2.
    """
    bits = np.repeat(np.tile([1.0, -1.0], 8), 24)
    rng = np.random.default_rng(2)
    found = bootstrap_interval(gain(bits), hourly(16), ["A"] * 384, rng)
    assert 0.8 < width(found) < 1.1
    assert found is not None
    assert found.holds(0.0)


def test_the_same_randomness_gives_the_same_interval() -> None:
    bits = np.random.default_rng(3).normal(size=480)
    one, two = (
        bootstrap_interval(gain(bits), hourly(20), ["A"] * 480, np.random.default_rng(4))
        for _ in range(2)
    )
    assert one == two


def test_few_days_give_no_interval() -> None:
    """One less than enough; a day on which nothing was liquidated is none."""
    bits = np.ones(DAYS_MIN * 24)
    rng = np.random.default_rng(5)
    times = hourly(DAYS_MIN)
    assert bootstrap_interval(gain(bits), times, ["A"] * len(bits), rng) is not None
    weight = np.where(times < DAY_MS, 0.0, 1.0)
    quiet = Gain(bits=bits * weight, weight=weight)
    assert bootstrap_interval(quiet, times, ["A"] * len(bits), rng) is None
    assert bootstrap_interval(gain(np.array([])), hourly(1, 0), [], rng) is None


def test_symbols_that_differ_widen_the_interval() -> None:
    """Four symbols, each the same every day but unlike the others: only drawing them shows it."""
    times = np.repeat(hourly(20, 1), 4)
    bits = np.tile([2.0, 0.0, -1.0, 1.0], 20)
    rng = np.random.default_rng(6)
    pooled = bootstrap_interval(gain(bits), times, ["A", "B", "C", "D"] * 20, rng)
    as_one = bootstrap_interval(gain(bits), times, ["A"] * 80, rng)
    assert width(pooled) > 1.0
    assert width(as_one) == pytest.approx(0.0)


def test_the_interval_covers_the_truth() -> None:
    """Of 300 worlds with a true gain of 0.1 and bad and good days, nine in ten intervals hold it.

    30 days of 12 windows, weight exponential, a day's effect as large as a window's own. Nominal
    are 95 %; of 1,500 such worlds 93.9 % did, so fewer than 270 of 300 would be 3 errors away.
    """
    rng = np.random.default_rng(7)
    times, covered = hourly(30, 12), 0
    for _ in range(300):
        weight = rng.exponential(size=360)
        per_usd = 0.1 + np.repeat(rng.normal(size=30), 12) * 0.3 + rng.normal(size=360) * 0.3
        world = Gain(bits=per_usd * weight, weight=weight)
        found = bootstrap_interval(world, times, ["A"] * 360, rng, draws=300)
        covered += found is not None and found.holds(0.1)
    assert 270 <= covered <= 299


@pytest.mark.parametrize(("days", "student"), [(10, 2.262157), (30, 2.045230), (366, 1.966485)])
def test_ends_lie_as_far_out_as_student_says(days: int, student: float) -> None:
    """Tabled 97.5 % quantiles of Student's t for 9, 29 and 365 degrees of freedom."""
    wanted = NormalDist().cdf(-student * (days / (days - 1)) ** 0.5)
    assert expanded_tail(days) == pytest.approx(wanted, abs=1e-4)


def test_diebold_mariano_golden_value() -> None:
    """Differences 1, 3, 2, 2, hourly, horizon of an hour: lag 1.

    Mean 2, centred −1, 1, 0, 0. γ0 = 2/4 = 0.5, γ1 = (−1·1 + 1·0 + 0·0)/4 = −0.25; the variance
    is 0.5 + 2·½·(−0.25) = 0.25, of the mean 0.0625, and the statistic 2 / 0.25 = 8.
    """
    found = equal_gain_test(gain(np.array([1.0, 3.0, 2.0, 2.0])), hourly(1, 4), HOUR_MS)
    assert found is not None
    assert found.statistic == pytest.approx(8.0)
    assert found.lag == 1
    assert found.p_value == pytest.approx(1.244e-15, rel=1e-3)


def test_windows_that_were_dropped_leave_a_hole() -> None:
    """Without the second hour 1, _, 2, 2, 3 (mean 2): pairs an hour apart are 2·2 and 2·3 alone.

    Centred −1, 0, 0, 1: γ0 = 0.5, γ1 = (0·0 + 0·1)/4 = 0; statistic 2 / √(0.5/4) = 5.65685.
    """
    times = hourly(1, 5)[[0, 2, 3, 4]]
    found = equal_gain_test(gain(np.array([1.0, 2.0, 2.0, 3.0])), times, HOUR_MS)
    assert found is not None
    assert found.statistic == pytest.approx(5.656854)


def test_overlap_makes_the_test_less_sure() -> None:
    """Gains of four hours issued hourly overlap: sums of four draws, lag 4, a smaller statistic."""
    draws = np.random.default_rng(8).normal(size=723)
    sums = np.convolve(draws, np.ones(4), mode="valid") + 0.5
    long = equal_gain_test(gain(sums), hourly(30), 4 * HOUR_MS)
    short = equal_gain_test(gain(sums), hourly(30), HOUR_MS)
    assert long is not None
    assert short is not None
    assert (long.lag, short.lag) == (4, 1)
    assert 0.0 < long.statistic < short.statistic


def test_symbols_issued_together_are_one_difference() -> None:
    """A and B at each hour: differences 1 + 0, 1 + 2, 1 + 1, 1 + 1, as in the golden value."""
    times = np.repeat(hourly(1, 4), 2)
    both = equal_gain_test(gain(np.array([1.0, 0, 1, 2, 1, 1, 1, 1])), times, HOUR_MS)
    alone = equal_gain_test(gain(np.array([1.0, 3.0, 2.0, 2.0])), hourly(1, 4), HOUR_MS)
    assert both == alone


def test_nothing_to_test() -> None:
    assert equal_gain_test(gain(np.array([1.0])), hourly(1, 1), HOUR_MS) is None
    assert equal_gain_test(gain(np.zeros(5)), hourly(1, 5), HOUR_MS) is None
