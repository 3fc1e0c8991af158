"""The list of trades on real sockets, over a venue in memory whose list and stream overlap."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api.fake_source import NOW_MS, FakeSource, make_trade
from tests.api.served import Platform
from tests.api.terminal.viewing import Message, Viewing, viewing

from headwater.core.enums import Channel, FeedState
from headwater.core.errors import VenueRejected, VenueUnavailable
from headwater.core.formatting import read_formatted
from headwater.core.instruments import Instrument
from headwater.core.records import ConnectionState, Trade

FAST = "trades?symbol=BTCUSDT&pace_ms=50"


def trade_numbers(message: Message) -> list[int]:
    return [int(one["id"]) for one in message["trades"]]


def falling(last: int, count: int) -> list[int]:
    return list(range(last, last - count, -1))


def state(now: FeedState, reason: str = "") -> ConnectionState:
    return ConnectionState(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS,
        received_ns=NOW_MS * 1_000_000,
        channel=Channel.TRADES,
        state=now,
        reason=reason,
        since_ms=NOW_MS,
    )


async def hear_numbers(client: Viewing, wanted: Sequence[int]) -> Message:
    """The first message whose list begins so."""
    while True:
        message = await client.hear_next("trades_update")
        if trade_numbers(message)[: len(wanted)] == list(wanted):
            return message


class ListedSource(FakeSource):
    """A venue whose list of newest trades is set by the test.

    Attributes:
        listed: numbers of the first and the last trade that it lists.
        is_counted: whether its trades have numbers without holes.
    """

    listed = (1, 100)
    is_counted = True

    async def trades(self, instrument: Instrument, *, limit: int) -> Sequence[Trade]:
        """The newest `limit` of those it lists, oldest first."""
        await super().trades(instrument, limit=limit)
        first, last = self.listed
        first = max(first, last - limit + 1)
        return [self.trade(number) for number in range(first, last + 1)]

    def trade(self, number: int) -> Trade:
        """One of its trades."""
        made = make_trade(number)
        return made if self.is_counted else msgspec.structs.replace(made, sequence=None)


def list_at(platform: Platform) -> ListedSource:
    """Puts such a venue in the place of the platform's."""
    source = ListedSource("binance")
    platform.sources["binance"] = source
    return source


@pytest.mark.parametrize(
    "path", ["trades?symbol=BTCUSDT", "trades/BTCUSDT", "trades/btc-usdt?exchange=binance"]
)
async def test_o_w2_both_forms_begin_with_a_hundred_trades_newest_first(
    platform: Platform, path: str
) -> None:
    async with viewing(platform.port, path) as client:
        first = await client.hear()
    assert first["type"] == "trades_update"
    assert first["exchange"] == "binance"
    assert first["symbol"] == "BTCUSDT"
    assert first["initial"] is True
    assert first["timestamp"] == NOW_MS
    assert trade_numbers(first) == falling(100, 100)


async def test_o_w2_each_number_has_its_text_and_times_are_utc(platform: Platform) -> None:
    """Trade 100: 67890.1 at a tick of 0.1, 0.015 at a step of 0.001, 17:20:00.223 UTC."""
    async with viewing(platform.port, "trades/BTCUSDT?limit=1") as client:
        (one,) = (await client.hear())["trades"]
    assert one == {
        "id": "100",
        "price": 67890.1,
        "amount": 0.015,
        "side": "buy",
        "timestamp": NOW_MS + 100,
        "time": 1_731_000_000,
        "priceFormatted": "67,890.1",
        "amountFormatted": "0.015",
        "timeFormatted": "17:20:00",
    }
    assert float(read_formatted(one["priceFormatted"])) == one["price"]
    assert float(read_formatted(one["amountFormatted"])) == one["amount"]


def test_o_d12_the_time_of_day_is_utc_wherever_the_machine_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import time

    from headwater.api.schemas.terminal.trades import terminal_trade
    from headwater.core.formatting import SymbolFormat

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        moment = NOW_MS + 3_600_000
        record = make_trade(3_600_000)
        view = terminal_trade(record, SymbolFormat(price_places=1, amount_places=3))
        assert view.timestamp == moment
        assert view.time_formatted == f"{datetime.fromtimestamp(moment / 1000, UTC):%H:%M:%S}"
        assert view.time_formatted == "18:20:00"
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


async def test_o_s7_live_trades_and_history_are_one_list(platform: Platform) -> None:
    async with viewing(platform.port, FAST) as client:
        assert trade_numbers(await client.hear()) == falling(100, 100)
        for number in (99, 100, 101, 102, 101):
            platform.bus.publish(make_trade(number))
        message = await hear_numbers(client, [102])
        assert message["initial"] is False
        assert trade_numbers(message) == falling(102, 100)


