"""The page in a browser, over a venue in memory whose time stands still."""

import asyncio
import csv
import json
import re
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, FileChooser, Page, expect
from tests.api.fake_source import make_candle
from tests.api.served import Platform
from tests.api.streaming import until
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.layouts import address_of
from tests.dashboard.looking import (
    as_text,
    becomes,
    drawn,
    fits,
    grave_findings,
    in_place,
    look,
    noted_page,
    opened,
    past_is_there,
    says_age,
)
from tests.dashboard.proxied import PREFIX, behind_proxy

pytestmark = [needs_modules, needs_browser]


def url_of(platform: Platform, view: str = "") -> str:
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


async def test_a_narrow_panel_shortens_its_name_and_not_its_freshness(
    platform: Platform, browser: Browser
) -> None:
    """At three columns of a small screen; what is wrong has a line of its own."""
    page, _ = await noted_page(browser)
    await page.clock.install()
    await page.goto(address_of(platform, {"kind": "candles", "w": 3}))
    status, name = page.locator(".panel .status"), page.locator(".panel h2")
    is_cut = "one => one.scrollWidth > one.clientWidth"
    await expect(status).to_have_text("live")
    await becomes(lambda: name.evaluate(is_cut), True)
    await becomes(lambda: status.evaluate(is_cut), False)
    await page.clock.run_for(30_000)
    await says_age(page, ".panel .status", 30)
    await expect(status).to_have_text(re.compile(r"^\d+ s old$"))

    async def has_own_line() -> bool:
        above, below = await name.bounding_box(), await status.bounding_box()
        assert above is not None
        assert below is not None
        return below["y"] >= above["y"] + above["height"] and below["width"] > 200

    await becomes(has_own_line, True)  # room for what a lost connection is told with


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


async def test_keys_choose_time_frames_symbols_and_windows(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(platform))
    await page.keyboard.press("3")
    await expect(page.locator(".panel h2")).to_have_text("BTCUSDT 5m · binance")
    await page.keyboard.press("/")
    await page.keyboard.type("eth")
    await expect(page.locator('[role="option"]')).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel h2")).to_have_text("ETHUSDT 5m · binance")
    await page.go_back()
    await expect(page.locator(".panel h2")).to_have_text("BTCUSDT 5m · binance")
    for key, name in (
        ("?", "Help"),
        (",", "Preferences"),
        ("f", "Feeds"),
        ("Control+k", "Commands"),
    ):
        await page.keyboard.press(key)
        await expect(page.get_by_role("dialog", name=name)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert seen.errors == []


async def test_every_control_is_reached_by_tab_and_has_a_name(
    platform: Platform, browser: Browser
) -> None:
    page, _ = await opened(browser, url_of(platform))
    await expect(page.locator(".status")).to_have_text("live")
    await in_place(page)
    wanted = await page.locator("button:visible, [tabindex='0']:visible, a:visible").count()
    reached = set()
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        reached.add(
            await page.evaluate(
                "(() => { const e = document.activeElement; e.dataset.number ??= "
                "String(document.querySelectorAll('[data-number]').length); return "
                "[e.dataset.number, e.tagName, e.getAttribute('aria-label') || e.textContent "
                "|| e.title].join('|'); })()"
            )
        )
    controls = {one for one in reached if "|BODY|" not in one}
    assert len(controls) == wanted
    assert all(one.split("|", 2)[2].strip() for one in controls)


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


async def test_panels_move_by_keyboard_and_stay_so(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform))
    await add_panel(page)
    handle = page.get_by_role("button", name="move or resize").nth(1)
    await handle.focus()
    for _ in range(6):
        await page.keyboard.press("Shift+ArrowLeft")
    await expect(page.get_by_role("status").last).to_contain_text("6 wide")
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("status").last).to_contain_text("column 4, row 18, 6 wide")
    await becomes(lambda: kept_places(page), [(0, 0, 12, 17), (3, 17, 6, 12)])
    await page.goto("about:blank")
    await page.goto(url_of(platform))
    await expect(page.locator(".panel")).to_have_count(2)
    await page.get_by_role("button", name="move or resize").nth(1).focus()
    await page.keyboard.press("Delete")
    await expect(page.locator(".panel")).to_have_count(1)


async def test_panels_move_and_grow_by_mouse(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform), viewport={"width": 1280, "height": 1000})
    await in_place(page)
    corner = await page.locator(".corner").bounding_box()
    assert corner is not None
    await page.mouse.move(corner["x"] + 7, corner["y"] + 7)
    await page.mouse.down()
    await page.mouse.move(corner["x"] - 620, corner["y"] - 200, steps=5)
    await page.mouse.up()
    await becomes(lambda: kept_places(page), [(0, 0, 6, 12)])
    await drawn(page)
    grip = await page.locator(".handle").bounding_box()
    assert grip is not None
    await page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(grip["x"] + 330, grip["y"] + 5, steps=5)
    await page.mouse.up()
    await becomes(lambda: kept_places(page), [(3, 0, 6, 12)])


