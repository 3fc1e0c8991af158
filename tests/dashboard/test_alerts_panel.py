"""The panel of alerts in a browser: spikes as they come, rules of one's own and their previews."""

import csv
import json
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect
from tests.api.fake_source import make_spike
from tests.api.served import Platform
from tests.api.spike_past import burst_at, interest_past
from tests.api.streaming import until
from tests.dashboard.hostile import HOSTILE
from tests.dashboard.installed import needs_axe, needs_browser, needs_modules
from tests.dashboard.looking import (
    THEMES,
    Seen,
    as_text,
    becomes,
    fits,
    grave_findings,
    noted_page,
    themed,
)

pytestmark = [needs_modules, needs_browser]

LAYOUT = [{"kind": "alerts", "x": 0, "y": 0, "w": 12, "h": 16, "settings": {}}]
NOTED = """
window.violations = [];
addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective));
window.noticed = [];
window.asked = 0;
window.Notification = class {
    static permission = 'default';
    static async requestPermission() {
        window.asked += 1;
        return (window.Notification.permission = 'granted');
    }
    constructor(title, options) { noticed.push([title, options.body]); }
};
window.tones = 0;
window.AudioContext = class {
    currentTime = 0;
    destination = null;
    async resume() {}
    createOscillator() { return { frequency: {}, connect: (to) => to, start: () => { tones += 1; },
        stop() {} }; }
    createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} },
        connect: (to) => to }; }
};
"""


async def alerts_page(
    platform: Platform,
    browser: Browser,
    rules: object = None,
    *,
    stops_time: bool = False,
    **context: object,
) -> tuple[Page, Seen]:
    """The panel alone, in a browser that remembers these rules."""
    page, seen = await noted_page(browser, **context)
    if stops_time:
        await page.clock.install()
    memory = {"layout": LAYOUT, "alert-rules": rules or []}
    lines = "".join(
        f"localStorage.getItem('headwater.{name}') ?? "
        f"localStorage.setItem('headwater.{name}', {json.dumps(json.dumps(value))});"
        for name, value in memory.items()
    )
    await page.add_init_script(NOTED + lines)
    await page.goto(f"http://127.0.0.1:{platform.port}/dashboard/?start=chart")
    await expect(page.locator(".alerts")).to_be_visible()
    await expect(page.locator(".panel .status")).to_have_text("live")
    return page, seen


def rule(name: str, **options: object) -> dict[str, object]:
    made: dict[str, object] = {
        "id": name,
        "name": name,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "timeframe": "5m",
        "metric": "either",
        "threshold": 3,
        "confirmed": False,
        "isOn": True,
    }
    return made | options


async def test_a_rule_is_made_previewed_and_kept(platform: Platform, browser: Browser) -> None:
    """By keyboard and form; the preview counts the spikes that the API tells of the past week."""
    platform.source.past_candles = burst_at(12, 400, 900)
    platform.source.past_interest = interest_past()
    page, seen = await alerts_page(platform, browser)
    form = page.get_by_role("form", name="New rule")
    await expect(form.get_by_label("Symbol")).to_have_value("BTCUSDT")
    await form.get_by_label("Name").fill("my rule")
    await form.get_by_label("From").fill("4.5")
    await form.get_by_label("Name").press("Enter")
    row = page.get_by_role("list", name="Rules").locator("li")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("binance · BTCUSDT · 5m · OI or volume ≥ 4.5 σ")
    await row.get_by_role("button", name="preview: my rule").press("Enter")
    answer = await platform.get("/oi-vol/preview?exchange=binance&symbol=BTCUSDT&hours=168")
    body = answer.json()
    assert isinstance(body, dict)
    assert len(body["spikes"]) == 3
    await expect(row.locator(".preview")).to_have_text("would have fired 1 × in 24 h, 3 × in 7 d")
    await page.reload()
    await expect(page.get_by_role("list", name="Rules")).to_contain_text("my rule")
    await page.get_by_role("button", name="delete my rule").press("Enter")
    await expect(page.get_by_role("list", name="Rules").locator("li")).to_have_count(0)
    await becomes(lambda: page.evaluate("localStorage.getItem('headwater.alert-rules')"), "[]")
    assert (seen.errors, await page.evaluate("violations")) == ([], [])


async def test_what_has_no_preview_says_why_and_can_be_tried_again(
    platform: Platform, browser: Browser
) -> None:
    page, _ = await alerts_page(platform, browser, [rule("far", symbol="SOLUSDT")])
    row = page.get_by_role("list", name="Rules").locator("li")
    await row.get_by_role("button", name="preview").click()
    await expect(row.locator(".preview")).to_contain_text("one of BTCUSDT, ETHUSDT")
    await expect(row.get_by_role("button", name="try again: far")).to_be_visible()


