"""Streams over real sockets: who gets what, who is refused with which words, what is given back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.api import fake_source as fake
from tests.api.served import Platform

from headwater.api.stream_routes import HEARD_AGE_MAX_S
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import Record

Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def client(platform: Platform, path: str) -> AsyncIterator[Socket]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{platform.port}{path}") as socket,
    ):
        yield socket


async def hear(socket: Socket) -> dict[str, Any]:
    async with asyncio.timeout(10):
        message: dict[str, Any] = json.loads(await socket.receive_str())
    return message


async def until_released(platform: Platform) -> None:
    async with asyncio.timeout(10):
        while not all(lease.released for lease in platform.source.leases):
            await asyncio.sleep(0.01)


LIVE: list[tuple[str, Record, Channel, dict[str, Any]]] = [
    ("BTCUSDT/trades", fake.make_trade(7), Channel.TRADES, {"trade_id": "7"}),
    ("btc/usdt/trades", fake.make_trade(8), Channel.TRADES, {"trade_id": "8"}),
    ("btc-usdt/large_trades", fake.make_large_trade(), Channel.TRADES, {"is_buyer_maker": True}),
    ("BTC/liquidations", fake.make_liquidation(), Channel.LIQUIDATIONS, {"is_floor": True}),
    ("ALL/liquidations", fake.make_liquidation("XUSDT"), Channel.LIQUIDATIONS, {"symbol": "XUSDT"}),
    ("BTC/ticker", fake.make_ticker(), Channel.TICKERS, {"bid": 99.5}),
]


@pytest.mark.parametrize(("tail", "record", "channel", "part"), LIVE, ids=lambda v: str(v)[:24])
async def test_a_client_gets_its_records(
    platform: Platform, tail: str, record: Record, channel: Channel, part: dict[str, Any]
) -> None:
    async with client(platform, f"/ws/binance/{tail}") as socket:
        while not platform.hub.stats().topics:
            await asyncio.sleep(0.01)
        assert channel in {lease.subscription.channel for lease in platform.source.leases}
        platform.bus.publish(record)
        message = await hear(socket)
        assert message.items() >= part.items()
        assert "type" not in message
    await until_released(platform)
    assert [lease.released for lease in platform.source.leases] == [1] * len(platform.source.leases)


@pytest.mark.parametrize("query", ["", "?interval=1m"])
async def test_candles_start_with_the_current_one(platform: Platform, query: str) -> None:
    async with client(platform, f"/ws/binance/BTCUSDT/ohlc{query}") as socket:
        first = await hear(socket)
        assert (first["interval"], first["is_closed"]) == ("1m", False)
        platform.bus.publish(fake.make_candle(interval=Interval.H1))
        platform.bus.publish(fake.make_candle(is_closed=True))
        assert (await hear(socket))["is_closed"] is True
    calls = list(platform.source.calls)
    async with client(platform, "/ws/binance/BTCUSDT/ohlc") as socket:
        await hear(socket)
    assert platform.source.calls == calls, "what was heard on the bus is not asked for"


async def test_nobody_is_greeted_with_what_was_heard_long_ago(platform: Platform) -> None:
    """Streams end when nobody holds them: a price of half an hour ago is not the current one."""
    platform.bus.publish(fake.make_candle(interval=Interval.H4))
    platform.bus.publish(fake.make_ticker())
    async with client(platform, "/ws/binance/BTCUSDT/ticker") as socket:
        assert (await hear(socket))["bid"] == 99.5
    platform.advance(HEARD_AGE_MAX_S + 1.0)
    async with client(platform, "/ws/binance/BTCUSDT/ohlc?interval=4h") as socket:
        await hear(socket)
        assert any(call.startswith("candles") for call in platform.source.calls)
    async with client(platform, "/ws/binance/BTCUSDT/ticker") as socket:
        while not platform.hub.stats().topics:
            await asyncio.sleep(0.01)
        platform.bus.publish(msgspec.structs.replace(fake.make_ticker(), bid=98.0))
        assert (await hear(socket))["bid"] == 98.0


async def test_books_start_with_the_current_one(platform: Platform) -> None:
    async with client(platform, "/ws/binance/BTCUSDT/orderbook") as socket:
        first = await hear(socket)
        assert len(first["bids"]) == 50
        platform.bus.publish(fake.make_book(depth=60))
        second = await hear(socket)
        assert len(second["asks"]) == 50


async def test_a_stream_opens_although_its_start_cannot_be_had(platform: Platform) -> None:
    platform.source.error = VenueUnavailable("binance", "breaker open")
    async with client(platform, "/ws/binance/BTCUSDT/orderbook") as socket:
        while not platform.hub.stats().topics:
            await asyncio.sleep(0.01)
        platform.bus.publish(fake.make_book())
        assert (await hear(socket))["sequence"] == 99


REFUSED = [
    ("/ws/foo/BTCUSDT/trades", "exchange='foo': one of binance"),
    ("/ws/binance/BTCUSD/trades", "symbol='BTCUSD': did you mean BTCUSDT"),
    ("/ws/binance/QQQ/trades", "symbol='QQQ': a symbol that binance lists"),
    ("/ws/binance/BTCUSDT/foo", "stream='foo': ohlc, liquidations, large_trades, trades"),
    ("/ws/binance/BTCUSDT/ohlc?interval=7m", "interval='7m': 1m, 3m"),
    ("/ws/binance/BTCUSDT/ohlc?interval=1M", "interval='1M': binance has 1m, 5m, 1h"),
    ("/ws/binance/BTCUSDT/ohlc?interval=1m&interval=5m", "interval="),
    ("/ws/binance/BTCUSDT/trades?interval=1m", "interval='1m': no such parameter"),
    ("/ws/binance/BTCUSDT/trades?" + "&".join(["a=b"] * 20), "query="),
    ("/ws/binance/BTCUSDT/mark_price", "mark_price: binance does not offer it: the venue keeps"),
    ("/ws/binance/all/trades", "symbol='all'"),
    ("/ws/binance/%00%F0%9F%9A%80/trades", "symbol="),
]


@pytest.mark.parametrize(("path", "words"), REFUSED, ids=[path for path, _ in REFUSED])
async def test_a_wrong_request_is_closed_with_1008_and_words(
    platform: Platform, path: str, words: str
) -> None:
    async with client(platform, path) as socket:
        message = await socket.receive(timeout=10)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1008
        assert str(message.extra).startswith(words)
    assert not platform.source.leases
    assert not platform.hub.stats().topics


@pytest.mark.parametrize("path", ["/ws/", "/ws/binance", "/ws/binance/trades"])
async def test_a_path_that_is_none_is_404(platform: Platform, path: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with client(platform, path):
            pass
    assert caught.value.status == 404


async def test_while_the_instruments_are_not_known_clients_shall_try_again(
    platform: Platform,
) -> None:
    platform.source.forget_instruments()
    async with client(platform, "/ws/binance/BTCUSDT/trades") as socket:
        message = await socket.receive(timeout=10)
        assert message.data == 1013


async def test_when_one_lease_is_refused_none_is_kept(platform: Platform) -> None:
    platform.source.acquire_error = NotSupported("binance", "quotes", "too many streams")
    platform.source.refused_channel = Channel.QUOTES
    async with client(platform, "/ws/binance/BTCUSDT/ticker") as socket:
        message = await socket.receive(timeout=10)
        assert message.data == 1008
        assert "too many streams" in str(message.extra)
    assert [lease.released for lease in platform.source.leases] == [1]
    assert not platform.hub.stats().topics


async def test_a_foreign_page_may_not_connect(platform: Platform) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(
                f"http://127.0.0.1:{platform.port}/ws/binance/BTCUSDT/trades",
                headers={"origin": "https://evil.example"},
            )
    assert caught.value.status == 403
    assert not platform.source.leases


async def test_leases_are_given_back_once_however_a_client_goes(platform: Platform) -> None:
    """Clean close, a cut, and one that leaves while it is let in."""
    for abort in (False, True):
        async with client(platform, "/ws/binance/BTCUSDT/ohlc") as socket:
            await hear(socket)
            if abort:
                transport = socket._writer.transport
                assert transport is not None
                transport.abort()
    reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
    writer.write(
        b"GET /ws/binance/BTCUSDT/trades HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n"
        b"connection: upgrade\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    writer.transport.abort()
    await until_released(platform)
    assert {lease.released for lease in platform.source.leases} == {1}
    async with asyncio.timeout(10):
        while platform.hub.stats().topics:
            await asyncio.sleep(0.01)
    del reader
