"""`/ws/heatmap` over real sockets (L-W1)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.api.heatmap_maps import CountedMaps
from tests.api.served import Platform
from tests.api.streaming import raw_client, refused, until, upgrade_request

from headwater.api.heatmap_board import COMPUTING_MAX, TICK_S
from headwater.api.heatmap_session import REQUESTS_PER_S
from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import StreamLimits
from headwater.core.errors import NotSupported, StorageUnavailable

Message = dict[str, Any]


class Watching:
    """A client of the socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, action: str, **fields: object) -> None:
        await self.socket.send_str(json.dumps({"action": action, **fields}))

    async def hear(self) -> Message:
        async with asyncio.timeout(10):
            found: Message = json.loads(await self.socket.receive_str())
        return found

    async def until_pong(self) -> list[Message]:
        """Everything that was sent before the answer to a ping."""
        await self.say("ping")
        found: list[Message] = []
        while (message := await self.hear())["type"] != "pong":
            found.append(message)
        return found


@asynccontextmanager
async def watching(platform: Platform) -> AsyncIterator[Watching]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{platform.port}/ws/heatmap") as socket,
    ):
        yield Watching(socket)


@pytest.fixture
def maps() -> CountedMaps:
    return CountedMaps()


@pytest.fixture
async def served(maps: CountedMaps) -> AsyncIterator[Platform]:
    """Time stands still; the maps are counted."""
    async with Platform(maps=maps).served() as platform:
        yield platform


async def pass_time(platform: Platform, seconds: int) -> None:
    """Lets whole seconds pass, one by one, each with what is due in it."""
    for _ in range(seconds):
        platform.advance(1.0)
        platform.heatmaps.tick()
        await until(lambda: not running())


def running() -> list[str]:
    """Names of the tasks that wait for maps."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return [name for name in names if name.startswith("heatmap-")]


async def test_a_snapshot_as_documented_at_once_and_then_at_the_pace(
    served: Platform, maps: CountedMaps
) -> None:
    async with watching(served) as client:
        await client.say("subscribe", symbols=["btc-usdt"], update_interval=2)
        assert await client.hear() == {
            "type": "snapshot",
            "symbol": "BTCUSDT",
            "timestamp": "2024-11-07T17:20:00.124Z",
            "data": {
                "levels": [
                    {"price": 100.0, "long_density": 0.0, "short_density": 2e6},
                    {"price": 101.0, "long_density": 1e6, "short_density": 2e6},
                ],
                "current_price": 1.0,
                "positions_created": 5e5,
                "positions_consumed": 2.5e5,
            },
        }
        await pass_time(served, 8)
        assert [m["data"]["current_price"] for m in await client.until_pong()] == [2, 3, 4, 5]
        assert maps.asked == {"BTCUSDT": 5}


async def test_the_default_pace_is_five_seconds_or_as_set(maps: CountedMaps) -> None:
    for settings, expected in ((ApiSettings(), 2), (ApiSettings(heatmap_pace_s=3), 3)):
        async with Platform(settings, maps=maps).served() as platform, watching(platform) as client:
            await client.say("subscribe", symbols=["ETHUSDT"])
            assert (await client.hear())["type"] == "snapshot"
            await pass_time(platform, 10)
            assert len(await client.until_pong()) == expected


async def test_one_map_a_second_serves_every_client_and_every_pace(
    served: Platform, maps: CountedMaps
) -> None:
    """Paces of 1, 2 and 3 seconds over 6 seconds: 6, 3 and 2 snapshots of 1 + 6 maps."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(watching(served)) for _ in range(6)]
        for number, client in enumerate(clients):
            pace = 1 + number % 3
            await client.say("subscribe", symbols=["BTCUSDT"], update_interval=pace)
            first = await client.hear()
            assert first["data"]["current_price"] == 1.0, "no map is made for a later client"
        await pass_time(served, 6)
        prices = [
            [m["data"]["current_price"] for m in await client.until_pong()] for client in clients
        ]
        assert prices[:3] == prices[3:] == [[2, 3, 4, 5, 6, 7], [3, 5, 7], [4, 7]]
        assert maps.asked == {"BTCUSDT": 7}


async def test_nothing_is_made_for_nobody(served: Platform, maps: CountedMaps) -> None:
    async with watching(served) as client:
        await client.say("subscribe", symbols=["BTCUSDT", "ETHUSDT"], update_interval=1)
        assert {(await client.hear())["symbol"] for _ in range(2)} == {"BTCUSDT", "ETHUSDT"}
        await client.say("unsubscribe", symbols=["eth/usdt"])
        assert await client.until_pong() == []
        await pass_time(served, 3)
        assert {m["symbol"] for m in await client.until_pong()} == {"BTCUSDT"}
    await until(lambda: served.heatmaps.stats().connections == 0)
    await pass_time(served, 5)
    assert maps.asked == {"BTCUSDT": 4, "ETHUSDT": 1}
    assert served.heatmaps.stats().symbols == ()


