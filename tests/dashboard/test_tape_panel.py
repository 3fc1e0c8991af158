"""The tape in a browser, over a venue in memory whose time stands still."""

from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Browser, Page, expect
from tests.api.fake_source import make_liquidation, make_trade
from tests.api.served import Platform
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.layouts import DRAWN_ROW, saved_colours, saved_rows, shown
from tests.dashboard.looking import THEMES, becomes, fits, grave_findings, has_room, themed

from headwater.api.schemas.base import encode
from headwater.api.schemas.views import any_large_trade_view, any_liquidation_view
from headwater.core.enums import PositionSide, Side
from headwater.core.records import Liquidation, Trade

pytestmark = [needs_modules, needs_browser]

TAPE = {"kind": "tape"}


def trade(number: int, value: float = 1_000.0, **changes: Any) -> Trade:
    return msgspec.structs.replace(make_trade(number), value=value, **changes)


def forced(number: int, value: float, **changes: Any) -> Liquidation:
    made = make_liquidation()
    at_ms = made.timestamp_ms + number
    return msgspec.structs.replace(made, timestamp_ms=at_ms, value=value, **changes)


async def tells(page: Page, row: int, *cells: str) -> None:
    """Waits until so many last cells of a row are these; columns without room are not there."""
    found = page.locator(DRAWN_ROW).nth(row).locator("td:visible")

    async def last() -> list[str]:
        return (await found.all_inner_texts())[-len(cells) :]

    await expect(found).to_have_count(6)
    await becomes(last, list(cells))


