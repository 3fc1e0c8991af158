"""The page against the demo as a newcomer sees it: simulated exchanges, real time, many candles."""

import asyncio
import csv
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.looking import becomes, newest_row, opened

pytestmark = [needs_modules, needs_browser]

PAINTED_WITHIN_MS = 1_000
READY_WITHIN_MS = 1_500
PAGE_BYTES_MAX = 200_000
START_S = 150.0
LIVES_S = 600
MINUTE_WITHIN_MS = 150_000
"""Ten times as fast there is one each six seconds, unless the machine is too busy to keep up."""


@pytest_asyncio.fixture(loop_scope="session")
async def base() -> AsyncIterator[str]:
    """A demo that is healthy; its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headwater.app", "demo"),
        *("--port", "0", "--for", str(LIVES_S), "--speed", "10"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    found, said = None, ""
    async with asyncio.timeout(START_S):
        while found is None:
            line = (await process.stderr.readline()).decode()
            said += line
            assert line, f"the demo ended: {said}"
            found = re.search(r"look +(http://\S+)/dashboard/", line)
    drain = asyncio.create_task(process.stderr.read(), name="drain")
    try:
        async with asyncio.timeout(START_S):
            while (await _get(found.group(1), "/health"))["status"] != "healthy":
                await asyncio.sleep(0.1)
        yield found.group(1)
    finally:
        process.terminate()
        await process.wait()
        await drain


async def _get(base: str, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(base + path) as reply:
        return await reply.json()


@pytest.mark.timeout(LIVES_S + 60)
async def test_a_trader_looks_at_the_demo(base: str, browser: Browser, tmp_path: Path) -> None:
    """Candles move, four venues are received, the past is paged in, the CSV is the API's."""
    page, seen = await opened(browser, f"{base}/")
    panels = await page.locator(".panel").count()
    await expect(page.locator(".status", has_text="live")).to_have_count(panels)
    await page.goto(f"{base}/dashboard/?start=chart")
    await expect(page.locator(".status")).to_have_text("live")
    await expect(page.locator(".feed.receiving, .feed.partly")).to_have_count(4)
    await page.get_by_role("button", name="as a table").click()
    first = await newest_row(page)
    await expect(page.locator(".twin tbody tr").first.locator("td").first).not_to_have_text(
        first[0], timeout=MINUTE_WITHIN_MS
    )
    await page.get_by_role("button", name="as a table").click()
    await page.locator(".chart").focus()
    for _ in range(90):
        await page.keyboard.press("ArrowLeft")
    await page.get_by_role("button", name="as a table").click()
    await expect(page.locator(".twin caption")).to_have_text(re.compile(r"200 of (9\d\d|\d{4})"))
    await becomes(lambda: _unlike(page, base, tmp_path), {})
    assert (seen.errors, seen.hosts) == ([], {base.removeprefix("http://")})


async def _unlike(page: Page, base: str, folder: Path) -> dict[str, tuple[float, float | None]]:
    """Closes of closed candles that the page does not tell as the API does: the API's, the page's.

    The API is asked first, so that a candle which it calls closed has been closed for the page,
    too, or is within a moment. In that moment, and in the one of a late correction, they differ.
    """
    closed = {
        one["timestamp"]: one["close"]
        for one in await _get(base, "/binance/ohlc/BTCUSDT/1m?limit=1000")
        if one["is_closed"]
    }
    rows = await _csv(page, folder)
    times = [row[0] for row in rows]
    assert times == sorted(set(times))
    shown = {row[0]: float(row[4]) for row in rows}
    assert len(shown.keys() & closed.keys()) > 800
    return {
        at: (close, shown.get(at))
        for at, close in closed.items()
        if at >= times[0] and shown.get(at) != close
    }


async def _csv(page: Any, folder: Path) -> list[list[str]]:
    """The rows of the panel, as they are saved."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").click()
    await (await saving.value).save_as(folder / "rows.csv")
    with (folder / "rows.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.soak
@pytest.mark.timeout(LIVES_S + 60)
async def test_the_page_is_there_at_once(base: str, browser: Browser) -> None:
    """Speed on a machine that does nothing else; left out of the everyday suite for that."""
    await opened(browser, f"{base}/dashboard/")  # the browser itself is warm
    page, _ = await opened(browser, f"{base}/dashboard/")
    painted, ready = await page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.now()]"
    )
    sizes = await page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => "
        "one.name.includes('/dashboard/')).reduce((sum, one) => sum + one.transferSize, 0)"
    )
    assert painted <= PAINTED_WITHIN_MS
    assert ready <= READY_WITHIN_MS
    assert sizes <= PAGE_BYTES_MAX
