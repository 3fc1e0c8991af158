"""Stored trades: order within a millisecond, the mark of large ones, and both kinds of id."""

from tests.storage.samples import T0, fetch, large, store, store_together, trade

from headwater.storage.base import Database, Span
from headwater.storage.trades import between

ALL = Span(limit=100)


def test_newest_and_oldest_by_time(database: Database) -> None:
    made = [trade(number, at_ms=T0 + number) for number in range(20)]
    store_together(database, made)
    newest = between("binance", "BTCUSDT", Span(limit=5, newest_first=True))
    assert fetch(database, newest) == made[:-6:-1]
    assert fetch(database, between("binance", "BTCUSDT", Span(limit=5))) == made[:5]
    assert fetch(database, between("bybit", "BTCUSDT", ALL)) == []


def test_a_trade_that_turns_out_large_is_marked_and_never_unmarked(database: Database) -> None:
    store(database, [trade(1), large(trade(1)), trade(1)])
    store_together(database, [large(trade(2)), large(trade(3))])
    store_together(database, [trade(2), trade(3), trade(4)])
    only_large = between("binance", "BTCUSDT", ALL, large_only=True)
    assert fetch(database, only_large) == [large(trade(number)) for number in (1, 2, 3)]
    assert len(fetch(database, between("binance", "BTCUSDT", ALL))) == 4
