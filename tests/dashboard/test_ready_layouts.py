"""The layouts that come with the page, each as a whole, over two venues and a store."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.api.fake_source import NOW_MS, make_candle, make_trade
from tests.api.heatmap_maps import CountedMaps
from tests.api.served import Platform
from tests.api.stored_market import put_market
from tests.dashboard.booked import deep_book
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import fits, grave_findings, noted_page
from tests.dashboard.paned import PastPlatform, mark_at
from tests.dashboard.test_overview_panel import tell

from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

pytestmark = [needs_modules, needs_browser]

VENUES: Final = ("binance", "bybit")
LAYOUTS: Final = {
    "Market": 4,
    "Chart": 1,
    "Derivatives": 4,
    "Liquidations": 3,
    "Order books": 3,
    "Venues": 2,
}
"""Names and numbers of panels."""
WAITING: Final = {"", "loading", "connecting"}
TOLD_WITHIN_S: Final = 40.0

_READY = """async () => {
    const { READY_LAYOUTS } = await import(new URL("panels.js", location.href.split("?")[0]));
    return Object.fromEntries(READY_LAYOUTS.map(({ name, panels }) => [name, panels.length]));
}"""
_CONTROLS = """() => {
    const wanted = "button, a[href], input, select, textarea, summary, [tabindex='0']";
    window.controls = [...document.querySelectorAll(wanted)].filter(
        (one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility());
    window.reached = new Set();
    document.addEventListener("focusin", (event) => reached.add(event.target));
    document.activeElement.blur();
    return controls.length;
}"""
_MISSED = """() => {
    const name = (one) => one.getAttribute("aria-label") || one.title ||
        document.getElementById(one.getAttribute("aria-labelledby"))?.textContent ||
        [...(one.labels ?? [])].map((label) => label.textContent).join("") || one.textContent;
    return controls.filter((one) => !reached.has(one) || name(one).trim() === "")
        .map((one) => one.outerHTML.slice(0, 120));
}"""


@asynccontextmanager
async def whole(folder: Path, port: int = 0, later_s: float = 0.0) -> AsyncIterator[Platform]:
    """Two venues that offer everything, with books, a past and a stored market."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(SqliteDatabase(folder / "market.sqlite3"), clock) as store:
        await put_market(store, NOW_MS)
        platform = PastPlatform(venues=VENUES, clock=clock, store=store, maps=CountedMaps())
        for name, source in platform.sources.items():
            source.offer_everything()
            source.books["BTCUSDT"] = deep_book(name, levels=60)
        platform.advance(later_s)
        async with platform.served(port) as served:
            yield served


@pytest_asyncio.fixture(loop_scope="session")
async def market(tmp_path: Path) -> AsyncIterator[Platform]:
    """Such a platform."""
    async with whole(tmp_path) as platform:
        yield platform


def address(platform: Platform, layout: str, view: str = "") -> str:
    """The page as it begins with a ready layout."""
    start = layout.lower().replace(" ", "%20")
    return f"http://127.0.0.1:{platform.port}/dashboard/?start={start}{view}"


async def told(page: Page, platform: Platform, layout: str) -> None:
    """Waits until every panel says how fresh it is; venues tell something again and again."""
    texts: list[str] = []
    try:
        async with asyncio.timeout(TOLD_WITHIN_S):
            while len(texts) != LAYOUTS[layout] or WAITING & set(texts):
                tell(platform, *VENUES)
                platform.bus.publish(mark_at(1, 100.5, 100.25))
                platform.bus.publish(make_trade(1))
                texts = await page.locator(".panel .status").all_text_contents()
    except TimeoutError:
        raise AssertionError(f"{layout}: {texts}") from None


@needs_axe
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_ready_layout_is_for_everybody(
    market: Platform, browser: Browser, layout: str
) -> None:
    """It boots and tells, by eyes and ears, by keys alone, on a phone, without other hosts."""
    page, seen = await noted_page(browser, reduced_motion="reduce")  # colours do not glide
    await page.goto(address(market, layout))
    await told(page, market, layout)
    assert await page.evaluate(_READY) == LAYOUTS
    assert await grave_findings(page) == [], "dark"
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert await grave_findings(page) == [], "light"
    for _ in range(await page.evaluate(_CONTROLS) + 10):
        await page.keyboard.press("Tab")
    assert await page.evaluate(_MISSED) == []
    await page.set_viewport_size({"width": 390, "height": 844})
    await fits(page, 390)
    assert (seen.errors, seen.hosts) == ([], {f"127.0.0.1:{market.port}"})


async def test_a_restart_of_the_server_is_survived_by_every_panel(
    browser: Browser, tmp_path: Path
) -> None:
    """All say that there is no connection, then all go on; the page is not loaded anew."""
    async with whole(tmp_path) as first:
        page, seen = await noted_page(browser)
        await page.goto(address(first, "Market"))
        await told(page, first, "Market")
        await page.evaluate("window.isSame = true")
        status = page.locator(".panel .status")
        await expect(status).to_have_text(["live"] * LAYOUTS["Market"])
    await expect(page.locator(".panel .status.stale")).to_have_count(LAYOUTS["Market"])
    await expect(status).to_have_text([re.compile("no connection|old")] * LAYOUTS["Market"])
    async with whole(tmp_path, first.port, later_s=60.0) as second:
        await expect(page.locator(".panel .status", has_text="no connection")).to_have_count(0)
        await told(page, second, "Market")
        # The tape goes on with what came since, and says that some were missed meanwhile.
        await expect(status).to_have_text([re.compile("^live")] * LAYOUTS["Market"])
        second.bus.publish(msgspec.structs.replace(make_candle(), close=108.75, volume=13.0))
        await expect(page.locator(".legend").first).to_contain_text("C108.75")
        assert await page.evaluate("window.isSame")
        assert seen.hosts == {f"127.0.0.1:{second.port}"}
