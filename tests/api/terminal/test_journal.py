"""The log lines of terminal sockets (O-S19)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.api.streaming import raw_client, until
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import World

from headwater.core.clock import ManualClock


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


async def ended(lines: list[Any], count: int = 1) -> None:
    await until(lambda: sum(one["event"] == "terminal socket ended" for one in lines) == count)


async def test_o_s19_a_line_when_a_socket_opens_and_one_when_it_ends(lines: list[Any]) -> None:
    world = World()
    assert isinstance(world.clock, ManualClock)
    async with world.served() as at:
        async with viewing(at.port, "watch/BTCUSDT?exchange=okx") as client:
            await client.hear()
            world.clock.advance(2.5)
            await client.socket.close(code=1000)
        await ended(lines)
    common = {
        "request_id": "made-1",
        "socket": "watch",
        "exchange": "okx",
        "symbol": "BTCUSDT",
        "log_level": "info",
    }
    assert lines == [
        {"event": "terminal socket opened", **common},
        {"event": "terminal socket ended", "seconds": 2.5, "close_code": 1000, **common},
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("Req-1.2_3~4", "Req-1.2_3~4"), ("a b", r"made-1"), ("x" * 65, "made-1")],
)
async def test_o_s19_the_id_is_the_clients_when_it_is_sane(
    lines: list[Any], given: str, expected: str
) -> None:
    world = World()
    async with world.served() as at:
        async with raw_client(at.port, "/api/v1/ws/watch/BTCUSDT", x_request_id=given) as client:
            await client.text()
        await ended(lines)
    assert {one["request_id"] for one in lines} == {expected}
    assert lines[-1]["close_code"] is None, "cut: neither side gave a code"


async def test_o_s19_every_socket_has_an_id_of_its_own(lines: list[Any]) -> None:
    world = World()
    async with world.served() as at:
        for _ in range(3):
            async with viewing(at.port, "watch/BTCUSDT") as client:
                await client.hear()
        await ended(lines, 3)
    assert {one["request_id"] for one in lines} == {"made-1", "made-2", "made-3"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("watch/NOSUCH", {"symbol": "NOSUCH", "status": 4000}),
        ("watch?symbol=" + "x" * 300, {"symbol": "x" * 64, "status": 4000}),
        ("watch/BTC/7m", {"symbol": "BTC", "status": 4000}),
        ("watch/NOSUCH/5m", {"symbol": "NOSUCH", "status": 4000}),
        ("watch/X?" + "&".join("a=1" for _ in range(30)), {"symbol": "X", "status": 4000}),
        ("nothing/BTC", {"socket": "nothing", "status": 404}),
    ],
)
async def test_o_s19_a_refusal_is_one_line(
    lines: list[Any], path: str, words: dict[str, Any]
) -> None:
    world = World()
    async with world.served() as at:
        if words["status"] == 404:
            with pytest.raises(Exception, match="404"):
                async with viewing(at.port, path):
                    pass
        else:
            async with viewing(at.port, path) as client:
                await client.closing()
    assert [one["event"] for one in lines] == ["terminal socket refused"]
    assert lines[0].items() >= words.items()
    assert re.fullmatch(r"made-\d+", lines[0]["request_id"])


async def test_our_own_close_is_told_in_the_line(lines: list[Any]) -> None:
    world = World()
    async with world.served() as at:
        async with viewing(at.port, "watch/BTCUSDT") as client:
            await client.hear()
            await client.say("break")
            await client.closing()
        await ended(lines)
    assert lines[-1]["close_code"] == 1011
