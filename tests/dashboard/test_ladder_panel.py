"""The order-book ladder in a browser: the book's numbers at each rounding, rows that stay."""

import csv
import json
import re
from decimal import Decimal
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import msgspec
from playwright.async_api import Browser, Page, WebSocketRoute, expect
from tests.api.served import Platform
from tests.api.terminal.book_scene import delta, snapshot, state
from tests.dashboard.booked import MID, deep_book, numbers, opened_book, panel_url
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import (
    THEMES,
    becomes,
    drawn,
    fits,
    grave_findings,
    in_place,
    noted_page,
    says_age,
    themed,
)

from headwater.core.enums import FeedState

pytestmark = [needs_modules, needs_browser]


async def rows_of(page: Page, side: str) -> list[list[str]]:
    """Texts of the rows of a side, best price first."""
    rows: list[list[str]] = await page.evaluate(
        "(side) => [...document.querySelectorAll(`.ladder .${side} tr`)].map((row) => "
        "[...row.cells].slice(0, 3).map((cell) => cell.textContent))",
        side,
    )
    return rows[::-1] if side == "asks" else rows


async def numbers_of(page: Page, side: str) -> list[tuple[float, float]]:
    """Prices and amounts of the rows of a side, best price first."""
    rows = await rows_of(page, side)
    return [(float(p.replace(",", "")), float(a.replace(",", ""))) for p, a, _ in rows]


