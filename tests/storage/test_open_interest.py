"""Stored open interest: ranges, and the first reading of a moment."""

from tests.storage.samples import T0, fetch, open_interest, store_together

from headwater.storage.base import Database, Span
from headwater.storage.open_interest import between


def test_readings_by_time(database: Database) -> None:
    made = [open_interest(T0 + number, open_interest=float(number)) for number in range(5)]
    store_together(database, made)
    store_together(database, [open_interest(T0, open_interest=99.0)])
    query = between("binance", "BTCUSDT", Span(start_ms=T0, end_ms=T0 + 4, limit=3))
    assert fetch(database, query) == made[:3]
    assert fetch(database, between("binance", "BTCUSDT", Span(limit=1, newest_first=True))) == [
        made[4]
    ]
