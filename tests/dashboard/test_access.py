"""The page by keyboard, on a phone and by the rules of accessibility, in a browser."""

import pytest
from playwright.async_api import Browser, expect
from tests.api.served import Platform
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import (
    fits,
    grave_findings,
    in_place,
    opened,
)
from tests.dashboard.paged import add_panel, url_of

pytestmark = [needs_modules, needs_browser]


async def test_keys_choose_time_frames_symbols_and_windows(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(platform))
    await page.keyboard.press("3")
    await expect(page.locator(".panel h2")).to_have_text("BTCUSDT 5m · binance")
    await page.keyboard.press("/")
    await page.keyboard.type("eth")
    await expect(page.locator('[role="option"]')).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel h2")).to_have_text("ETHUSDT 5m · binance")
    await page.go_back()
    await expect(page.locator(".panel h2")).to_have_text("BTCUSDT 5m · binance")
    for key, name in (
        ("?", "Help"),
        (",", "Preferences"),
        ("f", "Feeds"),
        ("Control+k", "Commands"),
    ):
        await page.keyboard.press(key)
        await expect(page.get_by_role("dialog", name=name)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert seen.errors == []


async def test_every_control_is_reached_by_tab_and_has_a_name(
    platform: Platform, browser: Browser
) -> None:
    page, _ = await opened(browser, url_of(platform))
    await expect(page.locator(".status")).to_have_text("live")
    await in_place(page)
    wanted = await page.locator("button:visible, [tabindex='0']:visible, a:visible").count()
    reached = set()
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        reached.add(
            await page.evaluate(
                "(() => { const e = document.activeElement; e.dataset.number ??= "
                "String(document.querySelectorAll('[data-number]').length); return "
                "[e.dataset.number, e.tagName, e.getAttribute('aria-label') || e.textContent "
                "|| e.title].join('|'); })()"
            )
        )
    controls = {one for one in reached if "|BODY|" not in one}
    assert len(controls) == wanted
    assert all(one.split("|", 2)[2].strip() for one in controls)


async def test_a_phone_scrolls_in_one_direction_only(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform), viewport={"width": 390, "height": 844})
    await add_panel(page)
    await expect(page.locator(".panel")).to_have_count(2)
    for key in ("", "Control+k", "?", "f"):
        if key:
            await page.keyboard.press(key)
            await page.wait_for_selector("dialog")
        await fits(page, 390)
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
    await in_place(page)
    places = [await page.locator(".panel").nth(at).bounding_box() for at in (0, 1)]
    assert places[0] is not None
    assert places[1] is not None
    assert places[0]["x"] == places[1]["x"]
    assert places[0]["y"] + places[0]["height"] <= places[1]["y"]


@needs_axe
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_axe_finds_nothing_serious(platform: Platform, browser: Browser, theme: str) -> None:
    page, _ = await opened(browser, url_of(platform), color_scheme=theme)
    views = ["", "/", "Control+k", "?", ",", "f"]
    for key in views:
        if key:
            await page.keyboard.press(key)
            await page.wait_for_selector("dialog")
        worst = await grave_findings(page)
        assert worst == [], f"{theme}, {key or 'the page'}"
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
    await page.get_by_role("button", name="as a table").click()
    await page.get_by_role("button", name="settings").click()
    assert await grave_findings(page) == []