async def test_coming_and_going_makes_no_more_maps(served: Platform, maps: CountedMaps) -> None:
    async with watching(served) as client:
        for _ in range(4):
            await client.say("subscribe", symbols=["BTCUSDT"])
            await client.say("unsubscribe", symbols=["BTCUSDT"])
        await client.until_pong()
        served.heatmaps.tick()
        assert maps.asked["BTCUSDT"] <= 1


async def test_a_new_pace_takes_the_place_of_the_old_one(served: Platform) -> None:
    async with watching(served) as client:
        await client.say("subscribe", symbols=["BTCUSDT"], update_interval=1)
        assert (await client.hear())["type"] == "snapshot"
        await client.say("subscribe", symbols=["BTC", "BTCUSDT"], update_interval=5)
        assert await client.until_pong() == [], "it has the newest map already"
        await client.say("subscribe", symbols=["BTC"], update_interval=5)
        assert await client.until_pong() == [], "nothing changes"
        await pass_time(served, 10)
        assert len(await client.until_pong()) == 2
        assert served.heatmaps.stats().subscriptions == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotSupported("storage", "maps", "nothing stored yet"), "nothing stored yet"),
        (StorageUnavailable("made", "secret"), "the database does not answer"),
        (ValueError("secret"), "internal error"),
    ],
)
async def test_without_a_map_the_reason_comes_once_and_snapshots_as_soon_as_there_is_one(
    served: Platform, maps: CountedMaps, error: Exception, words: str
) -> None:
    maps.error = error
    async with watching(served) as client, watching(served) as late:
        await client.say("subscribe", symbols=["BTCUSDT"], update_interval=1)
        message = await client.hear()
        assert (message["type"], message["code"]) == ("error", "SERVER_ERROR")
        assert (message["symbol"], "secret" in message["message"]) == ("BTCUSDT", False)
        assert words in message["message"]
        await pass_time(served, 4)
        await late.say("subscribe", symbols=["BTCUSDT"], update_interval=1)
        assert (await late.hear())["message"] == message["message"]
        assert maps.asked["BTCUSDT"] == 1, "a failure is not tried again every second"
        await pass_time(served, 6)
        assert await client.until_pong() == []
        assert served.heatmaps.stats().symbols[0].error is not None
        maps.error = None
        await pass_time(served, 5)
        assert (await client.hear())["type"] == (await late.hear())["type"] == "snapshot"
        assert served.heatmaps.stats().symbols[0].error is None
        await client.until_pong()
        maps.error = error
        await pass_time(served, 2)
        assert (await client.until_pong())[-1]["code"] == "SERVER_ERROR", "news again"


async def test_a_process_without_maps_says_so(platform: Platform) -> None:
    async with watching(platform) as client:
        await client.say("subscribe", symbols=["BTCUSDT"])
        assert "this process makes no maps" in (await client.hear())["message"]


async def test_a_map_that_does_not_fit_is_an_error(maps: CountedMaps) -> None:
    maps.levels = 1000
    limits = StreamLimits(buffer_bytes=65_536, chunk_bytes=8_192)
    async with Platform(maps=maps, limits=limits).served() as platform, watching(platform) as one:
        await one.say("subscribe", symbols=["BTCUSDT"])
        assert "allowed: 32768" in (await one.hear())["message"]


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        ("{", "INVALID_MESSAGE", "message"),
        ('{"action":"dance"}', "INVALID_ACTION", "ping"),
        ('{"action":"subscribe","symbols":["BTCUST"]}', "INVALID_SYMBOL", "BTCUSDT"),
        ('{"action":"subscribe","symbols":["\\ud800"]}', "INVALID_", ""),
        ('{"action":"unsubscribe","symbols":["BTCUSDT"]}', "INVALID_SYMBOL", "socket has"),
        ('{"action":"unsubscribe","symbols":["NOPE"]}', "INVALID_SYMBOL", "venue lists"),
        ('{"action":"subscribe","symbols":["BTCUSDT"],"update_interval":0}', "INVALID_M", "1 to"),
    ],
)
async def test_what_is_wrong_is_answered_and_the_socket_lives_on(
    served: Platform, sent: str, code: str, words: str
) -> None:
    async with watching(served) as client:
        await client.socket.send_str(sent)
        message = await client.hear()
        assert message["type"] == "error"
        assert message["code"].startswith(code)
        assert words in message["message"]
        assert await client.until_pong() == []


