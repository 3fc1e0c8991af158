"""The example page in a real browser, over the running demo: it shows data and computes nothing."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import ConsoleMessage, Page, WebSocket, async_playwright
from tests.examples.running import LIVES_S, ROOT, running_demo

PAGE = ROOT / "examples" / "terminal.html"
PARTS = {"candles": "line", "asks": "tr", "bids": "tr", "tape": "tr", "forced": "tr"}
PATIENCE_MS = 90_000
MARKET = "symbol=AVAXUSDT&exchange=bybit"
"""The demo's market with the most liquidations."""


@asynccontextmanager
async def served_page() -> AsyncIterator[str]:
    """Serves the examples as a stranger would; gives the origin."""
    app = web.Application()
    app.router.add_static("/", PAGE.parent)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Looking:
    """The page in a browser, with what it was told and what went wrong.

    Attributes:
        page: the page.
        wrong: everything on its console, and its errors.
        texts: every text in the messages of its sockets.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.texts: set[str] = set()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("websocket", self._socket)

    async def content(self) -> dict[str, str]:
        """What each part holds."""
        found: dict[str, str] = await self.page.evaluate(
            "parts => Object.fromEntries(parts.map("
            "id => [id, document.getElementById(id).innerHTML]))",
            list(PARTS),
        )
        return found

    async def until_filled(self) -> None:
        """Waits until each part shows something."""
        await self.page.wait_for_function(
            "parts => Object.entries(parts).every(([id, kind]) => "
            "document.querySelector(`#${id} ${kind}`))",
            arg=PARTS,
            timeout=PATIENCE_MS,
        )

    async def until_changed(self, before: dict[str, str]) -> None:
        """Waits until each part shows something else."""
        for part, old in before.items():
            await self.page.wait_for_function(
                "([id, old]) => document.getElementById(id).innerHTML !== old",
                arg=[part, old],
                timeout=PATIENCE_MS,
            )

    async def cells(self) -> list[str]:
        """Every text in the tables, and the price above them."""
        found: list[str] = await self.page.evaluate(
            "() => [...document.querySelectorAll('td, #price')].map(one => one.textContent)"
        )
        return found

    def _console(self, message: ConsoleMessage) -> None:
        self.wrong.append(f"{message.type}: {message.text}")

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.texts.update(texts_of(json.loads(frame))))


def texts_of(node: Any) -> set[str]:
    """Every text in a message."""
    if isinstance(node, dict):
        return set().union(*map(texts_of, node.values()))
    if isinstance(node, list):
        return set().union(*map(texts_of, node))
    return {node} if isinstance(node, str) else set()


@pytest.mark.timeout(LIVES_S)
async def test_a_page_without_arithmetic_shows_a_market(tmp_path: Path) -> None:
    """All four parts fill and change; every text on the page came ready from a socket."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here: `make test-servers` installs it")
    async with (
        served_page() as origin,
        running_demo(tmp_path, origin, "bybit") as base,
        async_playwright() as browsers,
    ):
        browser = await browsers.chromium.launch(executable_path=chromium)
        looking = Looking(await browser.new_page(viewport={"width": 1440, "height": 900}))
        await looking.page.goto(
            f"{origin}/terminal.html?server={base}&symbol=AVAXUSDT&exchange=bybit"
        )
        await looking.until_filled()
        await looking.until_changed(await looking.content())
        cells = await looking.cells()
        frame = await looking.page.get_attribute("#chart", "viewBox")
        await browser.close()
    assert looking.wrong == []
    assert set(cells) <= looking.texts
    assert len(cells) > 100
    assert frame is not None
    assert all(float(size) > 0 for size in frame.split(" ")[2:])
