"""Panes of open interest, funding and mark price show what the API tells, and point together."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Position, expect
from tests.api.fake_source import NOW_MS, make_gap
from tests.api.served import Platform
from tests.api.streaming import until
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import (
    THEMES,
    WAIT_MS,
    becomes,
    drawn,
    fits,
    grave_findings,
    in_place,
    noted_page,
    opened,
    past_is_there,
    picture_of,
    themed,
)
from tests.dashboard.paned import PastPlatform, mark_at, view_of

from headwater.core.enums import Channel, GapState
from headwater.core.errors import VenueUnavailable

pytestmark = [needs_modules, needs_browser]

ACCENT = "#6cb6ff"
GROUND = "#11161d"
ALL_FOUR: tuple[tuple[str, dict[str, str]], ...] = (
    ("candles", {}),
    ("open_interest", {}),
    ("funding", {}),
    ("mark", {}),
)


@pytest_asyncio.fixture(loop_scope="session")
async def past() -> AsyncIterator[Platform]:
    """A venue with a past; what the ledger has is not of these streams."""
    async with PastPlatform().served() as served:
        yield served


def url_of(platform: Platform, *panels: tuple[str, dict[str, str]]) -> str:
    return f"http://127.0.0.1:{platform.port}/dashboard/?start=chart{view_of(*panels)}"


async def rows_of_csv(page: Page, folder: Path, panel: int = 0) -> list[list[str]]:
    """What a panel saves, without the names of the columns."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").nth(panel).click()
    await (await saving.value).save_as(folder / "rows.csv")
    with (folder / "rows.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


async def whole_rows(page: Page, folder: Path, count: int) -> list[list[str]]:
    """What a panel saves once it has so many rows: the past and the reading of now come apart."""
    async with asyncio.timeout(WAIT_MS / 1000):
        while len(rows := await rows_of_csv(page, folder)) < count:
            await drawn(page)
    return rows


async def are_same(texts: Locator) -> None:
    """Waits until two read-outs say the same: each is written by itself."""

    async def count() -> int:
        return len(set(await texts.all_inner_texts()))

    await expect(texts).to_have_count(2)
    await becomes(count, 1)


async def answer(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return reply.json()


async def test_csv_of_open_interest_is_the_apis(
    past: Platform, browser: Browser, tmp_path: Path
) -> None:
    """The past, and the reading of now, whose value this venue does not tell."""
    page, seen = await opened(browser, url_of(past, ("open_interest", {"span": "all"})))
    await expect(page.locator(".legend")).to_contain_text("OI80K")
    told = await answer(past, "/binance/oi-hist/BTCUSDT?period=5m&limit=500")
    now = await answer(past, "/binance/oi/BTCUSDT")
    rows = await whole_rows(page, tmp_path, len(told) + 1)
    assert [(row[0], float(row[1]), float(row[2])) for row in rows[:-1]] == [
        (one["timestamp"], one["open_interest"], one["open_interest_value"]) for one in told
    ]
    assert rows[-1][:3] == [now["timestamp"], repr(now["open_interest"]), ""]
    assert (await picture_of(page)).count(ACCENT) > 300
    assert seen.errors == []


async def test_csv_of_funding_is_the_apis_and_the_rate_is_made_comparable(
    past: Platform, browser: Browser, tmp_path: Path
) -> None:
    """−0.01 % every 8 h to come: −10.95 % a year; in 6 h 40 min at midnight."""
    page, seen = await opened(browser, url_of(past, ("funding", {"span": "all"})))
    legend = page.locator(".legend")
    await expect(legend).to_contain_text("8 h−0.0100 %")
    await expect(legend).to_contain_text("a year−10.95 %")
    await expect(legend).to_contain_text("−0.0100 % every 8 h")
    await expect(legend).to_contain_text("next00:00 (in 6 h 40 min)")
    told = await answer(past, "/binance/funding-hist/BTCUSDT?limit=500")
    assert len(told) == 30
    rows = await whole_rows(page, tmp_path, len(told) + 1)
    assert [(row[0], float(row[1]), float(row[2])) for row in rows[:-1]] == [
        (one["funding_time"], one["funding_rate"], one["interval_h"]) for one in told
    ]
    assert (await picture_of(page)).count(ACCENT) > 300
    assert seen.errors == []


async def test_mark_and_index_come_live_with_their_basis(
    past: Platform, browser: Browser, tmp_path: Path
) -> None:
    """(100.5 − 100) / 100 are 50 hundredths of a percent."""
    page, seen = await noted_page(browser)
    await page.goto(url_of(past, ("mark", {})))
    await until(
        lambda: any(one.subscription.channel is Channel.MARK_PRICES for one in past.source.leases)
    )
    past.bus.publish(mark_at(0, 100.01, 100.02))
    legend = page.locator(".legend")
    await expect(legend).to_contain_text("mark100.01index100.02basis−1.00 bp")
    past.bus.publish(mark_at(2_000, 100.5, 100.0))
    await expect(legend).to_contain_text("mark100.5index100basis50.00 bp")
    past.bus.publish(mark_at(4_000, 100.75, None))
    await expect(legend).to_contain_text("mark100.75index?basis? bp")
    rows = await rows_of_csv(page, tmp_path)
    assert [row[1:4] for row in rows][1:] == [["100.5", "100", "50"], ["100.75", "", ""]]
    assert (await picture_of(page)).count(ACCENT) > 100
    await page.get_by_role("button", name="as a table").click()
    await expect(page.locator(".twin tbody tr").first).to_contain_text("100.75")
    assert seen.errors == []


async def test_what_is_pointed_at_is_marked_in_candles_and_panes(
    past: Platform, browser: Browser
) -> None:
    """By mouse from either side, and by keys alone."""
    url = url_of(past, ("candles", {}), ("open_interest", {}))
    page, seen = await opened(browser, url, viewport={"width": 1280, "height": 1000})
    times = page.locator(".panel .legend span:first-child")
    await in_place(page)
    # Before its past has come a pane says of every time that nothing is known of it.
    await past_is_there(page, 500, panel=0)
    await past_is_there(page, 501, panel=1)
    await expect(times.nth(1)).to_contain_text("17:20")
    charts = page.locator(".chart")
    before = await times.all_inner_texts()
    for panel, place in ((0, Position(x=500, y=80)), (1, Position(x=300, y=120))):
        await charts.nth(panel).hover(position=place)
        await expect(times.nth(1 - panel)).not_to_have_text(before[1 - panel])
        await are_same(times)
        before = await times.all_inner_texts()
        assert "17:20" not in before[0]
        assert "nothing" not in before[0]
    await page.mouse.move(600, 5)
    await expect(times.nth(0)).to_contain_text("17:20")
    await charts.nth(1).focus()
    for _ in range(3):  # of now, 17:20, 17:15, 17:10
        await page.keyboard.press("ArrowLeft")
    await expect(times.nth(0)).to_contain_text("17:10")
    await expect(times.nth(1)).to_contain_text("17:10")
    assert seen.errors == []


async def test_panes_follow_the_span_of_the_candles_into_the_past(
    past: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Two hundred weeks are seen: 500 readings of a day do not reach so far, so all 1,200 come."""
    view = view_of(("candles", {}), ("open_interest", {}), market="binance/BTCUSDT/1w")
    url = f"http://127.0.0.1:{past.port}/dashboard/{view}"
    page, _ = await opened(browser, url, viewport={"width": 1280, "height": 1000})
    await page.get_by_role("button", name="as a table").nth(1).click()
    await expect(page.locator(".twin caption")).to_contain_text("200 of 1201")
    await page.get_by_role("button", name="as a table").nth(1).click()
    await until(lambda: len(asked(past)) >= 4)  # the last one finds nothing more
    assert [one.split()[2] for one in asked(past)] == ["500"] * 4
    assert len(await rows_of_csv(page, tmp_path, 1)) == 1_201
    await drawn(page)
    far = (await picture_of(page, 1)).colours
    await page.locator(".chart").first.focus()
    for _ in range(12):
        await page.keyboard.press("+")

    async def is_nearer() -> bool:
        return (await picture_of(page, 1)).colours != far

    await becomes(is_nearer, True)


def asked(platform: Platform) -> list[str]:
    return [one for one in platform.source.calls if one.startswith("open_interest_history")]


async def test_old_readings_are_shown_as_old_and_a_failure_in_words(
    past: Platform, browser: Browser
) -> None:
    page, _ = await noted_page(browser)
    await page.clock.install()
    await page.goto(url_of(past, ("open_interest", {})))
    await expect(page.locator(".status")).to_have_text("live")
    past.source.error = VenueUnavailable("binance", "the venue is away")
    past.advance(60)
    await page.clock.run_for(21_000)
    await expect(page.locator(".status.bad")).to_contain_text("s old · ")
    await expect(page.locator(".status.bad")).to_contain_text("tried again by itself")
    past.source.error = None
    await page.clock.run_for(40_000)
    await expect(page.locator(".status.good")).to_have_text("live")


async def test_holes_of_streams_are_marked_told_and_in_the_table(browser: Browser) -> None:
    """One of trades is open since now; the repaired one beside it is none any more."""
    async with PastPlatform().served() as past:
        page, seen = await opened(browser, url_of(past, ("candles", {})))
        await expect(page.locator(".legend")).to_contain_text(
            "▨ trades missing 17:20:00–now: no connection (connection lost)"
        )
        # The read-out is written at once, the chart is drawn in its next frame.
        await past_is_there(page, 500)
        await in_place(page)
        hatched = (await picture_of(page)).count(GROUND)
        await page.get_by_role("button", name="as a table").click()
        cells = page.locator(".twin tbody tr").first.locator("td")
        await expect(cells.last).to_have_text("trades: no connection")
        second = page.locator(".twin tbody tr").nth(1).locator("td")
        await expect(second.last).to_have_text("")
        past.source.ledger = []
        other, _ = await opened(browser, url_of(past, ("candles", {})))
        await past_is_there(other, 500)
        await in_place(other)

        async def is_plain() -> bool:
            return (await picture_of(other)).count(GROUND) > hatched + 1_000

        await becomes(is_plain, True)
        assert seen.errors == []


async def test_hostile_details_of_holes_are_texts(past: Platform, browser: Browser) -> None:
    """Sixty holes, one at each reading of open interest; keys lead from one to the next."""
    page, seen = await noted_page(browser)
    await page.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', (e) => "
        "violations.push(e.violatedDirective)); window.alert = () => violations.push('alert');"
    )
    newest_ms = NOW_MS - NOW_MS % 300_000
    past.source.ledger = [
        msgspec.structs.replace(
            make_gap(number, GapState.UNRECOVERABLE),
            channel=Channel.OPEN_INTEREST,
            timestamp_ms=newest_ms - number * 300_000,
            until_ms=newest_ms - number * 300_000 + 500,
            detail=text,
        )
        for number, text in enumerate(HOSTILE)
    ]
    await page.goto(url_of(past, *ALL_FOUR))
    holes = page.locator(".panel .legend .hole")
    await page.locator(".chart").nth(1).focus()
    legend = page.locator(".legend").nth(1)
    await expect(legend).to_contain_text("OI")
    newest = await legend.text_content()
    while await legend.text_content() == newest:  # until the past has come
        await page.keyboard.press("Home")
    await page.keyboard.press("End")
    for text in HOSTILE:
        await page.keyboard.press("ArrowLeft")
        await expect(holes).to_have_count(1)
        await page.wait_for_function(
            "(text) => document.querySelector('.panel .legend .hole')?.textContent.includes(text)",
            arg=f"no connection ({text[:160]})",
        )
    assert await page.evaluate("violations") == []
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("main img, main script").count() == 0
    assert seen.errors == []


@needs_axe
async def test_axe_finds_nothing_serious_in_panes(past: Platform, browser: Browser) -> None:
    page, _ = await opened(browser, url_of(past, *ALL_FOUR))
    await expect(page.locator(".legend").nth(2)).to_contain_text("a year")
    for is_table in (False, True):
        if is_table:
            for at in range(4):
                await page.get_by_role("button", name="as a table").nth(at).click()
                await page.get_by_role("button", name="settings").nth(at).click()
        for theme in THEMES:
            await themed(page, theme)
            worst = await grave_findings(page)
            assert worst == [], theme + json.dumps(worst)


async def test_a_phone_shows_panes_below_each_other(past: Platform, browser: Browser) -> None:
    page, seen = await opened(
        browser, url_of(past, *ALL_FOUR), viewport={"width": 390, "height": 844}
    )
    await expect(page.locator(".panel")).to_have_count(4)
    await expect(page.locator(".legend").nth(2)).to_contain_text("a year")
    await fits(page, 390)
    assert seen.errors == []
