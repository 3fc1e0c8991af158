"""What a score is made of, from a real database: whose liquidations, which minutes, which cells."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from tests.services.skill_market import (
    DAY_MS,
    START_MS,
    candles_of,
    hours_of,
    liquidations_of,
    made_database,
    oracle_of,
    uniform_of,
)
from tests.storage.samples import forecast, gap, store_together

from headwater.core.enums import Channel
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import MarkCandle
from headwater.services import skill_evidence
from headwater.services.forecasts import HOUR_MS
from headwater.services.paged_reading import Fetch
from headwater.services.skill_evidence import LIVE_MAX_MS, read_evidence, read_forecasts
from headwater.storage.base import Database, Query
from headwater.storage.forecasts import series
from headwater.storage.sessions import ReadSession

RecordT = TypeVar("RecordT")
END_MS = START_MS + 2 * DAY_MS


class Reading:
    """Reads a database at once, as the command line does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, query: Query[RecordT]) -> Sequence[RecordT]:
        with ReadSession(self._database) as session:
            return session.fetch(query)


def made(folder: Path, *records: Sequence[Any]) -> Fetch:
    database = made_database(folder)
    with database.claim():
        for group in records:
            store_together(database, group)
    return Reading(database)


async def test_the_full_feed_with_most_usd_judges_and_others_are_named(tmp_path: Path) -> None:
    hours = hours_of(2)
    fetch = made(
        tmp_path,
        [one for hour in hours for one in liquidations_of(hour)],
        [one for hour in hours for one in liquidations_of(hour, "binance")],
        [one for hour in hours for one in candles_of(hour)],
    )
    seen = await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
    assert (seen.exchanges, seen.throttled, seen.others) == (("bybit",), (), ("binance",))
    assert (seen.path_exchange, len(seen.marks.at_ms), len(seen.events.usd)) == ("bybit", 2880, 96)
    assert seen.marks.at_ms[0] == START_MS + 60_000
    both = await read_evidence(fetch, "BTCUSDT", START_MS, END_MS, ("okx", "binance", "bybit"))
    assert both.exchanges == ("binance", "bybit", "okx")
    assert both.throttled == ("binance",)
    assert both.path_exchange == "bybit"
    assert len(both.events.usd) == 192


async def test_minutes_that_were_fetched_later_do_not_count_as_seen(tmp_path: Path) -> None:
    """Nobody heard liquidations while the platform was down, whatever was filled in afterwards."""
    (hour,) = hours_of(1)[:1]
    bars = candles_of(hour)
    late_ns = (bars[20].timestamp_ms + 60_000 + LIVE_MAX_MS + 1) * 1_000_000
    bars[20] = msgspec.structs.replace(bars[20], received_ns=late_ns)
    bars[21] = msgspec.structs.replace(bars[21], is_closed=False)
    fetch = made(tmp_path, bars, liquidations_of(hour))
    seen = await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
    missing = {START_MS + 21 * 60_000, START_MS + 22 * 60_000}
    expected = {one.timestamp_ms + 60_000 for one in bars} - missing
    assert set(seen.marks.at_ms.tolist()) == expected


async def test_the_mark_price_is_taken_where_it_is_known(tmp_path: Path) -> None:
    """Of 60 heard minutes 15 have a bar of the mark price; one of those came much later.

    Another bar is of a minute that nobody heard, and stays out.
    """
    hour = hours_of(1)[0]
    bars = [
        MarkCandle(
            exchange="bybit",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=START_MS + minute * 60_000,
            received_ns=(START_MS + minute * 60_000 + DAY_MS) * 1_000_000,
            interval=Interval.M1,
            open=99.0,
            high=99.5,
            low=98.5,
            close=99.0,
            is_closed=True,
        )
        for minute in (*range(15), 60)
    ]
    fetch = made(tmp_path, candles_of(hour), liquidations_of(hour), bars)
    seen = await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
    assert (len(seen.marks.at_ms), seen.mark_share) == (60, 0.25)
    assert set(seen.marks.low[:15].tolist()) == {98.5}
    assert set(seen.marks.high[:15].tolist()) == {99.5}
    assert (seen.marks.low[59], seen.marks.high[59]) == (98.95, 101.05)


async def test_holes_of_the_symbol_or_the_whole_market_that_reach_into_the_span(
    tmp_path: Path,
) -> None:
    def hole(number: int, start_ms: int, until_ms: int | None, symbol: str = "BTCUSDT") -> Any:
        return gap(
            start_ms,
            gap_id=number,
            until_ms=until_ms,
            symbol=symbol,
            exchange="bybit",
            channel=Channel.LIQUIDATIONS,
        )

    fetch = made(
        tmp_path,
        [one for hour in hours_of(1) for one in liquidations_of(hour)],
        [
            hole(1, START_MS - 9 * DAY_MS, START_MS - 8 * DAY_MS),
            hole(2, START_MS - 9 * DAY_MS, START_MS + 1),
            hole(3, START_MS - 9 * DAY_MS, None, "*"),
            hole(4, START_MS, START_MS + 5, "ETHUSDT"),
            hole(5, END_MS, None),
        ],
    )
    seen = await read_evidence(fetch, "BTCUSDT", START_MS, END_MS)
    assert [one.gap_id for one in seen.gaps] == [2, 3]


async def test_nothing_stored_is_nothing_seen(tmp_path: Path) -> None:
    seen = await read_evidence(made(tmp_path), "BTCUSDT", START_MS, END_MS)
    assert (seen.exchanges, seen.path_exchange, len(seen.events.usd)) == ((), "", 0)
    assert len(seen.marks.at_ms) == 0


async def test_forecasts_come_in_both_widths_and_strange_grids_stay_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stored cells of 500 USD each make one of 0.1 %; five make one of 0.25 %."""
    monkeypatch.setattr(skill_evidence, "FORECASTS_PAGE", 5)
    hours = hours_of(1)
    strange = forecast(
        START_MS + 1, model="oracle", exchange="bybit", horizon_ms=HOUR_MS, long_mass=(1.0,)
    )
    fetch = made(tmp_path, [*map(oracle_of, hours), strange], [uniform_of(hour) for hour in hours])
    (one,) = (found for found in await fetch(series("BTCUSDT")) if found.model == "oracle")
    assert one.count == 25
    fine = await read_forecasts(fetch, one, START_MS, END_MS, 0.001)
    assert [made.issued_ms for made in fine] == [hour.opened_ms for hour in hours]
    for made_one, hour in zip(fine, hours, strict=True):
        assert made_one.mass_usd.shape == (2, 200)
        assert made_one.mass_usd.sum() == 2_000.0
        assert made_one.mass_usd[0 if hour.longs[0] else 1, hour.cells[0]] >= 1_000.0
    wide = await read_forecasts(fetch, one, START_MS, END_MS, 0.0025)
    assert (wide[0].mass_usd.shape, wide[0].cell_width) == ((2, 80), 0.0025)
    assert wide[0].mass_usd.sum() == 2_000.0
    monkeypatch.setattr(skill_evidence, "FORECASTS_MAX", 10)
    with pytest.raises(RequestError, match="at most 10 forecasts"):
        await read_forecasts(fetch, one, START_MS, END_MS, 0.001)
