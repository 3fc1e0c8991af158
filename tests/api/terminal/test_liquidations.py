"""The liquidation socket over real sockets, with a venue in memory (O-W4, O-S8 to O-S12)."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api.fake_source import NOW_MS, make_instrument, make_liquidation
from tests.api.served import Platform
from tests.api.streaming import until
from tests.api.terminal.viewing import Message, Viewing, viewing
from tests.feeds.external_service import ExternalService, client, http_reply, order_row
from tests.storage.ready_tables import with_tables

from headwater.api.terminal.liquidation_feeds import HOLD_AGAIN_S, RETRY_S
from headwater.api.terminal.liquidations import SLICE
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, PositionSide, Side
from headwater.core.errors import NotSupported, VenueUnavailable
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Liquidation
from headwater.feeds.external_liquidations import ExternalLiquidations
from headwater.storage.store import Store
from headwater.venues.facts import Support

MINUTE_MS = 60_000


def forced(number: int, value: float = 33_500.0, **others: Any) -> Liquidation:
    """A long closed `number` ms after now, of so many USD."""
    return msgspec.structs.replace(
        make_liquidation(),
        timestamp_ms=NOW_MS + number,
        quantity=value / 67_000.0,
        value=value,
        **others,
    )


def ids(messages: list[Message]) -> list[int]:
    """Which `forced` each message tells of."""
    return [one["data"]["timestamp"] - NOW_MS for one in messages if one["type"] == "liquidation"]


@asynccontextmanager
async def storing(folder: Path, *venues: str) -> AsyncIterator[tuple[Platform, Store]]:
    """Served with a store; time stands still."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        platform = Platform(clock=clock, venues=venues or ("binance",), store=store)
        async with platform.served():
            yield platform, store


async def test_o_w4_the_newest_and_then_each_one(tmp_path: Path) -> None:
    """60 are stored, the last of them a short: the newest 50 come first, newest first."""
    async with storing(tmp_path) as (platform, store):
        for number in range(-60, 0):
            store.put(forced(number))
        async with viewing(platform.port, "liquidations/btc-usdt") as one:
            first = await one.hear()
            rows = first.pop("data")
            assert first == {
                "type": "liquidations",
                "exchange": "binance",
                "symbol": "BTCUSDT",
                "initial": True,
                "timestamp": NOW_MS,
                "missing": None,
            }
            assert [row["timestamp"] - NOW_MS for row in rows] == list(range(-1, -51, -1))
            platform.bus.publish(forced(1))
            assert (await one.hear())["type"] == "liquidation"
        async with viewing(platform.port, "liquidations/BTCUSDT") as other:
            rows = (await other.hear())["data"]
            assert len(rows) == 50
            assert rows[0]["timestamp"] == NOW_MS - 1, "the store here hears no bus"


async def test_o_m1_o_s11_o_d8_the_item(platform: Platform) -> None:
    """0.1234 BTC at 67,000.5: 8,267.8617 USD, written 8,268; step 0.001, tick 0.1."""
    event = msgspec.structs.replace(
        make_liquidation(),
        timestamp_ms=NOW_MS + 5,
        side=Side.BUY,
        position_side=PositionSide.SHORT,
        price=67_000.5,
        quantity=0.1234,
        value=8_267.8617,
    )
    async with viewing(platform.port, "liquidations?symbol=BTC/USDT:USDT") as one:
        await one.hear()
        platform.bus.publish(event)
        assert await one.hear() == {
            "type": "liquidation",
            "data": {
                "id": f"binance:BTCUSDT:{NOW_MS + 5}:buy:67000.5:0.1234",
                "exchange": "binance",
                "symbol": "BTCUSDT",
                "baseAsset": "BTC",
                "side": "buy",
                "positionSide": "short",
                "quantity": 0.1234,
                "quantityFormatted": "0.123",
                "priceUsdt": 8_267.8617,
                "priceUsdtFormatted": "8,268",
                "avgPrice": 67_000.5,
                "avgPriceFormatted": "67,000.5",
                "priceKind": "average",
                "isFloor": True,
                "timestamp": NOW_MS + 5,
                "time": (NOW_MS + 5) // 1_000,
                "displayTime": "17:20:00",
            },
        }


