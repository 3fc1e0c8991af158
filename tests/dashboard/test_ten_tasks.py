"""Tasks of a new user, each done in the browser by a script that counts the steps.

A step is one key, one text typed at once, or one click. The guide's table is these tasks with
their numbers of steps; a test keeps it so.
"""

import asyncio
import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, FileChooser, Locator, Page, expect
from tests.api.fake_source import NOW_MS, FakeSource, make_funding_rate
from tests.api.routes.test_largest_liquidations import LAST_HOURS
from tests.api.served import Platform
from tests.api.spike_past import burst_at, interest_past
from tests.api.terminal.book_scene import snapshot
from tests.dashboard.installed import ROOT, needs_browser, needs_modules
from tests.dashboard.layouts import DRAWN_ROW
from tests.dashboard.looking import becomes, opened, past_is_there
from tests.dashboard.test_overview_panel import RATES, VENUES, heard, tell

from headwater.core.clock import ManualClock
from headwater.core.instruments import Instrument
from headwater.core.records import FundingRate
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

pytestmark = [needs_modules, needs_browser]

GUIDE = ROOT / "docs" / "guides" / "dashboard.md"


class OwnFunding(FakeSource):
    """A venue whose coming funding is its own."""

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The coming settlement."""
        rate = make_funding_rate(instrument.symbol)
        return msgspec.structs.replace(rate, rate=RATES[self.facts.venue_id])


class FourVenues(Platform):
    """A platform over such venues."""

    source_type = OwnFunding


@asynccontextmanager
async def two_venues(folder: Path) -> AsyncIterator[Platform]:
    """A platform that stores nothing."""
    async with Platform(venues=("binance", "bybit")).served() as platform:
        yield platform


@asynccontextmanager
async def four_venues(folder: Path) -> AsyncIterator[Platform]:
    """Each with funding and a book of its own; liquidations of the last hours are stored."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(SqliteDatabase(folder / "made.sqlite3"), clock) as store:
        for event in LAST_HOURS:
            store.put(event)
        platform = FourVenues(venues=VENUES, clock=clock, store=store)
        for number, (name, source) in enumerate(platform.sources.items(), 1):
            source.offer_everything()
            book = snapshot(
                [(99.9, number / 4), (99.5, 0.5), (98.5, 9.0)], [(100.1, number / 8), (101.5, 9.0)]
            )
            source.books["BTCUSDT"] = msgspec.structs.replace(book, exchange=name)
        async with platform.served() as served:
            yield served


class Person:
    """Someone who has the page open, and what it took so far."""

    def __init__(self, page: Page, platform: Platform, folder: Path) -> None:
        self.page = page
        self.platform = platform
        self.folder = folder
        self.steps = 0

    async def press(self, key: str) -> None:
        """One key."""
        self.steps += 1
        await self.page.keyboard.press(key)

    async def write(self, text: str) -> None:
        """One text into what has the focus."""
        self.steps += 1
        await self.page.keyboard.type(text)

    async def click(self, what: Locator) -> None:
        """One click."""
        self.steps += 1
        await what.click()

    async def choose(self, what: Locator, value: str) -> None:
        """One entry of a list that the browser opens."""
        self.steps += 1
        await what.select_option(value)

    async def command(self, words: str) -> None:
        """A command of the palette: its key, its words, Enter."""
        await self.press("Control+k")
        await self.write(words)
        await self.press("Enter")

    async def saved(self, name: str) -> Path:
        """Saves the file that a button gives."""
        async with self.page.expect_download() as saving:
            await self.click(self.page.get_by_role("button", name=name))
        path = self.folder / (await saving.value).suggested_filename
        await (await saving.value).save_as(path)
        return path


Script = Callable[[Person, Browser], Awaitable[None]]


async def find_a_market(person: Person, browser: Browser) -> None:
    """ETHUSDT of another venue in candles of an hour, without a mouse."""
    await person.press("/")
    await person.write("eth bybit")
    await expect(person.page.locator('[role="option"]')).to_have_count(1)
    await person.press("Enter")
    await person.press("6")
    await expect(person.page.locator(".panel h2")).to_have_text("ETHUSDT 1h · bybit")


