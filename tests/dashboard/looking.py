"""A browser that looks at the page, and what it saw: errors, requests, violations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from playwright.async_api import Browser, Page, async_playwright
from tests.dashboard.installed import AXE, CHROMIUM

WAIT_MS = 20_000


class Seen(msgspec.Struct):
    """What happened on a page besides what it shows.

    Attributes:
        errors: lines of the console that are errors or warnings, and uncaught exceptions.
        hosts: where requests and sockets went.
    """

    errors: list[str] = []
    hosts: set[str] = set()


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def opened(browser: Browser, url: str, **context: Any) -> tuple[Page, Seen]:
    """The page, once it shows a panel, and what is noted of it from then on."""
    page, seen = await noted_page(browser, **context)
    await page.goto(url)
    await page.wait_for_selector(".panel .legend:not(:empty)")
    return page, seen


async def noted_page(browser: Browser, **context: Any) -> tuple[Page, Seen]:
    """A fresh page in a browser that remembers nothing, which is not open yet."""
    settings = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", **context}
    page = await (await browser.new_context(**settings)).new_page()
    page.set_default_timeout(WAIT_MS)
    seen = Seen()

    def note_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            seen.errors.append(message.text)

    page.on("console", note_console)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: seen.hosts.add(urlsplit(socket.url).netloc))
    return page, seen


_SEE = """(isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def look(page: Page, *, is_hidden: bool) -> None:
    """Looks at another tab, or at this one again, as far as the page can know."""
    await page.evaluate(_SEE, is_hidden)


async def newest_row(page: Page) -> list[str]:
    """The first row of the table twin, which must be open."""
    cells = page.locator(".twin tbody tr").first.locator("td")
    return await cells.all_inner_texts()


async def grave_findings(page: Page) -> list[tuple[str, str, str]]:
    """What axe-core calls serious or critical: the rule, the first element, what is wrong with it.

    Tests that ask for it are marked with `needs_axe`.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        (one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


class Picture(msgspec.Struct, frozen=True):
    """What a PNG shows.

    Attributes:
        width: in pixels.
        height: in pixels.
        colours: how often each opaque colour is there, by its name such as `#f2636f`.
    """

    width: int
    height: int
    colours: dict[str, int]

    def count(self, colour: str) -> int:
        """Pixels of a colour."""
        return self.colours.get(colour, 0)


_READ_PICTURE = """async (bytes) => {
    const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
    const image = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const colours = {};
    for (let at = 0; at < data.length; at += 4) {
        const number = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
        const name = "#" + number.toString(16).padStart(6, "0");
        colours[name] = (colours[name] ?? 0) + 1;
    }
    return { width: image.width, height: image.height, colours };
}"""


async def picture_of(page: Page, panel: int = 0) -> Picture:
    """The PNG that a panel saves."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as PNG").nth(panel).click()
    data = Path(await (await saving.value).path()).read_bytes()
    return msgspec.convert(await page.evaluate(_READ_PICTURE, list(data)), Picture)
