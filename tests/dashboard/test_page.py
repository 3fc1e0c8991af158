"""The page in a browser, over a venue in memory whose time stands still."""

import re
from contextlib import suppress

import msgspec
from playwright.async_api import Browser, expect
from tests.api.fake_source import make_candle
from tests.api.served import Platform
from tests.api.streaming import until
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.looking import (
    becomes,
    look,
    noted_page,
    opened,
    says_age,
)
from tests.dashboard.paged import url_of

pytestmark = [needs_modules, needs_browser]


async def test_it_boots_without_an_error_and_asks_nobody_else(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(platform))
    await expect(page.locator(".panel h2")).to_have_text("BTCUSDT 1m · binance")
    await expect(page.locator(".simulated")).to_contain_text("nothing here is real")
    await expect(page.locator(".feed")).to_have_count(1)
    await expect(page.locator("#tv-attr-logo")).to_have_attribute(
        "href", re.compile(r"^https://www\.tradingview\.com/")
    )
    await expect(page).to_have_title("BTCUSDT · binance · Headwater")
    await becomes(lambda: page.evaluate("location.hash"), "#binance/BTCUSDT/1m")
    assert (seen.errors, seen.hosts) == ([], {f"127.0.0.1:{platform.port}"})


async def test_candles_move_and_the_table_says_the_same(
    platform: Platform, browser: Browser
) -> None:
    """The legend and the twin show the number that came over the socket."""
    page, seen = await opened(browser, url_of(platform))
    await page.get_by_role("button", name="as a table").click()
    close = page.locator(".twin tbody tr").first.locator("td").nth(4)
    await expect(close).to_have_text("105.25")
    await expect(page.locator(".status")).to_have_text("live")
    platform.bus.publish(msgspec.structs.replace(make_candle(), close=109.5, volume=13.0))
    await expect(close).to_have_text("109.5")
    await expect(page.locator(".legend")).to_contain_text("C109.50")
    assert seen.errors == []


async def test_a_candle_that_is_corrected_after_the_next_began_is_drawn_again(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(platform))
    await page.get_by_role("button", name="as a table").click()
    forming = make_candle()
    following = msgspec.structs.replace(forming, timestamp_ms=forming.timestamp_ms + 60_000)
    cells = page.locator(".twin tbody tr td:nth-child(5)")
    platform.bus.publish(msgspec.structs.replace(following, close=106.0))
    await expect(cells.nth(0)).to_have_text("106")
    platform.bus.publish(msgspec.structs.replace(forming, close=107.5, is_closed=True))
    await expect(cells.nth(1)).to_have_text("107.5")
    platform.bus.publish(msgspec.structs.replace(forming, close=108.5, is_closed=True, revision=1))
    await expect(cells.nth(1)).to_have_text("108.5")
    await expect(cells.nth(0)).to_have_text("106")
    assert seen.errors == []


async def test_old_numbers_are_shown_as_old(platform: Platform, browser: Browser) -> None:
    page, _ = await noted_page(browser)
    await page.clock.install()
    await page.goto(url_of(platform))
    await expect(page.locator(".status")).to_have_text("live")
    await page.clock.run_for(30_000)
    await says_age(page, ".status.stale", 30)
    await expect(page.locator(".status.stale")).to_have_text(re.compile(r"^\d+ s old$"))


async def test_a_venue_in_trouble_is_marked_in_words(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform))
    await expect(page.locator(".feed")).to_contain_text("receiving")
    platform.source.healthy = False
    platform.advance(2)
    await expect(page.locator(".feed.partly, .feed.stale")).to_have_count(1)
    await page.keyboard.press("f")
    await expect(page.get_by_role("dialog")).to_contain_text("silent for 60 s")


async def test_a_tab_that_nobody_sees_gives_its_connection_up(
    platform: Platform, browser: Browser
) -> None:
    """After a minute; when it is looked at again it goes on from where it was."""
    page, _ = await noted_page(browser)
    await page.clock.install()
    await page.goto(url_of(platform))
    await expect(page.locator(".status")).to_have_text("live")
    await look(page, is_hidden=True)
    await page.clock.fast_forward(30_000)
    await until(lambda: platform.hub.stats().clients == 1)
    await page.clock.fast_forward(31_000)
    await until(lambda: platform.hub.stats().clients == 0)
    await page.clock.fast_forward(300_000)
    await expect(page.locator(".status.stale")).to_have_count(1)
    assert platform.hub.stats().clients == 0
    await look(page, is_hidden=False)
    platform.bus.publish(msgspec.structs.replace(make_candle(), close=103.5, volume=13.0))
    await expect(page.locator(".legend")).to_contain_text("C103.50")


async def test_a_restart_of_the_server_is_survived(browser: Browser) -> None:
    """The page says that there is no connection, and goes on by itself when there is one."""
    async with Platform().served() as first:
        page, _ = await opened(browser, url_of(first))
        await expect(page.locator(".status")).to_have_text("live")
    await expect(page.locator(".status.stale")).to_contain_text("no connection")
    second = Platform()
    second.advance(120)
    async with second.served(first.port):
        await expect(page.locator(".status")).to_have_text("live")
        second.bus.publish(msgspec.structs.replace(make_candle(), close=108.75, volume=13.0))
        await expect(page.locator(".legend")).to_contain_text("C108.75")
        with suppress(Exception):
            await page.close()
