"""Which forecasts the platform writes, by its settings."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from headwater.app.forecasting import forecast_symbols
from headwater.app.settings import Settings, load
from headwater.app.wiring import Platform
from headwater.core.errors import ConfigError


def made(**options: object) -> Settings:
    return load(options=options, environ={})


def test_the_first_three_supported_symbols_unless_others_are_named() -> None:
    assert forecast_symbols(made()) == ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    many = made(supported_symbols="a1usdt,a2usdt,a3usdt,a4usdt")
    assert forecast_symbols(many) == ("A1USDT", "A2USDT", "A3USDT")
    assert forecast_symbols(made(forecast_symbols="btc-usdt, LTC/USDT,BTCUSDT")) == (
        "BTCUSDT",
        "LTCUSDT",
    )
    assert forecast_symbols(made(forecast_symbols="")) == ()


def test_more_symbols_than_the_disk_should_bear_are_refused() -> None:
    names = ",".join(f"A{number}USDT" for number in range(21))
    with pytest.raises(ConfigError, match="forecast_symbols"):
        made(forecast_symbols=names)


async def test_the_platform_writes_and_scores_and_says_from_when(tmp_path: Path) -> None:
    """The writer of forecasts runs, and the API says for an empty table why it is empty."""
    nowhere = {
        "binance": {
            "rest": "http://127.0.0.1:1",
            "streams": {"public": "ws://127.0.0.1:1/p", "market": "ws://127.0.0.1:1/m"},
        }
    }
    settings = made(
        venue_addresses=nowhere, venues="binance", port=0, data_dir=tmp_path, forecast_symbols=""
    )
    async with asyncio.timeout(60), Platform(settings, simulated=False) as platform:
        await asyncio.sleep(0)
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "service forecasts" in names
        assert not platform.failed.done()
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{platform.base_url}/liquidations/skill?symbol=BTCUSDT") as reply,
        ):
            # No venue was reached, so no symbol is known yet; the route is there and says so.
            assert reply.status == 503
            assert (await reply.json(content_type=None))["title"]
