"""Stored bars of the mark price: ranges, and that the venue's own bar wins whatever the order."""

import itertools

import msgspec
from tests.storage.samples import T0, fetch, mark_candle, store_together

from headwater.core.intervals import Interval
from headwater.core.records import MarkCandle
from headwater.storage.base import Database, Span
from headwater.storage.mark_candles import between, told_times

MINUTE = 60_000


def _found(database: Database, span: Span) -> list[MarkCandle]:
    return fetch(database, between("okx", "ETHUSDT", Interval.M1, span))


def test_ranges_are_half_open_and_of_one_series(database: Database) -> None:
    bars = [mark_candle(T0 + number * MINUTE, open=float(number)) for number in range(1, 9)]
    others = [
        mark_candle(interval=Interval.M5),
        mark_candle(symbol="BTCUSDT"),
        mark_candle(exchange="bybit"),
    ]
    store_together(database, [*reversed(bars), *others])
    assert _found(database, Span()) == bars
    inside = Span(start_ms=T0 + 2 * MINUTE, end_ms=T0 + 5 * MINUTE)
    assert _found(database, inside) == bars[1:4]
    newest = Span(limit=2, newest_first=True)
    assert _found(database, newest) == bars[:-3:-1]


def test_whatever_the_order_the_closed_bar_of_the_venue_stays(database: Database) -> None:
    """Closed before running, then the venue's own before a heard one, then the later."""
    running = mark_candle(is_closed=False, close=0.6, received_ns=50)
    heard = mark_candle(close=0.7, received_ns=40, readings=58)
    heard_later = mark_candle(close=0.8, received_ns=45, readings=0)
    venue = mark_candle(close=0.9, received_ns=10)
    venue_later = mark_candle(close=1.1, received_ns=20)
    said = [running, heard, heard_later, venue, venue_later]
    for number, order in enumerate(itertools.permutations(said)):
        at_ms = T0 + number * MINUTE
        moved = [msgspec.structs.replace(one, timestamp_ms=at_ms) for one in order]
        # Half of them in one batch, half in single ones.
        for batch in [moved] if number % 2 else [[one] for one in moved]:
            store_together(database, batch)
        (found,) = _found(database, Span(start_ms=at_ms, end_ms=at_ms + 1))
        assert (found.close, found.readings) == (1.1, None), order
    store_together(database, [heard])
    assert _found(database, Span(end_ms=T0 + 1))[0].close == 1.1


def test_a_closed_heard_bar_stays_until_the_venue_closed_its_own(database: Database) -> None:
    heard = mark_candle(close=0.7, readings=60)
    running = mark_candle(is_closed=False, close=0.6, received_ns=99)
    store_together(database, [heard])
    store_together(database, [running])
    assert _found(database, Span()) == [heard]


def test_times_are_those_of_closed_bars_that_the_venue_told(database: Database) -> None:
    bars = [
        mark_candle(T0),
        mark_candle(T0 + MINUTE, readings=60),
        mark_candle(T0 + 2 * MINUTE),
        mark_candle(T0 + 3 * MINUTE, is_closed=False),
        mark_candle(T0, interval=Interval.M15),
    ]
    store_together(database, bars)
    found = fetch(database, told_times("okx", "ETHUSDT", Interval.M1, Span()))
    assert found == [T0, T0 + 2 * MINUTE]
