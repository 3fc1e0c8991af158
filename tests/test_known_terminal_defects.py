"""The defects O-D1 to O-D15 of the trading terminal whose promises Headwater keeps.

Each number has exactly one test here, over the real sockets and routes; each docstring says what
the defect was. Finer tests of the same matters stand beside their modules, most of them named
after the number.
"""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.fake_source import NOW_MS, make_instrument, make_liquidation
from tests.api.served import Platform
from tests.api.streaming import until
from tests.api.terminal.viewing import Message, viewing
from tests.services.symbol_market import VENUE, MemoryVenue, virtual
from tests.storage.ready_tables import with_tables

from headwater.api.settings import ApiSettings
from headwater.core.clock import ManualClock, SourceClock
from headwater.core.enums import PositionSide, Side
from headwater.core.errors import VenueUnavailable
from headwater.core.formatting import SymbolFormat
from headwater.core.records import Liquidation
from headwater.services.symbols import SymbolService
from headwater.services.venue_symbols import TTL_S
from headwater.storage.store import Store
from headwater.venues.discovery import venue

ROOT = Path(__file__).parents[1]
PAGE = "https://app.example"
MINUTE_MS = 60_000
OPENED_MS = NOW_MS - NOW_MS % MINUTE_MS


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """A venue in memory, nothing stored."""
    async with Platform().served() as served:
        yield served


def forced(timestamp_ms: int, value: float, *, was_long: bool = True) -> Liquidation:
    """A liquidation of so many USD, at a price of 1000."""
    return msgspec.structs.replace(
        make_liquidation(),
        timestamp_ms=timestamp_ms,
        received_ns=timestamp_ms * 1_000_000,
        side=Side.SELL if was_long else Side.BUY,
        position_side=PositionSide.LONG if was_long else PositionSide.SHORT,
        price=1_000.0,
        quantity=value / 1_000.0,
        value=value,
    )


@asynccontextmanager
async def storing(folder: Path) -> AsyncIterator[tuple[Platform, Store]]:
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        Store(with_tables(folder / "made.sqlite3"), clock) as store,
        Platform(clock=clock, store=store).served() as platform,
    ):
        yield platform, store


async def first(platform: Platform, path: str) -> Message:
    """What a socket says first."""
    async with viewing(platform.port, path) as client:
        return await client.hear()


async def refusal(platform: Platform, path: str) -> tuple[str, int | None]:
    """With which words and which close code an address is refused."""
    async with viewing(platform.port, path) as client:
        messages, code, _ = await client.closing()
        return messages[-1]["message"], code