async def elsewhere(person: Person, browser: Browser) -> None:
    """A layout is kept by name, saved, and opened in a browser that has never been here."""
    await person.command("add panel: alerts")
    await expect(person.page.locator(".panel")).to_have_count(2)
    await person.press("l")
    await person.write("mine")
    await person.press("Enter")
    path = await person.saved("save mine as a file")
    other, _ = await opened(browser, person.page.url.split("#")[0])
    there = Person(other, person.platform, person.folder)
    # Heard from the beginning: hearing begins a moment after it is asked for.
    choosers: asyncio.Queue[FileChooser] = asyncio.Queue()
    other.on("filechooser", choosers.put_nowait)
    await there.command("open a layout")
    async with asyncio.timeout(20):
        chooser = await choosers.get()
    await chooser.set_files(path)
    await expect(other.locator(".panel")).to_have_count(2)
    person.steps += there.steps + 1  # the file is chosen


async def take_the_numbers(person: Person, browser: Browser) -> None:
    """The candles that are seen as CSV: the API's numbers."""
    answer = (await person.platform.get("/binance/ohlc/BTCUSDT/1m?limit=500")).json()
    assert isinstance(answer, list)
    await past_is_there(person.page, len(answer))  # by looking, which is no step
    path = await person.saved("save as CSV")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["close"]) for row in rows] == [one["close"] for one in answer]


async def alert(person: Person, browser: Browser) -> None:
    """An alert is made and the person knows how often it would have fired."""
    person.platform.sources["binance"].past_candles = burst_at(12, 400)
    person.platform.sources["binance"].past_interest = interest_past()
    await person.command("add panel: alerts")
    form = person.page.get_by_role("form", name="New rule")
    await person.click(form.get_by_role("button", name="Add rule"))
    await person.click(
        person.page.get_by_role("list", name="Rules").get_by_role("button", name="preview")
    )
    await expect(person.page.get_by_role("list", name="Rules")).to_contain_text(
        "would have fired 1 × in 24 h, 2 × in 7 d"
    )


async def trust(person: Person, browser: Browser) -> None:
    """Which venue's prices are late, and by how much."""
    await person.press("f")
    dialog = person.page.get_by_role("dialog", name="Feeds")
    row = dialog.get_by_role("region", name="Channels").locator("tr", has_text="bybit")
    await expect(row).to_contain_text("receiving")
    await expect(row.locator("td").last).to_have_text("46")


async def send(person: Person, browser: Browser) -> None:
    """Somebody else sees the same by a link."""
    await person.press("3")
    await person.command("copy a link")
    await expect(person.page.get_by_role("status").last).to_contain_text("link copied")
    link = await person.page.evaluate("navigator.clipboard.readText()")
    other, _ = await opened(browser, link)
    await expect(other.locator(".panel h2")).to_have_text("BTCUSDT 5m · binance")


async def clock(person: Person, browser: Browser) -> None:
    """Times as in Tokyo."""
    await person.command("time zone")
    await person.write("tokyo")
    await person.press("Enter")
    await expect(person.page.locator(".legend")).to_contain_text("08 Nov 2024, 02:20")


async def biggest(person: Person, browser: Browser) -> None:
    """Bybit's largest of the last hour: an older one and another venue's are larger."""
    await person.command("add panel: largest")
    panel = person.page.locator(".panel").last
    await person.choose(panel.get_by_label("Venue", exact=True), "bybit")
    rows = panel.locator(DRAWN_ROW)
    await expect(rows).to_have_count(2)
    await expect(rows.first.locator("td").nth(1)).to_have_text("bybit")
    read = await rows.first.locator("td").all_inner_texts()
    path = "/liquidations/largest?exchanges=bybit&time_window=1h"
    answer: Any = (await person.platform.get(path)).json()
    assert (read[1], read[2]) == ("bybit", answer[0]["symbol"])
    assert read[6] == f"{answer[0]['value']:,.0f}" == "9,000"


