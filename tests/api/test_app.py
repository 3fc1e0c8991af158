"""The application is made without network and survives what clients send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from tests.api.served import Platform

from headwater.api.app import create_app

OHLC = "/binance/ohlc/BTCUSDT/1m"


def test_it_is_made_without_a_loop_or_a_network() -> None:
    assert Platform().app.title == "headwater"


async def test_a_lifespan_runs_around_it() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        seen.append("start")
        yield
        seen.append("stop")

    platform = Platform()
    platform.app = create_app(platform.deps, lifespan)
    async with platform.served():
        assert seen == ["start"]
    assert seen == ["start", "stop"]


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (f"{OHLC}?limit=0", "limit"),
        (f"{OHLC}?limit=-1", "limit"),
        (f"{OHLC}?limit=1000000000", "limit"),
        (f"{OHLC}?limit=NaN", "limit"),
        (f"{OHLC}?limit=Infinity", "limit"),
        (f"{OHLC}?limit=1e999", "limit"),
        (f"{OHLC}?limit=9223372036854775808", "limit"),
        (f"{OHLC}?limit={'9' * 5000}", "limit"),
        (f"{OHLC}?limit=true", "limit"),
        (f"{OHLC}?limit=1.0", "limit"),
        (f"{OHLC}?limit=%205", "limit"),
        (f"{OHLC}?limit=+5", "limit"),
        (f"{OHLC}?limit=", "limit"),
        (f"{OHLC}?limit=5&limit=6", "limit"),
        (f"{OHLC}?limit=%00", "limit"),
        (f"{OHLC}?limit=%ED%A0%80", "limit"),
        (f"{OHLC}?limit=%FF", "limit"),
        (f"{OHLC}?limit=%E2%80%AE5", "limit"),
        (f"{OHLC}?Limit=5", "Limit"),
        (f"{OHLC}?%00=5", "\x00"),
        (f"{OHLC}?startTime=5", "startTime"),
        (f"{OHLC}?start_time=-1", "start_time"),
        (f"{OHLC}?start_time=yesterday", "start_time"),
        (f"{OHLC}?end_time=10000-01-01T00:00:00Z", "end_time"),
        (f"{OHLC}?start_time=9&end_time=8", "end_time"),
        ("/binance/ohlc/BTCUSDT/7m", "interval"),
        ("/binance/ohlc/BTCUSDT/1h%00", "interval"),
        ("/binance/oi-hist/BTCUSDT?period=1H", "period"),
        ("/binance/oi-hist/BTCUSDT?limit=501", "limit"),
        ("/binance/orderbook/BTCUSDT?limit=1001", "limit"),
        ("/binance/trades/BTCUSDT?limit=1001", "limit"),
        ("/gaps?channel=nothing", "channel"),
        ("/health?verbose=1", "verbose"),
    ],
)
async def test_a_wrong_parameter_is_422_and_named(
    platform: Platform, target: str, field: str
) -> None:
    reply = await platform.get(target)
    assert reply.status == 422, reply
    body = reply.json()
    assert isinstance(body, dict)
    assert body["errors"][0]["field"] == field
    assert body["errors"][0]["allowed"]
    assert not platform.source.calls


@pytest.mark.parametrize(
    ("target", "code", "field"),
    [
        ("/foo/ohlc/BTCUSDT/1m", "unknown_exchange", "exchange"),
        ("/binanse/tickers", "unknown_exchange", "exchange"),
        ("/%00/tickers", "unknown_exchange", "exchange"),
        ("/gaps?exchange=foo", "unknown_exchange", "exchange"),
        ("/binance/oi/BTCUSD", "unknown_symbol", "symbol"),
        ("/gaps?exchange=binance&symbol=NOPE", "unknown_symbol", "symbol"),
        ("/binance/funding-hist/BTCUSDT", "not_supported", "capability"),
        ("/binance/ohlc/BTCUSDT/1M", "not_supported", "interval"),
        ("/binance/oi-hist/BTCUSDT?period=1d", "not_supported", "period"),
    ],
)
async def test_what_there_is_not_is_404_and_named(
    platform: Platform, target: str, code: str, field: str
) -> None:
    reply = await platform.get(target)
    assert reply.status == 404, reply
    body = reply.json()
    assert isinstance(body, dict)
    assert body["code"] == code
    assert body["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "target", ["/health/", "/Health", "//health", "/health/../health", "/binance//tickers", "/ws/x"]
)
async def test_only_exact_paths_exist(platform: Platform, target: str) -> None:
    assert (await platform.get(target)).status == 404