def names_in(value: object) -> Iterator[str]:
    """Every name of every object within a message."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


async def test_o_d01_both_forms_of_an_address_connect(platform: Platform) -> None:
    """The document had symbol and time frame in the query, the code in the path."""
    forms = {
        "orderbook_update": ("orderbook?symbol=BTCUSDT&limit=20&rounding=0.25",
                             "orderbook/BTCUSDT?limit=20&rounding=0.25"),
        "historical_candles": ("candles?symbol=BTCUSDT&timeframe=1m&container_width=800",
                               "candles/BTCUSDT?timeframe=1m&container_width=800",
                               "candles/BTCUSDT/1m?container_width=800"),
        "trades_update": ("trades?symbol=BTCUSDT", "trades/BTCUSDT"),
        "liquidations": ("liquidations?symbol=BTCUSDT&timeframe=1m",
                         "liquidations/BTCUSDT?timeframe=1m"),
    }  # fmt: skip
    for kind, paths in forms.items():
        said = [await first(platform, path) for path in paths]
        assert [message["type"] for message in said] == [kind] * len(paths)
        assert all(message == said[0] for message in said), kind


async def test_o_d02_there_is_one_greatest_limit_and_it_is_kept(platform: Platform) -> None:
    """It was 50 in the document, 5000 in the settings, and silently 1000 on the socket."""
    for limit in (5, 50, 1_000, 5_000):
        message = await first(platform, f"orderbook/BTCUSDT?limit={limit}")
        assert message["marketDepthInfo"]["requestedLevels"] == limit
        assert (await platform.get(f"/api/v1/orderbook/BTCUSDT?limit={limit}")).status == 200
    words, code = await refusal(platform, "orderbook/BTCUSDT?limit=5001")
    assert ("5 to 5000" in words, code) == (True, 4000)
    assert (await platform.get("/api/v1/orderbook/BTCUSDT?limit=5001")).status == 422
    async with viewing(platform.port, "orderbook/BTCUSDT") as client:
        await client.hear()
        await client.say("update_params", limit=50, rounding=0.5)
        answer = await client.hear_next("params_updated")
        assert (answer["limit"], answer["rounding"], answer["success"]) == (50, 0.5, True)


async def test_o_d03_every_name_on_the_wire_is_camel_case(platform: Platform) -> None:
    """CamelCase was promised, price_formatted and buy_volume were sent."""
    paths = ("orderbook/BTCUSDT", "trades/BTCUSDT", "candles/BTCUSDT", "liquidations/BTCUSDT")
    seen: set[str] = set()
    for path in paths:
        async with viewing(platform.port, path) as client:
            seen |= set(names_in(await client.hear()))
            platform.bus.publish(make_liquidation())
            await client.say("nonsense")
            seen |= {name for one in await client.until_pong() for name in names_in(one)}
    for target in ("orderbook/BTCUSDT", "trades/BTCUSDT", "candles/BTCUSDT"):
        seen |= set(names_in((await platform.get(f"/api/v1/{target}")).json()))
    assert {"priceFormatted", "cumulativeFormatted", "displayTime", "timeFormatted"} <= seen
    assert [name for name in seen if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", name)] == []


async def test_o_d04_nothing_is_made_up_when_a_venue_is_down(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys, which public data never need, a mock book and mock candles were sent."""
    assert (await first(platform, "orderbook/BTCUSDT"))["bids"], "no keys are set, and none needed"
    await until(lambda: not platform.hub.stats().clients)
    platform.source.error = VenueUnavailable("binance", "down")
    monkeypatch.setattr("headwater.api.terminal.history_feed.START_S", 0.2)
    for kind in ("orderbook", "trades", "candles"):
        async with viewing(platform.port, f"{kind}/ETHUSDT") as client:
            messages, code, _ = await client.closing()
            assert {one["type"] for one in messages} == {"error"}, kind
            assert (messages[-1]["code"], code) == ("VENUE_ERROR", 1011), kind
        reply = await platform.get(f"/api/v1/{kind}/BTCUSDT")
        assert reply.status == 503, kind
    source = "\n".join(
        path.read_text().lower() for path in (ROOT / "src/headwater/api").rglob("*.py")
    )
    assert not re.search(r"\bmock|\bfake", source)


async def well_known() -> list[dict[str, Any]]:
    """The list of a venue that was never reached."""
    platform = Platform(lists_symbols=True)
    platform.source.forget_instruments()
    platform.source.error = VenueUnavailable("binance", "is down")
    async with platform.served():
        found: list[dict[str, Any]] = msgspec.json.decode(
            (await platform.get("/api/v1/symbols")).body
        )
    return found


def test_o_d05_markets_expire_and_an_unreachable_venue_still_has_names() -> None:
    """Only tickers expired; and where the exchange was down the list was empty."""

    async def expire(clock: SourceClock) -> None:
        venue = MemoryVenue(clock, {"A": 1.0})
        service = SymbolService({VENUE: venue}, clock)
        task = asyncio.create_task(service.run())
        await service.listed(VENUE)
        venue.volumes = {"B": 5.0}
        await asyncio.sleep(TTL_S + 2)
        assert [row.base_asset for row in (await service.listed(VENUE)).rows] == ["B"]
        task.cancel()
        await asyncio.wait([task])

    virtual(expire)
    rows = asyncio.run(well_known())
    assert len(rows) > 20
    assert all(row["stale"] and row["volume24h"] is None for row in rows)


async def test_o_d06_every_subscriber_hears_every_liquidation(platform: Platform) -> None:
    """All subscribers shared one memory of what was seen: only the first one was told."""
    async with (
        viewing(platform.port, "liquidations/BTCUSDT") as one,
        viewing(platform.port, "liquidations?symbol=BTCUSDT&timeframe=1m") as two,
    ):
        for client in (one, two):
            await client.hear_next("liquidations")
        for number in range(5):
            platform.bus.publish(forced(NOW_MS + number, 1_000.0 + number))
        for client in (one, two):
            heard = [await client.hear_next("liquidation") for _ in range(5)]
            assert [item["data"]["timestamp"] for item in heard] == [NOW_MS + n for n in range(5)]