async def dearest_funding(person: Person, browser: Browser) -> None:
    """Four venues' funding, held over the same time, from the dearest to the cheapest."""
    await person.command("add panel: venues side by side")
    panel = person.page.locator(".panel").last
    await heard(person.platform)
    tell(person.platform)
    await person.click(panel.get_by_role("button", name="a year"))
    names = panel.locator(f"{DRAWN_ROW} td:nth-child(1)")
    await expect(names).to_have_text(["hyperliquid", "binance", "okx", "bybit"])
    rates = panel.locator(f"{DRAWN_ROW} td:nth-child(6)")
    answer: Any = (await person.platform.get("/multi/funding/BTCUSDT")).json()
    told = [answer[name]["funding_rate"] for name in ("hyperliquid", "binance", "okx", "bybit")]

    async def read() -> list[float]:
        texts = await rates.all_inner_texts()
        return [float(text.split()[0].replace("\N{MINUS SIGN}", "-")) for text in texts]

    await becomes(read, pytest.approx([100 * rate for rate in told], abs=1e-9))
    assert told == sorted(RATES.values(), reverse=True)


async def depth_of_all(person: Person, browser: Browser) -> None:
    """What rests within 1 % of the price on all venues: the sums of the API's books.

    The middle is 100, so 99 to 101. Bids: (1 + 2 + 3 + 4) / 4 = 2.5 at 99.9 and four times 0.5 at
    99.5, together 448.75; asks: 10 / 8 = 1.25 at 100.1, 125.125.
    """
    await person.command("layout: order books")
    sums = {"bids": 0.0, "asks": 0.0}
    for venue in VENUES:
        answer: Any = (await person.platform.get(f"/{venue}/orderbook/BTCUSDT?limit=10")).json()
        for side in sums:
            sums[side] += sum(
                price * amount for price, amount in answer[side] if 99.0 <= price <= 101.0
            )
    assert sums == pytest.approx({"bids": 448.75, "asks": 125.125})
    await expect(person.page.locator(".depth .legend")).to_contain_text(
        "bids 448.8 USD · asks 125.1 USD"
    )


class Task(msgspec.Struct, frozen=True):
    """What a new user wants.

    Attributes:
        words: as the guide says it.
        steps: keys, texts and clicks that it takes.
        script: does it.
        scene: the platform that is looked at; it may keep files in a folder.
    """

    words: str
    steps: int
    script: Script
    scene: Callable[[Path], AbstractAsyncContextManager[Platform]] = two_venues


TASKS = (
    Task("look at another symbol on another venue, in candles of an hour", 4, find_a_market),
    Task("save a layout and open it elsewhere", 11, elsewhere),
    Task("take the candles that are seen as CSV", 1, take_the_numbers),
    Task("make an alert and see how often it would have fired", 5, alert),
    Task("see which venue's prices are late, and by how much", 1, trust),
    Task("show somebody else the same", 4, send),
    Task("read all times as in Tokyo", 5, clock),
    Task("find the biggest liquidation of the last hour on Bybit", 4, biggest, four_venues),
    Task("compare funding on four venues", 4, dearest_funding, four_venues),
    Task("see what rests within 1 % of the price on all venues", 3, depth_of_all, four_venues),
)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.script.__name__)
async def test_a_new_user_can(task: Task, browser: Browser, tmp_path: Path) -> None:
    async with task.scene(tmp_path) as platform:
        page, seen = await opened(
            browser,
            f"http://127.0.0.1:{platform.port}/dashboard/?start=chart",
            permissions=["clipboard-read", "clipboard-write"],
        )
        person = Person(page, platform, tmp_path)
        await task.script(person, browser)
        assert (person.steps, seen.errors) == (task.steps, [])


def test_the_guide_tells_the_tasks_and_their_steps() -> None:
    _, _, section = GUIDE.read_text().partition("## Ten tasks")
    rows = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("| ")]
    told = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows[1:]]
    assert [(words, int(steps)) for words, steps, _ in told if steps.isdigit()] == [
        (task.words, task.steps) for task in TASKS
    ]
    assert len(TASKS) == 10
