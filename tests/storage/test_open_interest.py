"""Stored open interest: ranges, and the first reading of a moment."""

from tests.storage.samples import T0, fetch, open_interest, store_together

from headwater.core.intervals import Interval
from headwater.storage.base import Database, Span
from headwater.storage.open_interest import at_periods, between, period_times


def test_readings_by_time(database: Database) -> None:
    made = [open_interest(T0 + number, open_interest=float(number)) for number in range(5)]
    store_together(database, made)
    store_together(database, [open_interest(T0, open_interest=99.0)])
    query = between("binance", "BTCUSDT", Span(start_ms=T0, end_ms=T0 + 4, limit=3))
    assert fetch(database, query) == made[:3]
    assert fetch(database, between("binance", "BTCUSDT", Span(limit=1, newest_first=True))) == [
        made[4]
    ]


def test_readings_at_the_full_period_are_those_of_a_history(database: Database) -> None:
    """T0 = 1,790,000,000,000 lies 200 s after a full five minutes (…, 1,789,999,800,000)."""
    full = T0 - 200_000
    made = [open_interest(full + offset) for offset in (0, 1, 60_000, 300_000, 300_001)]
    store_together(database, made)
    query = period_times("binance", "BTCUSDT", Interval.M5, Span())
    assert fetch(database, query) == [full, full + 300_000]
    newest = at_periods("binance", "BTCUSDT", Interval.M5, Span(limit=1, newest_first=True))
    assert fetch(database, newest) == [made[3]]