async def test_o_d6_every_subscriber_gets_every_event(platform: Platform) -> None:
    """Ten clients, with and without a time frame, some by one spelling, some by the other."""
    paths = ("liquidations/BTCUSDT", "liquidations?symbol=BTCUSDT&timeframe=1m")
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(viewing(platform.port, paths[number % 2]))
            for number in range(10)
        ]
        for one in clients:
            assert (await one.hear())["data"] == []
        for number in range(1, 41):
            platform.bus.publish(forced(number))
        for one in clients:
            heard = [await one.hear_next("liquidation") for _ in range(40)]
            assert ids(heard) == list(range(1, 41))
        assert len(platform.source.leases) == 2, "one for the closes, one for the chart"


async def test_o_d7_equal_ones_are_all_told(platform: Platform) -> None:
    """What the feeds let through is news: nothing is dropped a second time here."""
    async with viewing(platform.port, "liquidations/BTCUSDT") as one:
        await one.hear()
        for _ in range(3):
            platform.bus.publish(forced(1))
        assert ids(await one.until_pong()) == [1, 1, 1]


async def test_o_s8_one_upstream_which_ends_with_the_last_client(platform: Platform) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(5):
            one = await stack.enter_async_context(viewing(platform.port, "liquidations/BTCUSDT"))
            await one.hear()
        (lease,) = platform.source.leases
        assert lease.subscription.channel is Channel.LIQUIDATIONS
        assert lease.subscription.native_symbol == "BTCUSDT"
        assert lease.released == 0
        assert readers_of(platform) == ["terminal/liquidations/binance:BTCUSDT"]
    await until(lambda: lease.released == 1)
    assert readers_of(platform) == []
    assert tasks() == []


def readers_of(platform: Platform) -> list[str]:
    return [one.name for one in platform.bus.readers if one.name.startswith("terminal/")]


def tasks() -> list[str]:
    names = (task.get_name() for task in asyncio.all_tasks())
    return [name for name in names if name.startswith("terminal/")]


async def test_o_d6_what_is_heard_while_the_past_is_asked_for_is_told_once(tmp_path: Path) -> None:
    """Two are stored; one of them is heard again with a new one while the service is asked.

    The list has the stored two, and the new one follows singly.
    """
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService([order_row(NOW_MS - MINUTE_MS, 60_000.0)]).served() as service,
    ):
        service.go_on.clear()
        external = ExternalLiquidations(service.base_url, http, clock)
        served = Platform(clock=clock, store=store, external=external).served()
        store.put(forced(-20))
        store.put(forced(-10))
        async with (
            served as platform,
            viewing(platform.port, "liquidations/BTCUSDT?exchange=all") as one,
        ):
            await service.heard.wait()
            platform.bus.publish(forced(-10))
            platform.bus.publish(forced(7))
            service.go_on.set()
            first = await one.hear()
            assert [row["exchange"] for row in first["data"]] == ["binance", "binance", "external"]
            assert [row["timestamp"] - NOW_MS for row in first["data"]] == [-10, -20, -MINUTE_MS]
            assert ids(await one.until_pong()) == [7]
            async with viewing(platform.port, "liquidations/BTCUSDT?exchange=all") as other:
                rows = (await other.hear())["data"]
                assert [row["timestamp"] - NOW_MS for row in rows] == [7, -10, -20, -MINUTE_MS]
            assert len(service.asked) == 1, "once for all clients (O-S9)"


async def test_o_s9_o_s20_the_service_where_all_venues_are_wanted(tmp_path: Path) -> None:
    """It names no venue, so it is in the list of all of them, and marked."""
    clock = ManualClock(NOW_MS * 1_000_000)
    rows = [order_row(NOW_MS - number * 1_000, 60_000.0, "BUY", 0.5) for number in range(1, 80)]
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService(rows).served() as service,
    ):
        external = ExternalLiquidations(service.base_url, http, clock)
        async with Platform(clock=clock, store=store, external=external).served() as platform:
            async with viewing(platform.port, "liquidations/BTCUSDT?exchange=all") as one:
                found = (await one.hear())["data"]
            async with viewing(platform.port, "liquidations/BTCUSDT") as one:
                assert (await one.hear())["data"] == []
    assert len(found) == 50
    assert (found[0]["exchange"], found[0]["baseAsset"], found[0]["isFloor"]) == (
        "external",
        "BTC",
        True,
    )
    assert (found[0]["side"], found[0]["positionSide"]) == ("buy", "short")
    assert (found[0]["quantityFormatted"], found[0]["priceUsdtFormatted"]) == ("0.500", "30,000")