async def test_o_d07_past_and_live_ones_have_one_key(tmp_path: Path) -> None:
    """Live ones were told apart by the event's time, past ones by the trade's: none matched.

    One that is stored and heard again while its client connects is told once; two real ones of
    one millisecond and amount, let through by the feeds, are both told.
    """
    async with storing(tmp_path) as (platform, store):
        store.put(forced(NOW_MS - 1, 500.0))
        async with viewing(platform.port, "liquidations/BTCUSDT") as client:
            (told,) = (await client.hear_next("liquidations"))["data"]
            assert told["timestamp"] == NOW_MS - 1
            for _ in range(2):
                platform.bus.publish(forced(NOW_MS + 1, 700.0))
            heard = [await client.hear_next("liquidation") for _ in range(2)]
            assert [one["data"]["timestamp"] for one in heard] == [NOW_MS + 1] * 2
            assert told["id"] != heard[0]["data"]["id"]
        again = await first(platform, "liquidations/BTCUSDT")
        assert [one["id"] for one in again["data"]] == [told["id"]], "one id, stored or live"


async def test_o_d08_the_base_asset_is_there(platform: Platform) -> None:
    """It was looked for under another name, and always empty."""
    async with viewing(platform.port, "liquidations/ETHUSDT") as client:
        await client.hear_next("liquidations")
        platform.bus.publish(make_liquidation("ETHUSDT"))
        assert (await client.hear_next("liquidation"))["data"]["baseAsset"] == "ETH"


async def test_o_d09_the_running_bucket_goes_on_from_its_past(tmp_path: Path) -> None:
    """Live volume began at zero, took the place of the past, and entered the average each time."""
    async with storing(tmp_path) as (platform, store):
        store.put(forced(OPENED_MS + 1, 100.0))
        async with viewing(platform.port, "liquidations/BTCUSDT?timeframe=1m") as client:
            (bucket,) = (await client.hear_next("liquidation_volume"))["data"]
            assert (bucket["timestamp"], bucket["sellVolume"]) == (OPENED_MS, 100.0)
            platform.bus.publish(forced(NOW_MS, 40.0))
            (bucket,) = (await client.hear_next("liquidation_volume"))["data"]
            assert (bucket["sellVolume"], bucket["count"], bucket["maValue"]) == (140.0, 2, None)


async def test_o_d10_delta_is_bought_less_sold_and_times_have_one_name(tmp_path: Path) -> None:
    """There was no delta, then two of them; documents said start and end, the code other names."""
    async with storing(tmp_path) as (platform, store):
        store.put(forced(OPENED_MS - MINUTE_MS, 100.0))
        store.put(forced(OPENED_MS - MINUTE_MS, 30.0, was_long=False))
        span = f"start_time={OPENED_MS - 5 * MINUTE_MS}&end_time={OPENED_MS}"
        target = "/api/v1/liquidation-volume/BTCUSDT/1m"
        body: Any = (await platform.get(f"{target}?{span}")).json()
        (bucket,) = (row for row in body["data"] if row["count"])
        assert (bucket["buyVolume"], bucket["sellVolume"]) == (30.0, 100.0)
        assert bucket["deltaVolume"] == -70.0
        assert (await platform.get(f"{target}?start=1&end=2")).status == 422


async def test_o_d11_errors_stay_what_they_are_and_pages_may_use_every_method() -> None:
    """A 404 and a 400 became 500; PATCH was missing for pages, and no page was let in at all."""
    settings = ApiSettings(allowed_origins=frozenset({PAGE}))
    async with Platform(settings).served() as platform:
        for target, status in (
            ("orderbook/NOSUCH", 404),
            ("orderbook/BTCUSDT?exchange=kraken", 404),
            ("orderbook/BTCUSDT?limit=0", 422),
            ("orderbook/BTCUSDT?limit=many", 422),
            ("candles/BTCUSDT?timeframe=7m", 422),
            ("trades/NOSUCH", 404),
        ):
            reply = await platform.get(f"/api/v1/{target}", {"origin": PAGE})
            assert reply.status == status, target
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.headers["access-control-allow-origin"] == PAGE
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            asked = {"origin": PAGE, "access-control-request-method": method}
            reply = await platform.request("OPTIONS", "/api/v1/orderbook/BTCUSDT", asked)
            assert reply.status == 204
            assert method in reply.headers["access-control-allow-methods"].split(", ")
        foreign = await platform.get("/api/v1/orderbook/BTCUSDT", {"origin": "https://x.example"})
        assert "access-control-allow-origin" not in foreign.headers


