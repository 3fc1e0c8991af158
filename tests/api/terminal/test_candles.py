"""The chart's socket, over a venue in memory."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.api.terminal.charted import (
    MINUTE_MS,
    NOW_MINUTE_MS,
    ChartSource,
    candle_state,
    chart_at,
    minute,
)
from tests.api.terminal.viewing import Message, viewing
from tests.storage.ready_tables import with_tables

from headwater.core.clock import SystemClock
from headwater.core.enums import FeedState
from headwater.core.errors import VenueRejected, VenueUnavailable
from headwater.core.formatting import read_formatted
from headwater.core.intervals import Interval
from headwater.storage.store import Store

CHART = "candles/BTCUSDT?timeframe=1m&container_width=800"


def numbers_in(message: Message) -> list[int]:
    return [(one["timestamp"] - NOW_MINUTE_MS) // MINUTE_MS for one in message["data"]]


Charted = tuple[Platform, ChartSource]


@pytest.fixture
def charted(platform: Platform) -> Charted:
    return platform, chart_at(platform)


@pytest.mark.parametrize(
    "path",
    [
        "candles?symbol=BTCUSDT&timeframe=1m&container_width=800",
        "candles/BTCUSDT?timeframe=1m&container_width=800",
        "candles/BTCUSDT/1m?container_width=800",
        "candles/BTC/USDT:USDT/1m",
        "candles/BTCUSDT",
    ],
)
async def test_o_d1_o_w3_every_form_of_the_address_gives_the_same_candles(
    charted: Charted, path: str
) -> None:
    """800 px: (800 / 6) × 3 candles are 400."""
    platform, source = charted
    async with viewing(platform.port, path) as client:
        first = await client.hear()
    assert first["type"] == "historical_candles"
    assert (first["exchange"], first["symbol"], first["timeframe"]) == ("binance", "BTCUSDT", "1m")
    assert numbers_in(first) == list(range(-399, 1))
    assert first["count"] == 400
    assert source.calls == ["candles 400 None None"]


async def test_o_w3_a_chart_is_told_all_that_it_writes(charted: Charted) -> None:
    """Tick 0.10, step 0.001: one decimal place and three; 2024-11-07T17:20Z is now."""
    platform, _ = charted
    async with viewing(platform.port, CHART) as client:
        first = await client.hear()
    assert first["data"][-1] == {
        "timestamp": 1_731_000_000_000,
        "time": 1_731_000_000,
        "open": 100.0,
        "high": 110.5,
        "low": 99.5,
        "close": 105.25,
        "volume": 12.5,
        "openFormatted": "100.0",
        "highFormatted": "110.5",
        "lowFormatted": "99.5",
        "closeFormatted": "105.2",
        "volumeFormatted": "12.500",
        "isClosed": False,
        "revision": 0,
    }
    assert first["data"][-2]["isClosed"] is True
    assert first["symbolData"] == {
        "priceFormat": {"type": "price", "precision": 1, "minMove": 0.1},
        "pricePrecision": 1,
        "amountPrecision": 3,
    }
    assert first["timeRange"] == {
        "startMs": 1_731_000_000_000 - 399 * MINUTE_MS,
        "endMs": 1_731_000_000_000,
        "start": "2024-11-07T10:41:00.000Z",
        "end": "2024-11-07T17:20:00.000Z",
    }
    for one in first["data"]:
        assert float(read_formatted(one["volumeFormatted"])) == one["volume"]


def names_in(value: object) -> set[str]:
    """Every name of a message, at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for one in value.values() for name in names_in(one)}
    if isinstance(value, list):
        return {name for one in value for name in names_in(one)}
    return set()


async def test_o_d3_every_name_on_the_wire_is_camel_case(charted: Charted) -> None:
    platform, _ = charted
    async with viewing(platform.port, CHART) as client:
        messages = [await client.hear()]
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        messages.append(await client.hear())
    async with viewing(platform.port, "trades/BTCUSDT") as client:
        messages.append(await client.hear())
    names = set().union(*map(names_in, messages))
    assert {"closeFormatted", "streamTimestamp", "priceFormatted", "minMove"} <= names
    assert [one for one in names if not one.isalnum() or not one[0].islower()] == []


