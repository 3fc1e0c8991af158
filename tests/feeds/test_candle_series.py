"""What one series of candles knows."""

import msgspec
from tests.feeds.made import candle

from headwater.feeds.candle_series import CandleSeries

MINUTE = 60_000


def test_a_correction_has_the_next_revision_and_old_news_is_none() -> None:
    series = CandleSeries(candle(0, closed=False), recent_max=3)
    first = candle(0, closed=True, received_ns=5)
    assert series.add_closed(first) is first
    assert series.add_closed(candle(0, closed=True, received_ns=6)) is None, "the same again"
    assert series.add_closed(candle(0, closed=True, volume=2.0, received_ns=4)) is None, "older"
    late = candle(0, closed=True, volume=2.0, received_ns=7)
    assert series.add_closed(late) == msgspec.structs.replace(late, revision=1)
    later = msgspec.structs.replace(late, volume=3.0, received_ns=8)
    corrected = series.add_closed(later)
    assert corrected is not None
    assert (corrected.revision, corrected.volume) == (2, 3.0)
    assert series.opened == [0]
    assert series.closed[0] is corrected


def test_what_was_forgotten_is_not_corrected() -> None:
    series = CandleSeries(candle(0, closed=False), recent_max=3)
    for minute in range(4):
        assert series.add_closed(candle(minute * MINUTE, closed=True)) is not None
    assert series.opened == [MINUTE, 2 * MINUTE, 3 * MINUTE]
    assert series.add_closed(candle(0, closed=True, volume=9.0)) is None


def test_parts_are_what_is_known_of_a_span() -> None:
    series = CandleSeries(candle(0, closed=False), recent_max=9)
    closed = [candle(minute * MINUTE, closed=True) for minute in (0, 2)]
    for one in closed:
        series.add_closed(one)
    series.forming = candle(3 * MINUTE, closed=False)
    assert series.parts(0, 3 * MINUTE) == closed
    assert series.parts(2 * MINUTE, 5 * MINUTE) == [closed[1], series.forming]
