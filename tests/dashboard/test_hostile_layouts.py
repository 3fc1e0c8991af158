"""Sixty hostile texts through whole layouts: nothing runs, whatever the platform tells.

Panels have such tests of their own; here are the texts that many of them show at once: the symbol
that is looked at, names and words of venues, and what people call their rules.
"""

import json
import re
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Page, Route, expect
from tests.api.fake_source import make_spike
from tests.api.routes.test_largest_liquidations import of
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_browser, needs_modules
from tests.dashboard.layouts import DRAWN_ROW
from tests.dashboard.looking import Seen, becomes, noted_page
from tests.dashboard.test_alerts_panel import rule
from tests.dashboard.test_ready_layouts import address, told, whole

pytestmark = [needs_modules, needs_browser]

GUARD = (
    "window.violations = []; addEventListener('securitypolicyviolation', (e) => "
    "violations.push(e.violatedDirective)); window.alert = () => violations.push('alert');"
)
LOOK_AT = """async (texts) => {
    const view = await import(new URL("view.js", location.href.split("?")[0]));
    const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const found = [];
    for (const [number, text] of texts.entries()) {
        view.symbol.value = text;
        if (number % 10 === 0) await drawn();
        else for (let turn = 0; turn < 5; turn += 1) await null;
        const titles = [...document.querySelectorAll(".panel h2")].map((one) => one.textContent);
        found.push(titles.filter((one) => one.includes(text)).length);
    }
    return found;
}"""
"""Looks at one after the other, every tenth until it is drawn; how many titles had each."""


async def untouched(page: Page, seen: Seen) -> None:
    """No script ran, nothing was made of markup, no policy was broken."""
    assert await page.evaluate("window.hacked") is None
    assert await page.evaluate("violations") == []
    made = "main img, main iframe, main object, main embed, main video, main script, dialog img"
    assert await page.locator(made).count() == 0
    assert len(seen.hosts) == 1
    # The platform refuses to tell of what it does not have, and the browser notes each refusal.
    assert [one for one in seen.errors if "status of 4" not in one] == []


@pytest.mark.parametrize(
    ("layout", "texts", "titles"), [("Derivatives", HOSTILE, 1), ("Market", HOSTILE[3::10], 3)]
)
async def test_symbols_that_are_looked_at_are_texts(
    browser: Browser, tmp_path: Path, layout: str, texts: tuple[str, ...], titles: int
) -> None:
    """Panels take each as their symbol; every other one is refused by name.

    The market takes a few: its order book opens a socket for each, one after the other.
    """
    async with whole(tmp_path) as market:
        for source in market.sources.values():
            source.list_symbols("BTCUSDT", *HOSTILE[::2])
        page, seen = await noted_page(browser)
        await page.add_init_script(GUARD)
        await page.goto(address(market, layout))
        await told(page, market, layout)
        assert min(await page.evaluate(LOOK_AT, texts)) >= titles
        assert min(await page.evaluate(LOOK_AT, [HOSTILE[3]])) >= titles
        await expect(page.locator(".panel .status.bad").first).to_contain_text(HOSTILE[3])
        await untouched(page, seen)


async def test_what_venues_are_called_and_say_is_text(browser: Browser, tmp_path: Path) -> None:
    """Sixty venues of such names, in trouble for such reasons: strip, panels, window."""

    async def poison(route: Route) -> None:
        reply = await route.fetch()
        body = await reply.json()
        if "simulated" in body:
            body["exchanges"] = [*body["exchanges"], *HOSTILE]
        else:
            one = next(iter(body["exchanges"].values()))
            for text in HOSTILE:
                channels = [{**each, "reason": text} for each in one["channels"]]
                said = {"reason": text, "last_error": text, "channels": channels}
                body["exchanges"][text] = {**one, **said, "exchange": text}
        await route.fulfill(response=reply, json=body)

    async with whole(tmp_path) as market:
        page, seen = await noted_page(browser)
        await page.add_init_script(GUARD)
        await page.route(re.compile(r"/exchanges/health$|:\d+/$"), poison)
        await page.goto(address(market, "Market"))
        names = page.locator(f"{DRAWN_ROW} td:first-child")
        await expect(page.locator(".feed")).to_have_count(len(HOSTILE) + len(market.sources))
        feeds = page.locator(".feed span:first-of-type")

        async def lacking() -> set[str]:
            return set(HOSTILE) - set(await feeds.all_text_contents())

        await becomes(lacking, set())
        await expect(names.filter(has_text=HOSTILE[0]).first).to_be_visible()
        await page.keyboard.press("f")
        dialog = page.get_by_role("dialog", name="Feeds")
        await expect(dialog).to_contain_text(HOSTILE[0])
        await untouched(page, seen)
        # What is being fetched for the page ends before the platform does.
        await page.unroute_all(behavior="wait")


async def test_rules_spikes_and_liquidations_of_hostile_names_are_texts(
    browser: Browser, tmp_path: Path
) -> None:
    """The layout of liquidations, with the last fifty texts as rules and all as symbols."""
    rules = [rule(f"r{at}") | {"name": text[:80]} for at, text in enumerate(HOSTILE[10:])]
    kept = json.dumps(json.dumps(rules))
    async with whole(tmp_path) as market:
        page, seen = await noted_page(browser)
        await page.add_init_script(f"{GUARD} localStorage.setItem('headwater.alert-rules', {kept})")
        await page.goto(address(market, "Liquidations"))
        await told(page, market, "Liquidations")
        for number, text in enumerate(HOSTILE):
            market.bus.publish(of(-number, 100_000.0 - number, text))
            market.bus.publish(
                msgspec.structs.replace(make_spike(), symbol=text, native_symbol=text)
            )
        listed = page.get_by_role("list", name="Rules").locator("b")
        await becomes(listed.all_text_contents, [text[:80] for text in HOSTILE[10:]])
        largest = page.get_by_role("region", name="Largest liquidations", exact=True)
        cell = largest.locator(f"{DRAWN_ROW} td:nth-child(3)").first
        await expect(cell).to_have_text(HOSTILE[0], use_inner_text=False)
        await expect(page.locator(".alerts tbody")).to_contain_text(HOSTILE[-1][:60])
        await untouched(page, seen)
