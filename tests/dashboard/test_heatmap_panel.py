"""The heat map of the candles panel in a browser, over a stored market whose time stands still."""

import csv
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect
from tests.api.fake_source import NOW_MS
from tests.api.heatmap_maps import CountedMaps
from tests.api.served import Platform
from tests.api.stored_market import put_market
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.layouts import layout_text
from tests.dashboard.looking import (
    THEMES,
    as_text,
    becomes,
    drawn,
    fits,
    grave_findings,
    in_place,
    noted_page,
    opened,
    themed,
)

from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

pytestmark = [needs_modules, needs_browser]

MAP = "/liquidations/heatmap-timeseries?symbol=BTCUSDT&interval=1m"
BLOCK_MS = 4 * 3_600_000
KEYS = {"realised": "R", "estimated": "E", "observed": "O", "empirical": "M"}
READ = re.compile(
    r"(?P<layer>realised|estimated) (?P<low>[\d.,]+)–[\d.,]+: "
    r"long (?P<long>[\d,]+) · short (?P<short>[\d,]+) USD"
)
PICTURE = """async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const blob = new Blob([bytes], { type: "image/png" });
    const image = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const all = context.getImageData(0, 0, image.width, image.height).data.buffer;
    return [image.height, new Set(new Uint32Array(all)).size];
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def market(tmp_path: Path) -> AsyncIterator[Platform]:
    """Six stored hours of one venue; the live map tells of a moment after them."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(SqliteDatabase(tmp_path / "market.sqlite3"), clock) as store:
        await put_market(store, NOW_MS)
        platform = Platform(clock=clock, store=store, maps=CountedMaps())
        async with platform.served() as served:
            yield served


def url_of(platform: Platform, view: str = "") -> str:
    return f"http://127.0.0.1:{platform.port}/dashboard/?start=chart{view}"


def layout_of(**settings: str) -> str:
    """The part of an address with one candles panel that has these settings."""
    panels = [{"kind": "candles", "x": 0, "y": 0, "w": 12, "h": 17, "settings": settings}]
    return f"#binance/BTCUSDT/1m?layout={layout_text(panels)}"


async def switched_on(page: Page, *layers: str) -> None:
    """Switches layers on by their keys, and waits until each has its legend."""
    for layer in layers:
        await page.keyboard.press(f"Shift+{KEYS[layer]}")
        legend = page.locator(".map-legend li", has=page.locator(f"b:text-is('{layer}')"))
        await expect(legend).to_contain_text("USD a cell")
        await expect(legend).not_to_contain_text("loading")


async def columns_of(platform: Platform, model: str, rows: str = "") -> dict[str, Any]:
    """The API's columns of the two blocks that hold the stored hours, by their time."""
    columns: dict[str, Any] = {}
    for start in range(NOW_MS - NOW_MS % BLOCK_MS - BLOCK_MS, NOW_MS, BLOCK_MS):
        end = f"&end_time={start + BLOCK_MS}" if start + BLOCK_MS < NOW_MS else ""
        reply = await platform.get(f"{MAP}&model={model}&start_time={start}{end}{rows}")
        columns |= {one["timestamp"]: one for one in reply.json()["data"]}  # type: ignore[index]
    return columns


async def test_a_read_out_is_the_apis_number(market: Platform, browser: Browser) -> None:
    """A pointer that wanders over the chart reads, wherever it is, what the API says there."""
    page, seen = await opened(
        browser, url_of(market, layout_of(map_threshold="0", liquidations="off"))
    )
    await switched_on(page, "realised", "estimated")
    columns = {model: await columns_of(market, model) for model in ("realised", "estimated")}
    await in_place(page)
    box = await page.locator(".chart").bounding_box()
    assert box is not None
    found = {"realised": 0, "estimated": 0}
    for across in range(11):
        for down in range(10):
            x = box["x"] + 600 + across * 6  # a bar further: something is liquidated in each fifth
            await page.mouse.move(x, box["y"] + 30 + down * 36)
            await drawn(page)
            text = " ".join((await page.locator(".map-readout").inner_text()).split())
            when = re.match(r"(\d\d Nov 2024), (\d\d:\d\d)–", text)
            assert when is not None, text
            minute = f"2024-11-07T{when.group(2)}:00.000Z"
            for one in READ.finditer(text):
                column = columns[one["layer"]].get(minute, {"levels": []})
                price = float(one["low"].replace(",", ""))
                levels = {level["price"]: level for level in column["levels"]}
                level = levels.get(price, {"long_density": 0.0, "short_density": 0.0})
                told = (one["long"], one["short"])
                assert told == tuple(
                    f"{level[f'{side}_density']:,.0f}" for side in ("long", "short")
                ), text
                found[one["layer"]] += told != ("0", "0")
    assert found["estimated"] >= 10
    assert found["realised"] >= 1
    assert seen.errors == []


