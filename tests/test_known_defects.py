"""The defects L-D1 to L-D16 of the system whose promises Headwater keeps: ours has none of them.

Each number has exactly one test here, over the real HTTP or WebSocket surface or the real parsers
where that is possible; each docstring says what the defect was. Finer tests of the same matters
stand beside their modules. The trading terminal's, O-D1 to O-D15, are in
`test_known_terminal_defects.py`.
"""

import asyncio
import importlib
import json
import pkgutil
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from tests.api import fake_source as fake
from tests.api.served import Platform
from tests.feeds.made import EXCHANGE, START_MS, Heard, liquidation
from tests.services.map_market import MINUTE_MS, T0, put_liquidation, put_rise
from tests.storage.ready_tables import with_tables

from headwater.api import routes
from headwater.api.answering import Answers
from headwater.api.cache import AnswerCache
from headwater.api.metrics import RequestMeter, make_registry
from headwater.api.schemas.platform import ExchangeView
from headwater.app.settings import Settings, load
from headwater.app.wiring import Platform as WholePlatform
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, PositionSide, Side
from headwater.core.instruments import InstrumentTable, canonical_spelling
from headwater.core.records import Liquidation, Trade
from headwater.feeds.event_watch import REMEMBERED_NS, EventWatch
from headwater.feeds.gaps import GapLedger
from headwater.feeds.settings import ConnectionSettings
from headwater.storage.store import Store
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.discovery import venue, venues
from headwater.venues.hyperliquid.market_topics import VAULTS
from headwater.venues.messages import StreamEvent, Subscription

