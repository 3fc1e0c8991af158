"""Finished parts: found by series, and what was done later stays."""

from tests.storage.samples import T0, backfilled, fetch, store_together

from headwater.storage.backfills import between
from headwater.storage.base import Database, Span


def test_the_later_word_stays(database: Database) -> None:
    longer = backfilled(end_ms=T0 + 99, done_ns=2)
    for told in (backfilled(), longer, backfilled()):
        store_together(database, [told])
    assert fetch(database, between("okx", "BTCUSDT", "candles 1m", Span())) == [longer]


def test_parts_of_one_series_alone(database: Database) -> None:
    other = backfilled(series="funding")
    store_together(database, [backfilled(), backfilled(T0 + 10), other])
    found = fetch(database, between("okx", "BTCUSDT", "candles 1m", Span(newest_first=True)))
    assert found == [backfilled(T0 + 10), backfilled()]
    assert fetch(database, between("okx", "BTCUSDT", "funding", Span())) == [other]
