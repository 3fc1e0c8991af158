"""Candles from storage and from a venue, joined: the truth, whatever lies where."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.storage.ready_tables import with_tables
from tests.storage.samples import candle

from headwater.core.clock import ManualClock
from headwater.core.errors import PlatformError, VenueUnavailable, WireError
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.services.candle_history import CandleHistory, CandleQuestion, joined
from headwater.storage.store import Store

MINUTE_MS = 60_000
START_MS = 1_789_999_200_000
NOW_MS = START_MS + 20 * MINUTE_MS + 5
"""Twenty minutes are over, the twenty-first has begun."""


def bar(minute: int, **changes: object) -> Candle:
    return candle(START_MS + minute * MINUTE_MS, is_closed=minute < 20, **changes)


def question(
    first: int | None, last: int | None, limit: int = 100, interval: Interval = Interval.M1
) -> CandleQuestion:
    return CandleQuestion(
        exchange="okx",
        symbol="ETHUSDT",
        interval=interval,
        limit=limit,
        start_ms=None if first is None else START_MS + first * MINUTE_MS,
        end_ms=None if last is None else START_MS + last * MINUTE_MS,
    )


class Venue:
    """Has every minute until now, in another revision of none."""

    def __init__(self) -> None:
        self.asked: list[tuple[int | None, int | None, int]] = []
        self.fails: PlatformError | None = None

    async def ask(self, first_ms: int | None, last_ms: int | None, count: int) -> Sequence[Candle]:
        """Minutes counted from the start."""
        first, last = (
            None if at is None else (at - START_MS) // MINUTE_MS for at in (first_ms, last_ms)
        )
        self.asked.append((first, last, count))
        if self.fails is not None:
            raise self.fails
        if first is None:
            return [bar(minute) for minute in range(21)][-count:]
        return [bar(minute) for minute in range(first, (20 if last is None else last) + 1)][:count]


def read(
    folder: Path, stored: Sequence[Candle], wanted: CandleQuestion, venue: Venue
) -> tuple[list[int], str]:
    """Minutes that were found, and what is said to be missing."""

    async def main() -> tuple[list[int], str]:
        clock = ManualClock(NOW_MS * 1_000_000)
        async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
            await store.put_durable(stored)
            found = await CandleHistory(store, clock).read(wanted, venue.ask)
            minutes = [(one.timestamp_ms - START_MS) // MINUTE_MS for one in found.candles]
            return minutes, found.missing

    return asyncio.run(main())


def test_a_span_that_is_over_comes_from_storage_alone(tmp_path: Path) -> None:
    venue = Venue()
    stored = [bar(minute) for minute in range(20)]
    assert read(tmp_path, stored, question(3, 7), venue) == ([3, 4, 5, 6, 7], "")
    assert read(tmp_path, stored, question(3, None, limit=4), venue) == ([3, 4, 5, 6], "")
    assert read(tmp_path, stored, question(None, 7, limit=3), venue) == ([5, 6, 7], "")
    assert venue.asked == []


def test_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    """Minutes 5 and 8 are missing: one question from 5 to 8."""
    venue = Venue()
    stored = [bar(minute) for minute in range(20) if minute not in (5, 8)]
    assert read(tmp_path, stored, question(0, 10), venue) == (list(range(11)), "")
    assert venue.asked == [(5, 8, 4)]


def test_the_forming_candle_is_the_venues(tmp_path: Path) -> None:
    venue = Venue()
    stored = [bar(minute) for minute in range(20)]
    assert read(tmp_path, stored, question(18, None), venue) == ([18, 19, 20], "")
    assert venue.asked == [(20, 20, 1)]
    assert read(tmp_path, stored, question(None, None, limit=3), venue) == ([18, 19, 20], "")
    assert venue.asked[1:] == [(None, None, 3)], "the newest ones are in live memory"


@pytest.mark.parametrize(
    "error",
    [
        VenueUnavailable("okx", "no answer\r\nfor a while"),
        WireError("okx", "rest_candles", "no list", b"<html>"),
    ],
)
def test_a_venue_that_fails_leaves_what_is_stored_and_says_so(
    tmp_path: Path, error: PlatformError
) -> None:
    """Whether it is away or tells what cannot be read."""
    venue = Venue()
    venue.fails = error
    stored = [bar(minute) for minute in range(20) if minute != 5]
    minutes, missing = read(tmp_path, stored, question(3, 7), venue)
    assert minutes == [3, 4, 6, 7]
    assert missing == f"1 of 5 candles are missing: {error}"
    assert read(tmp_path, stored, question(8, 9), venue) == ([8, 9], "")
    minutes, missing = read(tmp_path, stored, question(None, None, limit=3), venue)
    assert minutes == [18, 19]
    assert missing.startswith("1 of 3")
    for nothing in (question(5, 5), question(-9, -3)):
        with pytest.raises(type(error)):
            read(tmp_path, stored, nothing, venue)


def test_what_nobody_has_is_empty(tmp_path: Path) -> None:
    venue = Venue()
    future = question(30, 40)
    assert read(tmp_path, [bar(0)], future, venue) == ([], "")
    assert venue.asked == []


def test_months_open_on_the_first() -> None:
    """From 2026-01-15: February opens 2026-02-01 = 1,769,904,000 s, March 1,772,323,200 s."""
    wanted = CandleQuestion(
        exchange="okx",
        symbol="ETHUSDT",
        interval=Interval.MONTH1,
        limit=2,
        start_ms=1_768_435_200_000,
    )
    assert wanted.openings(NOW_MS) == [1_769_904_000_000, 1_772_323_200_000]


def test_a_correction_and_a_close_win() -> None:
    corrected, told = bar(1, revision=1, close=3.0), bar(1)
    assert joined([corrected], [told]) == [corrected]
    assert joined([told], [corrected]) == [corrected]
    closed = bar(2)
    forming = candle(closed.timestamp_ms, is_closed=False, revision=9)
    assert joined([closed], [forming]) == [closed]
    assert joined([forming], [closed]) == [closed]


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stored=st.sets(st.integers(0, 19)),
    first=st.integers(0, 20),
    length=st.integers(0, 20),
    limit=st.integers(1, 25),
)
def test_whatever_is_stored_the_answer_is_the_venues(
    tmp_path_factory: pytest.TempPathFactory,
    stored: set[int],
    first: int,
    length: int,
    limit: int,
) -> None:
    folder = tmp_path_factory.mktemp("law")
    last = min(first + length, 20)
    minutes, missing = read(
        folder, [bar(minute) for minute in sorted(stored)], question(first, last, limit), Venue()
    )
    assert minutes == list(range(first, last + 1))[:limit]
    assert missing == ""
