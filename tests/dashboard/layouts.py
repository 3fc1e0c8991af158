"""Addresses of the page that show certain panels, and what such panels hand out."""

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page
from tests.api.served import Platform
from tests.dashboard.looking import Seen, as_text, noted_page

DRAWN_ROW = ".rows tbody tr:not([aria-hidden])"

_COLOURS = """async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const blob = new Blob([bytes], { type: "image/png" });
    const image = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const all = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    return [image.width, new Set(all).size];
}"""


def layout_text(panels: Sequence[Mapping[str, Any]]) -> str:
    """A layout as it stands in addresses, behind `?layout=`."""
    return base64.urlsafe_b64encode(json.dumps(panels).encode()).decode().rstrip("=")


def address_of(platform: Platform, *panels: dict[str, Any], market: str = "binance/BTCUSDT") -> str:
    """The page with these panels below each other; each needs its `kind`, the rest is optional."""
    placed = [
        {"x": 0, "y": 10 * number, "w": 12, "h": 10, "settings": {}, **panel}
        for number, panel in enumerate(panels)
    ]
    base = f"http://127.0.0.1:{platform.port}/dashboard/"
    return f"{base}#{market}/1m?layout={layout_text(placed)}"


async def shown(
    browser: Browser, platform: Platform, *panels: dict[str, Any], **context: Any
) -> tuple[Page, Seen]:
    """The page with these panels, as soon as each has a status that says something."""
    page, seen = await noted_page(browser, **context)
    await page.goto(address_of(platform, *panels))
    await page.wait_for_function(
        "(count) => [...document.querySelectorAll('.panel .status')].filter((one) => "
        "!['', 'loading', 'connecting'].includes(one.textContent)).length === count",
        arg=len(panels),
    )
    return page, seen


async def saved_rows(page: Page, folder: Path, at: int = 0) -> list[dict[str, str]]:
    """The rows of a panel, as its CSV has them."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").nth(at).click()
    await (await saving.value).save_as(folder / "rows.csv")
    with (folder / "rows.csv").open(newline="") as file:
        return list(csv.DictReader(file))


async def saved_colours(page: Page, folder: Path, at: int = 0) -> tuple[int, int]:
    """Width and count of colours of a panel's picture."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as PNG").nth(at).click()
    await (await saving.value).save_as(folder / "picture.png")
    picture = as_text((folder / "picture.png").read_bytes())
    width, colours = await page.evaluate(_COLOURS, picture)
    return width, colours
