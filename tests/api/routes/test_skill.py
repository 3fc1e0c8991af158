"""The score over HTTP, from a real database."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Platform
from tests.services.skill_market import (
    DAY_MS,
    START_MS,
    candles_of,
    hours_of,
    liquidations_of,
    made_database,
    oracle_of,
    uniform_of,
)
from tests.storage.samples import store_together

from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store

DAYS = 16
NOW_MS = START_MS + DAYS * DAY_MS + 120_000
SKILL = "/liquidations/skill?symbol=BTCUSDT"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen days of the market made by hand, with the oracle and B0: a file to copy."""
    database = made_database(tmp_path_factory.mktemp("market"))
    hours = hours_of(DAYS)
    with database.claim():
        store_together(database, [one for hour in hours for one in candles_of(hour)])
        store_together(database, [one for hour in hours for one in liquidations_of(hour)])
        store_together(database, [oracle_of(hour) for hour in hours])
        store_together(database, [uniform_of(hour) for hour in hours])
    return database.path


@pytest.fixture
async def stored(market: Path, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform over a copy of the market."""
    database = SqliteDatabase(Path(shutil.copy(market, tmp_path)))
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        Store(database, clock) as store,
        Platform(clock=clock, venues=("binance", "bybit"), store=store).served() as served,
    ):
        yield served


async def ask(platform: Platform, target: str) -> Any:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return reply.json()


async def test_the_table_has_the_line_the_interval_and_the_controls(stored: Platform) -> None:
    """384 hours; the first 100 are learnt from, the 284 others scored."""
    body = await ask(stored, SKILL)
    assert [row["model"] for row in body["data"]] == ["b0", "oracle"]
    plain, oracle = body["data"]
    assert plain["line"].endswith("→ no measurable skill") or "worse" in plain["line"]
    assert plain["verdict"] != "skill"
    assert oracle["verdict"] == "skill"
    assert oracle["line"].startswith("IG +")
    assert oracle["line"].endswith("12 d · n=284")
    assert (oracle["horizon"], oracle["cell_width"], oracle["judged_by"]) == (
        "1h",
        0.001,
        "per_usd",
    )
    assert (oracle["forecasts"], oracle["coverage"]) == (384, 1.0)
    numbers = oracle["score"]
    assert numbers["windows_unlearnt"] == 100
    assert 0.0 < numbers["per_usd"]["low"] < numbers["per_usd"]["bits"] < numbers["largest_bits"]
    assert numbers["lift"] > 5.0
    assert numbers["precision"]["model"] > numbers["precision"]["baseline"]
    assert oracle["controls"]["is_sound"] is True
    for name in ("shifted", "swapped", "random_lines"):
        assert oracle["controls"][name]["low"] <= 0.0
    meta = body["meta"]
    assert (meta["exchanges"], meta["throttled"], meta["path_exchange"]) == (["bybit"], [], "bybit")
    assert "collecting since 2026-09-22T00:00:00.000Z: 16.0 days so far" in meta["note"]


async def test_what_is_asked_for_is_what_comes(stored: Platform) -> None:
    body = await ask(stored, f"{SKILL}&model=oracle&cell_width=0.0025&days=3&exchanges=bybit")
    assert [(row["model"], row["cell_width"]) for row in body["data"]] == [
        ("b0", 0.0025),
        ("oracle", 0.0025),
    ]
    assert body["data"][1]["verdict"] == "not enough days"
    day = await ask(stored, f"{SKILL}&horizon=24h")
    assert day["data"] == []
    assert day["meta"]["note"].startswith("no such forecast in these days; collecting since")
    heard = await ask(stored, f"{SKILL}&exchanges=binance")
    assert heard["data"][0]["score"] is None
    assert heard["data"][0]["line"] == "IG none · n=0 → not enough days"


async def test_a_table_is_given_again_for_a_minute(stored: Platform) -> None:
    first = await stored.get(f"{SKILL}&days=2")
    again = await stored.get(f"{SKILL}&days=2", {"if-none-match": first.headers["etag"]})
    assert again.status == 304
    stored.advance(61)
    assert (await ask(stored, f"{SKILL}&days=2"))["meta"]["end_time"] > "2026-10-08T00:02:30"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=0", "days"),
        ("days=366", "days"),
        ("days=1.5", "days"),
        ("horizon=2h", "horizon"),
        ("horizon=", "horizon"),
        ("cell_width=0.002", "cell_width"),
        ("model=a%20b", "model"),
        ("model=", "model"),
        ("exchanges=nowhere", "exchanges"),
        ("size=1", "size"),
        ("days=1&days=2", "days"),
    ],
)
async def test_bad_input_is_named(stored: Platform, query: str, field: str) -> None:
    reply = await stored.get(f"{SKILL}&{query}")
    assert reply.status == 422
    problem: Any = reply.json()
    assert [one["field"].split(".")[-1] for one in problem["errors"]] == [field]


async def test_without_a_symbol_or_a_database_it_says_so(platform: Platform) -> None:
    assert (await platform.get("/liquidations/skill")).status == 422
    assert (await platform.get(SKILL)).status == 404
