"""The report of a back-test in a browser: charts, no request, nothing out of reach."""

import csv
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.backtest.portfolio_runs import crossing
from tests.backtest.report_runs import HOSTILE, Never, Once, ruined, run
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import THEMES, Seen, grave_findings, noted_page, themed

from headwater.backtest.comparison import compared
from headwater.backtest.comparison_page import comparison_html
from headwater.backtest.portfolio_report import portfolio_report_html
from headwater.backtest.report import report_html
from headwater.backtest.result import BacktestResult
from headwater.backtest.summary import summary

pytestmark = [needs_browser, needs_modules]

PHONE = {"width": 390, "height": 800}

_INK = """() => [...document.querySelectorAll(".chart canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) {
        colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    }
    return colours.size;
})"""


# The page's policy forbids `eval`, which waiting for an expression needs: wait for functions.
async def opened_page(
    browser: Browser, folder: Path, page: str, **context: object
) -> tuple[Page, Seen]:
    """A page from a file, once its script is through."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    found, seen = await noted_page(browser, **context)
    await found.goto(file.as_uri())
    await found.wait_for_selector("[data-ready]", state="attached")
    await found.wait_for_selector(".chart canvas")
    return found, seen


async def test_charts_are_drawn_and_nothing_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    page, seen = await opened_page(
        browser, tmp_path, report_html(run(stop_loss=0.02, take_profit=0.03))
    )
    await page.wait_for_function(f"() => Math.max(...({_INK})()) > 8")
    assert seen.errors == []
    assert seen.hosts == {""}
    await expect(page.locator("#price-note")).to_contain_text("50 trades in view")


async def test_a_report_of_several_contracts_draws_every_chart_and_saves_their_names(
    browser: Browser, tmp_path: Path
) -> None:
    result = crossing(stop_loss=0.02)
    page, seen = await opened_page(browser, tmp_path, portfolio_report_html(result))
    for name in ("equity", "exposures", "price-0", "price-1"):
        ink = _INK.replace(".chart", f"[data-chart={name}]")
        await page.wait_for_function(f"() => Math.max(...({ink})()) > 8")
    row = page.locator("#trades tbody tr").first
    assert await row.locator("td").first.inner_text() == f"{result.trades[0].exchange}:BTCUSDT"
    assert await row.locator("td").nth(4).inner_text() == f"{result.trades[0].entry_price:.2f}"
    assert await row.locator("td").nth(7).get_attribute("class") in {"gain", "loss"}
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="download as CSV").click()
    saved = Path(await (await saving.value).path()).read_text(encoding="utf-8")
    lines = list(csv.DictReader(saved.splitlines()))
    assert len(lines) == len(result.trades)
    assert {line["contract"] for line in lines} == {"x:BTCUSDT", "y:BTCUSDT"}
    assert seen.errors == []
    assert seen.hosts == {""}


async def test_each_contract_shows_its_own_trades_in_its_own_chart(
    browser: Browser, tmp_path: Path
) -> None:
    result = crossing(stop_loss=0.02)
    page, seen = await opened_page(browser, tmp_path, portfolio_report_html(result))
    notes = [page.locator(f"#price-{at}-note") for at in (0, 1)]
    for note, exchange in zip(notes, ("x", "y"), strict=True):
        count = sum(one.exchange == exchange for one in result.trades)
        await expect(note).to_have_text(f"{count} trades in view are marked.")
    whole = await notes[0].inner_text()
    at = next(at for at, one in enumerate(result.trades, 1) if one.exchange == "y")
    await page.get_by_role("button", name=f"show trade {at} in the chart", exact=True).click()
    await expect(notes[1]).not_to_contain_text("44 trades")
    assert await notes[0].inner_text() == whole
    await expect(page.locator('[data-chart="price-1"]')).to_be_in_viewport()
    assert seen.errors == []


async def test_of_many_contracts_the_later_ones_are_drawn_when_they_are_looked_at(
    browser: Browser, tmp_path: Path
) -> None:
    result = crossing(pairs=4)
    page, seen = await opened_page(browser, tmp_path, portfolio_report_html(result))
    charts = page.locator('[data-chart^="price-"]')
    assert await charts.count() == 8
    assert await charts.nth(3).locator("canvas").count() > 0
    assert await charts.nth(7).locator("canvas").count() == 0
    assert await charts.nth(7).locator("polyline").count() == 1
    await charts.nth(7).scroll_into_view_if_needed()
    await expect(charts.nth(7).locator("canvas").first).to_be_attached()
    at = next(at for at, one in enumerate(result.trades, 1) if one.symbol == "C2USDT")
    await page.get_by_role("button", name=f"show trade {at} in the chart", exact=True).click()
    shown = charts.nth(4 if result.trades[at - 1].exchange == "x" else 5)
    await expect(shown.locator("canvas").first).to_be_attached()
    await expect(shown).to_be_in_viewport()
    assert seen.errors == []


@pytest.mark.parametrize("result", [run(Never), run(Once), ruined()], ids=lambda one: one.strategy)
async def test_runs_with_little_to_show_are_shown(
    browser: Browser, tmp_path: Path, result: BacktestResult
) -> None:
    _, seen = await opened_page(browser, tmp_path, report_html(result))
    assert seen.errors == []


async def test_hostile_names_run_nothing(browser: Browser, tmp_path: Path) -> None:
    result = run(note=HOSTILE)
    named = BacktestResult(**{**result.__dict__, "strategy": HOSTILE, "symbol": HOSTILE})
    page, seen = await opened_page(browser, tmp_path, report_html(named, title=HOSTILE))
    assert await page.locator("h1").inner_text() == HOSTILE
    assert await page.locator("img").count() == 0
    assert seen.errors == []


async def test_trades_are_paged_shown_in_the_chart_and_saved(
    browser: Browser, tmp_path: Path
) -> None:
    result = run(bars=2_500)
    page, seen = await opened_page(browser, tmp_path, report_html(result))
    rows = page.locator("#trades tbody tr")
    assert await rows.count() == 100
    await page.get_by_role("button", name="last").click()
    assert await rows.count() == len(result.trades) - 200
    await page.get_by_role("button", name="show trade 201 in the chart").click()
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="download as CSV").click()
    saved = Path(await (await saving.value).path()).read_text(encoding="utf-8")
    lines = list(csv.DictReader(saved.splitlines()))
    assert len(lines) == len(result.trades)
    assert float(lines[0]["entry_price"]) == pytest.approx(result.trades[0].entry_price)
    assert lines[0]["entry_time"] == "2024-01-01T05:00:00.000Z"
    assert seen.errors == []


async def test_keys_move_the_chart(browser: Browser, tmp_path: Path) -> None:
    page, _ = await opened_page(browser, tmp_path, report_html(run()))
    note = page.locator("#price-note")
    # Before the chart has its size there is nothing to zoom.
    await expect(note).to_contain_text("50 trades")
    await page.locator('[data-chart="price"]').focus()
    for _ in range(12):
        await page.keyboard.press("+")
    await expect(note).not_to_contain_text("50 trades")
    await page.keyboard.press("Home")
    await expect(note).to_contain_text("50 trades")


@needs_axe
@pytest.mark.parametrize("contracts", [1, 2])
async def test_nothing_stands_in_the_way(browser: Browser, tmp_path: Path, contracts: int) -> None:
    if contracts == 1:
        text = report_html(run(stop_loss=0.002, take_profit=0.002))
    else:
        text = portfolio_report_html(crossing(stop_loss=0.02))
    # One is opened in the dark, the other in the light, and each is seen in both.
    for themes, viewport in ((THEMES, {"width": 1280, "height": 800}), (THEMES[::-1], PHONE)):
        page, _ = await opened_page(
            browser, tmp_path, text, color_scheme=themes[0], viewport=viewport
        )
        for theme in themes:
            await themed(page, theme)
            assert await grave_findings(page) == [], theme
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert await page.evaluate(wide)


@needs_axe
async def test_the_comparison_draws_every_run(browser: Browser, tmp_path: Path) -> None:
    runs = {
        "plain": summary(run(), with_equity=True),
        "<b>costly</b>": summary(run(stop_loss=0.02), with_equity=True),
    }
    page, seen = await opened_page(browser, tmp_path, comparison_html(compared(runs), runs))
    await page.wait_for_function(f"() => Math.max(...({_INK})()) > 8")
    assert seen.errors == []
    assert seen.hosts == {""}
    assert await grave_findings(page) == []
