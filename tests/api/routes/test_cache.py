"""The cache of answers: counted by hand, and cleared by this machine alone."""

from typing import Any

import pytest
from starlette.types import Message
from tests.api.served import Platform

from headwater.api.settings import ApiSettings


async def test_hits_and_misses(platform: Platform) -> None:
    """One is made, the same again is a hit, another one is made: 1 of 3."""
    for target in ("/binance/oi/BTCUSDT", "/binance/oi/BTCUSDT", "/binance/funding/BTCUSDT"):
        assert (await platform.get(target)).status == 200
    found: Any = (await platform.get("/cache/stats")).json()
    held = found.pop("bytes_held")
    assert held > 0
    assert found == {
        "hits": 1,
        "misses": 2,
        "total_requests": 3,
        "hit_rate_percent": pytest.approx(100 / 3),
        "cached_entries": 2,
        "max_size": 4096,
        "ttl_seconds": 300.0,
    }


async def test_nothing_asked_is_no_rate(platform: Platform) -> None:
    found: Any = (await platform.get("/cache/stats")).json()
    assert (found["total_requests"], found["hit_rate_percent"]) == (0, 0.0)


async def test_clearing_makes_the_next_answer_new(platform: Platform) -> None:
    for _ in range(2):
        await platform.get("/binance/oi/BTCUSDT")
    assert len(platform.source.calls) == 1
    reply = await platform.request("DELETE", "/cache/clear")
    assert (reply.status, reply.json()) == (200, {"status": "cleared", "entries_cleared": 1})
    stats: Any = (await platform.get("/cache/stats")).json()
    assert (stats["cached_entries"], stats["bytes_held"]) == (0, 0)
    await platform.get("/binance/oi/BTCUSDT")
    assert len(platform.source.calls) == 2


async def test_only_delete_clears(platform: Platform) -> None:
    reply = await platform.get("/cache/clear")
    assert (reply.status, reply.headers["allow"]) == (405, "DELETE")
    assert (await platform.request("DELETE", "/cache/clear?x=1")).status == 422


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://app.example", 200), ("https://evil.example", 403), ("null", 403)],
)
async def test_a_page_needs_an_allowed_origin(origin: str, status: int) -> None:
    settings = ApiSettings(allowed_origins=frozenset({"https://app.example"}))
    async with Platform(settings).served() as platform:
        reply = await platform.request("DELETE", "/cache/clear", {"origin": origin})
        assert reply.status == status


async def test_the_platforms_own_page_may_and_a_name_pointed_here_may_not(
    platform: Platform,
) -> None:
    here = f"127.0.0.1:{platform.port}"
    for host, origin, status in (
        (here, f"http://{here}", 200),
        (f"localhost:{platform.port}", f"http://localhost:{platform.port}", 200),
        (here, "http://127.0.0.1:1", 403),
        ("evil.example", "http://evil.example", 403),
        ("[::1", "http://[::1", 403),
    ):
        reply = await platform.request("DELETE", "/cache/clear", {"host": host, "origin": origin})
        assert reply.status == status, (host, origin, reply)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_what_a_proxy_on_this_machine_passes_on_may_not(
    platform: Platform, name: str
) -> None:
    reply = await platform.request("DELETE", "/cache/clear", {name: "127.0.0.1"})
    assert reply.status == 403


@pytest.mark.parametrize(
    ("client", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 403), ("2001:db8::7", 403), ("unix", 403)],
)
async def test_other_machines_may_not(client: str, status: int) -> None:
    """The application itself, told where the connection comes from."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "DELETE",
        "scheme": "http",
        "path": "/cache/clear",
        "raw_path": b"/cache/clear",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": (client, 50_000),
        "server": ("127.0.0.1", 80),
    }
    await Platform().app(scope, receive, send)
    assert sent[0]["status"] == status
