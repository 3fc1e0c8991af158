"""The largest liquidations over HTTP, from a real database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.fake_source import NOW_MS
from tests.api.routes.test_liquidations import at
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.records import Liquidation
from headwater.storage.store import Store

PATH = "/liquidations/largest"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def of(before_ms: int, value: float, symbol: str = "BTCUSDT", venue: str = "bybit") -> Liquidation:
    """One of a value, so long before now."""
    return msgspec.structs.replace(
        at(before_ms, 100.0, exchange=venue), symbol=symbol, native_symbol=symbol, value=value
    )


LAST_HOURS = (
    of(60_000, 500.0),
    of(120_000, 9_000.0, "ETHUSDT"),
    of(130_000, 70_000.0, venue="binance"),
    of(2 * HOUR_MS, 50_000.0),
)
"""The largest of all is not of the last hour, and the largest of that is of another venue."""


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Platform]:
    """Two venues, two symbols, one of the day before yesterday."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        for event in (*LAST_HOURS, of(2 * DAY_MS, 1e6)):
            store.put(event)
        venues = ("binance", "bybit")
        async with Platform(clock=clock, venues=venues, store=store).served() as served:
            yield served


async def values_of(platform: Platform, query: str) -> list[tuple[str, str, float]]:
    reply = await platform.get(PATH + query)
    assert reply.status == 200, reply
    rows: Any = reply.json()
    return [(row["exchange"], row["symbol"], row["value"]) for row in rows]


async def test_the_largest_of_a_day_over_all_symbols_and_venues(stored: Platform) -> None:
    assert await values_of(stored, "") == [
        ("binance", "BTCUSDT", 70_000.0),
        ("bybit", "BTCUSDT", 50_000.0),
        ("bybit", "ETHUSDT", 9_000.0),
        ("bybit", "BTCUSDT", 500.0),
    ]


async def test_the_largest_of_the_last_hour_on_one_venue(stored: Platform) -> None:
    hour = f"?exchanges=bybit&start_time={NOW_MS - HOUR_MS}"
    assert await values_of(stored, f"{hour}&limit=1") == [("bybit", "ETHUSDT", 9_000.0)]
    assert await values_of(stored, f"{hour}&symbols=btc-usdt") == [("bybit", "BTCUSDT", 500.0)]
    assert await values_of(stored, f"{hour}&min_value_usd=10000") == []


async def test_a_window_ends_now_or_where_the_span_does(stored: Platform) -> None:
    assert (await values_of(stored, "?time_window=1h&limit=1"))[0][2] == 70_000.0
    assert (await values_of(stored, "?time_window=7d&limit=1"))[0][2] == 1e6
    before = f"?time_window=1h&end_time={NOW_MS - 90 * 60_000}"
    assert await values_of(stored, before) == [("bybit", "BTCUSDT", 50_000.0)]
    both = f"?time_window=1h&start_time={NOW_MS - 7 * DAY_MS}&limit=1"
    assert (await values_of(stored, both))[0][2] == 70_000.0, "the window overrides the start"


async def test_a_span_is_a_week_at_most(stored: Platform) -> None:
    week = NOW_MS - 7 * DAY_MS
    assert (await values_of(stored, f"?start_time={week + 1}&limit=1"))[0][2] == 1e6
    reply = await stored.get(f"{PATH}?start_time={week - 1}")
    problem: Any = reply.json()
    assert (reply.status, problem["errors"][0]["field"]) == (422, "start_time")
    assert problem["errors"][0]["value"] == str(week - 1)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("?exchanges=kraken", 422, "exchanges"),
        ("?symbols=", 422, "symbols"),
        ("?limit=0", 422, "limit"),
        ("?time_window=2d", 422, "time_window"),
        ("?min_value_usd=-1", 422, "min_value_usd"),
        ("?symbol=BTCUSDT", 422, "symbol"),
    ],
)
async def test_bad_input_is_told_by_its_name(
    stored: Platform, query: str, status: int, field: str
) -> None:
    reply = await stored.get(PATH + query)
    problem: Any = reply.json()
    assert (reply.status, problem["errors"][0]["field"]) == (status, field), reply


async def test_where_nothing_is_stored_the_reason_is_told(platform: Platform) -> None:
    reply = await platform.get(PATH)
    assert reply.status == 404
    assert b"stores nothing" in reply.body
