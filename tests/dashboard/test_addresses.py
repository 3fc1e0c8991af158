"""The page's address in a browser: what it shows, restores and refuses; also behind a proxy."""

import json

import msgspec
from playwright.async_api import Browser, expect
from tests.api.fake_source import make_candle
from tests.api.served import Platform
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.looking import (
    becomes,
    noted_page,
    opened,
)
from tests.dashboard.paged import add_panel, url_of
from tests.dashboard.proxied import PREFIX, behind_proxy

pytestmark = [needs_modules, needs_browser]


async def test_the_address_restores_the_view(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform, "#binance/ETHUSDT/1h"))
    await expect(page.locator(".panel h2")).to_have_text("ETHUSDT 1h · binance")
    await add_panel(page)
    await page.get_by_role("button", name="settings").first.click()
    await expect(page.locator(".panel")).to_have_count(2)
    await page.wait_for_function("() => location.href.includes('?layout=')")
    before = await page.evaluate("location.href")
    await page.locator(".panel select").first.select_option("log")
    await page.wait_for_function("(before) => location.href !== before", arg=before)
    shared = await page.evaluate("location.href")
    assert "?layout=" in shared
    other, _ = await opened(browser, shared)
    await expect(other.locator(".panel")).to_have_count(2)
    await expect(other.locator(".panel h2").first).to_have_text("ETHUSDT 1h · binance")
    await other.get_by_role("button", name="settings").first.click()
    await expect(other.locator(".panel select").first).to_have_value("log")
    await becomes(lambda: other.evaluate("location.href"), shared)


async def test_a_copied_link_shows_the_same_to_one_with_a_layout_of_his_own(
    platform: Platform, browser: Browser
) -> None:
    page, _ = await opened(
        browser,
        url_of(platform, "#binance/ETHUSDT/1m"),
        permissions=["clipboard-read", "clipboard-write"],
    )
    await page.keyboard.press("Control+k")
    await page.keyboard.type("copy a link")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").last).to_contain_text("link copied")
    link = await page.evaluate("navigator.clipboard.readText()")
    other, _ = await opened(browser, url_of(platform))
    await add_panel(other)
    await expect(other.locator(".panel")).to_have_count(2)
    await other.goto("about:blank")
    await other.goto(link)
    await expect(other.locator(".panel")).to_have_count(1)
    await expect(other.locator(".panel h2")).to_have_text("ETHUSDT 1m · binance")
    kept = json.loads(await other.evaluate("localStorage.getItem('headwater.layout')"))
    assert len(kept) == 2, "his own layout is still his"


async def test_nonsense_in_the_address_is_left_alone(platform: Platform, browser: Browser) -> None:
    for view in ("#%00/<b>/9x", "#binance/BTCUSDT/1m?layout=!!!", "#A?layout=W10x", "#%E0%A4%A"):
        page, seen = await opened(browser, url_of(platform, view))
        await expect(page.locator(".panel h2")).to_contain_text("USDT 1m")
        await page.context.close()
        assert [one for one in seen.errors if "404" not in one] == []


async def test_what_the_platform_refuses_is_said(platform: Platform, browser: Browser) -> None:
    page, _ = await noted_page(browser)
    await page.goto(url_of(platform, "#nowhere/BTCUSDT/1m"))
    await expect(page.locator(".status.bad")).to_contain_text("nowhere")


async def test_it_works_under_a_path_of_a_proxy(platform: Platform, browser: Browser) -> None:
    """From the redirect of `/` to the socket: no address of the page leaves the prefix."""
    async with behind_proxy(f"http://127.0.0.1:{platform.port}") as base:
        page, seen = await opened(browser, f"{base}/")
        await page.wait_for_url(f"{base}/dashboard/**")
        assert await page.evaluate("location.pathname") == f"{PREFIX}/dashboard/"
        await page.goto(f"{base}/dashboard/?start=chart")
        await expect(page.locator(".status")).to_have_text("live")
        platform.bus.publish(msgspec.structs.replace(make_candle(), close=107.25, volume=13.0))
        await expect(page.locator(".legend")).to_contain_text("C107.25")
        await expect(page.locator(".feed")).to_have_count(1)
        assert seen.errors == []
        assert len(seen.hosts) == 1
        await page.close()


async def test_hostile_texts_are_texts(platform: Platform, browser: Browser) -> None:
    """As names of symbols, reasons of feeds, addresses and layouts: no script runs."""
    platform.source.list_symbols(*HOSTILE)
    page, seen = await noted_page(browser)
    await page.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', (e) => "
        "violations.push(e.violatedDirective)); window.alert = () => violations.push('alert');"
    )
    await page.goto(url_of(platform))
    await page.keyboard.press("/")
    await expect(page.locator('[role="option"]').first).to_be_visible()
    shown = set()
    for text in HOSTILE:
        await page.locator(".pick").fill(text.strip()[:20].split(" ")[0])
        shown |= set(await page.locator('[role="option"] span').all_inner_texts())
    assert len(shown) >= len(HOSTILE) * 0.9
    await page.keyboard.press("Escape")
    for text in HOSTILE:
        await page.evaluate("(text) => { location.hash = `#${text}/${text}/${text}`; }", text)
        await page.evaluate(
            "(text) => { location.hash = '#binance/' + encodeURIComponent(text) + '/1m'; }", text
        )
    await page.wait_for_timeout(200)
    assert await page.evaluate("violations") == []
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("main img, main script:not([src]), dialog img").count() == 0
    assert [one for one in seen.errors if "status of 4" not in one] == []
