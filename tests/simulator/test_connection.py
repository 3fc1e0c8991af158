"""Frames of a connection and the bound of what waits."""

import asyncio
import socket

import pytest
from tests.simulator.venue_bench import PATIENCE_S

from headwater.simulator.connection import MAX_BACKLOG_BYTES, Connection, frame
from headwater.simulator.fault_line import FrameLine
from headwater.simulator.faults import (
    FaultInjector,
    FaultPlan,
)
from headwater.venues.side import ServerFrames


class _Quiet:
    """A venue's socket that says nothing."""

    def tick(self, now_ms: int) -> ServerFrames:
        return ServerFrames()


async def test_a_client_that_does_not_read_is_cut_at_the_bound() -> None:
    connections: list[Connection] = []
    arrived = asyncio.Event()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            line = FrameLine(FaultInjector(FaultPlan()), "x")
            connections.append(Connection(transport, _Quiet(), line, "x"))  # type: ignore[arg-type]
            arrived.set()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        async with asyncio.timeout(PATIENCE_S):
            await arrived.wait()
        (connection,) = connections
        highest = 0
        for _ in range(1000):
            connection.data(["x" * 100_000], 0, 0.0, is_fair=True)
            highest = max(highest, connection.backlog_bytes)
            if connection.is_gone:
                break
            await asyncio.sleep(0)
        assert connection.is_gone
        assert highest <= MAX_BACKLOG_BYTES
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_have_the_length_form_of_their_size(size: int) -> None:
    head = {0: b"\x81\x00", 125: b"\x81\x7d", 126: b"\x81\x7e\x00\x7e"}
    head |= {65_535: b"\x81\x7e\xff\xff", 65_536: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"}
    assert frame(0x81, b"x" * size) == head[size] + b"x" * size