async def test_tape_numbers_and_csv_are_the_apis(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Side by sign and word, "≥" where the venue tells one a second, sums above."""
    page, seen = await shown(browser, platform, TAPE)
    records: list[Trade | Liquidation] = [
        trade(1, 2_000_000.0),
        trade(2, 1_018.3515, side=Side.SELL, price=67_890.0),
        forced(3, 33_500.0),
        forced(4, 500.0, side=Side.BUY, position_side=PositionSide.SHORT, is_floor=False),
    ]
    for record in records:
        platform.bus.publish(record)
    await expect(page.locator(DRAWN_ROW)).to_have_count(4)
    await tells(page, 0, "17:20:00", "binance", "LIQ short", "◇ 67,000.0", "0.5", "500")
    await tells(page, 1, "LIQ long", "◆ 67,000.0", "0.5", "≥ 33,500")
    await tells(page, 2, "sell", "▼ 67,890.0", "0.015", "1,018")
    await tells(page, 3, "buy", "▲ 67,890.1", "0.015", "2.00M")
    await expect(page.locator(".sums")).to_have_text(
        "▲ 2.00M  ▼ 1,018   LIQ ◆ ≥ 33,500  ◇ ≥ 500", use_inner_text=False
    )
    tiers = await page.locator(DRAWN_ROW).evaluate_all("rows => rows.map(row => row.className)")
    assert [one.split("tier-")[1][0] for one in tiers] == ["0", "1", "0", "3"]
    rows = await saved_rows(page, tmp_path)
    told = [
        msgspec.json.decode(
            encode(
                any_large_trade_view(one) if isinstance(one, Trade) else any_liquidation_view(one)
            )
        )
        for one in records
    ]
    for row, api in zip(rows, told, strict=True):
        assert (row["time"], row["exchange"], row["symbol"], row["side"]) == tuple(
            api[name] for name in ("timestamp", "exchange", "symbol", "side")
        )
        assert [float(row[name]) for name in ("price", "quantity", "value_usd")] == [
            api[name] for name in ("price", "quantity", "value")
        ]
        assert row["position"] == api.get("position_side", "")
    assert seen.errors == []


async def test_tape_stands_still_under_the_pointer_and_by_key(
    platform: Platform, browser: Browser
) -> None:
    page, _ = await shown(browser, platform, TAPE)
    platform.bus.publish(trade(1))
    rows = page.locator(DRAWN_ROW)
    await expect(rows).to_have_count(1)
    hold = page.get_by_role("button", name="Hold the tape still")
    await page.locator(".rows").hover()
    for number in (2, 3, 4):
        platform.bus.publish(trade(number))
    await expect(hold).to_contain_text("3 wait")
    assert await rows.count() == 1
    await page.mouse.move(5, 5)
    await expect(rows).to_have_count(4)
    await page.keyboard.press("p")
    await expect(hold).to_have_attribute("aria-pressed", "true")
    platform.bus.publish(trade(5))
    await expect(hold).to_contain_text("1 wait")
    await page.keyboard.press("p")
    await expect(rows).to_have_count(5)
    await page.locator(".rows").focus()
    await page.keyboard.press("Space")
    platform.bus.publish(trade(6))
    await expect(hold).to_contain_text("1 wait")
    await hold.focus()
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(6)


async def test_two_thousand_trades_at_once_are_a_screenful(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    """The newest 500 are kept, and no more rows are elements than are in sight."""
    page, seen = await shown(browser, platform, TAPE)
    for number in range(2_000):
        platform.bus.publish(trade(number, 1_000.0 + number))
    await expect(page.locator(DRAWN_ROW).first.locator("td").last).to_have_text("2,999")
    rows = await saved_rows(page, tmp_path)
    assert [float(row["value_usd"]) for row in rows] == [2_500.0 + number for number in range(500)]
    assert await page.locator(DRAWN_ROW).count() < 40
    await page.locator(".rows").evaluate("one => { one.scrollTop = one.scrollHeight; }")
    await expect(page.locator(DRAWN_ROW).last.locator("td").last).to_have_text("2,500")
    assert await page.locator(DRAWN_ROW).count() < 40
    assert seen.errors == []


async def test_a_least_size_is_typed_kept_and_shared(platform: Platform, browser: Browser) -> None:
    page, _ = await shown(browser, platform, TAPE)
    field = page.get_by_label("from USD")
    await field.fill("half a million")
    await field.press("Enter")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill("50k")
    await field.press("Enter")
    await expect(field).to_have_value("50000")
    await expect(page.locator(".status")).to_contain_text("live")
    for number, value in enumerate((49_999.0, 50_000.0)):
        platform.bus.publish(trade(number, value))
    await expect(page.locator(DRAWN_ROW)).to_have_count(1)
    other = await page.context.new_page()
    await other.goto(await page.evaluate("location.href"))
    await expect(other.get_by_label("from USD")).to_have_value("50000")
    kept = "JSON.parse(localStorage.getItem('headwater.layout'))[0].settings"
    await becomes(lambda: page.evaluate(kept), {"least": "50000"})


async def test_sounds_are_off_until_somebody_switches_them_on(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await shown(browser, platform, TAPE)
    await page.evaluate(
        "() => { window.tones = []; const start = OscillatorNode.prototype.start; "
        "OscillatorNode.prototype.start = function (at) { tones.push(this.frequency.value); "
        "return start.call(this, at); }; }"
    )
    platform.bus.publish(trade(1, 5e6))
    await expect(page.locator(DRAWN_ROW)).to_have_count(1)
    assert await page.evaluate("tones") == []
    button = page.get_by_role("button", name="Sounds")
    await expect(button).to_have_text("♪ off")
    await button.click()
    await expect(button).to_have_text("♪ on")
    platform.bus.publish(trade(2, 5e6, side=Side.SELL))
    await page.wait_for_function("() => tones.includes(784)")
    await button.click()
    await page.evaluate("tones.length = 0")
    platform.bus.publish(trade(3, 5e6))
    await expect(page.locator(DRAWN_ROW)).to_have_count(3)
    assert await page.evaluate("tones") == []
    assert seen.errors == []


async def test_tape_without_a_connection_says_how_old_it_is(browser: Browser) -> None:
    async with Platform().served() as platform:
        page, _ = await shown(browser, platform, TAPE)
        platform.bus.publish(trade(1))
        await expect(page.locator(DRAWN_ROW)).to_have_count(1)
    await expect(page.locator(".status.stale")).to_contain_text("no connection")
    await expect(page.locator(".status.stale")).to_contain_text("old")


async def test_hostile_texts_on_the_tape_are_texts(platform: Platform, browser: Browser) -> None:
    """As symbols of trades and liquidations of any market: shown as they are, nothing runs."""
    page, seen = await shown(
        browser,
        platform,
        {**TAPE, "h": 40, "settings": {"symbols": "*"}},
        viewport={"width": 1280, "height": 2_000},
    )
    for number, text in enumerate(HOSTILE):
        platform.bus.publish(trade(number, symbol=text, native_symbol=text))
    await expect(page.locator(DRAWN_ROW)).to_have_count(60)
    cells = page.locator(f"{DRAWN_ROW} td:nth-child(3)")
    found = await cells.evaluate_all("cells => cells.map(cell => cell.textContent)")
    assert found == list(reversed(HOSTILE))
    assert await page.evaluate("window.hacked") is None
    assert await page.locator(".rows img, .rows script, .rows svg, .rows iframe").count() == 0
    assert seen.errors == []


@needs_axe
async def test_tape_is_accessible_fits_a_phone_and_has_a_picture(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Rows of all sizes and kinds, and the table twin, in both themes."""
    page, seen = await shown(browser, platform, TAPE)
    for number, value in enumerate((10.0, 20_000.0, 200_000.0, 2e6)):
        platform.bus.publish(trade(2 * number, value))
        platform.bus.publish(trade(2 * number + 1, value, side=Side.SELL))
        platform.bus.publish(forced(number, value))
    await expect(page.locator(DRAWN_ROW)).to_have_count(12)
    for step in ("list", "twin"):
        if step == "twin":
            await page.get_by_role("button", name="as a table").click()
        for theme in THEMES:
            await themed(page, theme)
            assert await grave_findings(page) == [], (step, theme)
    for theme in THEMES:
        await themed(page, theme)
        width, colours = await saved_colours(page, tmp_path)
        assert width > 600
        assert colours > 20
    await page.get_by_role("button", name="as a table").click()
    await page.set_viewport_size({"width": 390, "height": 844})
    await fits(page, 390)
    await has_room(page, ".rows")
    assert seen.errors == []