async def test_o_s9_a_service_that_fails_leaves_live_ones(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService().served() as service,
    ):
        service.is_silent = True
        external = ExternalLiquidations(service.base_url, http, clock, timeout_s=0.05)
        path = "liquidations/BTCUSDT?exchange=all&timeframe=1h"
        async with (
            Platform(clock=clock, store=store, external=external).served() as platform,
            viewing(platform.port, path) as one,
        ):
            closes, volume = await one.hear(), await one.hear()
            for message in (closes, volume):
                assert message["data"] == []
                assert message["missing"].endswith("no reply in 0.05 s")
            platform.bus.publish(forced(3))
            assert ids([await one.hear()]) == [3]


async def test_what_was_missing_is_asked_for_again_beside_the_live_ones(tmp_path: Path) -> None:
    """The service fails; a minute later it answers slowly, and live ones go on meanwhile."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService([order_row(NOW_MS - MINUTE_MS, 60_000.0)]).served() as service,
    ):
        service.reply = http_reply(b"", HTTPStatus.BAD_GATEWAY)
        external = ExternalLiquidations(service.base_url, http, clock)
        async with (
            Platform(clock=clock, store=store, external=external).served() as platform,
            viewing(platform.port, "liquidations/BTCUSDT?exchange=all") as one,
        ):
            first = await one.hear()
            assert (first["data"], "502" in first["missing"]) == ([], True)
            service.reply = None
            service.heard.clear()
            service.go_on.clear()
            platform.advance(RETRY_S)
            platform.bus.publish(forced(1))
            assert ids([await one.hear()]) == [1]
            await service.heard.wait()
            platform.bus.publish(forced(2))
            assert ids([await one.hear()]) == [2]
            service.go_on.set()
            again = await one.hear()
            assert (again["type"], again["missing"]) == ("liquidations", None)
            assert [row["timestamp"] - NOW_MS for row in again["data"]] == [2, 1, -MINUTE_MS]
            platform.bus.publish(forced(3))
            assert ids([await one.hear()]) == [3]


async def test_a_question_under_way_ends_with_the_last_client(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService().served() as service,
    ):
        service.reply = http_reply(b"", HTTPStatus.BAD_GATEWAY)
        external = ExternalLiquidations(service.base_url, http, clock)
        async with Platform(clock=clock, store=store, external=external).served() as platform:
            path = "liquidations/BTCUSDT?exchange=all&timeframe=1m"
            async with viewing(platform.port, path) as one:
                assert (await one.hear())["missing"]
                assert (await one.hear())["missing"]
                service.heard.clear()
                service.go_on.clear()
                platform.advance(RETRY_S)
                platform.bus.publish(forced(1))
                await service.heard.wait()
                await until(lambda: len(tasks()) == 4)
            await until(lambda: not tasks())


async def test_o_d14_without_storage_there_are_live_ones(platform: Platform) -> None:
    async with viewing(platform.port, "liquidations/BTCUSDT?timeframe=1m") as one:
        closes, volume = await one.hear(), await one.hear()
        assert (closes["type"], volume["type"]) == ("liquidations", "liquidation_volume")
        for message in (closes, volume):
            assert message["data"] == []
            assert "stores nothing" in message["missing"]
        platform.bus.publish(forced(3))
        assert ids([await one.hear()]) == [3]
        (bucket,) = (await one.hear())["data"]
        assert bucket["sellVolume"] == 33_500.0


async def test_a_database_that_refuses_is_told_and_live_goes_on(tmp_path: Path) -> None:
    async with storing(tmp_path) as (platform, _):
        with closing(sqlite3.connect(tmp_path / "made.sqlite3")) as damaging:
            damaging.execute("DROP TABLE liquidations")
        async with viewing(platform.port, "liquidations/BTCUSDT") as one:
            first = await one.hear()
            assert first["data"] == []
            assert first["missing"] == "the database does not answer; its state is in /health"
            platform.bus.publish(forced(3))
            assert ids([await one.hear()]) == [3]


async def test_a_least_value_is_of_single_ones(tmp_path: Path) -> None:
    """Of values of 100, 5,000 and 4,999 USD those of 5,000 are told; the chart has all."""
    async with storing(tmp_path) as (platform, store):
        for number, value in enumerate((100.0, 5_000.0, 4_999.0)):
            store.put(forced(number - 10, value))
        path = "liquidations/BTCUSDT?min_value_usd=5000&timeframe=1h"
        async with viewing(platform.port, path) as one:
            first, volume = await one.hear(), await one.hear()
            assert [row["priceUsdtFormatted"] for row in first["data"]] == ["5,000"]
            assert volume["data"][0]["sellVolume"] == 10_099.0
            for number, value in enumerate((100.0, 5_000.0, 4_999.99)):
                platform.bus.publish(forced(number, value))
            assert ids([await one.hear()]) == [1]
        async with viewing(platform.port, "liquidations/BTCUSDT") as one:
            assert len((await one.hear())["data"]) == 3


async def test_all_venues_each_with_its_own_places(tmp_path: Path) -> None:
    """Bybit's step is 0.01 here; OKX tells of no liquidations and is not held."""
    async with storing(tmp_path, "binance", "bybit", "okx") as (platform, _):
        bybit = platform.sources["bybit"]
        coarse = msgspec.structs.replace(
            make_instrument("BTCUSDT", "bybit"),
            quantity_step=Decimal("0.01"),
            native_symbol="BTC-X",
        )
        bybit.take_table(InstrumentTable("bybit", [coarse]))
        okx = platform.sources["okx"]
        channels = {
            **okx.facts.channels,
            Channel.LIQUIDATIONS: Support(available=False, note="none"),
        }
        okx.take_facts(msgspec.structs.replace(okx.facts, channels=channels))
        async with viewing(platform.port, "liquidations/BTCUSDT?exchange=ALL") as one:
            assert (await one.hear())["exchange"] == "all"
            platform.bus.publish(forced(1))
            platform.bus.publish(forced(2, exchange="bybit"))
            first, second = (await one.hear())["data"], (await one.hear())["data"]
            assert (first["exchange"], first["quantityFormatted"]) == ("binance", "0.500")
            assert (second["exchange"], second["quantityFormatted"]) == ("bybit", "0.50")
        held = {name: [one.subscription.native_symbol for one in source.leases]
                for name, source in platform.sources.items()}  # fmt: skip
        assert held == {"binance": ["BTCUSDT"], "bybit": ["BTC-X"], "okx": []}


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("liquidations/NOPEUSDT", "UNKNOWN_SYMBOL", "symbol"),
        ("liquidations/NOPEUSDT?exchange=all", "UNKNOWN_SYMBOL", "symbol"),
        ("liquidations/BTCUSDT?exchange=ftx", "UNKNOWN_EXCHANGE", "exchange"),
        ("liquidations/BTCUSDT?timeframe=3m", "BAD_PARAMETER", "timeframe"),
        ("liquidations/BTCUSDT?timeframe=1M", "BAD_PARAMETER", "timeframe"),
        ("liquidations/BTCUSDT?min_value_usd=-1", "BAD_PARAMETER", "min_value_usd"),
        ("liquidations/BTCUSDT?min_value_usd=nan", "BAD_PARAMETER", "min_value_usd"),
        ("liquidations/BTCUSDT?container_width=299", "BAD_PARAMETER", "container_width"),
        ("liquidations/BTCUSDT?container_width=3001", "BAD_PARAMETER", "container_width"),
        ("liquidations/BTCUSDT?limit=5", "BAD_PARAMETER", "limit"),
        ("liquidations/BTCUSDT/3m", "BAD_PARAMETER", "timeframe"),
        ("liquidations/BTCUSDT?timeframe=1m&timeframe=5m", "BAD_PARAMETER", "timeframe"),
        ("liquidations", "BAD_PARAMETER", "symbol"),
    ],
)
async def test_o_w4_a_wrong_address_is_named_and_closed_with_4000(
    platform: Platform, path: str, code: str, field: str
) -> None:
    async with viewing(platform.port, path) as one:
        (error,), close_code, _ = await one.closing()
    assert (error["type"], error["code"], error["field"]) == ("error", code, field)
    assert close_code == 4000
    assert platform.source.leases == []
    assert readers_of(platform) == []


