"""Venues side by side in a browser, over venues in memory."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.api.fake_source import NOW_MS, make_mark_price, make_ticker
from tests.api.routes.test_largest_liquidations import HOUR_MS, of
from tests.api.served import Platform
from tests.api.streaming import until
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.layouts import DRAWN_ROW, address_of, saved_colours, saved_rows
from tests.dashboard.looking import (
    THEMES,
    WAIT_MS,
    Seen,
    fits,
    grave_findings,
    has_room,
    noted_page,
    says_age,
    themed,
)

from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

pytestmark = [needs_modules, needs_browser]

OVERVIEW = {"kind": "overview"}
VENUES = ("binance", "bybit", "hyperliquid", "okx")
RATES = {"binance": 0.0001, "bybit": -0.0002, "hyperliquid": 0.0003, "okx": 0.00005}


@pytest_asyncio.fixture(loop_scope="session")
async def four(tmp_path: Path) -> AsyncIterator[Platform]:
    """Four venues that offer everything; longs were liquidated on two of them."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(SqliteDatabase(tmp_path / "made.sqlite3"), clock) as store:
        store.put(of(60_000, 70_000.0, venue="binance"))
        store.put(of(2 * HOUR_MS, 500.5, venue="bybit"))
        platform = Platform(venues=VENUES, clock=clock, store=store)
        for source in platform.sources.values():
            source.offer_everything()
        async with platform.served() as served:
            yield served


async def looked_at(
    browser: Browser, platform: Platform, settings: dict[str, str] | None = None, **context: Any
) -> tuple[Page, Seen]:
    """The page with the panel, once it hears all venues and they have told something."""
    page, seen = await noted_page(browser, **context)
    await page.goto(address_of(platform, {**OVERVIEW, "settings": settings or {}}))
    await heard(platform)
    tell(platform)
    await expect(page.locator(f"{DRAWN_ROW} td:nth-child(6)").first).to_contain_text("%")
    return page, seen


async def heard(platform: Platform) -> None:
    """Waits until somebody hears ticker and mark price of every venue."""
    await until(lambda: all(len(one.leases) >= 2 for one in platform.sources.values()))


def tell(platform: Platform, *venues: str) -> None:
    """A ticker and a mark price of each venue, each with funding of its own."""
    for number, venue in enumerate(VENUES):
        if venues and venue not in venues:
            continue
        ticker = msgspec.structs.replace(make_ticker(), exchange=venue, last=100.0 + number)
        platform.bus.publish(ticker)
        mark = make_mark_price()
        platform.bus.publish(
            msgspec.structs.replace(mark, exchange=venue, funding_rate=RATES[venue])
        )


