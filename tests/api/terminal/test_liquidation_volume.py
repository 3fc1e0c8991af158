"""The chart's volume on the liquidation socket: past, hand-over, updates (O-W4, O-S12, O-S16)."""

import asyncio
import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.fake_source import NOW_MS, make_liquidation
from tests.api.served import Platform
from tests.api.streaming import until
from tests.api.terminal.test_liquidations import storing
from tests.api.terminal.viewing import viewing
from tests.feeds.external_service import ExternalService, client, http_reply, order_row
from tests.storage.ready_tables import with_tables

from headwater.api.terminal.liquidation_feeds import RETRY_S
from headwater.api.terminal.liquidation_volume import SINGLE_MS, UPDATE_BUCKETS
from headwater.core.clock import ManualClock
from headwater.core.enums import PositionSide, Side
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.feeds.external_liquidations import ExternalLiquidations
from headwater.storage.store import Store

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
KIND = "liquidation_volume"
OPENED_MS = NOW_MS - NOW_MS % MINUTE_MS
"""Beginning of the minute that runs; 123 ms of it are over."""


def closed(offset_ms: int, value: float, *, is_long: bool = True, **others: Any) -> Liquidation:
    """One of so many USD, so long after now."""
    return msgspec.structs.replace(
        make_liquidation(),
        timestamp_ms=NOW_MS + offset_ms,
        side=Side.SELL if is_long else Side.BUY,
        position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
        quantity=value / 67_000.0,
        value=value,
        **others,
    )


async def test_o_m3_the_message_and_its_buckets(tmp_path: Path) -> None:
    """Two minutes ago 300 sold and 100 bought, so −200; in this minute 50 bought, which runs."""
    async with storing(tmp_path) as (platform, store):
        for one in (
            closed(-2 * MINUTE_MS, 300.0),
            closed(-2 * MINUTE_MS, 100.0, is_long=False),
            closed(-1, 50.0, is_long=False),
        ):
            store.put(one)
        async with viewing(platform.port, "liquidations/BTCUSDT/1m") as viewer:
            message = await viewer.hear_next(KIND)
        first, empty, running = message.pop("data")
        assert message == {
            "type": KIND,
            "exchange": "binance",
            "symbol": "BTCUSDT",
            "timeframe": "1m",
            "timestamp": NOW_MS,
            "isUpdate": False,
            "missing": None,
        }
        assert first == {
            "time": (OPENED_MS - 2 * MINUTE_MS) // 1_000,
            "timestamp": OPENED_MS - 2 * MINUTE_MS,
            "buyVolume": 100.0,
            "sellVolume": 300.0,
            "totalVolume": 400.0,
            "deltaVolume": -200.0,
            "buyVolumeFormatted": "≥100.00",
            "sellVolumeFormatted": "≥300.00",
            "totalVolumeFormatted": "≥400.00",
            "deltaVolumeFormatted": "-200.00",
            "count": 2,
            "isFloor": True,
            "source": "own",
            "maValue": 200.0,
            "maValueFormatted": "200.00",
        }
        assert (empty["totalVolume"], empty["isFloor"], empty["maValue"]) == (0.0, False, 200.0)
        assert (running["timestamp"], running["deltaVolume"]) == (OPENED_MS, 50.0)
        assert running["maValue"] == 200.0, "it runs (O-D9)"


async def test_o_d9_the_running_bucket_goes_on_and_enters_the_average_once(tmp_path: Path) -> None:
    """100 are stored and 100 more come: 200. It closes, and is the average."""
    async with storing(tmp_path) as (platform, store):
        store.put(closed(-1, 100.0))
        async with viewing(platform.port, "liquidations?symbol=BTCUSDT&timeframe=1m") as viewer:
            (bucket,) = (await viewer.hear_next(KIND))["data"]
            assert (bucket["sellVolume"], bucket["maValue"]) == (100.0, None)
            platform.bus.publish(closed(1, 100.0))
            update = await viewer.hear_next(KIND)
            (bucket,) = update["data"]
            assert (update["isUpdate"], bucket["timestamp"]) == (True, OPENED_MS)
            assert (bucket["sellVolume"], bucket["count"], bucket["maValue"]) == (200.0, 2, None)
            platform.advance(60.0)
            platform.bus.publish(closed(MINUTE_MS, 7.0))
            before, running = (await viewer.hear_next(KIND))["data"]
            assert (before["timestamp"], before["maValue"]) == (OPENED_MS, 200.0)
            assert (running["sellVolume"], running["maValue"]) == (7.0, 200.0)