async def test_a_venue_that_refuses_is_told(platform: Platform) -> None:
    platform.source.acquire_error = NotSupported("binance", "liquidations", "no public channel")
    async with viewing(platform.port, "liquidations/BTCUSDT") as one:
        (error,), close_code, _ = await one.closing()
    assert (error["code"], close_code) == ("NOT_SUPPORTED", 4000)
    assert "no public channel" in error["message"]


async def test_of_all_venues_one_that_refuses_keeps_no_other_away(tmp_path: Path) -> None:
    async with storing(tmp_path, "binance", "bybit") as (platform, _):
        platform.source.acquire_error = VenueUnavailable("binance", "away")
        async with viewing(platform.port, "liquidations/BTCUSDT?exchange=all") as one:
            await one.hear()
            platform.bus.publish(forced(2, exchange="bybit"))
            assert ids([await one.hear()]) == [2]
            assert platform.source.leases == []
            platform.source.acquire_error = None
            platform.advance(HOLD_AGAIN_S)
            platform.bus.publish(forced(3, exchange="bybit"))
            assert ids([await one.hear()]) == [3]
            await until(lambda: len(platform.source.leases) == 1)
            platform.source.acquire_error = VenueUnavailable("binance", "away")
        assert [lease.released for lease in platform.source.leases] == [1]
        platform.sources["bybit"].acquire_error = VenueUnavailable("bybit", "away")
        async with viewing(platform.port, "liquidations/BTCUSDT?exchange=all") as one:
            (error,), close_code, _ = await one.closing()
    assert (error["code"], close_code) == ("VENUE_ERROR", 4000)


