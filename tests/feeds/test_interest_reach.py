"""The finest period that reaches back: from each venue's own bounds."""

import pytest

from headwater.core.intervals import Interval
from headwater.feeds.interest_reach import finest_period, reach_ms
from headwater.venues.discovery import venue

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("name", "days", "period"),
    [
        ("binance", 7, Interval.M5),
        ("binance", 30, Interval.M5),
        ("binance", 31, None),
        ("bybit", 30, Interval.M5),
        ("bybit", 365, Interval.M5),
        ("okx", 5, Interval.M5),  # 1,440 × 5 min are 5 days
        ("okx", 7, Interval.M15),
        ("okx", 15, Interval.M15),  # 1,440 × 15 min are 15 days
        ("okx", 30, Interval.M30),
        ("okx", 60, Interval.H1),
        ("okx", 1_440, Interval.D1),
        ("okx", 1_441, None),
        ("hyperliquid", 1, None),
    ],
)
def test_the_finest_period_that_reaches_so_far(
    name: str, days: int, period: Interval | None
) -> None:
    assert finest_period(venue(name).facts, days * DAY_MS) is period


def test_the_nearer_of_two_bounds_counts() -> None:
    assert reach_ms(venue("binance").facts, Interval.D1) == 30 * DAY_MS
    assert reach_ms(venue("okx").facts, Interval.H1) == 60 * DAY_MS
    assert reach_ms(venue("bybit").facts, Interval.H1) is None