async def test_what_is_pointed_at_is_marked_in_every_panel(
    platform: Platform, browser: Browser
) -> None:
    page, _ = await opened(browser, url_of(platform), viewport={"width": 1280, "height": 1400})
    await add_panel(page)
    legends = page.locator(".panel .legend span:first-child")
    await expect(legends.nth(1)).to_contain_text("17:20")
    await page.locator(".chart").first.hover(position={"x": 400, "y": 300})
    await expect(legends.nth(1)).not_to_contain_text("17:20")

    async def count() -> int:
        return len(set(await legends.all_inner_texts()))

    await expect(legends).to_have_count(2)
    await becomes(count, 1)
    await page.mouse.move(600, 10)
    await expect(legends.nth(0)).to_contain_text("17:20")
    await expect(legends.nth(1)).to_contain_text("17:20")


async def test_a_layout_travels_as_a_file(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    page, _ = await opened(browser, url_of(platform))
    await add_panel(page)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("save the layout")
    async with page.expect_download() as saving:
        await page.keyboard.press("Enter")
    await (await saving.value).save_as(tmp_path / "layout.json")
    other, _ = await opened(browser, url_of(platform))
    # Heard from the beginning: hearing begins a moment after it is asked for.
    choosers: asyncio.Queue[FileChooser] = asyncio.Queue()
    other.on("filechooser", choosers.put_nowait)
    for name, text in (("layout.json", None), ("bad.json", '{"panels": [{"kind": "x"}]}')):
        if text is not None:
            (tmp_path / name).write_text(text)
        await other.keyboard.press("Control+k")
        await other.keyboard.type("open a layout")
        await other.keyboard.press("Enter")
        async with asyncio.timeout(20):
            chooser = await choosers.get()
        await chooser.set_files(tmp_path / name)
        await expect(other.locator(".panel")).to_have_count(2)
    await expect(other.get_by_role("alert")).to_contain_text("bad.json: panel 1: kind must be one")


async def test_csv_equals_the_api_and_png_is_a_picture(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    answer = (await platform.get("/binance/ohlc/BTCUSDT/1m?limit=500")).json()
    assert isinstance(answer, list)
    page, _ = await opened(browser, url_of(platform))
    await past_is_there(page, len(answer))
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").click()
    download = await saving.value
    assert download.suggested_filename == "BTCUSDT-1m-binance.csv"
    await download.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    names = ("open", "high", "low", "close", "volume")
    assert rows[0] == ["time", *names, "missing"]
    assert [(row[0], *map(float, row[1:6])) for row in rows[1:]] == [
        (one["timestamp"], *(one[name] for name in names)) for one in answer
    ]
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as PNG").click()
    await (await saving.value).save_as(tmp_path / "picture.png")
    data = (tmp_path / "picture.png").read_bytes()
    colours = await page.evaluate(
        """async (base64) => {
            const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/png" });
            const image = await createImageBitmap(blob);
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const all = new Uint32Array(
                context.getImageData(0, 0, image.width, image.height).data.buffer);
            return [image.width, new Set(all).size];
        }""",
        as_text(data),
    )
    assert colours[0] > 600
    assert colours[1] > 10


async def test_a_phone_scrolls_in_one_direction_only(platform: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(platform), viewport={"width": 390, "height": 844})
    await add_panel(page)
    await expect(page.locator(".panel")).to_have_count(2)
    for key in ("", "Control+k", "?", "f"):
        if key:
            await page.keyboard.press(key)
            await page.wait_for_selector("dialog")
        await fits(page, 390)
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
    await in_place(page)
    places = [await page.locator(".panel").nth(at).bounding_box() for at in (0, 1)]
    assert places[0] is not None
    assert places[1] is not None
    assert places[0]["x"] == places[1]["x"]
    assert places[0]["y"] + places[0]["height"] <= places[1]["y"]


@needs_axe
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_axe_finds_nothing_serious(platform: Platform, browser: Browser, theme: str) -> None:
    page, _ = await opened(browser, url_of(platform), color_scheme=theme)
    views = ["", "/", "Control+k", "?", ",", "f"]
    for key in views:
        if key:
            await page.keyboard.press(key)
            await page.wait_for_selector("dialog")
        worst = await grave_findings(page)
        assert worst == [], f"{theme}, {key or 'the page'}"
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
    await page.get_by_role("button", name="as a table").click()
    await page.get_by_role("button", name="settings").click()
    assert await grave_findings(page) == []


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