async def test_compare_funding_on_four_venues(
    four: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Two steps from the panel: press the heading, read from the top. Numbers are the API's."""
    page, seen = await looked_at(browser, four)
    names = page.locator(f"{DRAWN_ROW} td:first-child")
    await expect(names).to_have_text(list(VENUES))
    await page.get_by_role("button", name="a year").press("Enter")
    await expect(names).to_have_text(["hyperliquid", "binance", "okx", "bybit"])
    rates = page.locator(f"{DRAWN_ROW} td:nth-child(6)")
    await expect(rates).to_have_text(
        ["+0.0300 % /8h", "+0.0100 % /8h", "+0.0050 % /8h", "−0.0200 % /8h"]
    )
    await page.get_by_role("button", name="a year").click()
    await expect(names).to_have_text(["bybit", "okx", "binance", "hyperliquid"])
    yearly = page.locator(f"{DRAWN_ROW} td:nth-child(7)").first
    await expect(yearly).to_have_text("▾ −21.90 %")
    longs = page.locator(f"{DRAWN_ROW} td:nth-child(11)")
    await expect(longs).to_have_text(["501", "▾ 0", "▴ ≥ 70,000", "▾ 0"])
    rows: dict[str, dict[str, str]] = {}
    lacks = ("open_interest", "interval_h", "shorts_liquidated_usd")
    async with asyncio.timeout(WAIT_MS / 1000):
        # What is asked for comes by and by.
        while not rows or any(row[name] == "" for row in rows.values() for name in lacks):
            rows = {row["exchange"]: row for row in await saved_rows(page, tmp_path)}
    interest: Any = (await four.get("/multi/oi/BTCUSDT")).json()
    funding: Any = (await four.get("/multi/funding/BTCUSDT")).json()
    for number, venue in enumerate(VENUES):
        row = rows[venue]
        assert float(row["last"]) == 100.0 + number
        assert float(row["funding_rate"]) == RATES[venue]
        assert float(row["interval_h"]) == funding[venue]["interval_h"]
        assert float(row["open_interest"]) == interest[venue]["open_interest"]
        volume: Any = (
            await four.get(f"/liquidations/volume?symbol=BTCUSDT&interval=1h&exchanges={venue}")
        ).json()
        assert float(row["longs_liquidated_usd"]) == sum(one["sell_volume"] for one in volume)
        assert float(row["shorts_liquidated_usd"]) == sum(one["buy_volume"] for one in volume)
        assert float(row["mark_price"]) == make_mark_price().mark
        assert float(row["quote_volume_24h"]) == make_ticker().quote_volume_24h
    assert seen.errors == []


async def test_prices_are_held_against_the_median(four: Platform, browser: Browser) -> None:
    """100, 101, 102, 103: the median is 101.5, and 103 is 147.78 bp above it."""
    page, _ = await looked_at(browser, four, {"sort": "deviationBp"})
    cells = page.locator(f"{DRAWN_ROW} td:nth-child(3)")
    await expect(cells).to_have_text(["+147.78", "+49.26", "−49.26", "−147.78"])


async def test_a_row_leads_to_its_venue(four: Platform, browser: Browser) -> None:
    page, _ = await looked_at(browser, four)
    await page.get_by_role("button", name="okx", exact=True).last.press("Enter")
    await page.wait_for_function("() => location.hash.startsWith('#okx/BTCUSDT/')")
    await expect(page.locator("tr.looked td").first).to_have_text("okx")


async def test_a_venue_that_falls_silent_is_grey_with_its_age(
    four: Platform, browser: Browser
) -> None:
    """It counts neither for the median nor for the marks, and the panel says which one it is."""
    page, _ = await noted_page(browser)
    await page.clock.install()
    await page.goto(address_of(four, OVERVIEW))
    names = page.locator(f"{DRAWN_ROW} td:first-child")
    await expect(names).to_have_text(list(VENUES))
    await heard(four)
    tell(four)
    await expect(page.locator(f"{DRAWN_ROW} td:nth-child(7)").nth(2)).to_contain_text("▴")
    await page.clock.run_for(16_000)
    await expect(page.locator("tr.stale")).to_have_count(4)
    tell(four, "binance", "bybit", "okx")
    await page.clock.run_for(1_500)
    await expect(page.locator("tr.stale td:first-child")).to_have_text(["hyperliquid"])
    await says_age(page, "tr.stale td:last-child", 17)
    await says_age(page, ".status.stale", 17)
    status = page.locator(".status.stale")
    await expect(status).to_have_text(re.compile(r"^hyperliquid \d+ s old$"))
    await expect(page.locator("tr.stale")).not_to_contain_text("▴")


@needs_axe
async def test_overview_is_accessible_fits_a_phone_and_has_a_picture(
    four: Platform, browser: Browser, tmp_path: Path
) -> None:
    page, seen = await looked_at(browser, four)
    for theme in THEMES:
        await themed(page, theme)
        assert await grave_findings(page) == [], theme
        width, colours = await saved_colours(page, tmp_path)
        assert (width > 600, colours > 20) == (True, True)
    await page.set_viewport_size({"width": 390, "height": 844})
    await fits(page, 390)
    await has_room(page, ".rows")
    assert seen.errors == []