async def test_a_bucket_that_closes_without_events_is_told(tmp_path: Path) -> None:
    """The bucket has a tenth of a second left: nothing happens any more, and its average comes."""
    clock = ManualClock((OPENED_MS + 59_900) * 1_000_000)
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        Platform(clock=clock, store=store).served() as platform,
    ):
        store.put(closed(-1, 100.0))
        store.put(closed(1, 100.0))
        async with viewing(platform.port, "liquidations/BTCUSDT?timeframe=1m") as viewer:
            assert [row["maValue"] for row in (await viewer.hear_next(KIND))["data"]] == [None]
            platform.advance(1.0)
            (bucket,) = (await viewer.hear_next(KIND))["data"]
            assert (bucket["sellVolume"], bucket["maValue"]) == (200.0, 200.0)


async def test_updates_come_at_most_every_second(tmp_path: Path) -> None:
    """Nine follow the first at once: they wait for the second to pass and come as one."""
    path = "liquidations/BTCUSDT?timeframe=1m"
    async with storing(tmp_path) as (platform, _), viewing(platform.port, path) as viewer:
        await viewer.hear_next(KIND)
        platform.bus.publish(closed(0, 1.0))
        assert (await viewer.hear_next(KIND))["data"][0]["count"] == 1
        for number in range(1, 10):
            platform.bus.publish(closed(number, 1.0))
            for _ in range(10):
                await asyncio.sleep(0)  # each in a turn of its own
        assert (await viewer.hear_next(KIND))["data"][0]["count"] == 10


async def test_the_hand_over_counts_each_once(tmp_path: Path) -> None:
    """Stored: 1 an hour ago and 2 a minute ago, 15 in all with what is heard meanwhile.

    While the service is asked, 2 is heard again, 4 is new, and 8 is new and half an hour old, which
    is older than what is asked for singly.
    """
    clock = ManualClock(NOW_MS * 1_000_000)
    half_ms = HOUR_MS // 2
    assert half_ms > SINGLE_MS
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService([order_row(NOW_MS - 5 * HOUR_MS, 1_000.0)]).served() as service,
    ):
        external = ExternalLiquidations(service.base_url, http, clock)
        stored = (closed(-HOUR_MS, 1.0), closed(-MINUTE_MS, 2.0))
        for one in stored:
            store.put(one)
        service.go_on.clear()
        path = "liquidations/BTCUSDT?exchange=all&timeframe=15m"
        async with (
            Platform(clock=clock, store=store, external=external).served() as platform,
            viewing(platform.port, path) as viewer,
        ):
            await service.heard.wait()
            while not any(where.endswith("/liquidations") for where, _ in service.asked):
                service.heard.clear()
                await service.heard.wait()
            late = closed(-half_ms, 8.0)
            for one in (stored[1], closed(3, 4.0), late):
                platform.bus.publish(one)
            store.put(late)
            service.go_on.set()
            message = await viewer.hear_next(KIND)
            own = [row for row in message["data"] if row["source"] == "own"]
            assert sum(row["sellVolume"] for row in own) == 15.0
            assert sum(row["count"] for row in own) == 4
            told = [row for row in message["data"] if row["source"] == "external"]
            assert (told[0]["sellVolume"], told[0]["count"], told[0]["isFloor"]) == (
                1_000.0,
                None,
                True,
            )
            times = [row["timestamp"] for row in message["data"]]
            assert times == list(range(times[0], times[-1] + 1, 15 * MINUTE_MS)), "no holes"


async def test_o_s13_a_client_begins_with_as_many_buckets_as_it_shows(tmp_path: Path) -> None:
    """A day of minutes is stored; 1,000 are kept, the newest 200 or 400 are shown."""
    async with storing(tmp_path) as (platform, store):
        for minute in range(1_440):
            store.put(closed(-minute * MINUTE_MS, 1.0))
        for query, count in (
            ("", 400),
            ("&container_width=300", 200),
            ("&container_width=3000", 1_000),
        ):
            path = f"liquidations/BTCUSDT?timeframe=1m{query}"
            async with viewing(platform.port, path) as viewer:
                rows = (await viewer.hear_next(KIND))["data"]
                assert len(rows) == count
                assert rows[-1]["timestamp"] == OPENED_MS


@pytest.mark.parametrize(
    ("timeframe", "count"),
    [("1m", 1_000), ("5m", 864), ("15m", 672), ("30m", 672), ("1h", 720), ("4h", 540), ("1d", 365)],
)
async def test_o_r2_the_longest_spans_hold_here_too(
    tmp_path: Path, timeframe: str, count: int
) -> None:
    """Of 5 minutes 3 days: 864; of days 365. One event at each end of what is asked for."""
    length_ms = Interval(timeframe).nominal_ms
    opened_ms = Interval(timeframe).opens_at_ms(NOW_MS)
    async with storing(tmp_path) as (platform, store):
        first_ms = opened_ms - (count - 1) * length_ms
        for at_ms in (first_ms - 1, first_ms, NOW_MS):
            store.put(closed(at_ms - NOW_MS, 1.0))
        path = f"liquidations/BTCUSDT/{timeframe}?container_width=3000"
        async with viewing(platform.port, path) as viewer:
            rows = (await viewer.hear_next(KIND))["data"]
            assert (len(rows), rows[0]["timestamp"]) == (count, first_ms)