async def test_a_wrong_symbol_keeps_the_others_from_nothing(served: Platform) -> None:
    async with watching(served) as client:
        await client.say("subscribe", symbols=["XXXUSDT", "BTCUSDT", "YYYUSDT"])
        heard = [await client.hear() for _ in range(3)]
        assert sorted(m.get("symbol", "") for m in heard) == ["BTCUSDT", "XXXUSDT", "YYYUSDT"]
        served.source.forget_instruments()
        await client.say("subscribe", symbols=["ETHUSDT"])
        message = await client.hear()
        assert (message["code"], message["symbol"]) == ("SERVER_ERROR", "ETHUSDT")
        assert "not loaded yet" in message["message"]


async def test_ten_symbols_a_socket_and_ten_requests_a_second(
    served: Platform, maps: CountedMaps
) -> None:
    symbols = [f"{letter * 3}USDT" for letter in "ABCDEFGHIJKL"]
    served.source.list_symbols(*symbols)
    async with watching(served) as client:
        await client.say("subscribe", symbols=symbols[:8])
        await client.say("subscribe", symbols=symbols[8:])
        heard = await client.until_pong()
        wrong = [m for m in heard if m["type"] == "error"]
        assert [(m["code"], m["symbol"]) for m in wrong] == [
            ("INVALID_MESSAGE", "KKKUSDT"),
            ("INVALID_MESSAGE", "LLLUSDT"),
        ]
        await until(lambda: len(maps.asked) == 10)
        assert maps.running_peak <= COMPUTING_MAX
        served.advance(1.0)
        for _ in range(REQUESTS_PER_S + 1):
            await client.say("ping")
        heard = []
        while not heard or heard[-1]["type"] != "error":
            heard.append(await client.hear())
        assert sum(m["type"] == "pong" for m in heard) == REQUESTS_PER_S
        assert heard[-1]["code"] == "RATE_LIMITED"
        served.advance(1.0)
        await client.until_pong()
        assert served.heatmaps.stats().rate_limited == 1


async def test_who_is_silent_is_pinged_then_warned_then_closed(maps: CountedMaps) -> None:
    """Three equal times of 0.2 s here, of 20 s by default: 60 s in all."""
    limits = StreamLimits(ping_interval_s=0.2, ping_timeout_s=0.2, sweep_interval_s=0.02)
    async with (
        Platform(maps=maps, limits=limits).served() as platform,
        raw_client(platform.port, "/ws/heatmap") as client,
    ):
        assert (await client.frame())[0] == 9
        warning = json.loads(await client.text())
        assert (warning["type"], warning["code"]) == ("warning", "CONNECTION_UNSTABLE")
        assert warning["dropped_messages"] == 0
        client.send(1, b'{"action":"ping"}')
        assert json.loads(await client.text())["type"] == "pong"
        assert (await client.frame())[0] == 9
        assert json.loads(await client.text())["code"] == "CONNECTION_UNSTABLE", "told anew"
        assert await client.closed() == (1011, "ping timeout")


async def test_a_slow_client_loses_the_oldest_and_is_told_how_many(maps: CountedMaps) -> None:
    maps.levels = 2000  # about 120 kB a snapshot
    limits = StreamLimits(slow_close_s=60.0)
    async with (
        Platform(maps=maps, limits=limits).served() as platform,
        raw_client(platform.port, "/ws/heatmap", receive_buffer=4096) as slow,
    ):
        request = {"action": "subscribe", "symbols": ["BTCUSDT"], "update_interval": 1}
        slow.send(1, json.dumps(request).encode())
        first = json.loads(await slow.text())
        assert first["data"]["current_price"] == 1.0
        await pass_time(platform, 40)
        prices, warning = list[float](), None
        while not prices or prices[-1] < 41.0:
            message = json.loads(await slow.text())
            if message["type"] == "warning":
                assert warning is None
                warning = message
                continue
            prices.append(message["data"]["current_price"])
        assert warning is not None
        assert warning["code"] == "SLOW_CONSUMER"
        assert "BTCUSDT" in warning["message"]
        missing = set(range(2, 42)) - {int(price) for price in prices}
        assert warning["dropped_messages"] == len(missing) > 0
        assert prices == sorted(prices)
        assert platform.heatmaps.stats().dropped_messages == len(missing)


