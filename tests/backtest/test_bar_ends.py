"""When bars end, and what falls into the last days of months."""

import numpy as np

from headwater.backtest.bar_ends import bar_ends_ms
from headwater.backtest.detail import Detail, Reached
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.run_inputs import within
from headwater.strategies.bars import Bars

HOUR = 3_600_000


def test_a_bar_ends_at_the_next_or_after_its_length() -> None:
    day = 24 * HOUR
    times = np.array([0, day, 4 * day])
    ones = dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(3))
    assert bar_ends_ms(Bars(times, ones)).tolist() == [day, 2 * day, 5 * day]
    # Months of 31, 28 and 31 days: none is known before it is over.
    months = np.array([0, 31, 59]) * day
    # January, February and March of 1970: the last one ends with its own 31 days.
    assert bar_ends_ms(Bars(months, ones)).tolist() == [31 * day, 59 * day, 90 * day]
    quarters = np.array([0, 90, 273]) * day  # the second one has a hole behind it
    assert bar_ends_ms(Bars(quarters, ones)).tolist() == [90 * day, 181 * day, 365 * day]
    # From no first of a month: lengths of 28 days and more, but no months.
    others = np.array([1, 32, 60]) * day
    assert bar_ends_ms(Bars(others, ones)).tolist() == [32 * day, 60 * day, 88 * day]


def _months(**changes: list[float]) -> Bars:
    """January, February and March of 1970."""
    ones = dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(3))
    opened = np.array([0, 31, 59]) * 24 * HOUR
    return Bars(opened, ones | {name: np.array(values) for name, values in changes.items()})


def test_a_payment_of_a_months_last_days_falls_into_that_month() -> None:
    day = 24 * HOUR
    paid = FundingColumns.of([28 * day, 30 * day, 58 * day, 89 * day, 90 * day], [0.1] * 5)
    bars = _months()
    laid = FundingBars.of(paid, bars)
    assert laid.bar == (0, 0, 1, 2)
    assert laid.is_at_open == (False,) * 4
    kept = within(paid, bars)
    assert kept is not None
    assert kept.timestamp_ms.tolist() == [28 * day, 30 * day, 58 * day, 89 * day]


def test_smaller_bars_of_a_months_last_day_tell_what_it_reached() -> None:
    day = 24 * HOUR
    flat = np.full(31, 10.0)
    low = flat.copy()
    low[30] = 5.0
    columns = {"open": flat, "high": flat, "low": low, "close": flat, "volume": flat}
    january = Bars(np.arange(31) * day, columns)
    detail = Detail(january, _months())
    assert detail.first_reached(0, stop=6.0, target=20.0, is_long=True) is Reached.STOP