async def test_o_r2_agrees_with_the_socket(tmp_path: Path) -> None:
    """What the route gives of the same span is what the socket gives, averages included."""
    async with storing(tmp_path) as (platform, store):
        for number in range(60):
            store.put(closed(-number * 7 * MINUTE_MS, 100.0 + number, is_long=number % 3 == 0))
        async with viewing(platform.port, "liquidations/BTCUSDT?timeframe=15m") as viewer:
            rows = (await viewer.hear_next(KIND))["data"]
        reply = await platform.get("/api/v1/liquidation-volume/BTCUSDT/15m?exchange=binance")
        found = reply.json()
        assert isinstance(found, dict)
        assert found["data"] == rows
        assert {row["maValue"] is None for row in rows} == {False}


async def test_a_long_silence_is_told_in_portions(tmp_path: Path) -> None:
    """800 minutes without an event are 800 zeros: messages of at most 200 buckets."""
    path = "liquidations/BTCUSDT?timeframe=1m"
    async with storing(tmp_path) as (platform, store):
        store.put(closed(-800 * MINUTE_MS, 1.0))
        async with viewing(platform.port, path) as viewer:
            assert len((await viewer.hear_next(KIND))["data"]) == 1
            platform.bus.publish(closed(0, 2.0))
            sizes = [len((await viewer.hear_next(KIND))["data"]) for _ in range(4)]
            assert sizes == [UPDATE_BUCKETS] * 4
            async with viewing(platform.port, path) as other:
                assert len((await other.hear_next(KIND))["data"]) == 400


async def test_events_before_the_span_change_nothing(tmp_path: Path) -> None:
    """The newest bucket is ten minutes old, so the series would keep one of 1,004 minutes ago.

    But the past of that one was not asked for: it would show a part as the whole.
    """
    path = "liquidations/BTCUSDT?timeframe=1m"
    async with storing(tmp_path) as (platform, store):
        store.put(closed(-1_004 * MINUTE_MS, 7.0))
        store.put(closed(-10 * MINUTE_MS, 1.0))
        async with viewing(platform.port, path) as viewer:
            await viewer.hear_next(KIND)
            platform.bus.publish(closed(-1_004 * MINUTE_MS + 1, 5.0))
            platform.bus.publish(closed(-10 * MINUTE_MS + 5, 2.0))
            assert [row["sellVolume"] for row in (await viewer.hear_next(KIND))["data"]] == [3.0]


async def test_buckets_that_have_become_too_old_are_forgotten(tmp_path: Path) -> None:
    """365 days are kept; a day later the first of them is gone."""
    day_ms = Interval.D1.nominal_ms
    async with storing(tmp_path) as (platform, store):
        store.put(closed(-364 * day_ms, 1.0))
        store.put(closed(-1, 1.0))
        path = "liquidations/BTCUSDT/1d?container_width=3000"
        async with viewing(platform.port, path) as viewer:
            first = (await viewer.hear_next(KIND))["data"]
            platform.advance(day_ms / 1_000)
            platform.bus.publish(closed(day_ms, 2.0))
            await viewer.hear_next(KIND)
            async with viewing(platform.port, path) as other:
                rows = (await other.hear_next(KIND))["data"]
        assert [row["timestamp"] for row in rows] == [row["timestamp"] + day_ms for row in first]
        assert len(rows) == 365


async def test_a_client_that_comes_later_begins_where_the_others_are(tmp_path: Path) -> None:
    async with storing(tmp_path) as (platform, _):
        path = "liquidations/BTCUSDT?timeframe=1m"
        async with viewing(platform.port, path) as one:
            assert (await one.hear_next(KIND))["data"] == []
            platform.bus.publish(closed(0, 1.0))
            shown = (await one.hear_next(KIND))["data"]
            async with viewing(platform.port, path) as other:
                begun = await other.hear_next(KIND)
                assert (begun["data"], begun["isUpdate"]) == (shown, False)
                platform.bus.publish(closed(1, 1.0))
                for viewer in (one, other):
                    assert (await viewer.hear_next(KIND))["data"][0]["sellVolume"] == 2.0


