import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.returns import (
    annual_growth,
    daily_closes,
    daily_figures,
    return_figures,
    sharpe_bar,
)

DAY_MS = 86_400_000


def test_worked_by_hand() -> None:
    # 100 → 110 → 99 → 99: returns 0.1, −0.1, 0. Mean 0, Σ squares 0.02, deviation sqrt(0.01),
    # downside sqrt(0.01 / 3).
    found = return_figures(np.array([110.0, 99.0, 99.0]), 100.0)
    assert found.bars == 3
    assert found.mean == pytest.approx(0.0, abs=1e-16)
    assert found.deviation == pytest.approx(0.1, rel=1e-14)
    assert found.downside == pytest.approx(0.1 / math.sqrt(3.0), rel=1e-14)
    assert found.omega() == pytest.approx(1.0, rel=1e-14)


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=60))
def test_figures_are_those_of_plain_sums(equity: list[float]) -> None:
    found = return_figures(np.array(equity), 1.0)
    returns = [after / before - 1.0 for before, after in zip([1.0, *equity], equity, strict=False)]
    assert found.mean == pytest.approx(statistics.fmean(returns), rel=1e-12, abs=1e-15)
    assert found.deviation == pytest.approx(statistics.stdev(returns), rel=1e-9, abs=1e-15)
    assert found.gains == pytest.approx(sum(r for r in returns if r > 0), rel=1e-12)
    assert found.losses == pytest.approx(-sum(r for r in returns if r < 0), rel=1e-12)


def test_blocks_make_one_figure() -> None:
    equity = np.exp(np.cumsum(np.random.default_rng(3).normal(1e-4, 1e-3, 50_000)))
    found = return_figures(equity, 1.0)
    returns = np.diff(equity, prepend=1.0) / np.concatenate(([1.0], equity[:-1]))
    assert found.mean == pytest.approx(returns.mean(), rel=1e-9)
    assert found.deviation == pytest.approx(returns.std(ddof=1), rel=1e-12)
    assert found.downside == pytest.approx(math.sqrt((np.minimum(returns, 0) ** 2).mean()))
    ratio = returns.mean() / returns.std(ddof=1) * math.sqrt(525_600)
    assert sharpe_bar(equity, capital=1.0, interval_ms=60_000) == pytest.approx(ratio)


def test_the_last_value_of_each_day_that_has_one() -> None:
    times = np.array([0, DAY_MS - 1, DAY_MS, 3 * DAY_MS, 3 * DAY_MS + 5])
    equity = np.array([1.0, 2.0, 4.0, 8.0, 5.0])
    assert daily_closes(equity, times).tolist() == [2.0, 4.0, 5.0]
    found = daily_figures(equity, times)
    # 2 → 4 → 5: returns 1 and 0.25; the first day itself gives none.
    assert (found.bars, found.mean) == (2, 0.625)
    assert daily_figures(equity[:0], times[:0]).bars == 0


@given(
    st.lists(st.integers(0, 40 * DAY_MS), min_size=1, max_size=80, unique=True).map(sorted),
    st.sampled_from([1, 1_000]),
)
def test_days_far_apart_and_near(times: list[int], stretch: int) -> None:
    times = [time * stretch for time in times]
    equity = np.arange(1.0, len(times) + 1.0)
    last = dict(zip((time // DAY_MS for time in times), equity.tolist(), strict=True))
    assert daily_closes(equity, np.array(times)).tolist() == list(last.values())


def test_equal_returns_have_no_sharpe_ratio() -> None:
    assert sharpe_bar(100.0 * 1.001 ** np.arange(1, 500), capital=100.0, interval_ms=1) is None
    assert sharpe_bar([100.0] * 9, capital=100.0, interval_ms=1) is None
    assert sharpe_bar([101.0], capital=100.0, interval_ms=1) is None


def test_growth_a_year() -> None:
    # Half a year of days (182.5) would square it: 365 bars of half a day.
    assert annual_growth(1.1, 365, DAY_MS // 2) == pytest.approx(0.21, rel=1e-12)
    assert annual_growth(0.0, 10, DAY_MS) == -1.0
    assert annual_growth(-0.5, 10, DAY_MS) is None
    assert annual_growth(2.0, 1, 60_000) is None
    assert annual_growth(1.0, 0, 60_000) is None
