"""The histogram of liquidations under the candles shows what the API sums."""

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.api.routes.test_liquidations import at, rows_of
from tests.api.served import Platform
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.looking import becomes, newest_row, opened, picture_of

from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

pytestmark = [needs_modules, needs_browser]

MINUTE_MS = 60_000
UNITS = {
    "usd": ("buy_volume", "sell_volume"),
    "coin": ("buy_quantity", "sell_quantity"),
    "count": ("buy_count", "sell_count"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(SqliteDatabase(tmp_path / "made.sqlite3"), ManualClock()) as made:
        for event in (
            at(50 * MINUTE_MS, 67_100.0),
            at(50 * MINUTE_MS - 10, 67_190.5, is_long=False),
            at(20 * MINUTE_MS, 67_250.25, exchange="binance"),
            at(20 * MINUTE_MS - 10, 67_251.0, is_long=False, exchange="binance"),
            at(50, 67_300.0),
        ):
            made.put(event)
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def stored(store: Store) -> AsyncIterator[Platform]:
    """Two venues, of which one throttles; liquidations of both in the last hour."""
    async with Platform(venues=("binance", "bybit"), store=store).served() as served:
        yield served


async def choose(page: Page, label: str, value: str) -> None:
    await page.locator(f'label:has(span:text-is("{label}")) select').select_option(value)


async def rows_of_csv(page: Page, folder: Path) -> list[dict[str, str]]:
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").click()
    await (await saving.value).save_as(folder / "rows.csv")
    with (folder / "rows.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def told(row: dict[str, str]) -> tuple[str, float, float, bool]:
    """The liquidations in a row of the CSV: time, shorts, longs, whether they are a lower bound."""
    *_, shorts, longs, kind, _missing = row.values()
    return row["time"], float(shorts), float(longs), kind == "at least"


async def liquidations_of_csv(page: Page, folder: Path) -> list[tuple[str, float, float, bool]]:
    """The rows of the CSV that have liquidations, as `told`."""
    return [told(row) for row in await rows_of_csv(page, folder) if row["liquidations are"]]


def answered(row: dict[str, Any], unit: str) -> tuple[str, float, float, bool]:
    shorts, longs = UNITS[unit]
    return row["timestamp"], row[shorts], row[longs], row["is_floor"]


async def test_histogram_sums_equal_the_apis(
    stored: Platform, browser: Browser, tmp_path: Path
) -> None:
    """In each unit, of one venue and of all: every number of the CSV is the API's."""
    page, seen = await opened(
        browser, f"http://127.0.0.1:{stored.port}/dashboard/?start=chart#bybit/BTCUSDT/5m"
    )
    await page.get_by_role("button", name="settings").click()
    for venues, query in (("one", "&exchanges=bybit"), ("all", "")):
        await choose(page, "Liquidations of", venues)
        answer = await rows_of(stored, f"/liquidations/volume?symbol=BTCUSDT&interval=5m{query}")
        assert sum(row["sell_count"] for row in answer) == (2 if venues == "one" else 3)
        for unit in UNITS:
            await choose(page, "Liquidations", unit)
            await expect(page.locator(".legend")).to_contain_text("longs")
            wanted = [answered(row, unit) for row in answer]
            # What was shown of other venues before stays until the answer is there.
            await becomes(lambda: liquidations_of_csv(page, tmp_path), wanted)
    assert seen.errors == []


async def test_a_liquidation_that_is_heard_is_drawn_and_a_lower_bound_is_marked(
    stored: Platform, store: Store, browser: Browser
) -> None:
    """67,300 were there; 100 of the throttled venue come: at least 67,400 of all venues."""
    page, seen = await opened(
        browser, f"http://127.0.0.1:{stored.port}/dashboard/?start=chart#bybit/BTCUSDT/1m"
    )
    legend = page.locator(".legend")
    await expect(legend).to_contain_text("longs67.3K $")
    await page.get_by_role("button", name="settings").click()
    await choose(page, "Liquidations of", "all")
    await expect(legend).to_contain_text("longs67.3K $")
    event = at(20, 100.0, exchange="binance")
    store.put(event)
    stored.advance(1.5)
    stored.bus.publish(event)
    await expect(legend).to_contain_text("longs≥67.4K $")
    await page.get_by_role("button", name="as a table").click()

    async def newest() -> list[str]:
        return (await newest_row(page))[-3:-1]

    await becomes(newest, ["67400", "at least"])
    assert seen.errors == []


async def test_the_picture_has_the_bars_and_without_them_it_has_not(
    stored: Platform, browser: Browser
) -> None:
    """All candles of this venue rise, so what is red are longs that were liquidated."""
    page, _ = await opened(
        browser, f"http://127.0.0.1:{stored.port}/dashboard/?start=chart#bybit/BTCUSDT/5m"
    )
    await expect(page.locator(".legend")).to_contain_text("longs67.3K $")
    red = "#f2636f"

    async def is_red() -> bool:
        return (await picture_of(page)).count(red) > 20

    await becomes(is_red, True)
    await page.get_by_role("button", name="settings").click()
    await choose(page, "Liquidations", "off")
    await expect(page.locator(".legend")).not_to_contain_text("longs")

    async def is_without() -> bool:
        return (await picture_of(page)).count(red) == 0

    await becomes(is_without, True)


async def test_a_platform_that_stores_nothing_is_not_asked(
    platform: Platform, browser: Browser
) -> None:
    page, seen = await opened(browser, f"http://127.0.0.1:{platform.port}/dashboard/?start=chart")
    platform.bus.publish(msgspec.structs.replace(at(0, 1.0), exchange="binance"))
    await expect(page.locator(".simulated")).to_be_visible()
    await expect(page.locator(".status")).to_have_text("live")
    assert "longs" not in await page.locator(".legend").inner_text()
    assert seen.errors == []