def rename(folder: Path, before: str, after: str) -> None:
    """Gives a table of the database another name."""
    with closing(sqlite3.connect(folder / "made.sqlite3")) as changing:
        changing.execute(f"ALTER TABLE {before} RENAME TO {after}")


async def test_a_past_that_was_missing_is_put_before_what_was_heard(tmp_path: Path) -> None:
    """1 is stored, the database fails, 2 is heard; it works again, 4 and 8 are heard: 15 in all.

    What is heard is written as the platform does it: when the database takes it again.
    """
    path = "liquidations/BTCUSDT?timeframe=1h"
    async with storing(tmp_path) as (platform, store):

        def hear(event: Liquidation) -> None:
            platform.bus.publish(event)
            store.put(event)

        store.put(closed(-2, 1.0))
        await store.flush()
        rename(tmp_path, "liquidations", "away")
        async with viewing(platform.port, path) as viewer:
            begun = await viewer.hear_next(KIND)
            assert begun["data"] == []
            assert begun["missing"] == "the database does not answer; its state is in /health"
            hear(closed(2, 2.0))
            assert (await viewer.hear_next(KIND))["data"][0]["sellVolume"] == 2.0
            rename(tmp_path, "away", "liquidations")
            await store.flush()
            platform.advance(RETRY_S)
            hear(closed(4, 4.0))
            while (message := await viewer.hear_next(KIND))["isUpdate"]:
                assert message["data"][0]["sellVolume"] == 6.0
            (bucket,) = message["data"]
            assert (bucket["sellVolume"], bucket["count"]) == (7.0, 3)
            assert message["missing"] is None
            hear(closed(8, 8.0))
            assert (await viewer.hear_next(KIND))["data"][0]["sellVolume"] == 15.0


@pytest.mark.parametrize("works", [True, False])
async def test_what_is_heard_while_the_past_is_asked_for_again_is_counted(
    tmp_path: Path, works: bool
) -> None:
    """1 is stored and told; 2 is heard while the service is asked again, and 4 after: 7 in all."""
    clock = ManualClock(NOW_MS * 1_000_000)
    failure = http_reply(b"", HTTPStatus.BAD_GATEWAY)
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService([order_row(NOW_MS - 5 * HOUR_MS, 1_000.0)]).served() as service,
    ):
        service.reply = failure
        external = ExternalLiquidations(service.base_url, http, clock)
        path = "liquidations/BTCUSDT?exchange=all&timeframe=1h"
        async with (
            Platform(clock=clock, store=store, external=external).served() as platform,
            viewing(platform.port, path) as viewer,
        ):
            assert "502" in (await viewer.hear_next(KIND))["missing"]
            service.asked.clear()
            service.go_on.clear()
            service.reply = None
            platform.advance(RETRY_S)
            store.put(closed(1, 1.0))
            platform.bus.publish(closed(1, 1.0))
            assert (await viewer.hear_next(KIND))["data"][-1]["sellVolume"] == 1.0
            await until(lambda: any(where.endswith("/liquidations") for where, _ in service.asked))
            platform.bus.publish(closed(2, 2.0))
            assert (await viewer.hear_next(KIND))["data"][-1]["sellVolume"] == 3.0
            service.reply = None if works else failure
            service.go_on.set()
            if works:
                begun = await viewer.hear_next(KIND)
                assert (begun["isUpdate"], begun["missing"]) == (False, None)
                assert begun["data"][0]["source"] == "external"
                assert (begun["data"][-1]["sellVolume"], begun["data"][-1]["count"]) == (3.0, 2)
            platform.bus.publish(closed(4, 4.0))
            update = await viewer.hear_next(KIND)
            assert (update["isUpdate"], update["missing"] is None) == (True, works)
            assert update["data"][-1]["sellVolume"] == 7.0


async def test_events_lost_on_the_way_are_made_up_from_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for four, ten at once leave four in the chart; a minute later it has all, and 1."""
    monkeypatch.setattr("headwater.api.terminal.liquidation_feeds.QUEUE", 4)
    path = "liquidations/BTCUSDT?timeframe=1h"
    async with storing(tmp_path) as (platform, store), viewing(platform.port, path) as viewer:
        await viewer.hear_next(KIND)
        for number in range(10):
            store.put(closed(number, 1.0))
            platform.bus.publish(closed(number, 1.0))
        update = await viewer.hear_next(KIND)
        assert update["data"][0]["count"] == 4
        assert update["missing"] == "6 live liquidations were lost on the way"
        platform.advance(RETRY_S)
        store.put(closed(10, 1.0))
        platform.bus.publish(closed(10, 1.0))
        while (message := await viewer.hear_next(KIND))["isUpdate"]:
            assert message["data"][0]["count"] == 5
        assert (message["data"][0]["count"], message["missing"]) == (11, None)
