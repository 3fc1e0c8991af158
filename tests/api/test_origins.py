"""Which pages may read, and under which names the server answers."""

import pytest
from tests.api.served import Platform

from headwater.api.settings import ApiSettings

PAGE = "https://app.example"
ONE_PAGE = ApiSettings(allowed_origins=frozenset({PAGE}))
PREFLIGHT = {"access-control-request-method": "GET"}


async def test_an_allowed_page_may_read_answers_and_errors() -> None:
    async with Platform(ONE_PAGE).served() as platform:
        for target in ("/health", "/nope", "/binance/oi/BTC", "/binance/oi/BTC"):
            reply = await platform.get(target, {"origin": PAGE})
            assert reply.headers["access-control-allow-origin"] == PAGE, target
            assert "etag" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://app.example.evil", "http://app.example", "x" * 500],
)
async def test_a_foreign_page_may_not(origin: str) -> None:
    async with Platform(ONE_PAGE).served() as platform:
        reply = await platform.get("/health", {"origin": origin})
        assert reply.status == 200, "the browser keeps the answer from the page"
        assert "access-control-allow-origin" not in reply.headers
        assert reply.headers["vary"] == "origin"
        refused = await platform.request("OPTIONS", "/health", {"origin": origin, **PREFLIGHT})
        assert refused.status == 400
        assert b'"field":"Origin"' in refused.body


async def test_a_preflight_is_answered() -> None:
    async with Platform(ONE_PAGE).served() as platform:
        reply = await platform.request("OPTIONS", "/health", {"origin": PAGE, **PREFLIGHT})
        assert reply.status == 204
        assert reply.headers["access-control-allow-origin"] == PAGE
        assert "GET" in reply.headers["access-control-allow-methods"]


async def test_any_page_may_when_all_are_allowed() -> None:
    async with Platform(ApiSettings(allowed_origins=frozenset({"*"}))).served() as platform:
        reply = await platform.get("/health", {"origin": "https://any.example"})
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("", 400),
    ],
)
async def test_only_named_hosts_are_served(host: str, status: int) -> None:
    settings = ApiSettings(allowed_hosts=frozenset({"localhost", "127.0.0.1", "::1"}))
    async with Platform(settings).served() as platform:
        reply = await platform.get("/health/ready", {"host": host})
        assert reply.status == status
        assert (b'"field":"Host"' in reply.body) is (status == 400)