async def test_o_s7_a_hole_between_history_and_live_is_asked_for(platform: Platform) -> None:
    """The list ends with 100, the stream begins with 105: the venue is asked until it has them."""
    source = list_at(platform)
    async with viewing(platform.port, FAST) as client:
        assert trade_numbers(await client.hear()) == falling(100, 100)
        calls = len(source.calls)
        platform.bus.publish(make_trade(105))
        async with asyncio.timeout(5):
            while len(source.calls) == calls:
                await asyncio.sleep(0)
        assert await client.until_pong() == [], "no list with a hole is shown"
        source.listed = (6, 106)
        message = await hear_numbers(client, [106])
        assert trade_numbers(message) == falling(106, 100)


async def test_o_s7_after_an_interruption_nothing_is_missing(platform: Platform) -> None:
    source = list_at(platform)
    async with viewing(platform.port, FAST) as client:
        await client.hear()
        platform.bus.publish(make_trade(101))
        await hear_numbers(client, [101])
        platform.bus.publish(state(FeedState.DOWN, "connection lost"))
        error = await client.hear_next("error")
        assert error["code"] == "VENUE_ERROR"
        assert "connection lost" in error["message"]
        source.listed = (1, 130)
        platform.bus.publish(state(FeedState.LIVE))
        platform.bus.publish(make_trade(131))
        assert trade_numbers(await hear_numbers(client, [131])) == falling(131, 100)


async def test_o_s7_an_interruption_of_uncounted_trades_is_mended_by_overlap(
    platform: Platform,
) -> None:
    """Nothing in 131 itself tells that 102 to 130 are missing."""
    source = list_at(platform)
    source.is_counted = False
    async with viewing(platform.port, FAST) as client:
        await client.hear()
        source.listed = (1, 101)
        platform.bus.publish(source.trade(101))
        await hear_numbers(client, [101])
        platform.bus.publish(state(FeedState.STALE))
        source.listed = (1, 131)
        platform.bus.publish(source.trade(131))
        message = await client.hear_next("trades_update")
        assert trade_numbers(message) == falling(131, 100)


async def test_o_s7_what_a_slow_process_dropped_is_asked_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty trades where ten may wait: twenty are gone, and nothing in the others says so."""
    monkeypatch.setattr("headwater.api.terminal.history_feed.WAITING_MAX", 10)
    source = list_at(platform)
    source.is_counted = False
    async with viewing(platform.port, FAST) as client:
        await client.hear()
        source.listed = (1, 101)
        platform.bus.publish(source.trade(101))
        await hear_numbers(client, [101])
        source.listed = (1, 131)
        for number in range(102, 132):
            platform.bus.publish(source.trade(number))
        message = await client.hear_next("trades_update")
        assert trade_numbers(message) == falling(131, 100)
        source.error = VenueUnavailable("binance", "connection refused")
        for number in range(132, 162):
            platform.bus.publish(source.trade(number))
        message = await client.hear_next("trades_update")
        assert trade_numbers(message) == falling(161, 10), "nothing from before the hole"


async def test_o_s7_without_history_the_live_trades_are_shown_and_the_client_told(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.api.terminal.history_feed.RETRY_S", 0.1)
    source = list_at(platform)
    source.error = VenueUnavailable("binance", "connection refused")
    async with viewing(platform.port, FAST) as client:
        error = await client.hear()
        assert (error["type"], error["code"]) == ("error", "VENUE_ERROR")
        first = await client.hear()
        assert first["initial"] is True
        assert first["trades"] == []
        platform.bus.publish(make_trade(7))
        assert trade_numbers(await hear_numbers(client, [7])) == [7]
        source.error = None
        source.listed = (1, 7)
        assert trade_numbers(await hear_numbers(client, [7, 6])) == falling(7, 7)


async def test_o_d4_a_venue_that_is_wholly_down_gives_an_error_and_no_trades(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the past nor the stream can be had: 1011, and nothing is made up."""
    monkeypatch.setattr("headwater.api.terminal.history_feed.START_S", 0.2)
    source = platform.source
    source.error = VenueUnavailable("binance", "connection refused")
    async with viewing(platform.port, "trades/ETHUSDT") as client:
        messages, code, _ = await client.closing()
    assert code == 1011
    assert [one["type"] for one in messages] == ["error"]
    assert messages[0]["code"] == "VENUE_ERROR"
    assert platform.publisher.hub.stats().topics == ()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("trades?symbol=NOPE", "symbol"),
        ("trades", "symbol"),
        ("trades/BTCUSDT?exchange=nope", "exchange"),
        ("trades/BTCUSDT?limit=0", "limit"),
        ("trades/BTCUSDT?limit=101", "limit"),
        ("trades/BTCUSDT?limit=ten", "limit"),
        ("trades/BTCUSDT?pace_ms=49", "pace_ms"),
        ("trades/BTCUSDT?pace_ms=10001", "pace_ms"),
        ("trades/BTCUSDT?depth=3", "depth"),
        ("trades/BTCUSDT?symbol=BTCUSDT", "symbol"),
    ],
)
async def test_o_w2_a_bad_address_is_an_error_and_4000(
    platform: Platform, path: str, field: str
) -> None:
    async with viewing(platform.port, path) as client:
        messages, code, _ = await client.closing()
    assert code == 4000
    assert [one["field"] for one in messages] == [field]
    assert platform.source.leases == []


