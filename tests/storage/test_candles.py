"""Stored candles: ranges, and which of two candles of one bar stays."""

import itertools

import pytest
from tests.storage.samples import T0, candle, fetch, store_together

from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.storage.base import LIMIT_MAX, Database, Span
from headwater.storage.candles import (
    StoredSpan,
    any_of,
    bar_columns,
    between,
    opening_times,
    series_span,
)
from headwater.storage.sessions import ReadSession

MINUTE = 60_000


def _found(database: Database, span: Span) -> list[Candle]:
    return fetch(database, between("okx", "ETHUSDT", Interval.M1, span))


def test_ranges_are_half_open_and_a_limit_keeps_the_asked_end(database: Database) -> None:
    bars = [candle(T0 + number * MINUTE, open=float(number)) for number in range(10)]
    others = [candle(interval=Interval.M5), candle(symbol="BTCUSDT"), candle(exchange="bybit")]
    store_together(database, [*reversed(bars), *others])
    inside = Span(start_ms=T0 + 2 * MINUTE, end_ms=T0 + 7 * MINUTE)
    assert _found(database, inside) == bars[2:7]
    oldest = Span(start_ms=T0 + 2 * MINUTE, end_ms=T0 + 7 * MINUTE, limit=3)
    assert _found(database, oldest) == bars[2:5]
    newest = Span(end_ms=T0 + 7 * MINUTE, limit=3, newest_first=True)
    assert _found(database, newest) == bars[6:3:-1]
    assert _found(database, Span(start_ms=T0 + 10 * MINUTE)) == []


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(RequestError, match="limit"):
        between("okx", "ETHUSDT", Interval.M1, Span(limit=limit))


def test_whatever_the_order_the_closed_one_of_the_highest_revision_stays(
    database: Database,
) -> None:
    running = candle(is_closed=False, close=1.5, received_ns=10)
    later = candle(is_closed=False, close=1.6, received_ns=20)
    closed = candle(close=2.0, received_ns=30)
    revised = candle(close=3.0, received_ns=40, revision=1)
    for number, order in enumerate(itertools.permutations([running, later, closed, revised])):
        at_ms = T0 + number * MINUTE
        moved = [candle(at_ms, **_differences(one)) for one in order]
        # Half of them in one batch, half in single ones.
        for batch in [moved] if number % 2 else [[one] for one in moved]:
            store_together(database, batch)
        (found,) = _found(database, Span(start_ms=at_ms, end_ms=at_ms + 1))
        assert (found.close, found.revision) == (3.0, 1), order
    store_together(database, [running, later])
    assert _found(database, Span(end_ms=T0 + 1))[0].close == 3.0


def _differences(one: Candle) -> dict[str, object]:
    return {
        "is_closed": one.is_closed,
        "close": one.close,
        "received_ns": one.received_ns,
        "revision": one.revision,
    }


def test_opening_times_are_those_of_closed_candles(database: Database) -> None:
    store_together(database, [candle(T0), candle(T0 + MINUTE, is_closed=False)])
    assert fetch(database, opening_times("okx", "ETHUSDT", Interval.M1, Span())) == [T0]


def test_closed_candles_are_given_as_numbers_and_told_by_interval(database: Database) -> None:
    bars = [candle(T0 + number * MINUTE, close=3.0 + number) for number in range(4)]
    running = candle(T0 + 4 * MINUTE, is_closed=False)
    store_together(database, [*bars, running, candle(T0, interval=Interval.M5)])
    query = bar_columns("okx", "ETHUSDT", Interval.M1, T0, T0 + 9 * MINUTE, 3)
    with ReadSession(database) as session:
        table = session.columns(query)
    assert table.shape == (3, 6)
    assert table[:, 0].tolist() == [T0 + number * MINUTE for number in range(3)]
    assert table[:, 4].tolist() == [3.0, 4.0, 5.0]
    assert len(fetch(database, any_of("okx", "ETHUSDT"))) == 1
    assert fetch(database, any_of("okx", "NONEUSDT")) == []
    assert fetch(database, series_span("okx", "ETHUSDT")) == [
        StoredSpan(interval=Interval.M1, candles=4, first_ms=T0, last_ms=T0 + 3 * MINUTE),
        StoredSpan(interval=Interval.M5, candles=1, first_ms=T0, last_ms=T0),
    ]
