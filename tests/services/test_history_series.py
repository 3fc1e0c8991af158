"""Parts of series: aligned, newest first, and what is due in each."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.services.past_venue import BTC, HOUR_MS, OFFER

from headwater.core.intervals import Interval
from headwater.services.history_series import (
    GRACE_MS,
    LATE_MS,
    SETTLED_MS,
    Part,
    SeriesKind,
    VenueOffer,
    parts_of,
    series_of,
)

NOW_MS = 1_790_000_000_000
SERIES = series_of(OFFER, BTC)


def test_what_a_venue_gives_becomes_series() -> None:
    """Sixty candles of a minute are an hour; twelve readings of five minutes too."""
    assert [(one.name, one.part_ms) for one in SERIES] == [
        ("candles 1m", HOUR_MS),
        ("mark_candles 1m", HOUR_MS),
        ("open_interest 5m", HOUR_MS),
        ("funding", 48 * HOUR_MS),
    ]
    bare = VenueOffer(
        exchange="toy",
        candles=(Interval.W1, Interval.MONTH1),
        mark_candles=(),
        candles_max=1,
        interest=(),
        interest_max=1,
        funding=False,
    )
    assert series_of(bare, BTC) == []


@given(start=st.integers(0, 10_000_000_000), length=st.integers(0, 30 * 24 * HOUR_MS))
def test_parts_cover_the_whole_span_each_moment_once(start: int, length: int) -> None:
    begin_ms = (BTC.listed_at_ms or 0) + start
    now_ms = begin_ms + length
    parts = parts_of(SERIES, begin_ms, now_ms)
    assert [one.end_ms for one in parts] == sorted((one.end_ms for one in parts), reverse=True)
    for series in SERIES:
        own = sorted((one.start_ms, one.end_ms) for one in parts if one.series == series)
        if not length:
            assert len(own) <= 1
            continue
        assert own[0][0] <= begin_ms < own[0][1]
        assert own[-1][0] < now_ms <= own[-1][1]
        assert all(left[1] == right[0] for left, right in itertools.pairwise(own))
        assert all(begin % series.part_ms == 0 for begin, _ in own)


def test_a_candle_is_due_after_its_end_and_a_reading_at_its_moment() -> None:
    """At 00:10:00, with a minute of grace: candles that ended by 00:09, readings by 00:09."""
    begin_ms = NOW_MS - NOW_MS % HOUR_MS
    until_ms = begin_ms + 10 * 60_000
    candles, marks, interest, funding = (
        Part(series=one, start_ms=begin_ms, end_ms=begin_ms + HOUR_MS) for one in SERIES
    )
    assert GRACE_MS == 60_000
    assert list(candles.times(until_ms)) == [begin_ms + n * 60_000 for n in range(9)]
    assert list(marks.times(until_ms)) == list(candles.times(until_ms))
    assert list(interest.times(until_ms)) == [begin_ms, begin_ms + 300_000]
    assert list(funding.times(until_ms)) == []
    assert candles.series.kind is SeriesKind.CANDLES
    assert not candles.is_settled(begin_ms + HOUR_MS + SETTLED_MS - 1)
    assert candles.is_settled(begin_ms + HOUR_MS + SETTLED_MS)


def test_a_part_that_was_asked_for_early_is_looked_at_once_more() -> None:
    """The hour ends at E. Asked at E+15 min: done until E+2 h, then once more, then for good."""
    end_ms = NOW_MS - NOW_MS % HOUR_MS
    part = Part(series=SERIES[0], start_ms=end_ms - HOUR_MS, end_ms=end_ms)
    early_ms, late_ms = end_ms + SETTLED_MS, end_ms + LATE_MS
    assert part.is_finished(end_ms, early_ms, late_ms - 1)
    assert not part.is_finished(end_ms, early_ms, late_ms)
    assert part.is_finished(end_ms, late_ms, late_ms)
    assert part.is_finished(end_ms, late_ms, late_ms + 1_000 * HOUR_MS)
    assert not part.is_finished(end_ms - 1, late_ms, late_ms), "a shorter part was asked for"


def test_parts_end_where_the_venues_memory_does() -> None:
    """A memory of 5½ h at 10:20 goes back to 04:50: of parts of an hour the first is 05:00."""
    now_ms = NOW_MS - NOW_MS % (24 * HOUR_MS) + 10 * HOUR_MS + 20 * 60_000
    reach_ms = 5 * HOUR_MS + HOUR_MS // 2
    bounded = msgspec.structs.replace(SERIES[2], reach_ms=reach_ms)
    parts = parts_of([bounded], now_ms - 24 * HOUR_MS, now_ms)
    assert [one.start_ms for one in parts][-1] == now_ms - 5 * HOUR_MS - 20 * 60_000
    assert len(parts) == 6
    assert bounded.tells(now_ms - reach_ms, now_ms)
    assert not bounded.tells(now_ms - reach_ms - 1, now_ms)
    assert len(parts_of(SERIES[2:3], now_ms - 24 * HOUR_MS, now_ms)) == 25
    late = parts_of([bounded], now_ms - 2 * HOUR_MS, now_ms)
    assert [one.start_ms for one in late][-1] == now_ms - 2 * HOUR_MS - 20 * 60_000
