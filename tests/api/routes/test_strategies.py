"""Configured strategies over HTTP: their life, their history, and a table of bad input."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Platform, Reply
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.storage.store import Store

PATH = "/api/v1/strategies"
CROSS = {
    "name": "Slow cross",
    "description": "Hourly",
    "strategy": "sma_cross",
    "parameters": {"fast": "5", "slow": 20},
}


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Platform]:
    """Served over a database; time stands still."""
    clock = ManualClock()
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        Platform(clock=clock, store=store).served() as platform,
    ):
        yield platform


async def put(platform: Platform, target: str, body: object) -> Reply:
    return await platform.send_json("PUT", target, body)


def body_of(reply: Reply, status: int = 200) -> dict[str, Any]:
    assert reply.status == status, reply
    body = reply.json()
    assert isinstance(body, dict)
    return body


async def test_the_life_of_a_strategy(stored: Platform) -> None:
    made = body_of(await stored.post(PATH, CROSS), 201)
    where = f"{PATH}/{made['id']}"
    assert {key: made[key] for key in ("version", "name", "strategy", "is_active")} == {
        "version": 1,
        "name": "Slow cross",
        "strategy": "sma_cross",
        "is_active": False,
    }
    assert made["parameters"] == CROSS["parameters"]
    assert body_of(await stored.get(where)) == made
    stored.advance(60)
    on = body_of(await stored.send_json("POST", f"{where}/activate", None))
    assert (on["version"], on["is_active"], on["created_at"]) == (2, True, made["created_at"])
    assert on["updated_at"] > made["updated_at"]
    again = body_of(await stored.send_json("POST", f"{where}/activate", None))
    assert again == on, "what is on stays as it is"
    assert body_of(await stored.get(f"{PATH}?active_only=true"))["count"] == 1
    off = body_of(await stored.send_json("POST", f"{where}/deactivate", None))
    assert body_of(await stored.get(f"{PATH}?active_only=true"))["count"] == 0
    changed = body_of(await put(stored, where, CROSS | {"name": "Other", "version": 3}))
    assert (off["version"], changed["version"], changed["name"]) == (3, 4, "Other")
    versions = body_of(await stored.get(f"{where}/versions"))["versions"]
    assert [one["version"] for one in versions] == [4, 3, 2, 1]
    assert versions[-1] == made
    gone = await stored.request("DELETE", where)
    assert (gone.status, gone.body) == (204, b"")
    assert (await stored.get(where)).status == 404
    assert (await stored.request("DELETE", where)).status == 404
    assert body_of(await stored.get(PATH)) == {"count": 0, "strategies": []}
    last = body_of(await stored.get(f"{where}/versions"))["versions"][0]
    assert (last["version"], last["is_deleted"], last["is_active"]) == (5, True, False)


async def test_names_are_ones_own(stored: Platform) -> None:
    first = body_of(await stored.post(PATH, CROSS), 201)
    body = body_of(await stored.post(PATH, CROSS | {"name": "SLOW cross"}), 409)
    assert (body["code"], body["errors"][0]["field"]) == ("conflict", "name")
    second = body_of(await stored.post(PATH, CROSS | {"name": "Second"}), 201)
    assert (await put(stored, f"{PATH}/{second['id']}", CROSS)).status == 409
    assert (await put(stored, f"{PATH}/{first['id']}", CROSS)).status == 200


async def test_a_change_of_an_old_version_is_refused(stored: Platform) -> None:
    one = body_of(await stored.post(PATH, CROSS), 201)
    where = f"{PATH}/{one['id']}"
    assert (await put(stored, where, CROSS | {"version": 1})).status == 200
    body = body_of(await put(stored, where, CROSS | {"version": 1}), 409)
    assert body["errors"][0]["field"] == "version"


async def test_what_can_be_named(stored: Platform) -> None:
    found = body_of(await stored.get(f"{PATH}/available"))["strategies"]
    by_name = {one["name"]: one for one in found}
    assert {"sma_cross", "mean_reversion"} <= set(by_name)
    lookback = by_name["mean_reversion"]["parameters"]["lookback_period"]
    assert (lookback["type"], lookback["default"], lookback["min"]) == ("integer", 20, 5)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "tab\tin it"}, "name"),
        ({"name": None}, "name"),
        ({"description": "a" * 501}, "description"),
        ({"strategy": "nothing"}, "strategy"),
        ({"strategy": "file.py:Class"}, "strategy"),
        ({"strategy": "../sma_cross"}, "strategy"),
        ({"parameters": {"fast": -1}}, "fast"),
        ({"parameters": {"fast": "ten"}}, "fast"),
        ({"parameters": {"speed": 1}}, "parameter"),
        ({"parameters": {"fast": [1]}}, "parameters.fast.bool"),
        ({"parameters": {f"p{n}": 1 for n in range(21)}}, "parameters"),
        ({"parameters": []}, "parameters"),
        ({"is_active": "yes"}, "is_active"),
        ({"version": 0}, "version"),
        ({"code": "import os"}, "code"),
    ],
)
async def test_bad_values_are_422_and_named(
    stored: Platform, change: dict[str, object], field: str
) -> None:
    body = body_of(await stored.post(PATH, CROSS | change), 422)
    assert body["errors"][0]["field"].startswith(field.partition(".bool")[0])
    assert body_of(await stored.get(PATH))["count"] == 0


async def test_unknown_ids_are_404_everywhere(stored: Platform) -> None:
    assert (await stored.get(f"{PATH}/nothing")).status == 404
    assert (await stored.get(f"{PATH}/nothing/versions")).status == 404
    assert (await put(stored, f"{PATH}/nothing", CROSS)).status == 404
    for what in ("activate", "deactivate"):
        assert (await stored.send_json("POST", f"{PATH}/nothing/{what}", None)).status == 404


async def test_a_foreign_page_changes_nothing(stored: Platform) -> None:
    one = body_of(await stored.post(PATH, CROSS), 201)
    evil = {"origin": "https://evil.example"}
    for method, target in (
        ("POST", f"{PATH}/{one['id']}/activate"),
        ("DELETE", f"{PATH}/{one['id']}"),
    ):
        reply = await stored.request(method, target, {**evil, "content-length": "0"})
        assert reply.status == 403
    assert body_of(await stored.get(f"{PATH}/{one['id']}"))["version"] == 1


async def test_without_a_database_it_is_503_with_a_time(platform: Platform) -> None:
    for target in (PATH, f"{PATH}/available", f"{PATH}/x"):
        reply = await platform.get(target)
        assert (reply.status, reply.headers["retry-after"]) == (503, "60")
