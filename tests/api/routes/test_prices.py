"""`/prices/klines` and `/data/date-range`: shapes, storage before the venue, and bad input."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.api.fake_source import NOW_MS, make_candle
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables

from headwater.api.settings import ApiSettings
from headwater.core.clock import ManualClock
from headwater.core.errors import VenueUnavailable
from headwater.core.intervals import Interval
from headwater.storage.store import Store

QUARTER_MS = 15 * 60_000
LAST_MS = NOW_MS - NOW_MS % QUARTER_MS
"""Opening of the quarter of an hour that is forming: 17:15 on 2024-11-07."""


@asynccontextmanager
async def stored(
    folder: Path, quarters: range, settings: ApiSettings | None = None
) -> AsyncIterator[Platform]:
    """A platform with closed quarters in storage, counted back from the forming one."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        if quarters:
            await store.put_durable(
                [
                    make_candle("BTCUSDT", Interval.M15, LAST_MS - n * QUARTER_MS, is_closed=True)
                    for n in quarters
                ]
            )
        async with Platform(settings, clock=clock, store=store).served() as platform:
            yield platform


def span(first: int, last: int) -> str:
    """Both times of quarters counted back."""
    start, end = (LAST_MS - n * QUARTER_MS for n in (first, last))
    return f"start_time={start}&end_time={end}"


async def test_the_defaults(platform: Platform) -> None:
    reply = await platform.get("/prices/klines")
    found: Any = reply.json()
    assert platform.source.calls == ["candles BTCUSDT 15m 100 None None"]
    assert (found["symbol"], found["interval"], found["exchange"]) == ("BTCUSDT", "15m", "binance")
    assert found["count"] == len(found["data"]) == 100
    assert found["incomplete"] == ""
    assert found["data"][-1] == {
        "timestamp": "2024-11-07T17:15:00.000Z",
        "open": 100.0,
        "high": 110.5,
        "low": 99.5,
        "close": 105.25,
        "volume": 12.5,
    }
    times = [row["timestamp"] for row in found["data"]]
    assert times == sorted(times)


async def test_both_times_override_the_limit_and_storage_answers(tmp_path: Path) -> None:
    """Twelve quarters, although the limit says ten."""
    async with stored(tmp_path, range(1, 30)) as platform:
        reply = await platform.get(f"/prices/klines?limit=10&{span(20, 9)}")
        found: Any = reply.json()
        assert found["count"] == 12
        assert platform.source.calls == []


async def test_a_venue_that_is_away_leaves_what_is_stored(tmp_path: Path) -> None:
    async with stored(tmp_path, range(3, 6)) as platform:
        platform.source.error = VenueUnavailable("binance", "no\r\nanswer")
        found: Any = (await platform.get(f"/prices/klines?{span(5, 2)}")).json()
        assert found["count"] == 3
        assert found["incomplete"].startswith("1 of 4 candles are missing")
        reply = await platform.get(f"/binance/ohlc/BTCUSDT/15m?{span(5, 2)}")
        assert reply.status == 200
        assert reply.headers["x-data-incomplete"].startswith("1 of 4 candles are missing")
        assert "no??answer" in reply.headers["x-data-incomplete"]
        again = await platform.get(f"/binance/ohlc/BTCUSDT/15m?{span(5, 2)}")
        assert "x-data-incomplete" in again.headers, "from the cache too"
        whole = await platform.get(f"/binance/ohlc/BTCUSDT/15m?{span(5, 3)}")
        assert whole.status == 200
        assert "x-data-incomplete" not in whole.headers
        joined: Any = (await platform.get(f"/multi/ohlc/BTCUSDT/15m?{span(5, 2)}")).json()
        assert len(joined["binance"]) == 3
        assert joined["errors"]["binance"]["code"] == "data_incomplete"
        nothing = await platform.get(f"/binance/ohlc/BTCUSDT/15m?{span(2, 2)}")
        assert nothing.status == 503


async def test_a_venue_that_hangs_leaves_what_is_stored_to_all_venues(tmp_path: Path) -> None:
    """It gets four fifths of the time; in the rest storage stands in."""
    settings = ApiSettings(multi_timeout_s=1.5)
    async with stored(tmp_path, range(3, 6), settings) as platform:
        platform.source.wait_for = asyncio.Event()
        joined: Any = (await platform.get(f"/multi/ohlc/BTCUSDT/15m?{span(5, 2)}")).json()
        assert len(joined["binance"]) == 3
        problem = joined["errors"]["binance"]
        assert problem["code"] == "data_incomplete"
        assert problem["detail"].startswith("1 of 4 candles are missing")
        assert "no answer within 1.2 s" in problem["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=9", "limit"),
        ("limit=2001", "limit"),
        ("limit=1e2", "limit"),
        ("interval=7m", "interval"),
        ("interval=15", "interval"),
        ("symbol=", "symbol"),
        ("symbol=" + "x" * 200, "symbol"),
        ("start_time=yesterday", "start_time"),
        ("end_time=-1", "end_time"),
        ("start_time=2024-11-07T12:00:00Z&end_time=2024-11-07T11:00:00Z", "end_time"),
        ("interval=1m&start_time=2024-01-01T00:00:00Z&end_time=2024-11-01T00:00:00Z", "start_time"),
        ("from=1", "from"),
        ("limit=10&limit=11", "limit"),
    ],
)
async def test_bad_input_of_klines(platform: Platform, query: str, field: str) -> None:
    reply = await platform.get(f"/prices/klines?{query}")
    found: Any = reply.json()
    assert (reply.status, [one["field"] for one in found["errors"]]) == (422, [field])
    assert platform.source.calls == []


async def test_what_does_not_exist_is_named(platform: Platform) -> None:
    for query, field in (("exchange=nowhere", "exchange"), ("symbol=NOSUCH", "symbol")):
        reply = await platform.get(f"/prices/klines?{query}")
        found: Any = reply.json()
        assert (reply.status, found["errors"][0]["field"]) == (404, field)


async def test_the_reach_of_storage(tmp_path: Path) -> None:
    """From 29 quarters before 17:15, which is 10:00, to one before it."""
    async with stored(tmp_path, range(1, 30)) as platform:
        found: Any = (await platform.get("/data/date-range?symbol=btc-usdt")).json()
        assert found == {
            "symbol": "BTCUSDT",
            "start_date": "2024-11-07T10:00:00.000Z",
            "end_date": "2024-11-07T17:00:00.000Z",
        }


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("symbol=BTCUSDT", 404, "no_data"),
        ("symbol=NOSUCH", 404, "unknown_symbol"),
        ("", 422, None),
        ("symbol=", 422, None),
        ("symbol=BTCUSDT&x=1", 422, None),
    ],
)
async def test_no_reach(tmp_path: Path, query: str, status: int, code: str | None) -> None:
    async with stored(tmp_path, range(0)) as platform:
        reply = await platform.get(f"/data/date-range?{query}")
        found: Any = reply.json()
        assert reply.status == status
        assert code in (None, found["code"])
        assert found["detail"]


async def test_without_storage_there_is_no_reach(platform: Platform) -> None:
    assert (await platform.get("/data/date-range?symbol=BTCUSDT")).status == 404