@pytest.mark.parametrize(("width_px", "count"), [(300, 200), (3000, 1000), (1000, 500)])
async def test_o_s13_the_count_follows_the_width(
    charted: Charted, width_px: int, count: int
) -> None:
    platform, _ = charted
    async with viewing(platform.port, f"candles/BTCUSDT?container_width={width_px}") as client:
        assert (await client.hear())["count"] == count


async def test_o_w3_a_wider_chart_of_the_same_candles_gets_all_of_its_own(
    charted: Charted,
) -> None:
    """The second chart is wider than the first: one question more, and no update to the first."""
    platform, source = charted
    async with viewing(platform.port, CHART) as small:
        await small.hear()
        async with viewing(platform.port, "candles/BTCUSDT?container_width=3000") as wide:
            assert numbers_in(await wide.hear()) == list(range(-999, 1))
        async with viewing(platform.port, "candles/BTCUSDT?container_width=300") as narrow:
            assert numbers_in(await narrow.hear()) == list(range(-199, 1))
        assert source.calls == ["candles 400 None None", "candles 1000 None None"]
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        assert (await small.hear())["close"] == 106.0
        assert len(source.leases) == 1


async def test_o_w3_live_candles_change_the_last_one_and_a_new_one_follows(
    charted: Charted,
) -> None:
    platform, _ = charted
    told = [
        minute(0, closed=False, close=106.0, later=1),
        minute(0, closed=True, close=106.5, later=2),
        minute(1, closed=False, close=106.5, later=3),
        minute(0, closed=True, close=106.75, revision=1, later=4),
    ]
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        for one in told:
            platform.bus.publish(one)
        heard = [await client.hear_next("candle_update") for _ in told]
        assert await client.until_pong() == []
    by_time = [(one["time"] - 1_731_000_000, one["close"], one["isClosed"]) for one in heard]
    assert sorted(by_time) == sorted(
        [(0, 106.0, False), (0, 106.5, True), (60, 106.5, False), (0, 106.75, True)]
    )
    assert {one["revision"] for one in heard if one["close"] == 106.75} == {1}
    assert heard[0]["streamTimestamp"] == NOW_MS
    assert {one["timeframe"] for one in heard} == {"1m"}


async def test_candles_of_other_lengths_are_not_this_charts(charted: Charted) -> None:
    platform, _ = charted
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        other = msgspec.structs.replace(minute(0, close=1.0, later=9), interval=Interval.M5)
        platform.bus.publish(other)
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        assert (await client.hear())["close"] == 106.0


