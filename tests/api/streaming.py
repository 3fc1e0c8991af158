"""A stream hub on a real socket, and a client that writes and reads raw frames."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from headwater.api.stream_contract import (
    HubCounters,
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_protocol import streaming_protocol
from headwater.api.stream_topics import Audience, HubTopic
from headwater.api.websocket_frames import apply_mask
from headwater.bus.topics import SlowPolicy

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
WAIT_S = 30.0


async def accept_events(_request: StreamRequest) -> StreamAccepted | StreamRefused:
    """A resolver that lets everyone hear the topic `events`."""
    return StreamAccepted(topics=("events",))


def until(condition: Callable[[], object]) -> Awaitable[None]:
    """Waits until something is true, in a bounded time."""

    async def wait() -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                await asyncio.sleep(0.001)

    return wait()


class ServedHub:
    """Where a hub is served.

    Attributes:
        hub: the hub.
        port: on the loopback interface.
        server: uvicorn's.
    """

    def __init__(self, hub: StreamHub, port: int, server: uvicorn.Server) -> None:
        self.hub = hub
        self.port = port
        self.server = server

    @property
    def url(self) -> str:
        """Of a stream."""
        return f"ws://127.0.0.1:{self.port}/ws/events"


@asynccontextmanager
async def served(
    hub: StreamHub, app: Any = None, *, gate: type[asyncio.Protocol] | None = None
) -> AsyncIterator[ServedHub]:
    """Serves `hub` beside `app` until the block ends, then shuts both down in order."""
    config = uvicorn.Config(
        app or Starlette(),
        ws=gate or streaming_protocol(hub),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]), name="server")
        await until(lambda: server.started)
        try:
            yield ServedHub(hub, listener.getsockname()[1], server)
        finally:
            await hub.close(timeout_s=1.0)
            server.should_exit = True
            await serving


class RawClient:
    """A WebSocket client without opinions: sends any bytes, shows every frame.

    Args:
        reader: of the connection.
        writer: of the connection.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, opcode: int, payload: bytes = b"", *, final: bool = True) -> None:
        """Sends a masked frame."""
        self.writer.write(client_frame(opcode, payload, final=final))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        async with asyncio.timeout(WAIT_S):
            first, second = await self.reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                size = 2 if length == 126 else 8
                length = int.from_bytes(await self.reader.readexactly(size), "big")
            return first & 0x0F, await self.reader.readexactly(length)

    async def text(self) -> str:
        """The next frame, which must be a text message."""
        opcode, payload = await self.frame()
        assert opcode == 1, (opcode, payload)
        return payload.decode()

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the next frame, which must be a close; then answers it."""
        opcode, payload = await self.frame()
        assert opcode == 8, (opcode, payload[:100])
        self.send(8, payload[:2])
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    async def ended(self) -> None:
        """Waits for the end of the connection."""
        async with asyncio.timeout(WAIT_S):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionResetError:
                pass


def client_frame(opcode: int, payload: bytes = b"", *, final: bool = True, rsv: int = 0) -> bytes:
    """A masked frame as a client sends it."""
    mask = b"\x11\x22\x33\x44"
    length = len(payload)
    head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return head + mask + apply_mask(payload, mask)


def upgrade_request(path: str = "/ws/events", **headers: str) -> bytes:
    """An opening handshake; `headers` change or add to the usual ones, `_` for `-`."""
    lines = {
        "host": "127.0.0.1",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")


@asynccontextmanager
async def raw_client(
    port: int, path: str = "/ws/events", *, receive_buffer: int | None = None, **headers: str
) -> AsyncIterator[RawClient]:
    """A client whose handshake has been accepted."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    # A small limit: the stream reader must not read what the test does not ask for.
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    try:
        async with asyncio.timeout(WAIT_S):
            writer.write(upgrade_request(path, **headers))
            answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        yield RawClient(reader, writer)
    finally:
        writer.close()


async def refused(port: int, request: bytes) -> bytes:
    """The whole answer to a request that is not accepted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WAIT_S):
            writer.write(request)
            return await reader.read()
    finally:
        writer.close()


class FakeTransport(asyncio.Transport):
    """A transport whose peer reads only when told to.

    Attributes:
        taken: what the kernel has taken.
        blocked: whether the kernel takes nothing now.
        ended: `close`, `abort` or empty.
        eof: whether the sending half was closed.
        limits: the buffer limit last set.
    """

    def __init__(self, **extra: object) -> None:
        super().__init__(extra)
        self.taken = b""
        self.blocked = False
        self.ended = ""
        self.eof = False
        self.limits: int | None = None
        self._waiting = b""
        self._told = False
        self._protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written after the end"
        assert not self.eof, "written after the end of sending"
        self._waiting += bytes(data)
        if not self.blocked:
            self.drain()
        elif not self._told and isinstance(self._protocol, asyncio.Protocol):
            self._told = True
            self._protocol.pause_writing()

    def drain(self, *, block_again: bool = False) -> None:
        """The kernel takes all; with `block_again` nothing of what comes then."""
        self.taken, self._waiting = self.taken + self._waiting, b""
        self.blocked = block_again
        if self._told and isinstance(self._protocol, asyncio.Protocol):
            self._told = False
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._waiting)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = high

    def is_closing(self) -> bool:
        return bool(self.ended)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof = True

    def close(self) -> None:
        self.ended = self.ended or "close"

    def abort(self) -> None:
        self.ended = "abort"

    def frames(self) -> list[tuple[int, bytes]]:
        """Opcode and payload of every frame taken so far, which is then forgotten."""
        data, found = self.taken, []
        while data:
            length, at = data[1], 2
            if length >= 126:
                at = 4 if length == 126 else 10
                length = int.from_bytes(data[2:at], "big")
            found.append((data[0] & 0x0F, data[at : at + length]))
            data = data[at + length :]
        self.taken = b""
        return found


class FakeOwner:
    """A hub's part in its clients and audiences, with time that stands still.

    Attributes:
        time_s: now.
        lost: clients whose sockets have ended.
    """

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self.limits = limits or StreamLimits()
        self.counters = HubCounters()
        self.direct = False
        self.time_s = 1000.0
        self.lost: list[object] = []

    def now(self) -> float:
        return self.time_s

    def client_lost(self, client: object) -> None:
        self.lost.append(client)

    def mark_dirty(self, audience: Audience) -> None:
        """Tests flush themselves."""

    def audience_empty(self, audience: Audience) -> None:
        """Nothing depends on it here."""

    def audience_of(self, keys: tuple[str, ...]) -> Audience:
        """A new audience of new topics."""
        topics = [HubTopic(key, SlowPolicy.DROP_OLDEST, 1 << 20) for key in keys]
        return self.audience(*topics)

    def audience(self, *topics: HubTopic) -> Audience:
        """A new audience of `topics`."""
        audience = Audience(
            self, key=(), topics=topics, wants=None, chunk_bytes=self.limits.chunk_bytes
        )
        for topic in topics:
            topic.add_audience(audience)
        return audience