async def saved(page: Page, folder: Path) -> list[dict[str, str]]:
    """The rows of the panel's CSV."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").click()
    await (await saving.value).save_as(folder / "book.csv")
    with (folder / "book.csv").open(newline="") as file:
        return list(csv.DictReader(file))


async def top_of(page: Page, selector: str) -> float:
    box = await page.locator(selector).first.bounding_box()
    assert box is not None
    return box["y"]


async def test_the_ladder_equals_the_book_at_each_rounding(
    browser: Browser, tmp_path: Path
) -> None:
    """Every level, sum and row of the CSV, at each step that is offered, on one open socket."""
    platform = Platform()
    platform.source.books["BTCUSDT"] = deep_book("binance")
    async with platform.served():
        page, seen = await opened_book(browser, panel_url(platform, "ladder", levels="50"))
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        steps = page.get_by_label("Rounding")
        offered = ["0.1", "1", "10", "100", "1,000"]
        await becomes(steps.locator("option").all_inner_texts, offered)
        await expect(steps).to_have_value("2")
        for at, text in enumerate(offered):
            await steps.select_option(str(at))
            step = text.replace(",", "")
            answer = await platform.get(f"/api/v1/orderbook/BTCUSDT?limit=50&rounding={step}")
            book = cast("dict[str, Any]", answer.json())
            best = f"{Decimal(str(book['asks'][0]['price'])):,.{1 if at == 0 else 0}f}"
            await expect(page.locator(".asks tr:last-child td").first).to_have_text(best)
            await expect(page.locator(".status")).to_have_text("live")
            for side in ("bids", "asks"):
                await becomes(partial(numbers_of, page, side), numbers(book[side]))
                rows = await rows_of(page, side)
                sums = accumulate(
                    Decimal(one["amountFormatted"].replace(",", "")) for one in book[side]
                )
                assert [row[2].replace(",", "") for row in rows] == list(map(str, sums))
            exact = await saved(page, tmp_path)
            for name in ("ask", "bid"):
                kept = [one for one in exact if one["side"] == name]
                wanted = book[f"{name}s"][::-1] if name == "ask" else book[f"{name}s"]
                assert [(float(one["price"]), float(one["amount"])) for one in kept] == numbers(
                    wanted
                )
        assert sockets == [], "the rounding is changed on the open socket"
        step = "JSON.parse(localStorage.getItem('headwater.layout'))[0].settings.step"
        await becomes(lambda: page.evaluate(step), str(len(offered) - 1))
        assert seen.errors == []


async def test_rows_stay_what_and_where_they_are(browser: Browser) -> None:
    """A price that stays is the same element, the middle does not move, nor does what is read."""
    platform = Platform()
    platform.source.books["BTCUSDT"] = deep_book("binance", levels=60)
    async with platform.served():
        page, seen = await opened_book(
            browser, panel_url(platform, "ladder", step="0", size=(5, 10))
        )
        await expect(page.locator(".asks tr")).to_have_count(25)
        await in_place(page)
        middle = await top_of(page, ".between")
        await page.evaluate(
            "document.querySelectorAll('.ladder [data-price]').forEach((row) => (row.kept = 1))"
        )
        platform.advance(1)  # the pace allows it
        platform.bus.publish(delta(11, asks=[(MID, 2.5)]))  # nothing is there yet
        await expect(page.locator(".asks tr:last-child td").nth(1)).to_have_text("2.500")
        kept = await page.evaluate(
            "[...document.querySelectorAll('.ladder [data-price]')].map((row) => row.kept ?? 0)"
        )
        assert (len(kept), sum(kept)) == (50, 49)
        await becomes(lambda: top_of(page, ".between"), middle)
        # Whoever scrolls reads on undisturbed, until `c`.
        place = page.locator(".ladder-scroll")
        await place.evaluate("(place) => place.scrollTo(0, 65)")
        await expect(page.get_by_role("button", name="Centre the order")).to_have_attribute(
            "aria-pressed", "false"
        )
        row = page.locator(".asks tr").nth(6)
        await drawn(page)
        price = await row.get_attribute("data-price")
        before = await top_of(page, f'[data-price="{price}"]')
        top = await place.evaluate("(place) => place.scrollTop")
        platform.advance(1)  # the pace allows it
        platform.bus.publish(delta(12, asks=[(MID, 0.0)]))  # one comes at the top instead
        await expect(page.locator(".asks")).not_to_contain_text("60,000.0")
        await becomes(lambda: place.evaluate("(place) => place.scrollTop"), top + 20)
        await becomes(lambda: top_of(page, f'[data-price="{price}"]'), before)
        await place.evaluate("(place) => place.scrollTo(0, 610)")
        await drawn(page)
        low = await page.locator(".bids tr").nth(10).get_attribute("data-price")
        before = await top_of(page, f'[data-price="{low}"]')
        best = float(await page.locator(".bids tr").first.get_attribute("data-price") or 0)
        platform.advance(1)  # the pace allows it
        platform.bus.publish(delta(13, bids=[(best, 0.0)]))
        await expect(page.locator(f'.bids [data-price="{best:g}"]')).to_have_count(0)
        await becomes(lambda: top_of(page, f'[data-price="{low}"]'), before)
        await page.keyboard.press("c")
        await becomes(lambda: top_of(page, ".between"), middle)
        assert seen.errors == []


async def test_venues_are_merged_with_their_shares_and_the_others_are_named(
    browser: Browser, tmp_path: Path
) -> None:
    """Bids of 100: 1.5 + 4.5 = 6, shares 25 % and 75 %; who has no book is said, not forgotten."""
    platform = Platform(venues=("binance", "okx", "bybit"))
    for name, amount in (("binance", 1.5), ("okx", 4.5)):
        book = snapshot([(100.2, amount), (90.5, 1.0)], [(110.1, 2.0)])
        platform.sources[name].books["BTCUSDT"] = msgspec.structs.replace(book, exchange=name)
    platform.sources["bybit"].list_symbols("ETHUSDT")
    async with platform.served():
        url = panel_url(platform, "ladder", source="merged", step="1")
        page, seen = await opened_book(browser, url)
        await expect(page.locator(".bids tr").last).to_contain_text("8.000")  # both venues' books
        bids = [["100", "6.000", "6.000"], ["90", "2.000", "8.000"]]
        await becomes(lambda: rows_of(page, "bids"), bids)
        await becomes(lambda: rows_of(page, "asks"), [["111", "4.000", "4.000"]])
        bar = page.locator(".bids .shares i").first
        await expect(bar).to_have_attribute("style", re.compile(r"\) 25\.0% 100\.0%"))
        await page.locator(".bids tr").first.hover()
        read_out = page.locator(".read-out")
        await expect(read_out).to_contain_text("okx 4.500 (75 %), binance 1.500 (25 %)")
        await expect(page.locator(".status")).to_contain_text("without bybit: ")
        await expect(page.locator(".book-venues li", has_text="bybit")).to_contain_text("BTCUSDT")
        rows = await saved(page, tmp_path)
        assert [(one["amount"], one["binance"], one["okx"]) for one in rows] == [
            ("4", "2", "2"),
            ("6", "1.5", "4.5"),
            ("2", "1", "1"),
        ]
        lost = msgspec.structs.replace(state(FeedState.RESYNCING), exchange="okx")
        platform.bus.publish(lost)
        await expect(page.locator(".bids tr").first.locator("td").nth(1)).to_have_text("1.500")
        await expect(page.locator(".status")).to_contain_text("okx: the book is being read anew")
        assert [one for one in seen.errors if "404" not in one] == []


async def test_an_old_book_is_shown_as_old(browser: Browser) -> None:
    platform = Platform()
    platform.source.books["BTCUSDT"] = deep_book("binance", levels=30)
    async with platform.served():
        page, _ = await noted_page(browser)
        await page.clock.install()
        await page.goto(panel_url(platform, "ladder"))
        await expect(page.locator(".panel .status")).to_have_text("live")
        await page.clock.run_for(14_000)
        await says_age(page, ".panel .status.stale", 13)
        await expect(page.locator(".panel .status.stale")).to_have_text(re.compile(r"^\d+ s old$"))
        await expect(page.locator(".ladder.old")).to_have_count(1)


@needs_axe
async def test_it_is_for_everybody(browser: Browser) -> None:
    """Axe finds nothing serious; keys alone read rows; a phone shows it; the picture has rows."""
    platform = Platform(venues=("binance", "okx"))
    for name in platform.sources:
        platform.sources[name].books["BTCUSDT"] = deep_book(name, levels=60)
    async with platform.served():
        url = panel_url(platform, "ladder", source="merged")
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
        await page.locator(".ladder-scroll").focus()
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("status").last).to_contain_text("bid ")
        await page.keyboard.press("ArrowUp")
        await expect(page.locator(".read-out")).to_contain_text("ask ")
        await page.keyboard.press("+")
        await expect(page.get_by_label("Rounding").first).to_have_value("3")
        for theme in THEMES:
            await themed(page, theme)
            async with page.expect_download() as saving:
                await page.get_by_role("button", name="save as PNG").click()
            size = (await (await saving.value).path()).stat().st_size
            assert size > 10_000, "a blank picture of this size is smaller"
        await page.set_viewport_size({"width": 390, "height": 800})
        await fits(page, 390)
        assert seen.errors == []


async def test_what_a_server_says_is_text(platform: Platform, browser: Browser) -> None:
    """Hostile words as errors and as names of venues: nothing runs, and it can be tried again."""
    page, seen = await noted_page(browser)
    sockets: list[WebSocketRoute] = []
    await page.route_web_socket("**/api/v1/ws/orderbook?**", lambda one: sockets.append(one))
    await page.goto(panel_url(platform, "ladder"))
    button = page.get_by_role("button", name="Try again")
    for text in HOSTILE:
        error = {"type": "error", "code": "UNKNOWN_SYMBOL", "message": text, "timestamp": 1}
        while not sockets:
            await page.wait_for_timeout(10)
        sockets[-1].send(json.dumps(error))
        await expect(page.locator(".book-notice p")).to_have_text(text, use_inner_text=False)
    await expect(page.locator(".status.bad")).to_have_count(1)
    count = len(sockets)
    await sockets[-1].close(code=4000)
    await button.click()
    while len(sockets) == count:
        await page.wait_for_timeout(10)
    assert await page.evaluate("window.hacked") is None
    assert await page.locator(".ladder img, .ladder script, .ladder svg").count() == 0
    assert seen.errors == []


async def test_its_scripts_are_fetched_when_it_is_added(
    platform: Platform, browser: Browser
) -> None:
    """Not before; and when they cannot be had, the panel says so."""
    platform.source.books["BTCUSDT"] = deep_book("binance")
    page, seen = await noted_page(browser)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1]))
    await page.route("**/depth_view.js", lambda route: route.abort())
    await page.goto(f"http://127.0.0.1:{platform.port}/dashboard/?start=chart")
    await expect(page.locator(".panel .status")).to_have_text("live")
    assert "candles_panel.js" in asked
    assert "ladder_view.js" not in asked
    for name in ("order book", "market depth"):
        await page.keyboard.press("Control+k")
        await page.keyboard.type(f"add panel: {name}")
        await page.keyboard.press("Enter")
    await expect(page.locator(".asks tr").first).to_be_visible()
    await expect(page.locator(".panel .status.bad")).to_contain_text("could not be fetched")
    assert [one for one in seen.errors if "ERR_FAILED" not in one and "depth_view" not in one] == []
