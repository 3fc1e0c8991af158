"""Returns by month: where months begin and end, gaps, ruin."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.report_months import monthly_returns

DAY_MS = 86_400_000


def ms(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def test_months_worked_by_hand() -> None:
    times = np.array([ms(2023, 12, 30), ms(2023, 12, 31, 23), ms(2024, 1, 1), ms(2024, 3, 5)])
    equity = np.array([90.0, 110.0, 99.0, 198.0])
    one, two = monthly_returns(times, equity, 100.0)
    # December: 110 / 100 - 1; January: 99 / 110 - 1; no bar in February; March: 198 / 99 - 1.
    assert one.year == 2023
    assert one.months[:11] == (None,) * 11
    assert one.months[11] == pytest.approx(0.1)
    assert one.whole == pytest.approx(0.1)
    assert two.months[0] == pytest.approx(-0.1)
    assert two.months[1] is None
    assert two.months[2] == pytest.approx(1.0)
    # The year: 198 / 110 - 1.
    assert two.whole == pytest.approx(0.8)


def test_a_month_that_begins_with_nothing_has_no_return() -> None:
    times = np.array([ms(2024, 1, 31), ms(2024, 2, 1)])
    (year,) = monthly_returns(times, np.array([-5.0, -5.0]), 100.0)
    assert year.months[0] == pytest.approx(-1.05)
    assert year.months[1] is None


def test_no_bars_no_years() -> None:
    assert monthly_returns(np.array([], dtype=np.int64), np.array([]), 1.0) == ()


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=500))
def test_the_months_compound_to_the_whole(equity: list[float]) -> None:
    times = ms(2021, 11, 15) + np.arange(len(equity)) * DAY_MS
    years = monthly_returns(times, np.array(equity), 1000.0)
    product = 1000.0
    for year in years:
        for month in year.months:
            product *= 1.0 if month is None else 1.0 + month
    assert product == pytest.approx(equity[-1])
