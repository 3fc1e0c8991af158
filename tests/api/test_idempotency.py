"""Starting a job again with the same key: one job, told again; another request is refused."""

import asyncio
from typing import Any

import pytest
from tests.api.routes.test_backtests import FORWARD, PATH, RUN, SEARCH, body_of, idle
from tests.api.served import Platform, Reply

__all__ = ["idle"]

STARTS = [("", RUN), ("/start", RUN), ("/optimize", SEARCH), ("/walkforward", FORWARD)]


async def start(platform: Platform, body: object, key: str, target: str = "") -> Reply:
    return await platform.send_json("POST", PATH + target, body, {"idempotency-key": key})


@pytest.mark.parametrize(("target", "body"), STARTS)
async def test_asking_again_is_the_same_job(
    idle: Platform, target: str, body: dict[str, Any]
) -> None:
    first = body_of(await start(idle, body, "a-1", target), 202)
    again = body_of(await start(idle, body, "a-1", target), 202)
    assert again == first
    assert body_of(await idle.get(first["status_url"]))["idempotency_key"] == "a-1"
    other = body_of(await start(idle, body, "a-2", target), 202)
    assert other["id"] != first["id"]
    plain = body_of(await idle.post(PATH + target, body), 202)
    assert body_of(await idle.get(plain["status_url"]))["idempotency_key"] is None
    assert body_of(await idle.get(PATH))["count"] == 3


async def test_forty_at_once_make_one_job(idle: Platform) -> None:
    replies = await asyncio.gather(*(start(idle, RUN, '"quoted"') for _ in range(40)))
    assert len({body_of(reply, 202)["id"] for reply in replies}) == 1
    assert body_of(await idle.get(PATH))["count"] == 1


async def test_what_is_said_by_a_default_is_no_difference(idle: Platform) -> None:
    first = body_of(await start(idle, RUN, "key"), 202)
    spelt = RUN | {"leverage": 1, "start_date": 0, "fill": "next-open"}
    assert body_of(await start(idle, spelt, "key", "/start"), 202)["id"] == first["id"]


@pytest.mark.parametrize(
    ("target", "body", "words"),
    [
        ("", RUN | {"symbol": "ETHUSDT"}, 'symbol: "btc-usdt" there, "ETHUSDT" here'),
        ("", RUN | {"leverage": 2}, "leverage: nothing there, 2.0 here"),
        ("/optimize", SEARCH, 'kind: "backtest" there, "optimise" here'),
    ],
)
async def test_another_request_with_the_key_is_refused_and_told_why(
    idle: Platform, target: str, body: dict[str, Any], words: str
) -> None:
    first = body_of(await start(idle, RUN, "key"), 202)
    refused = body_of(await start(idle, body, "key", target), 409)
    (error,) = refused["errors"]
    assert (refused["code"], error["field"], error["value"]) == (
        "conflict",
        "Idempotency-Key",
        "key",
    )
    assert first["id"] in error["allowed"][0]
    assert words in error["allowed"][0]
    assert body_of(await idle.get(PATH))["count"] == 1


@pytest.mark.parametrize("key", ["", "a b", "a, b", "é", "x" * 65])
async def test_what_is_no_key_is_422_and_starts_nothing(idle: Platform, key: str) -> None:
    body = body_of(await start(idle, RUN, key), 422)
    (error,) = body["errors"]
    assert (error["field"], error["value"]) == ("Idempotency-Key", key)
    assert error["allowed"] == ["1 to 64 visible ASCII characters"]
    assert body_of(await idle.get(PATH))["count"] == 0


async def test_two_keys_at_once_are_none(idle: Platform) -> None:
    two = {"idempotency-key": "a", "Idempotency-Key": "b"}
    body = body_of(await idle.send_json("POST", PATH, RUN, two), 422)
    assert body["errors"][0]["value"] == "a, b"
    assert body["errors"][0]["allowed"] == ["given once"]


async def test_the_job_is_told_when_its_request_would_be_another_by_now(idle: Platform) -> None:
    """The configured strategy was changed and deleted, and the queue is full."""
    wish = {"name": "Cross", "strategy": "sma_cross", "parameters": {"fast": 7, "slow": 40}}
    one = body_of(await idle.post("/api/v1/strategies", wish), 201)
    asked = {key: value for key, value in RUN.items() if key not in ("strategy", "parameters")}
    asked["strategy_id"] = one["id"]
    first = body_of(await start(idle, asked, "key"), 202)
    path = f"/api/v1/strategies/{one['id']}"
    changed = wish | {"parameters": {"fast": 9, "slow": 40}, "version": 1}
    body_of(await idle.send_json("PUT", path, changed))
    assert body_of(await start(idle, asked, "key"), 202) == first
    assert (await idle.send_json("DELETE", path, None)).status == 204
    assert (await idle.post(PATH, asked)).status == 404
    for _ in range(2):
        assert (await idle.post(PATH, RUN)).status == 202
    assert (await idle.post(PATH, RUN)).status == 503
    assert body_of(await start(idle, asked, "key"), 202) == first


async def test_the_document_tells_of_the_header(idle: Platform) -> None:
    document = body_of(await idle.get("/openapi.json"))
    for target in ("", "/optimize", "/walkforward"):
        told = document["paths"][PATH + target]["post"]
        (header,) = [one for one in told["parameters"] if one["in"] == "header"]
        assert (header["name"], header["required"]) == ("Idempotency-Key", False)
        assert "409" in told["responses"]