async def test_every_layer_has_its_switch_and_its_key(market: Platform, browser: Browser) -> None:
    page, seen = await opened(browser, url_of(market))
    await expect(page.locator(".map-legend")).to_have_count(0)
    for layer, key in KEYS.items():
        switch = page.get_by_role("button", name=layer, exact=True)
        await page.keyboard.press(f"Shift+{key}")
        await expect(switch).to_have_attribute("aria-pressed", "true")
        await expect(page.locator(".map-legend li b", has_text=layer)).to_have_count(1)
        await switch.click()
        await expect(switch).to_have_attribute("aria-pressed", "false")
        await expect(page.locator(".map-legend")).to_have_count(0)
    await switched_on(page, "realised", "estimated")
    await page.keyboard.press("Shift+O")
    legend = page.locator(".map-legend")
    await expect(legend).to_contain_text("layers lie over each other and are not added up")
    await expect(legend).to_contain_text("simulated market: nothing here is real")
    await expect(legend).to_contain_text("0.0 % of open interest known")
    await expect(legend).to_contain_text("lower bound")
    assert seen.errors == []


async def test_the_address_restores_the_map(market: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(market))
    await switched_on(page, "estimated")
    for label, key in (("threshold", "ArrowRight"), ("opacity", "ArrowLeft")):
        await page.get_by_role("slider", name=label).focus()
        await page.keyboard.press(key)
        await page.keyboard.press(key)
    await page.get_by_role("button", name="Colours").click()
    await page.get_by_role("button", name="Venues").click()
    await expect(page.get_by_role("button", name="Colours: long / short")).to_be_visible()
    await expect(page.get_by_role("button", name="Venues: this venue")).to_be_visible()
    shared = await page.evaluate("location.href")
    other, seen = await opened(browser, shared)
    await expect(other.locator(".map-legend li b")).to_have_text(["estimated", "", ""])
    await expect(other.locator(".slider small")).to_have_text(["15 %", "60 %"])
    await expect(other.get_by_role("button", name="Colours: long / short")).to_be_visible()
    await expect(other.get_by_role("button", name="Venues: this venue")).to_be_visible()
    await becomes(lambda: other.evaluate("location.href"), shared)
    assert seen.errors == []


