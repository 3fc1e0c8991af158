"""Back-fill into a real database: only what is missing, newest first, resumable, within a share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.services.past_venue import BTC, HOUR_MS, OFFER, PastVenue
from tests.storage.ready_tables import with_tables
from tests.storage.samples import candle, mark_candle
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import SourceClock
from headwater.core.errors import (
    AuthRejected,
    RateLimited,
    VenueError,
    VenueRejected,
    VenueUnavailable,
)
from headwater.core.intervals import Interval
from headwater.services.backfill import REFUSALS_MAX, SHARE_MAX, VenueBackfill
from headwater.services.history_series import GRACE_MS, LATE_MS, SeriesKind, series_of
from headwater.storage import candles, funding, mark_candles, open_interest
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.store import Store

NOW_MS = 1_789_999_200_000 - 1_789_999_200_000 % (48 * HOUR_MS) + 30 * HOUR_MS
"""Half past the second day of a part of funding, on the full hour."""
SERIES = series_of(OFFER, BTC)
CANDLES = SERIES[:1]
MARKS = SERIES[1:2]
ALL = Span(limit=LIMIT_MAX)


def in_virtual_time(main: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    run_in_virtual_time(main, NOW_MS * 1_000_000)


@asynccontextmanager
async def opened(folder: Path, clock: SourceClock) -> AsyncIterator[Store]:
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        yield store


def idle() -> float:
    return 0.0


def test_everything_that_is_due_is_stored_the_newest_first(tmp_path: Path) -> None:
    """Five hours and no more: candles that ended a minute ago, readings, settlements."""

    async def main(clock: SourceClock) -> None:
        venue = PastVenue(NOW_MS - 5 * HOUR_MS, NOW_MS)
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(SERIES, NOW_MS - 5 * HOUR_MS)
            bars = await store.fetch(candles.between("binance", "BTCUSDT", Interval.M1, ALL))
            assert [one.timestamp_ms for one in bars] == list(
                range(NOW_MS - 5 * HOUR_MS, NOW_MS - GRACE_MS, 60_000)
            )
            readings = await store.fetch(open_interest.between("binance", "BTCUSDT", ALL))
            assert [one.timestamp_ms for one in readings] == list(
                range(NOW_MS - 5 * HOUR_MS, NOW_MS - GRACE_MS, 300_000)
            )
            settled = await store.fetch(funding.between("binance", "BTCUSDT", ALL))
            assert [one.funding_time_ms for one in settled] == [
                at
                for at in range(NOW_MS - 5 * HOUR_MS, NOW_MS + 1, HOUR_MS)
                if at % (8 * HOUR_MS) == 0
            ]
            marks = await store.fetch(mark_candles.between("binance", "BTCUSDT", Interval.M1, ALL))
            assert [one.timestamp_ms for one in marks] == [one.timestamp_ms for one in bars]
            asked = [first for kind, first, _ in venue.asked if kind == "candles"]
            assert asked == sorted(asked, reverse=True)
            progress = filling.progress
            assert (progress.parts_done, progress.passes) == (progress.parts_total, 1)
            rows = len(bars) + len(marks) + len(readings) + len(settled)
            assert progress.rows_stored == rows

    in_virtual_time(main)


def test_a_second_pass_asks_for_what_is_new_alone(tmp_path: Path) -> None:
    """Finished parts are not asked for again, not by another process either."""

    async def main(clock: SourceClock) -> None:
        venue = PastVenue(NOW_MS - 5 * HOUR_MS, NOW_MS)
        async with opened(tmp_path, clock) as store:
            await VenueBackfill("binance", venue, store, clock, idle).run_pass(
                CANDLES, NOW_MS - 5 * HOUR_MS
            )
        asked = len(venue.asked)
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(CANDLES, NOW_MS - 5 * HOUR_MS)
            assert len(venue.asked) == asked, "nothing is missing"
            await asyncio.sleep(600)
            venue.now_ms = clock.now_ms()
            await filling.run_pass(CANDLES, NOW_MS - 5 * HOUR_MS)
            # The part of now begins at NOW_MS; of the one before it the last candle was not due.
            assert [(first, last) for _, first, last in venue.asked[asked:]] == [
                (NOW_MS, NOW_MS + 8 * 60_000),
                (NOW_MS - 60_000, NOW_MS - 60_000),
            ]

    in_virtual_time(main)


def test_only_the_hole_is_asked_for(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        begin_ms = NOW_MS - HOUR_MS
        heard = [minute for minute in range(59) if not 20 <= minute < 30]
        async with opened(tmp_path, clock) as store:
            for minute in heard:
                store.put(candle(begin_ms + minute * 60_000, exchange="binance", symbol="BTCUSDT"))
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(CANDLES, begin_ms)
            assert venue.asked == [("candles", begin_ms + 20 * 60_000, begin_ms + 29 * 60_000)]
            assert filling.progress.rows_stored == 10

    in_virtual_time(main)


def test_a_pass_can_end_before_now(tmp_path: Path) -> None:
    """From 5 h to 3 h before now, both ends in their hour: three hours whole, no more."""

    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(CANDLES, NOW_MS - 5 * HOUR_MS, NOW_MS - 3 * HOUR_MS)
            assert [(first, last) for _, first, last in venue.asked] == [
                (NOW_MS - n * HOUR_MS, NOW_MS - (n - 1) * HOUR_MS - 60_000) for n in (3, 4, 5)
            ]

    in_virtual_time(main)


def test_a_heard_minute_of_the_mark_price_gives_way_to_the_venues_own(tmp_path: Path) -> None:
    """Of sixty minutes three were heard; the venue is asked for all, once."""

    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        begin_ms = NOW_MS - HOUR_MS
        async with opened(tmp_path, clock) as store:
            for minute in (10, 11, 12):
                heard = mark_candle(
                    begin_ms + minute * 60_000, exchange="binance", symbol="BTCUSDT", readings=60
                )
                store.put(heard)
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(MARKS, begin_ms)
            await filling.run_pass(MARKS, begin_ms)
            assert venue.asked == [("mark_candles", begin_ms, begin_ms + 58 * 60_000)]
            stored = await store.fetch(mark_candles.between("binance", "BTCUSDT", Interval.M1, ALL))
            assert [one.readings for one in stored] == [None] * 59

    in_virtual_time(main)


def test_rows_that_the_venue_had_late_are_asked_for_once_more(tmp_path: Path) -> None:
    """Of the hour 04:00–05:00 the venue has 40 minutes at 05:20, and the rest later."""

    async def main(clock: SourceClock) -> None:
        end_ms = NOW_MS
        begin_ms = end_ms - HOUR_MS
        venue = PastVenue(0, begin_ms + 40 * 60_000)
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)

            async def hour() -> int:
                """Stored minutes of the hour after another pass."""
                await filling.run_pass(CANDLES, begin_ms)
                span = Span(start_ms=begin_ms, end_ms=end_ms, limit=LIMIT_MAX)
                where = ("binance", "BTCUSDT", Interval.M1, span)
                return len(await store.fetch(candles.opening_times(*where)))

            await asyncio.sleep(20 * 60)
            assert await hour() == 40
            venue.now_ms = clock.now_ms()
            assert await hour() == 40, "not at once: most holes are the venue's own"
            await asyncio.sleep(LATE_MS / 1000 - 20 * 60)
            venue.now_ms = clock.now_ms()
            assert await hour() == 60
            asked = len(venue.asked)
            assert await hour() == 60
            assert len(venue.asked) == asked

    in_virtual_time(main)


def test_a_venue_without_the_rows_is_asked_once(tmp_path: Path) -> None:
    """It keeps two hours only: what was before is not asked for again."""

    async def main(clock: SourceClock) -> None:
        venue = PastVenue(NOW_MS - 2 * HOUR_MS, NOW_MS)
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(CANDLES, NOW_MS - 9 * HOUR_MS)
            assert len(venue.asked) == 9
            await asyncio.sleep(1200)
            await filling.run_pass(CANDLES, NOW_MS - 9 * HOUR_MS)
            before = [one for one in venue.asked[9:] if one[1] < NOW_MS - 2 * HOUR_MS]
            assert before == []

    in_virtual_time(main)


def test_it_waits_while_others_need_the_budget(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        free_at = clock.monotonic() + 40
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill(
                "binance",
                venue,
                store,
                clock,
                lambda: SHARE_MAX if clock.monotonic() < free_at else SHARE_MAX - 0.01,
            )
            await filling.run_pass(CANDLES, NOW_MS - HOUR_MS)
            assert clock.monotonic() >= free_at
            assert filling.progress.waits == 1

    in_virtual_time(main)


def test_a_refusal_is_waited_out_and_asked_again(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        venue.failures = [RateLimited("binance", "later", retry_after_s=90.0)]
        began = clock.monotonic()
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(CANDLES, NOW_MS - HOUR_MS)
            assert clock.monotonic() - began >= 90
            assert filling.progress.rows_stored == 59
            venue.failures = [RateLimited("binance", "later")] * REFUSALS_MAX
            venue.now_ms += HOUR_MS
            await asyncio.sleep(HOUR_MS / 1000)
            with pytest.raises(RateLimited):
                await filling.run_pass(CANDLES, NOW_MS - HOUR_MS)
            assert not filling.progress.is_running

    in_virtual_time(main)


def test_what_fails_leaves_what_was_stored(tmp_path: Path) -> None:
    """The venue goes away in the middle; the next pass goes on there."""

    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(CANDLES, NOW_MS - HOUR_MS)
            venue.failures = [VenueUnavailable("binance", "away")]
            with pytest.raises(VenueUnavailable):
                await filling.run_pass(CANDLES, NOW_MS - 3 * HOUR_MS)
            asked = len(venue.asked)
            await filling.run_pass(CANDLES, NOW_MS - 3 * HOUR_MS)
            assert len(venue.asked) == asked + 2

    in_virtual_time(main)


@pytest.mark.parametrize("refusal", [VenueRejected, AuthRejected])
def test_a_refused_series_does_not_stop_the_others(
    tmp_path: Path, refusal: type[VenueError]
) -> None:
    async def main(clock: SourceClock) -> None:
        venue = PastVenue(0, NOW_MS)
        venue.failures = [refusal("binance", "no such thing")]
        async with opened(tmp_path, clock) as store:
            filling = VenueBackfill("binance", venue, store, clock, idle)
            await filling.run_pass(SERIES, NOW_MS - 3 * HOUR_MS)
            kinds = [kind for kind, _, _ in venue.asked]
            assert filling.progress.skipped == 1
            assert kinds.count(kinds[0]) == 1, "asked no further in this pass"
            assert set(kinds) == {kind.value for kind in SeriesKind}

    in_virtual_time(main)
