"""Layouts by name, time zones, and the dialog of feeds, in a browser."""

import asyncio
import json
from pathlib import Path

from playwright.async_api import Browser, FileChooser, Page, expect
from tests.api.served import Platform
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import THEMES, becomes, fits, grave_findings, opened, themed

pytestmark = [needs_modules, needs_browser]


def url_of(platform: Platform) -> str:
    return f"http://127.0.0.1:{platform.port}/dashboard/?start=chart"


async def command(page: Page, words: str) -> None:
    """Runs a command of the palette."""
    await page.keyboard.press("Control+k")
    await page.keyboard.type(words)
    await page.keyboard.press("Enter")


async def test_layouts_are_kept_chosen_renamed_and_deleted_by_keyboard(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(platform))
    await command(page, "add panel: candles")
    await expect(page.locator(".panel")).to_have_count(2)
    await page.keyboard.press("l")
    await page.keyboard.type("two charts")
    await page.keyboard.press("Enter")
    kept = page.get_by_role("list", name="Kept layouts")
    await expect(kept.locator('[aria-current="true"]')).to_have_text("two charts")
    await page.get_by_role("button", name="Chart", exact=True).press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator(".panel")).to_have_count(1)
    await page.reload()
    await command(page, "layout: two")
    await expect(page.locator(".panel")).to_have_count(2)
    await page.keyboard.press("l")
    await page.get_by_role("button", name="rename two charts").press("Enter")
    await page.get_by_label("New name of two charts").fill("both")
    await page.keyboard.press("Enter")
    await expect(kept.locator("li")).to_have_text(["both✎⤓✕"])
    await page.get_by_label("Name of this layout").fill("  ")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog").get_by_role("alert")).to_contain_text("needs a name")
    await page.get_by_role("button", name="delete both").press("Enter")
    await expect(kept.locator("li")).to_have_count(0)
    await becomes(lambda: page.evaluate("localStorage.getItem('headwater.layouts')"), "[]")
    assert seen.errors == []


async def test_all_layouts_travel_as_one_file(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Hostile names and all; a file with a fault is refused whole."""
    page, seen = await opened(browser, url_of(platform))
    # Heard from the beginning: hearing begins a moment after it is asked for.
    choosers: asyncio.Queue[FileChooser] = asyncio.Queue()
    page.on("filechooser", choosers.put_nowait)
    names = [text for text in HOSTILE if text.strip()[:60] == text][:30]
    lists = [
        {"name": text, "panels": [{"kind": "candles", "x": 0, "y": 0, "w": 6, "h": 9}]}
        for text in names
    ]
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps({"headwater": "layouts", "layouts": lists}))
    bad.write_text(json.dumps({"layouts": [lists[0], {"name": "<b>", "panels": [{}]}]}))
    await page.keyboard.press("l")
    kept = page.get_by_role("list", name="Kept layouts")
    for file, count in ((bad, 0), (good, 30)):
        await page.get_by_role("button", name="Open a file").click()
        async with asyncio.timeout(20):
            chooser = await choosers.get()
        await chooser.set_files(file)
        if not count:
            problem = page.locator("dialog").get_by_role("alert")
            await expect(problem).to_contain_text("layout “<b>”: panel 1: kind must be one of")
        await expect(kept.locator("li")).to_have_count(count)

    async def shown() -> list[str]:
        return [one.strip() for one in await kept.locator(".choose").all_text_contents()]

    await becomes(shown, names)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save all as a file").click()
    await (await saving.value).save_as(tmp_path / "saved.json")
    saved = json.loads((tmp_path / "saved.json").read_text())
    assert [one["name"] for one in saved["layouts"]] == names
    assert await page.evaluate("window.hacked") is None
    await fits(page, 1280)
    assert seen.errors == []


async def test_times_are_shown_in_any_zone(platform: Platform, browser: Browser) -> None:
    page, seen = await opened(browser, url_of(platform))
    legend = page.locator(".legend").first
    await expect(legend).to_contain_text("07 Nov 2024, 17:20")
    await page.keyboard.press(",")
    await page.get_by_role("button", name="Another time zone").press("Enter")
    await page.keyboard.type("tokyo")
    await expect(page.locator('[role="option"]')).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(legend).to_contain_text("08 Nov 2024, 02:20")
    await page.reload()
    await expect(legend).to_contain_text("08 Nov 2024, 02:20")
    await page.keyboard.press(",")
    zone = page.get_by_label("Times in")
    await expect(zone).to_have_value("Asia/Tokyo")
    await zone.select_option("UTC")
    await expect(legend).to_contain_text("07 Nov 2024, 17:20")
    assert seen.errors == []


async def test_feeds_tell_latency_and_losses_as_the_api_does(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(platform))
    health = (await platform.get("/exchanges/health")).json()
    assert isinstance(health, dict)
    (latency,) = health["exchanges"]["binance"]["latencies"]
    assert (latency["p50_ms"], latency["p95_ms"]) == (12.3, 45.6)
    await expect(page.locator(".feed .late")).to_have_text("12/46 ms")
    await page.keyboard.press("f")
    dialog = page.get_by_role("dialog", name="Feeds")
    await expect(dialog).to_contain_text("2 lost connections, 1 gaps in the last hour")
    cells = dialog.get_by_role("region", name="Channels").locator("tbody tr td")

    async def found() -> list[str]:
        texts = await cells.all_inner_texts()
        return [*texts[:4], *texts[5:]]

    await becomes(found, ["binance", "trades", "receiving", "1 of 1", "12", "46"])
    assert seen.errors == []


@needs_axe
async def test_axe_is_content_with_the_dialogs(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform), viewport={"width": 390, "height": 844})
    await page.keyboard.press("l")
    await page.keyboard.type("mine")
    await page.keyboard.press("Enter")
    for name in ("", "zones"):
        if name:
            await page.keyboard.press("Escape")
            await command(page, "time zone")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await fits(page, 390)
        for theme in THEMES:
            await themed(page, theme)
            assert await grave_findings(page) == [], (name, theme)