async def test_cells_as_csv_are_the_apis(
    market: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Every cell of every column that is loaded, to the last digit; the twin shows the newest."""
    page, _ = await opened(browser, url_of(market))
    await switched_on(page, "realised", "estimated")
    await page.get_by_role("button", name="Table and CSV").click()
    await page.get_by_role("button", name="as a table").click()
    await expect(page.locator(".twin caption")).to_contain_text("Cells of the heat map")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").click()
    await (await saving.value).save_as(tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(newline="") as file:
        head, *rows = list(csv.reader(file))
    assert head == ["time", "layer", "price_from", "price_to", "long_usd", "short_usd"]
    for model in ("realised", "estimated"):
        begin = min(row[0] for row in rows if row[1] == model)
        told = {
            (row[0], float(row[2])): (float(row[4]), float(row[5]))
            for row in rows
            if row[1] == model
        }
        columns = await columns_of(market, model)
        assert told == {
            (at, level["price"]): (level["long_density"], level["short_density"])
            for at, column in columns.items()
            for level in column["levels"]
            if at >= begin
        }
        assert len(told) > 30


async def test_the_live_map_is_shown_as_of_its_moment(market: Platform, browser: Browser) -> None:
    """Behind the newest column lies what the socket sent, and says so."""
    page, seen = await opened(browser, url_of(market))
    await switched_on(page, "estimated")
    legend = page.locator(".map-legend")
    await expect(legend).to_contain_text("live, of 15 min bars, as of 17:20")
    await in_place(page)
    box = await page.locator(".chart canvas").first.bounding_box()
    assert box is not None
    readout = page.locator(".map-readout")
    for down in range(20, 400, 3):
        await page.mouse.move(box["x"] + box["width"] - 4, box["y"] + down)
        await drawn(page)
        if "101–102" in await readout.inner_text():
            break
    await expect(readout).to_contain_text("as of 07 Nov 2024, 17:20")
    await expect(readout).to_contain_text("101–102")
    await expect(readout).to_contain_text("long 1,000,000 · short 2,000,000 USD")
    await page.get_by_role("button", name="Venues").click()
    await expect(legend).to_contain_text("as of 17:19")
    await expect(legend).not_to_contain_text("live")
    assert seen.errors == []


async def test_the_model_card_claims_nothing_without_a_score(
    market: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, url_of(market))
    await switched_on(page, "realised", "estimated")
    await page.keyboard.press("Shift+I")
    card = page.get_by_role("dialog", name="Model card")
    estimated = card.get_by_role("region", name="estimated")
    for text in (
        "estimated, version 1",
        "5:0.15,10:0.3,25:0.25,50:0.2,100:0.1",
        "What each venue told of this time",
        "not enough data",
        "Every position has isolated margin",
    ):
        await expect(estimated).to_contain_text(text)
    await expect(card).to_contain_text("Simulated market")
    await expect(card.get_by_role("region", name="realised")).to_contain_text(
        "part came by a throttled feed: amounts are a lower bound"
    )
    await expect(estimated.locator(".badge.skill")).to_have_count(0)
    skill = (await market.get("/liquidations/skill?symbol=BTCUSDT&model=estimated")).json()
    assert isinstance(skill, dict)
    row = next(one for one in skill["data"] if one["model"] == "estimated")
    await expect(estimated).to_contain_text(row["line"])
    href = await estimated.get_by_role("link").get_attribute("href")
    assert href is not None
    answer = (await market.get(href.removeprefix(f"http://127.0.0.1:{market.port}"))).json()
    assert isinstance(answer, dict)
    bars = f"{answer['meta']['coverage'][0]['bars'] * 100:.1f} %"
    await expect(estimated.locator("tbody tr").first).to_contain_text(bars)
    assert seen.errors == []


async def test_a_map_that_cannot_be_had_is_one_sentence(
    platform: Platform, browser: Browser
) -> None:
    """This platform stores nothing."""
    page, _ = await opened(browser, url_of(platform))
    await page.keyboard.press("Shift+E")
    row = page.locator(".map-legend li").first
    await expect(row).to_contain_text("this process stores nothing")
    await expect(row.get_by_role("button", name="try again")).to_be_visible()
    await expect(page.locator(".status")).to_have_text("live")


async def test_the_picture_has_the_map_and_its_legend(
    market: Platform, browser: Browser, tmp_path: Path
) -> None:
    page, _ = await opened(browser, url_of(market))
    found = []
    for layers in ((), ("estimated",)):
        await switched_on(page, *layers)
        await in_place(page)
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="save as PNG").click()
        await (await saving.value).save_as(tmp_path / "picture.png")
        data = (tmp_path / "picture.png").read_bytes()
        chart = await page.locator(".chart").bounding_box()
        assert chart is not None
        height, colours = await page.evaluate(PICTURE, as_text(data))
        found.append((round(height - chart["height"]), colours))
    assert abs(found[0][0]) <= 1
    assert abs(found[1][0] - 36) <= 1, "two lines of legend below the chart"
    assert found[1][1] > found[0][1] + 20, "the map has colours of its own"


@needs_axe
async def test_axe_finds_nothing_serious(market: Platform, browser: Browser) -> None:
    page, _ = await opened(
        browser, url_of(market, layout_of(map_colours="side")), color_scheme=THEMES[1]
    )
    await switched_on(page, "realised", "estimated")
    for key in ("", "Shift+I"):
        if key:
            await page.keyboard.press(key)
            await page.wait_for_selector("dialog table")
        for theme in THEMES[::-1]:
            await themed(page, theme)
            worst = await grave_findings(page)
            assert worst == [], f"{theme}, {key or 'the panel'}"


async def test_a_phone_scrolls_in_one_direction_only(market: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(market), viewport={"width": 390, "height": 844})
    await switched_on(page, "realised", "estimated")
    await fits(page, 390)
    await in_place(page)
    chart = await page.locator(".chart").bounding_box()
    assert chart is not None
    assert chart["height"] > 250
    await page.get_by_role("button", name="model card").click()
    await page.wait_for_selector("dialog table")
    await fits(page, 390)


async def test_hostile_texts_of_an_answer_are_texts(market: Platform, browser: Browser) -> None:
    """As reasons, versions, tiers and notes: they are read in the card, and none is run."""
    page, seen = await noted_page(browser)
    await page.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', (e) => "
        "violations.push(e.violatedDirective));"
    )
    bad = list(HOSTILE)

    async def poison(route: Route) -> None:
        reply = await route.fetch()
        body = await reply.json()
        meta = body["meta"]
        if "note" in meta:
            meta["note"], body["data"] = " ".join(bad), []
        else:
            meta["version"], meta["leverage_weights"] = bad[0], bad[1]
            first = meta["coverage"][0]
            meta["coverage"] = [
                {**first, "exchange": f"{at} {text}", "reason": text, "tiers": text}
                for at, text in enumerate(bad)
            ]
        await route.fulfill(response=reply, json=body)

    await page.context.route(re.compile(r"/liquidations/(heatmap-timeseries|skill)"), poison)
    await page.goto(url_of(market, layout_of(map_estimated="on")))
    await expect(page.locator(".map-legend")).to_contain_text("parts missing")
    await page.keyboard.press("Shift+I")
    card = page.get_by_role("dialog", name="Model card")
    await expect(card).to_contain_text(f"estimated, version {bad[0]}")
    text = await card.evaluate("(card) => card.textContent")
    assert all(one in text for one in bad)
    assert await page.evaluate("window.hacked") is None
    assert await page.evaluate("violations") == []
    assert await card.locator("img, script, svg, iframe").count() == 0
    assert seen.errors == []
    await page.context.unroute_all(behavior="wait")
