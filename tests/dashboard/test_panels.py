"""The panels of the page in a browser: where they lie, what they share and what they save."""

import asyncio
import csv
import re
from pathlib import Path

from playwright.async_api import Browser, FileChooser, expect
from tests.api.served import Platform
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.layouts import address_of
from tests.dashboard.looking import (
    as_text,
    becomes,
    drawn,
    in_place,
    noted_page,
    opened,
    past_is_there,
    says_age,
)
from tests.dashboard.paged import add_panel, kept_places, url_of

pytestmark = [needs_modules, needs_browser]


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