ROOT = Path(__file__).parents[1]
MAP = "/liquidations/heatmap-timeseries?symbol=BTCUSDT&interval=15m&price_bin_size=1"
NOWHERE = {"rest": "http://127.0.0.1:1", "streams": {}}


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Platform]:
    """Bybit and OKX an hour after midnight: rising open interest at 1000, and liquidations.

    Open interest goes from 100 to 110 at Bybit, from 100 to 130 at OKX.
    """
    clock = ManualClock((T0 + 60 * MINUTE_MS) * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        put_rise(store, "bybit", to=110.0)
        put_rise(store, "okx", to=130.0)
        put_liquidation(store, 20, 990.0, 4_000.0, exchange="bybit")
        put_liquidation(store, 21, 1010.0, 2_000.0, exchange="bybit", is_long=False)
        put_liquidation(store, 50, 995.0, 1_000.0, exchange="okx")
        made = Platform(clock=clock, venues=("bybit", "okx"), store=store)
        async with made.served() as served:
            yield served


async def answer_of(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return reply.json()


def parsed(
    venue_id: str, channel: Channel, message: object, native_symbol: str | None
) -> tuple[list[str], list[StreamEvent]]:
    """What a venue is asked for a channel, and what a message of its stream means to us."""
    chosen = venue(venue_id)
    endpoint = chosen.endpoint_of(channel)
    stream = chosen.stream(endpoint, InstrumentTable(venue_id, []))
    wanted = Subscription(channel=channel, native_symbol=native_symbol)
    asked = [str(one) for one in stream.subscribe([wanted])]
    return asked, list(stream.feed(msgspec.json.encode(message), 5))


@pytest.mark.parametrize("model", ["realised", "estimated"])
async def test_l_d01_the_exchanges_filter_really_filters(stored: Platform, model: str) -> None:
    """It was checked, then ignored: neither the data nor the cache key knew of it."""
    target = f"{MAP}&model={model}"
    everything = await answer_of(stored, target)
    one = await answer_of(stored, f"{target}&exchanges=BYBIT")
    other = await answer_of(stored, f"{target}&exchanges=okx")
    assert await answer_of(stored, target) == everything, "the answers do not mix in the cache"
    totals = [
        found["meta"]["total_long_volume"] + found["meta"]["total_short_volume"]
        for found in (everything, one, other)
    ]
    assert totals[0] == pytest.approx(totals[1] + totals[2])
    assert 0 < totals[1] != totals[2] > 0
    refused = await stored.get(f"{target}&exchanges=kraken")
    assert refused.status in (404, 422)


async def test_l_d02_health_is_measured_and_never_assumed(tmp_path: Path) -> None:
    """A venue that was never contacted was told to be connected, with 100 % uptime."""
    settings = whole_settings(tmp_path)
    async with asyncio.timeout(60), WholePlatform(settings, simulated=False) as platform:
        rows = (await read_json(platform, "/exchanges/health"))["exchanges"]
        assert set(rows) == set(venues())
        for row in rows.values():
            assert (row["is_connected"], row["healthy"]) == (False, False), row
            assert row["last_heartbeat"] is None
            assert row["uptime_percent"] in (None, 0.0)
        health = await read_json(platform, "/health")
        assert (health["status"], set(health["exchanges"].values())) == ("unhealthy", {False})


async def test_l_d03_a_liquidation_has_one_set_of_field_names(stored: Platform) -> None:
    """Document, code and interface had three: notional or value_usd, with and without order_id."""
    (past, *_) = await answer_of(stored, "/liquidations/history?symbol=BTCUSDT")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{stored.port}/ws/bybit/BTCUSDT/liquidations") as live,
    ):
        record = msgspec.structs.replace(fake.make_liquidation(), exchange="bybit")
        stored.bus.publish(record)
        async with asyncio.timeout(10):
            told = json.loads(await live.receive_str())
    assert set(past) - {"source"} == set(told), "only the past may come from somebody else"
    assert {"value", "quantity", "order_id", "position_side", "side"} <= set(past)
    document = await answer_of(stored, "/openapi.json")
    operation = document["paths"]["/liquidations/history"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    for row in (past, told | {"source": "own"}):
        resolved(document, schema).validate([row])
    catalogue = await answer_of(stored, "/asyncapi.json")
    assert set(catalogue["components"]["schemas"]["Liquidation"]["properties"]) == set(told)
    (health,) = {frozenset(row) for row in (await health_rows(stored)).values()}
    described = document["paths"]["/exchanges/health"]["get"]["responses"]["200"]["content"]
    text = json.dumps(described) + json.dumps(document["components"])
    assert all(f'"{name}"' in text for name in health)


def test_l_d04_hyperliquid_says_who_was_liquidated() -> None:
    """B was read as a long: it is a buy, so the vault that took the position over tells the side.

    The vault bought (B), so the other party sold: a long was liquidated. It sold (A): a short was.
    """
    for letter, side, position in (
        ("B", Side.SELL, PositionSide.LONG),
        ("A", Side.BUY, PositionSide.SHORT),
    ):
        _, (event,) = parsed("hyperliquid", Channel.LIQUIDATIONS, vault_fill(letter), None)
        assert isinstance(event, Liquidation)
        assert (event.side, event.position_side) == (side, position)
        assert event.value == pytest.approx(6_000.0)


def test_l_d05_bybit_says_the_side_of_the_position() -> None:
    """Sell was read as a long: `allLiquidation` carries the position's side, so Buy is a long."""
    for word, side, position in (
        ("Buy", Side.SELL, PositionSide.LONG),
        ("Sell", Side.BUY, PositionSide.SHORT),
    ):
        row = {"T": 1739502302929, "s": "BTCUSDT", "S": word, "v": "2", "p": "100"}
        message = {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 1, "data": [row]}
        asked, (event,) = parsed("bybit", Channel.LIQUIDATIONS, message, "BTCUSDT")
        assert "allLiquidation.BTCUSDT" in "".join(asked), "the topic of today, not the removed one"
        assert isinstance(event, Liquidation)
        assert (event.side, event.position_side, event.value) == (side, position, 200.0)


def test_l_d06_hyperliquid_liquidations_come_from_the_vaults_fills() -> None:
    """A channel that does not exist was subscribed to, and a flag looked for that no trade has.

    Public trades carry their time and stay trades; liquidations are fills of the vaults.
    """
    row = {"coin": "BTC", "side": "A", "px": "100", "sz": "1", "time": 7, "tid": 1, "hash": "0x0",
           "users": ["0xa", "0xb"], "liquidation": {"method": "market"}}  # fmt: skip
    asked, events = parsed(
        "hyperliquid", Channel.TRADES, {"channel": "trades", "data": [row]}, "BTC"
    )
    assert [(type(one), getattr(one, "timestamp_ms", None)) for one in events] == [(Trade, 7)]
    asked, events = parsed("hyperliquid", Channel.LIQUIDATIONS, vault_fill("B"), None)
    assert [type(one) for one in events] == [Liquidation]
    text = "".join(asked)
    assert all(vault in text for vault in VAULTS)
    assert '"liquidations"' not in text


def test_l_d07_binance_liquidations_come_from_the_public_stream() -> None:
    """A signed list of one's own orders was polled every five seconds."""
    order = {"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.5", "p": "66900",
             "ap": "67000", "X": "FILLED", "l": "0.5", "z": "0.5", "T": 1731000000123}  # fmt: skip
    message = {
        "stream": "btcusdt@forceOrder",
        "data": {"e": "forceOrder", "E": 1731000000124, "o": order},
    }
    asked, (event,) = parsed("binance", Channel.LIQUIDATIONS, message, "BTCUSDT")
    assert re.search(r"btcusdt@forceOrder\b", "".join(asked))
    assert isinstance(event, Liquidation)
    assert (event.position_side, event.price, event.is_floor) == (PositionSide.LONG, 67e3, True)
    facts = venue("binance").facts
    assert facts.channels[Channel.LIQUIDATIONS].available
    assert "forceOrder" in facts.channels[Channel.LIQUIDATIONS].source
    assert not any("liquidation" in name for name in facts.capabilities), "nothing is polled"


async def test_l_d08_a_symbol_is_normalised_once_and_an_inverse_one_stays_itself(
    stored: Platform,
) -> None:
    """BTCUSDT became BTCUSDTT, BTC stayed BTC, and the inverse BTCUSD became BTCUSDT."""
    for text in ("BTCUSDT", "btc-usdt", "BTC/USDT:USDT", "BTC-USDT-SWAP"):
        assert canonical_spelling(text) == "BTCUSDT"
    assert canonical_spelling("BTCUSD") == "BTCUSD"
    rows = await answer_of(stored, "/liquidations/history?symbol=BTCUSDT")
    assert len(rows) == 3
    for text in ("BTC", "btcusdt", "BTC-USDT-SWAP"):
        assert await answer_of(stored, f"/liquidations/history?symbol={text}") == rows
    for text in ("BTCUSD", "BTCUSDTT"):
        assert (await stored.get(f"/liquidations/history?symbol={text}")).status == 404
    for source in stored.sources.values():
        source.list_symbols("BTCUSDT", "BTCUSD")
    assert await answer_of(stored, "/liquidations/history?symbol=BTCUSD") == []


def test_l_d09_a_venue_is_tried_for_ever_with_growing_waits() -> None:
    """Three tries, the third wait never used, then dead until a restart; none after a clean end.

    The bound doubles to its ceiling and stays there; a minute of data starts it over; a connection
    that was closed cleanly draws its wait from the same bound.
    """
    settings = ConnectionSettings()
    base_s, ceiling_s = settings.backoff_base_s, settings.backoff_ceiling_s
    backoff = FullJitterBackoff(base_s, ceiling_s, random.Random(1))
    bounds, delays = [], []
    for _ in range(1_000):
        bounds.append(backoff.bound_s)
        delays.append(backoff.next_delay())
    assert bounds[:4] == [base_s, 2 * base_s, 4 * base_s, min(8 * base_s, ceiling_s)]
    assert bounds[-1] == ceiling_s, "no number of failures is the last one"
    assert all(0.0 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    assert min(delays) > 0.0
    for second in range(61):
        backoff.note_healthy(float(second))
    assert backoff.bound_s == base_s


def test_l_d10_an_event_without_an_id_is_recognised_by_its_content() -> None:
    """The first without an order id was remembered as "none", and all later ones were dropped."""
    heard, clock = Heard(), ManualClock()
    ledger = GapLedger(EXCHANGE, heard.bus, clock)
    watch = EventWatch(heard.bus, ledger, clock, str.upper, {Channel.LIQUIDATIONS: 0.5})
    events = [liquidation(START_MS + number) for number in range(5)]
    for event in (*events, *events, liquidation(START_MS, order_id="x")):
        assert event.order_id in (None, "x")
        watch.on_liquidation(event)
    again = liquidation(START_MS, received_ns=events[0].received_ns + REMEMBERED_NS)
    watch.on_liquidation(again)
    told = [one for one in heard.all() if isinstance(one, Liquidation)]
    assert (len(told), watch.duplicates) == (7, 5)


@pytest.mark.parametrize("model", ["realised", "estimated"])
async def test_l_d11_totals_count_a_position_once_and_in_usd(stored: Platform, model: str) -> None:
    """Totals added up every column, so a position counted once a bar; consumed counted records.

    Bybit's open interest rises once by 10 × 1000 = 10,000 USD a side, and lives for two bars: held
    at the end, not twice. What was liquidated is 4,000 and 2,000 USD.
    """
    body = await answer_of(stored, f"{MAP}&model={model}&exchanges=bybit&leverage_weights=10:1")
    meta, columns = body["meta"], body["data"]
    if model == "realised":
        assert (meta["total_long_volume"], meta["total_short_volume"]) == (4_000.0, 2_000.0)
        assert meta["total_consumed"] == 6_000.0
        return
    held = [sum(level["long_density"] for level in column["levels"]) for column in columns]
    assert sum(amount > 0 for amount in held) >= 2, "it lives in more than one column"
    assert meta["total_long_volume"] == pytest.approx(held[-1])
    assert meta["total_long_volume"] <= 10_000.0
    assert meta["total_consumed"] == 0.0, "the price never moved"


async def test_l_d12_both_sides_open_and_maintenance_is_not_divided(stored: Platform) -> None:
    """All of a rise went to one side; and the formula divided the maintenance rate by leverage.

    At 10× and 0.4 % a long of 1000 is liquidated at 1000 × 0.9 / 0.996 = 903.61, a short at
    1000 × 1.1 / 1.004 = 1095.62; with the rate divided by ten it would be 900.4 and 1099.6.
    """
    target = f"{MAP}&model=estimated&exchanges=bybit&leverage_weights=10:1"
    last = (await answer_of(stored, target))["data"][-1]
    longs = {row["price"]: row["long_density"] for row in last["levels"] if row["long_density"]}
    shorts = {row["price"]: row["short_density"] for row in last["levels"] if row["short_density"]}
    assert set(longs) == {903.0}
    assert set(shorts) == {1095.0}
    assert sum(longs.values()) == pytest.approx(sum(shorts.values()))
    assert sum(longs.values()) == pytest.approx(10_000.0, rel=0.05)
    margin = {"symbol": "BTCUSDT", "entry_price": 1000, "position_size": 1, "leverage": 10}
    for side, price in (("long", 903.6145), ("short", 1095.6175)):
        reply = await stored.post("/margin/calculate", margin | {"side": side, "exchange": "bybit"})
        assert reply.status == 200, reply
        found: Any = reply.json()
        assert found["liquidation_price"] == pytest.approx(price, abs=0.01)


async def test_l_d13_answers_are_as_documented_and_every_parameter_has_an_effect(
    stored: Platform,
) -> None:
    """Shapes differed from the documents, `model` and others did nothing, symbols had no digits."""
    document = await answer_of(stored, "/openapi.json")
    operation = document["paths"]["/liquidations/heatmap-timeseries"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    bodies = {}
    for model in ("realised", "estimated", "b2"):
        bodies[model] = await answer_of(stored, f"{MAP}&model={model}")
        resolved(document, schema).validate(bodies[model])
        assert bodies[model]["meta"]["model"] == model
    assert bodies["realised"]["data"] != bodies["estimated"]["data"] != bodies["b2"]["data"]
    assert all(one["timestamp"].endswith("Z") for one in bodies["estimated"]["data"])
    assert (await stored.get(f"{MAP}&whale_threshold=1")).status == 422, "not silently ignored"
    levels = await stored.get("/liquidations/levels?symbol=BTCUSDT")
    assert not {"sunset", "deprecation"} & set(levels.headers)
    for source in stored.sources.values():
        source.list_symbols("1000PEPEUSDT")
    digits = MAP.replace("BTCUSDT", "1000PEPEUSDT")
    assert (await answer_of(stored, digits))["meta"]["symbol"] == "1000PEPEUSDT"


async def test_l_d14_one_set_of_words_for_the_status_of_a_venue(tmp_path: Path) -> None:
    """Bybit was a stub, unavailable or future, depending on whom one asked; ours all give data."""
    words = msgspec.inspect.type_info(ExchangeView)
    assert isinstance(words, msgspec.inspect.StructType)
    (status,) = (field.type for field in words.fields if field.name == "status")
    assert isinstance(status, msgspec.inspect.LiteralType)
    assert set(status.values) == {"active", "stub"}
    settings = whole_settings(tmp_path)
    async with asyncio.timeout(60), WholePlatform(settings, simulated=False) as platform:
        body = await read_json(platform, "/exchanges")
    found = {one["name"]: one["status"] for one in body["exchanges"]}
    assert found == dict.fromkeys(venues(), "active")
    assert body["active_count"] == body["count"] == len(found)
    assert {one["data_source"] for one in body["exchanges"]} == {"websocket+rest"}


async def test_l_d15_every_route_is_reached_and_none_is_made_up(stored: Platform) -> None:
    """Two pages shared a path, a router was never mounted, and clusters came from mock data."""
    meter, cache = RequestMeter(), AnswerCache(stored.settings.cache, stored.clock)
    api = Answers(stored.deps, cache, meter)
    declared: list[tuple[str, str]] = []
    for module in pkgutil.walk_packages(routes.__path__, f"{routes.__name__}."):
        if module.ispkg:
            continue
        if module.name.endswith(".dashboard"):  # files: plain routes, which no document lists
            assert (await stored.get("/dashboard/")).status in (200, 503), "it is mounted"
            continue
        found = vars(importlib.import_module(module.name))
        makers = [one for name, one in found.items() if name.endswith("_router")]
        assert len(makers) == 1, module.name
        app = FastAPI()
        if module.name.endswith(".platform"):
            app.include_router(makers[0](stored.deps, make_registry(stored.deps, meter, cache)))
        else:
            app.include_router(makers[0](api))
        declared += paths_of(app)
    assert len(declared) == len(set(declared)), "no path twice"
    assert set(declared) == set(paths_of(stored.app)), "all are mounted"
    body = await answer_of(stored, "/liquidations/clusters?symbol=BTCUSDT")
    for source in stored.sources.values():
        source.list_symbols("ETHUSDT")
    empty = await answer_of(stored, "/liquidations/clusters?symbol=ETHUSDT")
    assert body != empty
    assert (empty["clusters"], empty["noise_points"]) == ([], []), "nothing stored, nothing made up"


def test_l_d16_there_is_one_port() -> None:
    """The page for people named two."""
    port = str(Settings.model_fields["port"].default)
    pages = [ROOT / name for name in ("README.md", "Makefile", "Dockerfile", "compose.yaml")]
    pages += [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
    named = re.compile(r"(?:127\.0\.0\.1|localhost|0\.0\.0\.0):(\d{2,5})|EXPOSE (\d+)")
    others = {"3000", "5173", "9001"}  # pages that may use the API, and an example of an exchange
    found = {
        number: page.name
        for page in pages
        for groups in named.findall(page.read_text())
        for number in groups
        if number and number not in others
    }
    assert set(found) == {port}, found


def test_every_defect_has_exactly_one_test() -> None:
    names = [name for name in globals() if re.match(r"test_l_d\d", name)]
    assert [name[:10] for name in names] == [f"test_l_d{number:02d}" for number in range(1, 17)]
    assert all(globals()[name].__doc__ for name in names)


# --- What the tests above share. ---


def whole_settings(folder: Path) -> Settings:
    """All venues, at addresses where nobody answers."""
    addresses = {
        name: {
            "rest": "http://127.0.0.1:1",
            "streams": dict.fromkeys(one.facts.environments["live"].streams, "ws://127.0.0.1:1/x"),
        }
        for name, one in venues().items()
    }
    given = {"venue_addresses": addresses, "port": 0, "data_dir": folder}
    return load(options=given, environ={})


async def read_json(platform: WholePlatform, path: str) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{platform.base_url}{path}") as reply,
    ):
        assert reply.status == 200
        return await reply.json()


async def health_rows(platform: Platform) -> dict[str, Any]:
    rows: dict[str, Any] = (await answer_of(platform, "/exchanges/health"))["exchanges"]
    return rows


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of a schema that points into the document."""
    whole = {**schema, "components": document["components"]}
    return Draft202012Validator(whole)


def vault_fill(letter: str) -> dict[str, Any]:
    """Live fills of a liquidator vault that took 0.1 BTC over at 60,000."""
    fill = {
        "coin": "BTC", "px": "60000.0", "sz": "0.1", "side": letter, "time": 7, "crossed": False,
        "startPosition": "0.0", "dir": "Open Long", "closedPnl": "0.0", "hash": "0x", "oid": 1,
        "fee": "0.0", "tid": 2, "feeToken": "USDC",
        "liquidation": {"liquidatedUser": "0xa", "markPx": "60010.0", "method": "backstop"},
    }  # fmt: skip
    return {"channel": "userFills", "data": {"user": VAULTS[0], "fills": [fill]}}


def paths_of(app: FastAPI) -> list[tuple[str, str]]:
    """Path and method of every documented route."""
    return [(path, method) for path, item in app.openapi()["paths"].items() for method in item]
