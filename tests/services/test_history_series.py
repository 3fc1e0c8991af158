"""Parts of series: aligned, newest first, and what is due in each."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from tests.services.past_venue import BTC, HOUR_MS, OFFER

from headwater.core.intervals import Interval
from headwater.services.history_series import (
    GRACE_MS,
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
        ("open_interest 5m", HOUR_MS),
        ("funding", 48 * HOUR_MS),
    ]
    bare = VenueOffer(
        exchange="toy",
        candles=(Interval.W1, Interval.MONTH1),
        candles_max=1,
        interest_period=None,
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
    candles, interest, funding = (
        Part(series=one, start_ms=begin_ms, end_ms=begin_ms + HOUR_MS) for one in SERIES
    )
    assert GRACE_MS == 60_000
    assert list(candles.times(until_ms)) == [begin_ms + n * 60_000 for n in range(9)]
    assert list(interest.times(until_ms)) == [begin_ms, begin_ms + 300_000]
    assert list(funding.times(until_ms)) == []
    assert candles.series.kind is SeriesKind.CANDLES
    assert not candles.is_settled(begin_ms + HOUR_MS + SETTLED_MS - 1)
    assert candles.is_settled(begin_ms + HOUR_MS + SETTLED_MS)