async def test_o_w3_no_candle_is_missing_between_history_and_live(charted: Charted) -> None:
    """The stream flows two minutes after the history was told: what lies between is asked for."""
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        assert numbers_in(await client.hear())[-1] == 0
        source.last = 2
        platform.bus.publish(minute(2, closed=False, close=107.0, later=5))
        heard = [await client.hear_next("candle_update") for _ in range(3)]
    told = {(one["time"] - 1_731_000_000) // 60: one["isClosed"] for one in heard}
    assert told == {0: True, 1: True, 2: False}


async def test_o_w3_what_an_interruption_left_out_comes_as_updates(charted: Charted) -> None:
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        await client.hear()
        platform.bus.publish(candle_state(FeedState.DOWN, "connection lost"))
        assert (await client.hear_next("error"))["code"] == "VENUE_ERROR"
        source.last = 3
        platform.advance(180)
        platform.bus.publish(candle_state(FeedState.LIVE))
        heard = [await client.hear_next("candle_update") for _ in range(4)]
        assert [(one["time"] - 1_731_000_000) // 60 for one in heard] == [0, 1, 2, 3]
        assert [one["isClosed"] for one in heard] == [True, True, True, False]


async def test_a_closing_message_that_never_comes_is_asked_for(
    charted: Charted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.api.terminal.candle_feed.SETTLE_S", 0.05)
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        await client.hear()
        source.last = 1
        platform.bus.publish(minute(1, closed=False, close=106.0, later=2))
        assert (await client.hear())["isClosed"] is False
        closed = await client.hear_next("candle_update")
        assert (closed["time"], closed["isClosed"]) == (1_731_000_000, True)


async def test_a_minute_that_the_venue_does_not_list_is_asked_for_a_few_times_only(
    charted: Charted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some venues have no candle where nothing was traded."""
    monkeypatch.setattr("headwater.api.terminal.history_feed.PAUSE_S", 0.001)
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        platform.bus.publish(minute(0, later=1))
        await client.hear()
        platform.bus.publish(candle_state(FeedState.STALE))
        platform.bus.publish(minute(2, closed=False, later=2))
        assert (await client.hear())["time"] == 1_731_000_120
        calls = len(source.calls)
        assert calls == 1 + 5
        platform.bus.publish(minute(2, closed=True, later=3))
        assert (await client.hear())["isClosed"] is True
        assert await client.until_pong() == []
        assert len(source.calls) == calls


async def test_load_history_goes_to_the_left_until_there_is_nothing_older(
    charted: Charted,
) -> None:
    """1,000 candles were ever made: 400 are shown, then 500 and 100 more."""
    platform, source = charted
    source.first = -999
    async with viewing(platform.port, CHART) as client:
        seen = numbers_in(await client.hear())
        pages: list[Message] = []
        while not pages or not pages[-1]["isLast"]:
            before = NOW_MINUTE_MS + seen[0] * MINUTE_MS
            await client.say("load_history", before=before)
            pages.append(await client.hear())
            assert pages[-1]["type"] == "historical_candles"
            assert pages[-1]["before"] == before
            seen = numbers_in(pages[-1]) + seen
    assert [page["count"] for page in pages] == [500, 100]
    assert seen == list(range(-999, 1))


async def test_load_history_at_the_very_edge_says_that_it_is_the_last(charted: Charted) -> None:
    platform, source = charted
    source.first = -409
    async with viewing(platform.port, CHART) as client:
        first = await client.hear()
        await client.say("load_history", before=first["data"][0]["timestamp"], limit=10)
        exact = await client.hear()
        assert (exact["count"], exact["isLast"]) == (10, True)
        await client.say("load_history", before=exact["data"][0]["timestamp"], limit=10)
        none = await client.hear()
        assert (none["data"], none["isLast"], none["timeRange"]) == ([], True, None)


async def test_before_the_listing_nobody_is_asked(charted: Charted) -> None:
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        calls = len(source.calls)
        for before in (0, 1, 1_569_398_400_000):
            await client.say("load_history", before=before)
            assert (await client.hear())["isLast"] is True
        assert len(source.calls) == calls


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "before"),
        ({"before": -1}, "before"),
        ({"before": "yesterday"}, "before"),
        ({"before": 1.5}, "before"),
        ({"before": 10**18}, "before"),
        ({"before": True}, "before"),
        ({"before": 5, "limit": 0}, "limit"),
        ({"before": 5, "limit": 1001}, "limit"),
        ({"before": 5, "limit": None}, "limit"),
        ({"before": 5, "limt": 10}, "limt"),
    ],
)
async def test_load_history_with_a_wrong_field_is_an_error_that_names_it(
    charted: Charted, fields: dict[str, Any], field: str
) -> None:
    platform, _ = charted
    async with viewing(platform.port, CHART) as client:
        await client.hear()
        await client.say("load_history", **fields)
        error = await client.hear()
        assert (error["type"], error["code"], error["field"]) == ("error", "BAD_MESSAGE", field)
        assert await client.until_pong() == []


async def test_load_history_is_done_one_at_a_time(charted: Charted) -> None:
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        first = await client.hear()
        source.wait_for = asyncio.Event()
        before = first["data"][0]["timestamp"]
        for _ in range(3):
            await client.say("load_history", before=before)
        refused = [await client.hear() for _ in range(2)]
        assert {one["code"] for one in refused} == {"RATE_LIMITED"}
        source.wait_for.set()
        assert (await client.hear())["before"] == before
        await client.say("load_history", before=before)
        assert (await client.hear())["before"] == before


async def test_load_history_that_fails_says_why_and_may_be_tried_again(charted: Charted) -> None:
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        before = (await client.hear())["data"][0]["timestamp"]
        source.error = VenueRejected("binance", "no")
        await client.say("load_history", before=before)
        assert (await client.hear())["code"] == "VENUE_ERROR"
        source.error = None
        await client.say("load_history", before=before)
        assert (await client.hear())["count"] == 500


async def test_a_client_that_leaves_while_it_waits_leaves_nothing(charted: Charted) -> None:
    platform, source = charted
    async with viewing(platform.port, CHART) as client:
        before = (await client.hear())["data"][0]["timestamp"]
        source.wait_for = asyncio.Event()
        await client.say("load_history", before=before)
        await client.until_pong()
    async with asyncio.timeout(5):
        while platform.hub.stats().topics:
            await asyncio.sleep(0)
    assert [one.get_name() for one in asyncio.all_tasks() if "terminal" in one.get_name()] == []
    assert [lease.released for lease in source.leases] == [1]


async def test_o_d4_without_history_there_is_an_error_and_no_made_up_candle(
    charted: Charted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.api.terminal.history_feed.START_S", 0.2)
    platform, source = charted
    source.error = VenueUnavailable("binance", "connection refused")
    async with viewing(platform.port, CHART) as client:
        messages, code, _ = await client.closing()
    assert code == 1011
    assert [one["type"] for one in messages] == ["error"]


async def test_a_chart_that_begins_without_history_gets_it_when_it_is_there(
    charted: Charted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.api.terminal.history_feed.RETRY_S", 0.1)
    platform, source = charted
    source.error = VenueUnavailable("binance", "connection refused")
    async with viewing(platform.port, CHART) as client:
        while not platform.bus.readers[-1].name.startswith("terminal/candles"):
            await asyncio.sleep(0)
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        assert (await client.hear())["code"] == "VENUE_ERROR"
        assert numbers_in(await client.hear()) == [0]
        source.error = None
        whole = await client.hear_next("historical_candles")
        assert numbers_in(whole) == list(range(-399, 1))
        assert whole["data"][-1]["close"] == 106.0


async def test_candles_that_are_stored_need_no_venue(tmp_path: Path) -> None:
    """The venue is away; the database has five minutes, and says what is missing."""
    clock = SystemClock()
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        Platform(store=store, clock=clock).served() as platform,
    ):
        source = chart_at(platform)
        source.error = VenueUnavailable("binance", "connection refused")
        last_ms = Interval.M1.opens_at_ms(clock.now_ms() - MINUTE_MS)
        rows = [
            msgspec.structs.replace(minute(0), timestamp_ms=last_ms - back * MINUTE_MS)
            for back in range(5)
        ]
        await store.put_durable(rows)
        async with viewing(platform.port, CHART) as client:
            first = await client.hear()
            assert [one["timestamp"] for one in first["data"]] == [
                one.timestamp_ms for one in reversed(rows)
            ]
            assert "missing" in first["incomplete"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("candles/NOPE", "symbol"),
        ("candles", "symbol"),
        ("candles/BTCUSDT?timeframe=7m", "timeframe"),
        ("candles/BTCUSDT/7m", "timeframe"),
        ("candles/BTCUSDT/1m?timeframe=1m", "timeframe"),
        ("candles/BTCUSDT?container_width=299", "container_width"),
        ("candles/BTCUSDT?container_width=3001", "container_width"),
        ("candles/BTCUSDT?container_width=wide", "container_width"),
        ("candles/BTCUSDT?exchange=nope", "exchange"),
        ("candles/BTCUSDT?limit=5", "limit"),
    ],
)
async def test_o_w3_a_bad_address_is_an_error_and_4000(
    charted: Charted, path: str, field: str
) -> None:
    platform, source = charted
    async with viewing(platform.port, path) as client:
        messages, code, _ = await client.closing()
    assert code == 4000
    assert [one["field"] for one in messages] == [field]
    assert source.leases == []


async def test_charts_that_come_and_go_leave_nothing(charted: Charted) -> None:
    platform, source = charted
    source.wait_for = asyncio.Event()
    async with aiohttp.ClientSession() as session:
        for turn in range(20):
            path = f"candles/BTCUSDT?container_width={300 + 100 * turn}"
            socket = await session.ws_connect(f"http://127.0.0.1:{platform.port}/api/v1/ws/{path}")
            if turn == 10:
                source.wait_for.set()
            await socket.close()
    async with asyncio.timeout(5):
        while platform.hub.stats().topics:
            await asyncio.sleep(0)
    assert [one.get_name() for one in asyncio.all_tasks() if "terminal" in one.get_name()] == []
    assert all(lease.released == 1 for lease in source.leases)
