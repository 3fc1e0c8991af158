"""A browser that looks at the page, and what it saw: errors, requests, violations."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.dashboard.installed import AXE, CHROMIUM

WAIT_MS = 30_000
"""Longest wait for what a page will show: a busy machine needs it, an idle one never does."""

# Playwright's own bound of an expectation is five seconds, whatever the page's is.
expect.set_options(timeout=WAIT_MS)

# Each window of Chromium makes two pages of its own for the list below its address bar, which cost
# as much as one of ours. The last such switch holds: the names before those are Playwright's own.
_SWITCHES = (
    "--no-sandbox",
    "--disable-background-networking",
    (
        "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
        "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,"
        "ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,"
        "NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
        "WebUIOmniboxPopup,WebUIOmniboxAimPopup"
    ),
)
_POLL_S = 0.02
_NEXT_FRAME = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
)


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
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_SWITCHES)
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


async def becomes(read: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Waits, in a bounded time, until what is read equals what is wanted; else both are told.

    For what still changes after an action and has no `expect` of its own.

    Args:
        read: reads once.
        wanted: what it must come to.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + WAIT_MS / 1000
    found = await read()
    while found != wanted and loop.time() < give_up_at:
        await asyncio.sleep(_POLL_S)
        found = await read()
    assert found == wanted


async def says_age(page: Page, selector: str, least_s: int) -> None:
    """Waits until an element tells an age: so many seconds or more, and no more than passed.

    A clock that is installed in the page goes on by itself between its jumps, so on a busy machine
    more seconds have passed than the test has made pass.
    """
    read = "(one) => [one.textContent, performance.now() / 1000]"

    async def is_true() -> bool:
        text, passed_s = await page.locator(selector).evaluate(read)
        found = re.search(r"(\d+) s", text)
        return found is not None and least_s <= int(found[1]) <= passed_s

    await becomes(is_true, True)


THEMES: Final = ("dark", "light")


async def themed(page: Page, theme: str) -> None:
    """Shows the page as the system's colours ask for, at once: colours do not glide."""
    scheme: Literal["dark", "light"] = "light" if theme == "light" else "dark"
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await drawn(page)
    # A report has its colours from the style sheet alone.
    assert await page.evaluate("document.documentElement.dataset.theme") in (None, theme)


async def drawn(page: Page) -> None:
    """Waits until what the page has been told is drawn: charts are, in the frame after."""
    await page.evaluate(_NEXT_FRAME)


async def in_place(page: Page) -> None:
    """Waits until the bar above has its venues and its notice: until then they move the panels."""
    await expect(page.locator(".simulated")).to_have_count(1)
    await expect(page.locator(".feed")).not_to_have_count(0)
    await drawn(page)


async def past_is_there(page: Page, count: int, panel: int = 0) -> None:
    """Waits until a panel has so many rows, more than its table shows: live ones may come first."""
    button = page.get_by_role("button", name="as a table").nth(panel)
    await button.click()
    await expect(page.locator(".twin caption")).to_contain_text(re.compile(rf" of {count}$"))
    await button.click()
    await expect(page.locator(".twin caption")).to_have_count(0)


async def fits(page: Page, width: int) -> None:
    """Waits until the page is as wide as its window: nothing is to be scrolled sideways."""
    await becomes(lambda: page.evaluate("document.documentElement.scrollWidth"), width)


async def has_room(page: Page, selector: str) -> None:
    """Waits until nothing in the element is to be scrolled sideways."""
    spare = "(one) => Math.max(one.scrollWidth - one.clientWidth, 0)"
    await becomes(lambda: page.locator(selector).evaluate(spare), 0)


async def newest_row(page: Page) -> list[str]:
    """The first row of the table twin, as soon as there is one."""
    cells = page.locator(".twin tbody tr").first.locator("td")
    await cells.first.wait_for(state="attached")
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


_READ_PICTURE = """async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const blob = new Blob([bytes], { type: "image/png" });
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


def as_text(data: bytes) -> str:
    """Bytes as an argument for the page, in base 64: a list of numbers would take it seconds."""
    return base64.b64encode(data).decode()


async def picture_of(page: Page, panel: int = 0) -> Picture:
    """The PNG that a panel saves."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as PNG").nth(panel).click()
    data = Path(await (await saving.value).path()).read_bytes()
    return msgspec.convert(await page.evaluate(_READ_PICTURE, as_text(data)), Picture)
