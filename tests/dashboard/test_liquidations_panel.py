"""The list of the largest liquidations in a browser, over a real database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.api.fake_source import NOW_MS
from tests.api.routes.test_largest_liquidations import LAST_HOURS, of
from tests.api.served import Platform
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.layouts import DRAWN_ROW, address_of, saved_colours, saved_rows, shown
from tests.dashboard.looking import THEMES, becomes, fits, grave_findings, noted_page, themed

from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

pytestmark = [needs_modules, needs_browser]

LIQUIDATIONS = {"kind": "liquidations"}


@pytest_asyncio.fixture(loop_scope="session")
async def stored(tmp_path: Path) -> AsyncIterator[Platform]:
    """Two venues; the largest of all is not of the last hour, the largest of that not Bybit's."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(SqliteDatabase(tmp_path / "made.sqlite3"), clock) as store:
        for event in LAST_HOURS:
            store.put(event)
        venues = ("binance", "bybit")
        async with Platform(clock=clock, venues=venues, store=store).served() as served:
            yield served


async def test_the_biggest_liquidation_of_the_last_hour_on_bybit(
    stored: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Three steps from the page of a newcomer: open the list, choose the venue, read the top."""
    page, seen = await noted_page(browser)
    await page.goto(f"http://127.0.0.1:{stored.port}/dashboard/")
    await expect(page.locator(".status").first).to_have_text("live")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("add panel: largest")
    await page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Largest liquidations", exact=True).first
    await panel.get_by_label("Venue", exact=True).select_option("bybit")
    rows = panel.locator(DRAWN_ROW)
    await expect(rows).to_have_count(2)
    for column, text in ((1, "bybit"), (2, "ETHUSDT"), (6, "9,000")):
        await expect(rows.first.locator("td").nth(column)).to_have_text(text)
    reply = await stored.get("/liquidations/largest?exchanges=bybit&time_window=1h")
    answer: Any = reply.json()
    at = await page.locator(".panel").count() - 1
    saved = await saved_rows(page, tmp_path, at)
    assert [(row["time"], row["symbol"], float(row["value_usd"])) for row in saved] == [
        (one["timestamp"], one["symbol"], one["value"]) for one in answer
    ]
    assert seen.errors == []


async def test_the_list_is_sorted_by_any_column_and_leads_to_the_market(
    stored: Platform, browser: Browser
) -> None:
    page, seen = await shown(browser, stored, {**LIQUIDATIONS, "settings": {"span": "4h"}})
    values = page.locator(f"{DRAWN_ROW} td:last-child")
    await expect(values).to_have_text(["≥ 70,000", "50,000", "9,000", "500"])
    await page.get_by_role("button", name="time").press("Enter")
    await expect(values).to_have_text(["500", "9,000", "≥ 70,000", "50,000"])
    heading = page.get_by_role("columnheader", name="time")
    await expect(heading).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("button", name="time").click()
    await expect(values).to_have_text(["50,000", "≥ 70,000", "9,000", "500"])
    await expect(page.locator(".found")).to_have_text("4 · ≥ 129,500 USD")
    await page.get_by_role("button", name="ETHUSDT", exact=True).press("Enter")
    await page.wait_for_function("() => location.hash.startsWith('#bybit/ETHUSDT/')")
    assert seen.errors == []


async def test_what_happens_now_is_put_in_its_place(stored: Platform, browser: Browser) -> None:
    page, seen = await shown(browser, stored, LIQUIDATIONS)
    values = page.locator(f"{DRAWN_ROW} td:last-child")
    await expect(values).to_have_text(["≥ 70,000", "9,000", "500"])
    stored.bus.publish(of(-1_000, 20_000.0, "SOLUSDT"))
    await expect(values).to_have_text(["≥ 70,000", "20,000", "9,000", "500"])
    assert seen.errors == []


async def test_without_storage_the_reason_is_said(platform: Platform, browser: Browser) -> None:
    page, _ = await shown(browser, platform, LIQUIDATIONS)
    await expect(page.locator(".status.bad")).to_contain_text("stores nothing")


@needs_axe
async def test_the_list_is_accessible_fits_a_phone_and_shows_hostile_texts(
    stored: Platform, browser: Browser, tmp_path: Path
) -> None:
    page, seen = await shown(browser, stored, {**LIQUIDATIONS, "h": 40})
    for number, text in enumerate(HOSTILE):
        stored.bus.publish(of(-number, 100_000.0 - number, text))
    await expect(page.locator(f"{DRAWN_ROW} td:nth-child(3)").first).to_have_text(HOSTILE[0])
    names = page.locator(f"{DRAWN_ROW} td:nth-child(3)")

    async def lacking() -> set[str]:
        return set(HOSTILE) - set(await names.all_text_contents())

    await becomes(lacking, set())
    assert await page.evaluate("window.hacked") is None
    for theme in THEMES:
        await themed(page, theme)
        assert await grave_findings(page) == [], theme
        width, colours = await saved_colours(page, tmp_path)
        assert (width > 600, colours > 20) == (True, True)
    await page.set_viewport_size({"width": 390, "height": 844})
    await fits(page, 390)
    assert address_of(stored, LIQUIDATIONS) != page.url, "the view is in the address"
    assert seen.errors == []
