"""Back-test jobs over HTTP: started, followed, read, cancelled, and a table of bad input."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Platform, Reply
from tests.backtest.job_samples import BARS, put_candles, running
from tests.storage.ready_tables import with_tables

from headwater.backtest.jobs import JobSettings
from headwater.core.clock import SystemClock
from headwater.storage.store import Store

PATH = "/api/v1/backtests"
END = "1970-01-01T06:40:00Z"
RUN = {
    "strategy": "sma_cross",
    "parameters": {"fast": "5", "slow": 20},
    "timeframe": "1m",
    "symbol": "btc-usdt",
    "start_date": "1970-01-01",
    "end_date": END,
}
SEARCH = {
    "strategy_name": "sma_cross",
    "parameter_ranges": [{"name": "fast", "start_value": 3, "end_value": 9, "step": 3}],
    **{key: value for key, value in RUN.items() if key not in ("strategy", "parameters")},
}
FORWARD = SEARCH | {
    "end_date": "1970-06-30",
    "in_sample_period_days": 60,
    "out_of_sample_period_days": 20,
}

CARRY = {
    "strategy_name": "funding_carry",
    "parameter_ranges": [{"name": "leg_size", "start_value": 0.1, "end_value": 0.3, "step": 0.1}],
}

TIER = {"notional_floor": 0, "maintenance_rate": 0.01, "leverage_max": 20}


@pytest.fixture
async def idle(tmp_path: Path) -> AsyncIterator[Platform]:
    """Served with candles in its database; no job is done."""
    path = tmp_path / "made.sqlite3"
    how = JobSettings(database_url=f"sqlite:///{path}", queue_max=3, look_s=0.2)
    async with Store(with_tables(path), SystemClock()) as store:
        await put_candles(store)
        served = Platform(clock=SystemClock(), store=store, job_settings=how).served()
        async with served as platform:
            yield platform


def body_of(reply: Reply, status: int = 200) -> dict[str, Any]:
    assert reply.status == status, reply
    body = reply.json()
    assert isinstance(body, dict)
    return body


async def ended(platform: Platform, status_url: str) -> dict[str, Any]:
    """The status of a job that has ended: within a minute."""
    async with asyncio.timeout(60):
        while True:
            body = body_of(await platform.get(status_url))
            if body["status"] not in ("queued", "running"):
                return body
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_a_run_from_its_start_to_its_figures(idle: Platform) -> None:
    assert idle.backtests is not None
    async with running(idle.backtests):
        started = body_of(await idle.post(f"{PATH}/start", RUN), 202)
        assert started["status_url"] == f"{PATH}/status/{started['id']}"
        status = await ended(idle, started["status_url"])
    assert (status["status"], status["progress"], status["error"]) == ("done", 1.0, "")
    assert (status["steps_done"], status["attempts"]) == (BARS, 1)
    assert status["request"]["end_date"] == "1970-01-01T06:40:00.000Z"
    assert status["request"]["symbol"] == "BTCUSDT"
    result = body_of(await idle.get(started["results_url"]))["result"]
    assert (result["bars"], result["parameters"]["fast"]) == (BARS, 5)
    assert result["final_equity"] == result["equity_curve"][-1][1]
    figures = body_of(await idle.get(f"{PATH}/performance/{started['id']}"))
    assert figures["metrics"]["total_return"] == result["total_return"]
    assert "trades" not in figures
    listed = body_of(await idle.get(f"{PATH}?status=done&kind=backtest&limit=1"))
    assert [one["id"] for one in listed["backtests"]] == [started["id"]]
    assert (await idle.post(f"{PATH}/{started['id']}/cancel", b"")).status == 409


async def test_a_configured_strategy_gives_its_parameters(idle: Platform) -> None:
    wish = {"name": "Cross", "strategy": "sma_cross", "parameters": {"fast": 7, "slow": 40}}
    one = body_of(await idle.post("/api/v1/strategies", wish), 201)
    body = {key: value for key, value in RUN.items() if key != "strategy"}
    asked = body | {"strategy_id": one["id"], "parameters": {"slow": 50}}
    started = body_of(await idle.post(PATH, asked), 202)
    request = body_of(await idle.get(started["status_url"]))["request"]
    assert request["parameters"] == {"fast": 7, "slow": 50}
    assert (request["strategy_id"], request["strategy_version"]) == (one["id"], 1)
    assert (await idle.post(PATH, body | {"strategy_id": "nothing"})).status == 404
    assert (await idle.post(PATH, RUN | {"strategy_id": one["id"]})).status == 422
    assert (await idle.post(PATH, body)).status == 422


async def test_searches_are_queued_with_all_that_they_need(idle: Platform) -> None:
    search = body_of(await idle.post(f"{PATH}/optimize", SEARCH), 202)
    forward = body_of(await idle.post(f"{PATH}/walkforward", FORWARD), 202)
    assert (search["kind"], forward["kind"]) == ("optimise", "walk_forward")
    asked = body_of(await idle.get(search["status_url"]))["request"]
    assert asked["spans"] == [{"name": "fast", "start": 3, "stop": 9, "step": 3}]
    asked = body_of(await idle.get(forward["status_url"]))["request"]
    assert (asked["in_sample_days"], asked["folds"]) == (60, None)


async def test_a_request_holds_the_contract_that_was_stated(idle: Platform) -> None:
    contract = {
        "leverage": 5,
        "margin_mode": "isolated",
        "tiers": [TIER],
        "liquidation_fee_rate": 0.005,
        "quantity_step": 0.001,
        "price_tick": 0.1,
        "min_notional": 5,
        "funding": "stored",
        "timeframe": "5m",
        "detail_interval": "1m",
    }
    started = body_of(await idle.post(PATH, RUN | contract), 202)
    asked = body_of(await idle.get(started["status_url"]))["request"]
    assert {name: asked[name] for name in contract} == contract
    started = body_of(await idle.post(PATH, RUN | {"tiers": "shipped"}), 202)
    asked = body_of(await idle.get(started["status_url"]))["request"]
    assert asked["tiers"][0] == TIER | {"maintenance_rate": 0.004, "leverage_max": 125}
    assert (len(asked["tiers"]), asked["funding"], asked["detail_interval"]) == (7, None, None)


async def test_nothing_to_read_before_the_end(idle: Platform) -> None:
    started = body_of(await idle.post(PATH, RUN), 202)
    one = started["id"]
    for target in (f"results/{one}", f"performance/{one}", f"{one}/report"):
        body = body_of(await idle.get(f"{PATH}/{target}"), 409)
        assert (body["code"], body["errors"][0]["value"]) == ("conflict", "queued")
    cancelled = body_of(await idle.post(f"{PATH}/{one}/cancel", b""))
    assert (cancelled["status"], cancelled["progress"]) == ("cancelled", None)
    assert (await idle.get(started["results_url"])).status == 409
    for target in ("status/x", "results/x", "performance/x", "x/report"):
        assert body_of(await idle.get(f"{PATH}/{target}"), 404)["code"] == "unknown_id"
    assert (await idle.post(f"{PATH}/x/cancel", b"")).status == 404


async def test_a_full_queue_says_when_to_try_again(idle: Platform) -> None:
    for _ in range(3):
        assert (await idle.post(PATH, RUN)).status == 202
    reply = await idle.post(PATH, RUN)
    body = body_of(reply, 503)
    assert (body["code"], reply.headers["retry-after"]) == ("overloaded", "10")
    assert body_of(await idle.get(PATH))["count"] == 3


async def pages(platform: Platform, query: str) -> list[list[str]]:
    """The ids of every page, one after another."""
    found: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        body = body_of(await platform.get(f"{PATH}?{query}{more}"))
        assert body["count"] == len(body["backtests"])
        found.append([one["id"] for one in body["backtests"]])
        cursor = body["next_cursor"]
    return found


async def test_every_job_is_on_one_page_however_long_they_are(idle: Platform) -> None:
    assert body_of(await idle.get(PATH)) == {"count": 0, "next_cursor": None, "backtests": []}
    ids = []
    for number in range(6):
        started = body_of(await idle.post(PATH, RUN), 202)
        ids.append(started["id"])
        if number % 3:
            body_of(await idle.post(f"{PATH}/{started['id']}/cancel", b""))
    (whole,) = await pages(idle, "limit=6")
    assert sorted(whole) == sorted(ids)
    for limit in (1, 2, 4):
        found = await pages(idle, f"limit={limit}")
        assert [len(one) for one in found[:-1]] == [limit] * (len(found) - 1)
        assert found[-1]
        assert [name for one in found for name in one] == whole
    cancelled = await pages(idle, "limit=3&status=cancelled")
    assert [len(one) for one in cancelled] == [3, 1]


async def test_a_page_begins_where_the_one_before_ended_whatever_is_new(idle: Platform) -> None:
    made = [body_of(await idle.post(PATH, RUN), 202)["id"] for _ in range(2)]
    first = body_of(await idle.get(f"{PATH}?limit=1"))
    new = body_of(await idle.post(PATH, RUN), 202)
    second = body_of(await idle.get(f"{PATH}?limit=1&cursor={first['next_cursor']}"))
    assert [one["backtests"][0]["id"] for one in (first, second)] in (made, made[::-1])
    assert second["next_cursor"] is None
    assert new["id"] not in made


@pytest.mark.parametrize(
    "bad", ["", "5", "b1", "1-", "-b1", "1-a%20b", "1-" + "x" * 65, "1" * 16 + "-b1", "%D9%A1-b1"]
)
async def test_what_is_no_cursor_is_422(idle: Platform, bad: str) -> None:
    body = body_of(await idle.get(f"{PATH}?cursor={bad}"), 422)
    (error,) = body["errors"]
    assert error["field"] == "cursor"
    assert "next_cursor" in error["allowed"][0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategy": "nothing"}, "strategy"),
        ({"strategy": "path/to/file.py:Class"}, "strategy"),
        ({"parameters": {"fast": 0}}, "fast"),
        ({"parameters": {"fast": 10**400}}, "fast"),
        ({"parameters": {"fast": [5]}}, "parameters.fast"),
        ({"parameters": {"speed": 3}}, "parameter"),
        ({"strategy": None, "strategy_id": "a b"}, "strategy_id"),
        ({"symbol": "BTC\0"}, "symbol"),
        ({"parameters": {"fast": None}}, "fast"),
        ({"timeframe": "7m"}, "timeframe"),
        ({"symbol": ""}, "symbol"),
        ({"exchange": ""}, "exchange"),
        ({"symbol": "BTCUSDT,ETHUSDT"}, "symbol"),
        ({"exchange": "binance,bybit"}, "exchange"),
        ({"strategy": "funding_carry", "parameters": {}}, "strategy"),
        ({"start_date": None}, "start_date"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2024-13-01"}, "start_date"),
        ({"start_date": True}, "start_date"),
        ({"end_date": "1969-01-01"}, "end_date"),
        ({"end_date": "1970-01-01T00:00:00Z"}, "end_date"),
        ({"end_date": "9999-01-01"}, "end_date"),
        ({"initial_capital": 0}, "initial_capital"),
        ({"initial_capital": "1000"}, "initial_capital"),
        ({"fee_rate": 0.5}, "fee_rate"),
        ({"slippage_rate": -0.1}, "slippage_rate"),
        ({"leverage": 0.5}, "leverage"),
        ({"fill": "yesterday"}, "fill"),
        ({"quantity_step": -1}, "quantity_step"),
        ({"price_tick": "1"}, "price_tick"),
        ({"min_notional": 1e13}, "min_notional"),
        ({"margin_mode": "portfolio"}, "margin_mode"),
        ({"liquidation_fee_rate": 0.2}, "liquidation_fee_rate"),
        ({"tiers": "mine"}, "tiers"),
        ({"tiers": "shipped", "symbol": "ETHUSDT"}, "tiers"),
        ({"tiers": [{"notional_floor": 0, "maintenance_rate": 0.01}]}, "tiers"),
        ({"tiers": [TIER | {"notional_floor": 5}]}, "tiers"),
        ({"tiers": [TIER] * 101}, "tiers"),
        ({"funding": "mine.csv"}, "funding"),
        ({"detail_interval": "7m"}, "detail_interval"),
        ({"detail_interval": "1m"}, "detail_interval"),
        ({"code": "import os"}, "code"),
    ],
)
async def test_bad_runs_are_422_and_named(
    idle: Platform, change: dict[str, object], field: str
) -> None:
    body = body_of(await idle.post(PATH, RUN | change), 422)
    assert body["errors"][0]["field"].startswith(field)
    assert body_of(await idle.get(PATH))["count"] == 0


@pytest.mark.parametrize(
    ("target", "change", "field"),
    [
        ("optimize", {"parameter_ranges": []}, "parameter_ranges"),
        ("optimize", {"strategy_name": "nothing"}, "strategy_name"),
        ("optimize", CARRY, "strategy_name"),
        ("walkforward", CARRY, "strategy_name"),
        ("optimize", {"method": "guess"}, "method"),
        ("optimize", {"objective": "luck"}, "objective"),
        ("optimize", {"samples": 0}, "samples"),
        ("optimize", {"parameters": {"fast": 5}}, "parameter_ranges"),
        ("walkforward", {"in_sample_period_days": 0}, "in_sample_period_days"),
        ("walkforward", {"in_sample_period_days": 300}, "in_sample_period_days"),
        ("walkforward", {"num_folds": 199}, "num_folds"),
        ("walkforward", {"embargo_days": -1}, "embargo_days"),
    ],
)
async def test_bad_searches_are_422_and_named(
    idle: Platform, target: str, change: dict[str, object], field: str
) -> None:
    good = SEARCH if target == "optimize" else FORWARD
    body = body_of(await idle.post(f"{PATH}/{target}", good | change), 422)
    assert body["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize(
    "one",
    [
        {"name": "fast", "start_value": 3, "end_value": 9, "step": 0},
        {"name": "fast", "start_value": 3, "end_value": 9, "step": 0.5},
        {"name": "fast", "start_value": 9, "end_value": 3, "step": 1},
        {"name": "fast", "start_value": 1, "end_value": 1e12, "step": 1},
        {"name": "speed", "start_value": 1, "end_value": 2, "step": 1},
        {"name": "fast; import os", "start_value": 1, "end_value": 2, "step": 1},
    ],
)
async def test_bad_ranges(idle: Platform, one: dict[str, object]) -> None:
    assert (await idle.post(f"{PATH}/optimize", SEARCH | {"parameter_ranges": [one]})).status == 422


async def test_unknown_names_are_404_with_what_is_near(idle: Platform) -> None:
    for change, code in (
        ({"symbol": "BTCUSDX"}, "unknown_symbol"),
        ({"exchange": "binanse"}, "unknown_exchange"),
    ):
        body = body_of(await idle.post(PATH, RUN | change), 404)
        assert body["code"] == code
        assert body["suggestions"]
    body = body_of(await idle.post(PATH, RUN | {"strategy": None, "strategy_id": "x"}), 404)
    assert (body["code"], body["errors"][0]["field"]) == ("unknown_id", "strategy_id")
    started = body_of(await idle.post(PATH, RUN | {"symbol": "btc"}), 202)
    request = body_of(await idle.get(started["status_url"]))["request"]
    assert request["symbol"] == "BTCUSDT"


@pytest.mark.parametrize("bad", ["a%20b", "%00", "a%2Fb", "x" * 65, "%F0%9F%9A%80"])
async def test_what_is_no_id_is_422_and_an_unknown_one_404(idle: Platform, bad: str) -> None:
    for target in ("status/{}", "results/{}", "performance/{}", "{}/report"):
        body = body_of(await idle.get(f"{PATH}/{target.format(bad)}"), 422)
        assert body["errors"][0]["field"] == "id"
        assert (await idle.get(f"{PATH}/{target.format('x')}")).status == 404
    assert (await idle.post(f"{PATH}/{bad}/cancel", b"")).status == 422


async def test_wrong_dates_say_which_and_what_is_allowed(idle: Platform) -> None:
    body = body_of(await idle.post(PATH, RUN | {"start_date": "2024-02-30"}), 422)
    (error,) = body["errors"]
    assert (error["field"], error["value"]) == ("start_date", "2024-02-30")
    assert "ISO-8601" in error["allowed"][0]
    wrong_way = {"start_date": "2024-03-01", "end_date": "2024-01-31T00:00:00Z"}
    body = body_of(await idle.post(PATH, RUN | wrong_way), 422)
    (error,) = body["errors"]
    assert (error["field"], error["value"]) == ("end_date", "2024-01-31T00:00:00Z")
    assert error["allowed"] == ["a time after start_date (2024-03-01T00:00:00Z)"]


async def test_a_foreign_page_starts_nothing(idle: Platform) -> None:
    evil = {"origin": "https://evil.example"}
    reply = await idle.send_json("POST", PATH, RUN, evil)
    assert reply.status == 403
    plain = await idle.send_json("POST", PATH, RUN, {"content-type": "text/plain"})
    assert plain.status == 422
    assert body_of(await idle.get(PATH))["count"] == 0


async def test_without_a_database_it_is_503_with_a_time(platform: Platform) -> None:
    assert (await platform.get(PATH)).status == 503
    reply = await platform.post(PATH, RUN)
    assert (reply.status, reply.headers["retry-after"]) == (503, "60")