async def test_spikes_come_and_fire_what_lets_them_through(
    platform: Platform, browser: Browser, tmp_path: Path
) -> None:
    """Nothing is asked, shown or sounded before it is switched on; then once a rule and minute."""
    rules = [rule("big", threshold=5), rule("small", exchange="", symbol="", metric="oi")]
    page, seen = await alerts_page(platform, browser, rules)
    # One venue and bar each: the same bar again is the same spike.
    spikes = [
        msgspec.structs.replace(make_spike(), z_oi=3.5, z_volume=9.25, confirmed=True),
        make_spike("ETHUSDT"),
        msgspec.structs.replace(make_spike("SOLUSDT"), z_oi=-4.0),
    ]
    rows = page.locator(".alerts tbody tr")
    platform.bus.publish(spikes[0])
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("+3.50+9.25900M1Mbothbig, small")
    assert await page.evaluate("[asked, noticed.length, tones]") == [0, 0, 0]
    await page.get_by_role("switch", name="notifications").click()
    await page.get_by_role("switch", name="sound").click()
    await expect(page.get_by_role("switch", name="notifications")).to_be_checked()
    await becomes(lambda: page.evaluate("[asked, tones]"), [1, 1])  # asked once; a tone to hear it
    for spike in spikes[1:]:
        platform.bus.publish(spike)
    await expect(rows).to_have_count(3)
    noticed = [["small", "ETHUSDT binance 5m: OI +3.14 σ, volume – σ"]]
    await becomes(lambda: page.evaluate("[noticed, tones]"), [noticed, 2])
    await page.reload()
    await expect(rows).to_have_count(3)
    await expect(page.locator(".panel .status")).to_have_text("live")
    assert await page.evaluate("[asked, noticed.length, tones]") == [0, 0, 0]
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as CSV").click()
    await (await saving.value).save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(one["symbol"], float(one["OI score"]), one["volume score"]) for one in table] == [
        ("BTCUSDT", 3.5, "9.25"),
        ("ETHUSDT", 3.14, ""),
        ("SOLUSDT", -4.0, ""),
    ]
    assert {(float(one["open interest USD"]), one["bar end"]) for one in table} == {
        (9e8, "2024-11-07T17:20:00.000Z")
    }
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="save as PNG").click()
    await (await saving.value).save_as(tmp_path / "picture.png")
    assert await colours_of(page, tmp_path / "picture.png") > 10
    assert (seen.errors, await page.evaluate("violations")) == ([], [])


async def test_a_switched_on_rule_notifies_once(platform: Platform, browser: Browser) -> None:
    page, _ = await alerts_page(platform, browser, [rule("any", symbol="")])
    await page.get_by_role("switch", name="notifications").click()
    await expect(page.get_by_role("switch", name="notifications")).to_be_checked()
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        platform.bus.publish(make_spike(symbol))
    await expect(page.locator(".alerts tbody tr")).to_have_count(3)
    noticed = [["any", "BTCUSDT binance 5m: OI +3.14 σ, volume – σ"]]
    await becomes(lambda: page.evaluate("noticed"), noticed)
    await page.get_by_role("switch", name="notifications").click()
    await expect(page.get_by_role("switch", name="notifications")).not_to_be_checked()


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_hidden_tab_listens_only_with_notifications_on(
    platform: Platform, browser: Browser, is_on: bool
) -> None:
    page, _ = await alerts_page(platform, browser, [rule("any")], stops_time=True)
    if is_on:
        await page.get_by_role("switch", name="notifications").click()
        await expect(page.get_by_role("switch", name="notifications")).to_be_checked()
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'));"
    )
    await page.clock.fast_forward(61_000)
    if is_on:
        platform.bus.publish(make_spike())
        await expect(page.locator(".alerts tbody tr")).to_have_count(1)
        await becomes(lambda: page.evaluate("noticed.length"), 1)
    await until(lambda: platform.hub.stats().clients == int(is_on))


@needs_axe
async def test_hostile_names_are_text_and_axe_is_content(
    platform: Platform, browser: Browser
) -> None:
    """Fifty of the hostile texts as names of rules, on a phone and for screen readers."""
    rules = [rule(f"r{at}") | {"name": text[:80]} for at, text in enumerate(HOSTILE[:50])]
    page, seen = await alerts_page(platform, browser, rules, viewport={"width": 390, "height": 844})
    platform.bus.publish(make_spike())
    await expect(page.locator(".alerts tbody tr")).to_have_count(1)
    names = page.get_by_role("list", name="Rules").locator("b")
    await becomes(names.all_text_contents, [text[:80] for text in HOSTILE[:50]])
    await fits(page, 390)
    for theme in THEMES:
        await themed(page, theme)
        assert await grave_findings(page) == [], theme
    assert await page.evaluate("window.hacked") is None
    assert await page.locator(".alerts img, .alerts script, .alerts iframe").count() == 0
    assert (seen.errors, await page.evaluate("violations")) == ([], [])


async def colours_of(page: Page, picture: Path) -> int:
    """Different colours in a picture."""
    return int(
        await page.evaluate(
            """async (base64) => {
                const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
                const blob = new Blob([bytes], { type: "image/png" });
                const image = await createImageBitmap(blob);
                const canvas = new OffscreenCanvas(image.width, image.height);
                const context = canvas.getContext("2d");
                context.drawImage(image, 0, 0);
                return new Set(new Uint32Array(
                    context.getImageData(0, 0, image.width, image.height).data.buffer)).size;
            }""",
            as_text(picture.read_bytes()),
        )
    )
