"""The depth chart in a browser: its curve is the book's, pointed at by mouse and by keys."""

import csv
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import msgspec
from playwright.async_api import Browser, expect
from tests.api.served import Platform
from tests.api.terminal.book_scene import snapshot
from tests.dashboard.booked import MID, deep_book, opened_book, panel_url
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import THEMES, fits, grave_findings, in_place, themed

pytestmark = [needs_modules, needs_browser]


INK = """() => {
  const canvas = document.querySelector('.depth canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) seen.add(data[at] << 16 | data[at + 1] << 8 |
    data[at + 2]);
  return seen.size;
}"""


async def test_the_curve_is_the_books_and_keys_read_it(browser: Browser, tmp_path: Path) -> None:
    """The CSV's sums are the API's inside the span; the key End says the whole side."""
    platform = Platform()
    platform.source.books["BTCUSDT"] = deep_book("binance", levels=3_000)
    async with platform.served():
        page, seen = await opened_book(browser, panel_url(platform, "depth", span="0.5"))
        # 0.5 % of 60,000 is 300: 300 steps of 1, and 3,000 of 0.1 would be too many.
        await expect(page.locator(".depth .legend")).to_contain_text(f"mid {MID:,.1f}")
        answer = await platform.get("/api/v1/orderbook/BTCUSDT?limit=1000&rounding=1")
        book = cast("dict[str, Any]", answer.json())
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="save as CSV").click()
        await (await saving.value).save_as(tmp_path / "depth.csv")
        with (tmp_path / "depth.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        for side, edge in (("bid", MID - 300), ("ask", MID + 300)):
            inside = [one for one in book[f"{side}s"] if abs(one["price"] - MID) <= 300]
            assert len(inside) > 200
            sums = accumulate(Decimal(one["amountFormatted"].replace(",", "")) for one in inside)
            wanted = [(one["price"], float(s)) for one, s in zip(inside, sums, strict=True)]
            kept = [one for one in rows if one["side"] == side]
            if side == "ask":
                kept.reverse()
            assert [(float(one["price"]), float(one["cumulative"])) for one in kept] == wanted
            await page.locator(".depth-field").focus()
            await page.keyboard.press("Home" if side == "bid" else "End")
            read_out = page.locator(".depth .legend")
            await expect(read_out).to_contain_text(f"{edge:,.0f}")
            await expect(read_out).to_contain_text(f"{wanted[-1][1]:,.3f} = ")
            await expect(page.get_by_role("slider")).to_have_attribute(
                "aria-valuetext", await read_out.inner_text()
            )
        # Steps, areas, axes and the crosshair are drawn.
        await page.wait_for_function(f"({INK})() > 8")
        assert seen.errors == []


async def test_venues_are_added_up_under_the_pointer(browser: Browser) -> None:
    """1.5 + 4.5 bid at 100: binance has a quarter; at the edge nobody tells more."""
    platform = Platform(venues=("binance", "okx"))
    for name, amount in (("binance", 1.5), ("okx", 4.5)):
        book = snapshot([(99.9, amount)], [(100.1, 2.0)])
        platform.sources[name].books["BTCUSDT"] = msgspec.structs.replace(book, exchange=name)
    async with platform.served():
        page, seen = await opened_book(browser, panel_url(platform, "depth", source="merged"))
        await expect(page.locator(".book-venues li")).to_have_count(2)
        await in_place(page)
        box = await page.locator(".depth-field").bounding_box()
        assert box is not None
        # The span is 99 to 101; 99.9 is at 45 % of it.
        await page.mouse.move(box["x"] + box["width"] * 0.46, box["y"] + box["height"] / 2)
        read_out = page.locator(".depth .legend")
        await expect(read_out).to_contain_text("0.000")
        await page.mouse.move(box["x"] + box["width"] * 0.44, box["y"] + box["height"] / 2)
        await expect(read_out).to_contain_text("6.000 = 599.4 USD")
        await page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
        await expect(read_out).to_contain_text("no venue tells more")
        await page.mouse.move(0, 0)
        await expect(read_out).to_contain_text("bids 599.4 USD · asks 400.4 USD")
        assert seen.errors == []


@needs_axe
async def test_it_is_for_everybody(browser: Browser) -> None:
    """Axe finds nothing serious, the picture is not blank, a phone shows it."""
    platform = Platform(venues=("binance", "okx"))
    for name in platform.sources:
        platform.sources[name].books["BTCUSDT"] = deep_book(name, levels=60)
    async with platform.served():
        url = panel_url(platform, "depth", source="merged", unit="usd")
        page, seen = await opened_book(browser, url)
        for view in ("panel", "settings", "table"):
            if view == "settings":
                await page.get_by_role("button", name="settings").click()
            if view == "table":
                await page.get_by_role("button", name="as a table").click()
            for theme in THEMES:
                await themed(page, theme)
                assert await grave_findings(page) == [], (view, theme)
        await page.get_by_role("button", name="as a table").click()
        for theme in THEMES:
            await themed(page, theme)
            async with page.expect_download() as saving:
                await page.get_by_role("button", name="save as PNG").click()
            assert (await (await saving.value).path()).stat().st_size > 10_000
        await page.set_viewport_size({"width": 390, "height": 800})
        await fits(page, 390)
        assert seen.errors == []
