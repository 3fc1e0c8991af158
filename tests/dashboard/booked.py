"""Order books of venues in memory, and a page that looks at them."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from playwright.async_api import Browser, Page
from tests.api.served import Platform
from tests.api.terminal.book_scene import snapshot
from tests.dashboard.layouts import layout_text
from tests.dashboard.looking import Seen, noted_page

from headwater.core.records import BookSnapshot, Level

MID = 60_000.0
"""Between the sides of `deep_book`."""


def deep_book(exchange: str, *, levels: int = 400, seed: int = 1) -> BookSnapshot:
    """A live book around `MID`, on a tick of 0.1 with holes, amounts of three decimals."""
    chance = random.Random(seed)

    def side(sign: int) -> Sequence[Level]:
        ticks = sorted(chance.sample(range(1, levels * 4), levels))
        return [
            (round(MID + sign * tick / 10, 1), chance.randrange(1, 9_000) / 1000) for tick in ticks
        ]

    return msgspec.structs.replace(snapshot(side(-1), side(1)), exchange=exchange)


def panel_url(
    platform: Platform,
    kind: str,
    *,
    market: str = "binance/BTCUSDT/1m",
    size: tuple[int, int] = (6, 16),
    **settings: str,
) -> str:
    """The address of a page with one panel."""
    placed = {"kind": kind, "x": 0, "y": 0, "w": size[0], "h": size[1], "settings": settings}
    base = f"http://127.0.0.1:{platform.port}/dashboard/"
    return f"{base}#{market}?layout={layout_text([placed])}"


async def opened_book(browser: Browser, url: str, **context: Any) -> tuple[Page, Seen]:
    """The page, once its panel of an order book shows one that is live."""
    page, seen = await noted_page(browser, **context)
    await page.goto(url)
    await page.wait_for_selector(".panel .status.good, .panel .status.stale")
    return page, seen


def numbers(levels: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Prices and amounts of a side as the API gives it."""
    return [(one["price"], one["amount"]) for one in levels]