async def test_o_d12_requests_are_judged_times_are_utc_and_nothing_blocks(
    platform: Platform,
) -> None:
    """update_params was taken as it came, exchange calls stopped the loop, times were local.

    And a tick of 1 or more had decimal places, and a book could wait for its own lock for ever.
    """
    async with viewing(platform.port, "orderbook/BTCUSDT?limit=20") as client:
        await client.hear()
        for wrong in ({"limit": 0}, {"limit": "x"}, {"rounding": -1}, {"asks": 1}, {"paceMs": 1}):
            await client.say("update_params", **wrong)
            (error,) = await client.until_pong()
            assert (error["type"], error["field"]) == ("error", next(iter(wrong)))
            platform.advance(1.0)
    async with viewing(platform.port, "trades/BTCUSDT") as client:
        row = (await client.hear())["trades"][0]
        seconds = row["timestamp"] // 1000 % 86_400
        assert (
            row["timeFormatted"]
            == f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        )
    coarse = msgspec.structs.replace(make_instrument(), price_tick=Decimal(10))
    assert SymbolFormat.of(coarse).price(97_120.0) == "97,120"
    platform.source.wait_for = asyncio.Event()
    async with viewing(platform.port, "candles/ETHUSDT") as client:
        await until(lambda: any("candles ETHUSDT" in call for call in platform.source.calls))
        assert await client.until_pong() == [], "the venue does not answer; we do"
    names = ("analytics/book_ladder.py", "api/terminal/live_book.py", "api/terminal/book_views.py")
    assert not [name for name in names if "Lock" in (ROOT / "src/headwater" / name).read_text()]


def test_o_d13_no_file_names_a_home_directory() -> None:
    """Paths of the tests began in one person's home, and worked on one machine."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    home = re.compile(r"/(?:home|Users)/(?!somebody\b)[\w.-]+/|[A-Z]:\\Users\\")
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".html", ".js"}:
            found += [f"{name}: {hit}" for hit in home.findall(path.read_text())]
    assert listed.stdout
    assert found == []


async def test_o_d14_without_storage_and_service_live_ones_still_come(platform: Platform) -> None:
    """A private service was the only past; without its address the socket was of no use."""
    async with viewing(platform.port, "liquidations/BTCUSDT") as client:
        begun = await client.hear()
        assert (begun["data"], begun["initial"]) == ([], True)
        platform.bus.publish(forced(NOW_MS, 900.0))
        assert (await client.hear_next("liquidation"))["data"]["priceUsdt"] == 900.0


async def test_o_d15_a_throttled_view_is_told_as_a_lower_bound(tmp_path: Path) -> None:
    """Binance tells at most one a second: sums were shown as if they were everything.

    And the address of its retired stream was the default.
    """
    streams = venue("binance").facts.environments["live"].streams
    assert all(url.endswith(("/public", "/market")) for url in streams.values())
    async with storing(tmp_path) as (platform, store):
        store.put(forced(OPENED_MS + 1, 100.0))
        async with viewing(platform.port, "liquidations/BTCUSDT?timeframe=1m") as client:
            (item,) = (await client.hear_next("liquidations"))["data"]
            (bucket,) = (await client.hear_next("liquidation_volume"))["data"]
            assert (item["isFloor"], bucket["isFloor"]) == (True, True)
            assert bucket["totalVolumeFormatted"].startswith("≥")


def test_every_terminal_defect_has_exactly_one_test() -> None:
    names = [name for name in globals() if re.match(r"test_o_d\d", name)]
    assert [name[:10] for name in names] == [f"test_o_d{number:02d}" for number in range(1, 16)]
    assert all(globals()[name].__doc__ for name in names)
