"""The venue's word first, storage's while it is away, and never without saying so."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.storage.ready_tables import with_tables
from tests.storage.samples import funding, open_interest

from headwater.core.clock import ManualClock
from headwater.core.errors import VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import FundingRate, OpenInterest
from headwater.services.past_readings import PastReadings, ReadingsQuestion
from headwater.storage.store import Store

HOUR_MS = 3_600_000
NOW_MS = 1_789_999_200_000 + 30 * 60_000
"""Half past a full hour; the next settlement is half an hour away."""
LAST_MS = NOW_MS - 30 * 60_000


@asynccontextmanager
async def kept(folder: Path) -> AsyncIterator[PastReadings]:
    """Five settlements, the last to come; readings each five minutes, and one in between."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        settled = [funding(LAST_MS + n * HOUR_MS) for n in range(-3, 2)]
        readings = [open_interest(LAST_MS + n * 300_000) for n in range(6)]
        await store.put_durable([*settled, *readings, open_interest(LAST_MS + 310_000)])
        yield PastReadings(store, clock)


def asked(start: int | None = None, end: int | None = None, limit: int = 100) -> ReadingsQuestion:
    return ReadingsQuestion(
        exchange="binance", symbol="BTCUSDT", limit=limit, start_ms=start, end_ms=end
    )


async def no_funding() -> Sequence[FundingRate]:
    raise VenueUnavailable("binance", "away")


async def no_interest() -> Sequence[OpenInterest]:
    raise VenueUnavailable("binance", "away")


async def test_the_venue_is_believed_while_it_answers(tmp_path: Path) -> None:
    async def told() -> Sequence[FundingRate]:
        return []

    async with kept(tmp_path) as past:
        found = await past.funding(asked(), told)
        assert (found.rows, found.missing) == ([], "")


@pytest.mark.parametrize(
    ("question", "hours"),
    [
        (asked(), [-3, -2, -1, 0]),
        (asked(limit=2), [-1, 0]),
        (asked(start=LAST_MS - 3 * HOUR_MS, limit=2), [-3, -2]),
        (asked(start=LAST_MS - 2 * HOUR_MS, end=LAST_MS - HOUR_MS), [-2, -1]),
        (asked(end=LAST_MS - 1, limit=2), [-2, -1]),
        # A settlement to come is an estimate, not the past, wherever the span ends.
        (asked(start=LAST_MS, end=LAST_MS + 9 * HOUR_MS), [0]),
    ],
)
async def test_settlements_of_storage(
    tmp_path: Path, question: ReadingsQuestion, hours: list[int]
) -> None:
    async with kept(tmp_path) as past:
        found = await past.funding(question, no_funding)
        times = [(one.funding_time_ms - LAST_MS) // HOUR_MS for one in found.rows]
        assert times == hours
        assert "some may be missing: binance" in found.missing


async def test_readings_of_storage_are_those_of_the_period(tmp_path: Path) -> None:
    """Of the readings at 0, 5, …, 25 minutes and one at 5:10 the periods' alone are given."""
    async with kept(tmp_path) as past:
        found = await past.open_interest(asked(limit=3), Interval.M5, no_interest)
        assert [(one.timestamp_ms - LAST_MS) // 60_000 for one in found.rows] == [15, 20, 25]
        longer = await past.open_interest(asked(), Interval.M15, no_interest)
        assert [(one.timestamp_ms - LAST_MS) // 60_000 for one in longer.rows] == [0, 15]


async def test_without_stored_rows_the_venues_failure_is_told(tmp_path: Path) -> None:
    async with kept(tmp_path) as past:
        with pytest.raises(VenueUnavailable):
            await past.funding(asked(end=5), no_funding)
