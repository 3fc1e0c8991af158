"""Every error has one documented answer and no internals."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Scope
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables

from headwater.api.errors import (
    PROBLEMS,
    REQUEST_ID_KEY,
    make_problem,
    problem_body,
    problem_of,
    problem_response,
    wrong_field,
)
from headwater.api.lookup import UnknownExchange
from headwater.core.clock import SystemClock
from headwater.core.errors import (
    AuthRejected,
    ConfigError,
    NotSupported,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    RequestError,
    UnknownSymbol,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
    WireError,
)
from headwater.storage.store import Store

SCOPE: Scope = {"type": "http", REQUEST_ID_KEY: "id-1"}

CASES: list[tuple[PlatformError, int, str]] = [
    (UnknownExchange("binanse", ("binance",)), 404, "unknown_exchange"),
    (UnknownSymbol("binance", "BTCUSD", ["BTCUSDT"]), 404, "unknown_symbol"),
    (NotSupported("binance", "ohlc", "why not"), 404, "not_supported"),
    (RequestError("limit", "x", "digits"), 422, "bad_parameter"),
    (RateLimited("binance", "slow down", retry_after_s=2.2), 429, "rate_limited"),
    (VenueTimeout("binance", "nothing in 10 s"), 504, "venue_timeout"),
    (VenueUnavailable("binance", "breaker open", retry_after_s=17.0), 503, "venue_unavailable"),
    (VenueRejected("binance", "no", code=-1121, http_status=400), 502, "venue_rejected"),
    (AuthRejected("binance", "key"), 502, "venue_rejected"),
    (OutcomeUnknown("binance", "lost"), 502, "venue_rejected"),
    (WireError("binance", "klines", "no list", b"<secret>"), 502, "venue_unreadable"),
    (ConfigError("token", "is s3cret", "long"), 500, "internal_error"),
    (PlatformError("particulars"), 500, "internal_error"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=lambda v: type(v).__name__)
def test_status_and_code_of_each_error(error: PlatformError, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert status in PROBLEMS


@pytest.mark.parametrize("error", [case[0] for case in CASES if case[1] >= 500])
def test_neither_payloads_nor_settings_leak(error: PlatformError) -> None:
    body = problem_body(problem_of(error), SCOPE)
    assert not any(word in body for word in (b"secret", b"s3cret", b"particulars", b"Traceback"))


@pytest.mark.parametrize(
    ("error", "header", "member"),
    [
        (RateLimited("binance", "slow down", retry_after_s=2.2), "3", 2.2),
        (RateLimited("binance", "slow down", retry_after_s=0.0), "1", 0.0),
        (RateLimited("binance", "slow down"), "5", 5.0),
        (VenueUnavailable("binance", "gone", retry_after_s=17.0), "17", 17.0),
    ],
)
def test_waiting_is_said_in_header_and_body(
    error: PlatformError, header: str, member: float
) -> None:
    response = problem_response(problem_of(error), SCOPE)
    assert response.headers["retry-after"] == header
    assert json.loads(bytes(response.body))["retry_after"] == member
    assert response.media_type == "application/problem+json"


def test_a_problem_names_field_value_allowed_and_request() -> None:
    problem = make_problem(422, "bad", "limit", errors=[wrong_field("limit", "x" * 999, "digits")])
    body = json.loads(problem_body(problem, SCOPE))
    assert body["instance"] == "id-1"
    assert body["errors"] == [
        {"field": "limit", "message": "not allowed", "value": "x" * 200, "allowed": ["digits"]}
    ]


async def ask(platform: Platform, target: str) -> tuple[int, dict[str, Any]]:
    reply = await platform.get(target)
    assert reply.headers["content-type"] == "application/problem+json", reply
    body = reply.json()
    assert isinstance(body, dict)
    assert body["status"] == reply.status
    return reply.status, body


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=lambda v: type(v).__name__)
async def test_the_answer_of_a_route_whose_venue_fails(
    platform: Platform, error: PlatformError, status: int, code: str
) -> None:
    platform.source.error = error
    got, body = await ask(platform, "/binance/oi/BTCUSDT")
    assert (got, body["code"]) == (status, code)
    platform.source.error = None
    assert (await platform.get("/binance/oi/BTCUSDT")).status == 200, "an error is not remembered"


async def test_a_bug_is_answered_without_particulars(platform: Platform) -> None:
    platform.source.error = RuntimeError("password=hunter2")
    status, body = await ask(platform, "/binance/oi/BTCUSDT")
    assert (status, body["code"]) == (500, "internal_error")
    assert "hunter2" not in str(body)


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(platform: Platform) -> None:
    status, body = await ask(platform, "/nothing/here")
    assert (status, body["code"]) == (404, "not_found")
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"):
        reply = await platform.request(method, "/health")
        assert reply.status == 405, method
        assert reply.headers["allow"] == "GET"
        assert b'"field":"method"' in reply.body


async def test_choices_of_an_enum_are_listed(platform: Platform) -> None:
    _, body = await ask(platform, "/gaps?state=gone")
    assert body["errors"][0]["allowed"] == ["open", "repaired", "unrecoverable"]


async def test_what_may_be_of_several_kinds_is_told_once(tmp_path: Path) -> None:
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), SystemClock()) as store,
        Platform(clock=SystemClock(), store=store).served() as platform,
    ):
        wish = {"name": "abc", "strategy": "sma_cross", "parameters": {"fast": [1]}, "more": 1}
        wish["int"] = 2  # No field either, though pydantic calls a kind so.
        body: Any = (await platform.post("/api/v1/strategies", wish)).json()
        plain = {"content-type": "text/plain"}
        sent = await platform.send_json("POST", "/api/v1/strategies", wish, plain)
        refused = await platform.send_json("PATCH", "/api/v1/strategies/x", {})
    assert [one["field"] for one in body["errors"]] == ["parameters.fast", "more", "int"]
    kinds = ["a text", "true or false", "a whole number", "a number"]
    assert body["errors"][0]["allowed"] == kinds
    assert body["errors"][1]["allowed"] == ["no such field"]
    assert "content-type: application/json" in sent.body.decode()
    assert (refused.status, refused.headers["allow"]) == (405, "DELETE, GET, PUT")