async def test_a_venue_that_refuses_the_stream_is_an_error_and_4000(platform: Platform) -> None:
    platform.source.acquire_error = VenueRejected("binance", "no such stream")
    async with viewing(platform.port, "trades/BTCUSDT") as client:
        messages, code, _ = await client.closing()
    assert code == 4000
    assert messages[0]["code"] == "VENUE_ERROR"


async def test_o_w2_ping_is_answered_and_nonsense_leaves_the_socket_open(
    platform: Platform,
) -> None:
    async with viewing(platform.port, "trades/BTCUSDT") as client:
        await client.hear()
        await client.socket.send_str('{"type": "load_history"}')
        assert (await client.hear_next("error"))["code"] == "BAD_MESSAGE"
        assert await client.until_pong() == []


async def test_one_feed_and_one_message_for_all_who_see_the_same(platform: Platform) -> None:
    """Three clients, two of them with the same view: one lease, one question, two topics."""
    source = platform.source
    async with (
        viewing(platform.port, FAST) as one,
        viewing(platform.port, "trades/BTCUSDT?pace_ms=50") as same,
        viewing(platform.port, f"{FAST}&limit=3") as short,
    ):
        for client in (one, same, short):
            await client.hear()
        platform.bus.publish(make_trade(101))
        messages = [await client.hear() for client in (one, same, short)]
        topics = {topic.key: topic for topic in platform.hub.stats().topics}
        assert messages[0] == messages[1]
        assert trade_numbers(messages[2]) == [101, 100, 99]
        prefix = "terminal/trades/binance:BTCUSDT?"
        assert {key.removeprefix(prefix): one.subscribers for key, one in topics.items()} == {
            "limit=100&pace_ms=50": 2,
            "limit=3&pace_ms=50": 1,
        }
        assert len(source.leases) == 1
        assert source.calls == ["trades BTCUSDT 100"]
    await until_gone(platform)
    assert [lease.released for lease in source.leases] == [1]


async def until_gone(platform: Platform) -> None:
    """Waits until the server has noticed that its clients left."""
    async with asyncio.timeout(5):
        while platform.hub.stats().topics or platform.bus.readers[1:]:
            await asyncio.sleep(0)


async def test_lists_come_no_faster_than_the_pace(platform: Platform) -> None:
    """Ten trades within one pace are two lists: the first at once, the rest together."""
    async with viewing(platform.port, "trades/BTCUSDT?pace_ms=300") as client:
        await client.hear()
        platform.bus.publish(make_trade(101))
        assert trade_numbers(await client.hear()) == falling(101, 100)
        for number in range(102, 111):
            platform.bus.publish(make_trade(number))
            await asyncio.sleep(0)
        assert trade_numbers(await client.hear()) == falling(110, 100)


async def test_clients_that_leave_at_any_moment_leave_nothing(platform: Platform) -> None:
    """Also before the first answer of the venue."""
    waiting = asyncio.Event()
    platform.source.wait_for = waiting
    before = {task for task in asyncio.all_tasks() if "terminal" in task.get_name()}
    async with aiohttp.ClientSession() as session:
        for turn in range(20):
            url = f"http://127.0.0.1:{platform.port}/api/v1/ws/trades/BTCUSDT?limit={turn + 1}"
            socket = await session.ws_connect(url)
            if turn == 10:
                waiting.set()
            await socket.close()
    await until_gone(platform)
    after: set[asyncio.Task[Any]] = {
        task for task in asyncio.all_tasks() if "terminal" in task.get_name()
    }
    assert after == before
    assert all(lease.released == 1 for lease in platform.source.leases)