async def test_messages_are_read_and_the_socket_stays_open(platform: Platform) -> None:
    async with viewing(platform.port, "liquidations/BTCUSDT") as one:
        await one.hear()
        await one.say("subscribe")
        error = await one.hear()
        assert (error["type"], error["code"], error["field"]) == ("error", "BAD_MESSAGE", "type")
        await one.say("ping")
        assert await one.hear() == {"type": "pong", "timestamp": NOW_MS}
        platform.bus.publish(forced(1))
        assert ids([await one.hear()]) == [1]


async def test_many_at_once_all_arrive_in_their_order(platform: Platform) -> None:
    count = 3 * SLICE + 7
    async with viewing(platform.port, "liquidations/BTCUSDT") as one:
        await one.hear()
        for number in range(count):
            platform.bus.publish(forced(number))
        heard = [await one.hear() for _ in range(count)]
        assert ids(heard) == list(range(count))


async def test_late_ones_are_told_and_stand_where_they_belong(platform: Platform) -> None:
    async with viewing(platform.port, "liquidations/BTCUSDT") as one:
        await one.hear()
        for number in (10, 5, 20, 10):
            platform.bus.publish(forced(number, side=Side.BUY))
        assert ids([await one.hear() for _ in range(4)]) == [10, 5, 20, 10]
        async with viewing(platform.port, "liquidations/BTCUSDT") as other:
            rows = (await other.hear())["data"]
            assert [row["timestamp"] - NOW_MS for row in rows] == [20, 10, 10, 5]


async def test_leaving_before_the_past_is_there_leaves_nothing(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        client(clock) as http,
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        ExternalService().served() as service,
    ):
        service.go_on.clear()
        external = ExternalLiquidations(service.base_url, http, clock)
        async with Platform(clock=clock, store=store, external=external).served() as platform:
            path = "liquidations/BTCUSDT?exchange=all&timeframe=1m"
            async with viewing(platform.port, path):
                await service.heard.wait()
                assert len(tasks()) == 2
            await until(lambda: not tasks())
            assert readers_of(platform) == []
            assert [lease.released for lease in platform.source.leases] == [1, 1]


@asynccontextmanager
async def two(platform: Platform, path: str) -> AsyncIterator[tuple[Viewing, Viewing]]:
    async with viewing(platform.port, path) as one, viewing(platform.port, path) as other:
        yield one, other


async def test_events_lost_on_the_way_are_told_of(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for four, ten at once leave the newest four, and a notice of the six."""
    monkeypatch.setattr("headwater.api.terminal.liquidation_feeds.QUEUE", 4)
    async with two(platform, "liquidations/BTCUSDT") as clients:
        for one in clients:
            await one.hear()
        for number in range(10):
            platform.bus.publish(forced(number))
        for one in clients:
            notice, *others = await one.until_pong()
            assert (notice["type"], notice["code"]) == ("error", "TOO_SLOW")
            assert "6 messages" in notice["message"]
            assert ids(others) == [6, 7, 8, 9]


async def test_500_clients_that_come_and_go_leave_nothing(platform: Platform) -> None:
    """Some leave at once, some after the first message, some are cut."""

    async def visit(number: int, session: aiohttp.ClientSession) -> None:
        timeframe = ("", "?timeframe=1m")[number % 2]
        url = f"http://127.0.0.1:{platform.port}/api/v1/ws/liquidations/BTCUSDT{timeframe}"
        async with session.ws_connect(url) as socket:
            if number % 3:
                await socket.receive(timeout=20)
            if number % 5 == 0:
                transport = socket._response.connection.transport  # type: ignore[union-attr]
                transport.abort()  # type: ignore[union-attr]

    connector = aiohttp.TCPConnector(limit=50)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(visit(number, session) for number in range(500)))
    await until(lambda: platform.hub.stats().clients == 0)
    assert tasks() == []
    assert readers_of(platform) == []
    assert all(lease.released == 1 for lease in platform.source.leases)
    assert not [t.key for t in platform.hub.stats().topics if t.key.startswith("terminal/")]
