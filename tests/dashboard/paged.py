"""The page with its one panel of candles, and how panels are added and found on it."""

import json

from playwright.async_api import Page
from tests.api.served import Platform


def url_of(platform: Platform, view: str = "") -> str:
    """Of the page with one chart, and the part behind `#`."""
    return f"http://127.0.0.1:{platform.port}/dashboard/?start=chart{view}"


async def add_panel(page: Page) -> None:
    """By the palette, without a mouse."""
    await page.keyboard.press("Control+k")
    await page.keyboard.type("add panel: candles")
    await page.keyboard.press("Enter")


async def kept_places(page: Page) -> list[tuple[int, int, int, int]]:
    """Where the panels of the kept layout lie, in cells: x, y, width, height."""
    kept = await page.evaluate("localStorage.getItem('headwater.layout')")
    return [(one["x"], one["y"], one["w"], one["h"]) for one in json.loads(kept or "[]")]
