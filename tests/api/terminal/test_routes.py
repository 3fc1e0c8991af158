"""Addresses of terminal sockets that mean nothing, and what a client reads of it."""

import pytest
from tests.api.streaming import refused, upgrade_request
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import World

from headwater.api.stream_contract import StreamLimits, StreamRefused, StreamRequest
from headwater.api.terminal import desk as desk_module
from headwater.core.errors import VenueUnavailable


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("watch/NOSUCH", "UNKNOWN_SYMBOL", "symbol"),
        ("watch?symbol=NOSUCH", "UNKNOWN_SYMBOL", "symbol"),
        ("watch", "BAD_PARAMETER", "symbol"),
        ("watch/BTCUSDT?exchange=kraken", "UNKNOWN_EXCHANGE", "exchange"),
        ("watch/BTCUSDT?colour=red", "BAD_PARAMETER", "colour"),
        ("watch/BTCUSDT?symbol=BTCUSDT", "BAD_PARAMETER", "symbol"),
        ("watch/" + "x" * 3000, "UNKNOWN_SYMBOL", "symbol"),
        ("watch/%ff%00%0a", "UNKNOWN_SYMBOL", "symbol"),
    ],
)
async def test_o_w6_a_bad_address_is_told_and_closed_with_4000(
    path: str, code: str, field: str
) -> None:
    world = World()
    async with world.served() as at, viewing(at.port, path) as client:
        messages, close_code, reason = await client.closing()
        (error,) = messages
        assert (error["type"], error["code"], error["field"]) == ("error", code, field)
        assert error["timestamp"] == world.clock.now_ms()
        assert close_code == 4000
        assert error["message"].encode().startswith(reason.encode()[:100])
    await world.until_nothing_is_left()


async def test_an_unknown_symbol_is_told_with_near_ones() -> None:
    world = World()
    async with world.served() as at, viewing(at.port, "watch/BTCUSD") as client:
        ((error,), _, _) = await client.closing()
        assert "BTCUSDT" in error["suggestions"]


async def test_o_w6_a_venue_that_refuses_is_4000_and_nothing_is_held() -> None:
    world = World()
    world.source.acquire_error = VenueUnavailable("binance", "down")
    async with world.served() as at, viewing(at.port, "watch/BTCUSDT") as client:
        ((error,), code, _) = await client.closing()
        assert (error["code"], code) == ("VENUE_ERROR", 4000)
    await world.until_nothing_is_left()


@pytest.mark.parametrize("where", ["constructor", "second_feed"])
@pytest.mark.parametrize(
    ("error", "told", "code"),
    [
        (VenueUnavailable("binance", "down"), "VENUE_ERROR", 4000),
        (RuntimeError("a bug"), "INTERNAL_ERROR", 1011),
    ],
)
async def test_o_w6_a_refusal_leaves_nothing_behind(
    where: str, error: Exception, told: str, code: int
) -> None:
    world = World()
    setattr(world.switches, where, error)
    async with world.served() as at:
        async with viewing(at.port, "watch/BTCUSDT") as client:
            ((message,), close_code, _) = await client.closing()
            assert (message["code"], close_code) == (told, code)
        await world.until_nothing_is_left()
        assert [lease.released for lease in world.source.leases] == [1]
        setattr(world.switches, where, None)
        async with viewing(at.port, "watch/BTCUSDT") as client:
            assert (await client.hear())["type"] == "seen"


async def test_too_many_feeds_are_1011(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "FEEDS_MAX", 1)
    world = World()
    async with (
        world.served() as at,
        viewing(at.port, "watch/BTCUSDT"),
        viewing(at.port, "watch/ETHUSDT") as client,
    ):
        ((error,), code, _) = await client.closing()
        assert (error["code"], code) == ("TOO_MANY_STREAMS", 1011)


@pytest.mark.parametrize("path", ["/api/v1/ws/", "/api/v1/ws/nothing", "/api/v1/ws/watch2/BTC"])
async def test_no_such_socket_is_a_404_before_the_handshake(path: str) -> None:
    world = World()
    async with world.served() as at:
        answer = await refused(at.port, upgrade_request(path))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer
    assert b"/api/v1/ws/watch" in answer, "those that there are"


async def test_o_w6_an_address_has_so_many_sockets_and_no_more() -> None:
    world = World(StreamLimits(max_clients_per_ip=1))
    async with world.served() as at, viewing(at.port, "watch/BTCUSDT") as client:
        await client.hear()
        answer = await refused(at.port, upgrade_request("/api/v1/ws/watch/ETHUSDT"))
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert world.leases_held == 1


def test_a_decision_waits_for_nothing() -> None:
    """It is made in one call, so what was joined is there, or gone, when it returns."""
    world = World()
    request = StreamRequest(
        path="/api/v1/ws/watch/NOSUCH", query="", headers=(), client_host="", scheme="http"
    )
    found = world.routes.resolve(request)
    assert isinstance(found, StreamRefused)
    assert found.close_code == 4000
