"""Downloads of every venue's simulated side: whole, nothing twice, continued, inside limits."""

import msgspec
import pytest
from tests.app.staged_download import staged

from headwater.api.schemas.base import iso_of
from headwater.api.schemas.market import FundingRateView, OhlcView, OpenInterestView
from headwater.app.fetch_request import Kind
from headwater.app.row_files import Reached
from headwater.core.errors import VenueUnavailable
from headwater.core.intervals import Interval
from headwater.simulator.faults import FaultPlan, HttpFaults
from headwater.venues.discovery import venue, venues

HOUR_MS = 3_600_000
VENUES = pytest.mark.parametrize("name", list(venues()))
WITH_OPEN_INTEREST = [name for name in venues() if venue(name).facts.open_interest_periods]


@VENUES
async def test_candles_are_whole_closed_and_continued(name: str) -> None:
    async with staged(name) as stage:
        until = Interval.M1.opens_at_ms(stage.market.now_ms())
        since = until - 2_000 * 60_000
        request = stage.request(Kind.CANDLES, Interval.M1, since_ms=since)
        rows = await stage.rows(request)
        assert all(isinstance(row, OhlcView) and row.is_closed for row in rows)
        whole = stage.market.candles(
            "BTCUSDT", Interval.M1, limit=3000, start_ms=since, end_ms=until - 1
        )
        assert [row.close for row in rows if isinstance(row, OhlcView)] == [
            candle.close for candle in whole
        ]
        assert len(rows) == 2_000, "several pages of every venue but one"

        first = await stage.rows(msgspec.structs.replace(request, limit=700))
        assert first == rows[:700]
        reached = Reached(moment_ms=since + 699 * 60_000)
        rest = await stage.rows(msgspec.structs.replace(request, reached=reached))
        assert first + rest == rows

        newest = await stage.rows(stage.request(Kind.CANDLES, Interval.M1, limit=5))
        assert newest == rows[-5:]
        nothing = await stage.rows(
            msgspec.structs.replace(request, reached=Reached(moment_ms=until - 60_000))
        )
        assert nothing == []


@VENUES
async def test_a_start_before_the_venues_memory_gives_what_there_is(name: str) -> None:
    async with staged(name) as stage:
        rows = await stage.rows(stage.request(Kind.CANDLES, Interval.D1, since_ms=0, limit=3000))
        moments = [row.timestamp for row in rows if isinstance(row, OhlcView)]
        assert len(moments) > 1000
        assert moments == sorted(set(moments))
        listed_ms = stage.download.table.resolve("BTCUSDT").listed_at_ms
        if listed_ms is None or moments[0] > iso_of(listed_ms + 2 * 24 * HOUR_MS):
            assert f"no candles before {moments[0]}" in stage.told[0]
        else:
            assert stage.told == []


@VENUES
async def test_a_contract_of_unknown_age_is_not_searched_for_since_1970(name: str) -> None:
    """The same minutes as with its listing, and few requests, whatever the start."""
    async with staged(name) as stage:
        until = Interval.M1.opens_at_ms(stage.market.now_ms())
        known = stage.request(Kind.CANDLES, Interval.H1, since_ms=until - 40 * HOUR_MS)
        instrument = msgspec.structs.replace(known.instrument, listed_at_ms=None)
        unknown = msgspec.structs.replace(known, instrument=instrument)
        assert await stage.rows(unknown) == await stage.rows(known)
        begins_ms = await stage.download._begins_ms(instrument)
        months = stage.market.candles("BTCUSDT", Interval.MONTH1, limit=1000)
        assert begins_ms == months[0].timestamp_ms
        told = len(stage.told)
        days = msgspec.structs.replace(unknown, interval=Interval.D1, since_ms=0)
        assert len(await stage.rows(days)) > 1000
        assert "no candles before" in stage.told[told]


@VENUES
async def test_funding_is_whole(name: str) -> None:
    async with staged(name) as stage:
        instrument = stage.download.table.resolve("BTCUSDT")
        step_ms = int((instrument.funding_interval_h or 8) * HOUR_MS)
        since = stage.market.now_ms() - 60 * 24 * HOUR_MS
        rows = await stage.rows(stage.request(Kind.FUNDING, since_ms=since))
        settled = [row.funding_time for row in rows if isinstance(row, FundingRateView)]
        assert settled == sorted(set(settled))
        assert len(settled) in (60 * 24 * HOUR_MS // step_ms, 60 * 24 * HOUR_MS // step_ms + 1)
        assert (await stage.rows(stage.request(Kind.FUNDING, limit=7))) == rows[-7:]


@pytest.mark.parametrize("name", WITH_OPEN_INTEREST)
async def test_open_interest_goes_as_far_back_as_the_venue_does(name: str) -> None:
    async with staged(name) as stage:
        newest = await stage.rows(stage.request(Kind.OPEN_INTEREST, Interval.H1, limit=50))
        assert len(newest) == 50
        day_ago = stage.market.now_ms() - 24 * HOUR_MS
        one_day = await stage.rows(stage.request(Kind.OPEN_INTEREST, Interval.H1, since_ms=day_ago))
        assert one_day == newest[-len(one_day) :]
        assert len(one_day) in (24, 25)
        long_ago = stage.market.now_ms() - 400 * 24 * HOUR_MS
        request = stage.request(Kind.OPEN_INTEREST, Interval.H1, since_ms=long_ago)
        everything = await stage.rows(request)
        moments = [row.timestamp for row in everything if isinstance(row, OpenInterestView)]
        assert moments == sorted(set(moments))
        assert everything[-50:] == newest


async def test_failures_are_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.app.download._BACKOFF_S", (0.01, 0.02))
    plan = FaultPlan(http=HttpFaults(error_before=0.3))
    async with staged("bybit", plan) as stage:
        since = stage.market.now_ms() - 600 * 60_000
        rows = await stage.rows(stage.request(Kind.CANDLES, Interval.M1, since_ms=since))
        assert len(rows) in (599, 600)


async def test_a_venue_that_stays_away_ends_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.app.download._BACKOFF_S", (0.01, 0.02))
    monkeypatch.setattr("headwater.app.download.WAIT_MAX_S", 0.0)
    async with staged("okx") as stage:
        await stage.server.refuse(100)
        with pytest.raises(VenueUnavailable):
            await stage.rows(stage.request(Kind.CANDLES, Interval.M1, limit=1))
