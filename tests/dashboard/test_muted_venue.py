"""A venue that falls silent while its connection stands, as the page shows it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.looking import opened

from headwater.venues.discovery import venues

pytestmark = [needs_modules, needs_browser]

STALE_WITHIN_MS = 10_000
GREETING = "Headwater runs on "
STREAMED = [
    channel for channel, support in venues()["binance"].facts.channels.items() if support.available
]


@asynccontextmanager
async def _running(*command: str, mark: str, **environment: str) -> AsyncIterator[str]:
    """A process of ours, ended afterwards; gives the first line it says with `mark` in it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headwater.app", *command),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while mark not in (line := (await process.stdout.readline()).decode()):
                assert line, f"{command[0]} ended"
        drain = asyncio.create_task(process.stdout.read(), name="drain")
        yield line
    finally:
        process.terminate()
        await process.wait()
    await drain


async def _mute(admin: str) -> None:
    async with aiohttp.ClientSession() as session:
        for channel in STREAMED:
            query = {"channel": channel.value, "symbol": "BTCUSDT", "seconds": "60"}
            async with session.post(f"{admin}/mute", params=query) as reply:
                assert reply.status == 200, await reply.text()


@pytest.mark.timeout(200)
async def test_a_muted_venue_is_shown_as_stale_within_ten_seconds(browser: Browser) -> None:
    """The other venue stays as it was, and the candles of the mute one are called old."""
    chosen = ("--venues", "binance,bybit")
    async with _running("simulate", *chosen, "--symbols", "BTCUSDT", mark='"venues"') as line:
        hosted: dict[str, Any] = json.loads(line)["venues"]
        addresses = {
            name: {"rest": one["rest"], "streams": one["streams"]} for name, one in hosted.items()
        }
        settings = {
            "HEADWATER_VENUE_ADDRESSES": json.dumps(addresses),
            "HEADWATER_SUPPORTED_SYMBOLS": "BTCUSDT",
        }
        async with _running("run", *chosen, "--port", "0", mark=GREETING, **settings) as greeting:
            base = greeting.split(GREETING)[1].split()[0]
            page, seen = await opened(browser, f"{base}/dashboard/?start=chart")
            await expect(page.locator(".feed.receiving")).to_have_count(2)
            await expect(page.locator(".simulated")).to_have_count(0)
            await _mute(hosted["binance"]["admin"])
            mute = page.locator(".feed.stale, .feed.down").filter(has_text="binance")
            await expect(mute).to_have_count(1, timeout=STALE_WITHIN_MS)
            await expect(page.locator(".feed.receiving", has_text="bybit")).to_have_count(1)
            # A candle that ends meanwhile comes once more, completed over REST.
            await expect(page.locator(".panel .status.stale")).to_contain_text("old")
            assert seen.errors == []