async def test_hundreds_of_clients_get_every_snapshot_and_all_is_released(
    maps: CountedMaps,
) -> None:
    """300 clients of 3 symbols and 3 paces over 12 seconds: 12, 6 and 4 snapshots a symbol.

    Every client hears the same numbers as the others of its pace; the maps are 13 a symbol: one to
    begin with and one a second, whoever asks.
    """
    symbols, paces, clients = ["BTCUSDT", "ETHUSDT", "SOLUSDT"], (1, 2, 3), 300
    async with Platform(maps=maps).served() as platform:
        before = len(asyncio.all_tasks())
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            url = f"http://127.0.0.1:{platform.port}/ws/heatmap"
            opened = [Watching(await session.ws_connect(url)) for _ in range(clients)]
            for number, client in enumerate(opened):
                pace = paces[number % 3]
                await client.say("subscribe", symbols=symbols, update_interval=pace)
            for client in opened:
                assert {(await client.hear())["symbol"] for _ in symbols} == set(symbols)
            await pass_time(platform, 12)
            heard = [await client.until_pong() for client in opened]
            for number, messages in enumerate(heard):
                pace = paces[number % 3]
                for symbol in symbols:
                    prices = [m["data"]["current_price"] for m in messages if m["symbol"] == symbol]
                    assert prices == [1.0 + at for at in range(pace, 13, pace)], (number, symbol)
                assert messages == heard[number % 3]
            assert maps.asked == dict.fromkeys(symbols, 13)
            stats = platform.heatmaps.stats()
            assert (stats.connections, stats.subscriptions) == (clients, 3 * clients)
            assert stats.published == 3 * (12 + 6 + 4)
            assert stats.dropped_messages == 0
            maps.gate.clear()  # some leave while a map is being made
            platform.advance(1.0)
            platform.heatmaps.tick()
            await until(running)
            for number, client in enumerate(opened):
                if number % 2:
                    await client.socket.close()
        await until(lambda: platform.heatmaps.stats().connections == 0)
        await until(lambda: not running())
        await until(lambda: len(asyncio.all_tasks()) <= before)
        stats = platform.heatmaps.stats()
        assert (stats.subscriptions, stats.symbols, maps.running) == (0, (), 0)
        assert [one for one in platform.hub.stats().topics if "heatmap" in one.key] == []
        assert platform.hub.stats().clients == 0


async def test_a_map_that_takes_long_holds_nothing_else_up(
    served: Platform, maps: CountedMaps
) -> None:
    maps.gate.clear()
    async with watching(served) as client, watching(served) as other:
        await client.say("subscribe", symbols=["BTCUSDT"], update_interval=1)
        assert await client.until_pong() == []
        await until(running)
        assert await other.until_pong() == []
        assert (await served.get("/binance/ohlc/BTCUSDT/1m")).status == 200
        for _ in range(5):
            served.advance(1.0)
            served.heatmaps.tick()
        assert maps.asked == {"BTCUSDT": 1}, "a map is not asked for twice at a time"
        maps.gate.set()
        assert (await client.hear())["type"] == "snapshot"


async def test_the_timer_runs_by_itself(maps: CountedMaps) -> None:
    """Nobody calls `tick` here: the clock is moved, and the next snapshot comes."""
    assert TICK_S <= 0.1
    async with Platform(maps=maps).served() as platform, watching(platform) as client:
        await client.say("subscribe", symbols=["BTCUSDT"], update_interval=1)
        await client.hear()
        platform.advance(1.0)
        assert (await client.hear())["data"]["current_price"] == 2.0


async def test_it_can_be_switched_off_and_takes_no_query(maps: CountedMaps) -> None:
    async with Platform(ApiSettings(heatmap_enabled=False), maps=maps).served() as platform:
        answer = await refused(platform.port, upgrade_request("/ws/heatmap"))
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"switched off" in answer
        stats = (await platform.get("/ws/stats")).json()
        assert isinstance(stats, dict)
        assert stats["enabled"] is False
    async with (
        Platform(maps=maps).served() as platform,
        raw_client(platform.port, "/ws/heatmap?symbols=BTCUSDT") as client,
    ):
        code, reason = await client.closed()
        assert (code, "takes no parameters" in reason) == (1008, True)
        assert platform.heatmaps.stats().connections_total == 0


async def test_ws_stats_over_http(served: Platform) -> None:
    async with watching(served) as client:
        await client.say("subscribe", symbols=["BTCUSDT"])
        await client.hear()
        reply = await served.get("/ws/stats")
        assert reply.status == 200
        stats: Any = reply.json()
        assert stats["connections"] == stats["connections_peak"] == stats["subscriptions"] == 1
        assert stats["symbols"] == [
            {
                "symbol": "BTCUSDT",
                "clients": 1,
                "computed": 1,
                "failed": 0,
                "published": 0,
                "newest": "2024-11-07T17:20:00.124Z",
                "compute_ms": 0.0,
                "error": None,
            }
        ]
    assert (await served.get("/ws/stats?x=1")).status == 422
