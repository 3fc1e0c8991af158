"""The most traded symbols over all venues in a browser, over venues in memory."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, expect
from tests.api.served import Platform
from tests.api.streaming import until
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.layouts import DRAWN_ROW, address_of, saved_colours, saved_rows, shown
from tests.dashboard.looking import THEMES, fits, grave_findings, look, noted_page, themed

pytestmark = [needs_modules, needs_browser]


@needs_axe
async def test_the_most_traded_symbols_over_all_venues(browser: Browser, tmp_path: Path) -> None:
    """Volumes are the sum of what each venue's tickers say; a row leads to its symbol."""
    platform = Platform(venues=("binance", "okx"))
    for source in platform.sources.values():
        source.offer_everything()
    async with platform.served():
        page, seen = await shown(browser, platform, {"kind": "markets"})
        told: dict[str, float] = {}
        for venue in ("binance", "okx"):
            tickers: Any = (await platform.get(f"/{venue}/tickers")).json()
            for one in tickers:
                told[one["symbol"]] = told.get(one["symbol"], 0.0) + one["quote_volume_24h"]
        await expect(page.locator(DRAWN_ROW)).to_have_count(len(told))
        rows = await saved_rows(page, tmp_path)
        assert {row["symbol"]: float(row["quote_volume_24h"]) for row in rows} == told
        assert {row["venues"] for row in rows} == {"2"}
        for theme in THEMES:
            await themed(page, theme)
            assert await grave_findings(page) == [], theme
            width, colours = await saved_colours(page, tmp_path)
            assert (width > 600, colours > 20) == (True, True)
        last = page.locator(DRAWN_ROW).last.locator("button")
        name = await last.inner_text()
        await last.press("Enter")
        await page.wait_for_function(
            "(name) => location.hash.startsWith(`#binance/${name}/`)", arg=name
        )
        await page.set_viewport_size({"width": 390, "height": 844})
        await fits(page, 390)
        assert seen.errors == []


async def test_a_tab_that_nobody_sees_asks_for_nothing(
    platform: Platform, browser: Browser
) -> None:
    """And for the newest the moment it is seen."""
    page, _ = await noted_page(browser)
    await page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    kinds = ("markets", "overview", "funding", "candles")
    await page.goto(address_of(platform, *({"kind": kind} for kind in kinds)))
    await page.locator(DRAWN_ROW).first.wait_for()
    await page.clock.run_for(40_000)
    await page.wait_for_load_state("networkidle")
    await until(lambda: asked.count("/binance/tickers") > 1)
    await look(page, is_hidden=True)
    await page.clock.run_for(60_000)
    asked.clear()
    await page.clock.run_for(120_000)
    assert asked == []
    await look(page, is_hidden=False)
    await until(lambda: {"/binance/tickers", "/multi/funding/BTCUSDT", "/gaps"} <= set(asked))
