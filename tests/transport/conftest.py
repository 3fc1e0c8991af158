"""Peers that speak bytes, and a loop whose time is virtual."""

import asyncio
import base64
import hashlib
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, TypeVar

import looptime
import pytest

from headwater.core.clock import SourceClock
from headwater.transport.ws import CloseInfo

T = TypeVar("T")

WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PEER_TIMEOUT_S = 10.0
START_NS = 1_700_000_000_000_000_000

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Handler], AbstractAsyncContextManager[int]]
ServeOutside = Callable[..., AbstractContextManager[int]]
RunVirtual = Callable[[Callable[[SourceClock], Coroutine[Any, Any, T]]], T]


@pytest.fixture(scope="session")
def run_virtual() -> RunVirtual[Any]:
    """Runs a coroutine function, given a clock, on a loop that skips all waiting."""

    def run(main: Callable[[SourceClock], Coroutine[Any, Any, Any]]) -> Any:
        with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
            loop = runner.get_loop()
            return runner.run(main(SourceClock(loop.time, START_NS)))

    return run


@pytest.fixture
def serve() -> Serve:
    """A TCP server on loopback that hands each connection to `handler`; yields its port.

    An exception in the handler fails the test when the server is left.
    """

    @asynccontextmanager
    async def serving(handler: Handler) -> AsyncIterator[int]:
        tasks: set[asyncio.Task[None]] = set()
        writers: list[asyncio.StreamWriter] = []

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            tasks.add(asyncio.create_task(one(reader, writer), name="peer"))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 26)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            done, pending = await asyncio.wait(tasks, timeout=5) if tasks else (set(), set())
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            # What a client left unread would keep a closed transport alive beyond the loop.
            for writer in writers:
                writer.transport.abort()
            async with asyncio.timeout(5):
                ends = (writer.wait_closed() for writer in writers)
                await asyncio.gather(*ends, return_exceptions=True)
                await server.wait_closed()
            for task in done:
                task.result()

    return serving


@pytest.fixture
def serve_outside() -> ServeOutside:
    """A TCP server on a thread of its own, with blocking sockets; yields its port.

    Nothing of it belongs to an event loop: a test may end its loop with a connection open, or
    fail a TLS handshake, and every socket is closed when the server is left. It takes as many
    connections, one after the other, as it has handlers.
    """

    @contextmanager
    def serving(
        *handlers: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None
    ) -> Iterator[int]:
        problems: list[BaseException] = []

        def run() -> None:
            try:
                for handler in handlers:
                    with server.accept()[0] as raw:
                        raw.settimeout(PEER_TIMEOUT_S)
                        if tls is None:
                            handler(raw)
                            continue
                        with tls.wrap_socket(raw, server_side=True) as wrapped:
                            handler(wrapped)
            except BaseException as problem:  # noqa: BLE001 - raised again by the test
                problems.append(problem)

        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PEER_TIMEOUT_S)
            thread = threading.Thread(target=run, name="peer")
            thread.start()
            try:
                yield server.getsockname()[1]
            finally:
                thread.join()
        if problems:
            raise problems[0]

    return serving


class Wire:
    """A venue's side of HTTP and WebSocket, byte by byte."""

    @staticmethod
    async def read_head(reader: asyncio.StreamReader) -> bytes:
        """The request up to its empty line."""
        return await reader.readuntil(b"\r\n\r\n")

    @staticmethod
    def accept_upgrade(head: bytes) -> bytes:
        """The 101 answer to the upgrade request `head`."""
        key = next(
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + WS_GUID).digest())
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    @classmethod
    async def upgrade(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Accepts the upgrade; returns the request."""
        head = await cls.read_head(reader)
        writer.write(cls.accept_upgrade(head))
        return head

    @staticmethod
    def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, bits: int = 0) -> bytes:
        """One unmasked frame, as servers send them; `bits` are reserved bits (0x40 is RSV1)."""
        head = bytes([(0x80 if fin else 0) | bits | opcode])
        size = len(payload)
        if size < 126:
            return head + bytes([size]) + payload
        if size < 1 << 16:
            return head + b"\x7e" + size.to_bytes(2, "big") + payload
        return head + b"\x7f" + size.to_bytes(8, "big") + payload

    @staticmethod
    async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        """Opcode and payload of one masked frame from a client."""
        first, second = await reader.readexactly(2)
        assert second & 0x80, "clients mask"
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await reader.readexactly(8), "big")
        mask = await reader.readexactly(4)
        masked = await reader.readexactly(size)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))

    @classmethod
    def upgrade_outside(cls, peer: socket.socket) -> None:
        """Accepts the upgrade on a blocking socket."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += peer.recv(1)
        peer.sendall(cls.accept_upgrade(head))

    @staticmethod
    def read_frame_outside(peer: socket.socket) -> tuple[int, bytes]:
        """Opcode and payload of one short masked frame from a client, on a blocking socket."""
        with peer.makefile("rb", buffering=0) as stream:
            first, second = stream.read(2)
            assert 0x80 <= second < 0x80 | 126, "clients mask, and these frames are short"
            mask = stream.read(4)
            masked = stream.read(second & 0x7F)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))

    @staticmethod
    def reset(writer: asyncio.StreamWriter) -> None:
        """Cuts the connection with RST instead of FIN."""
        linger_now = struct.pack("ii", 1, 0)
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_now)
        writer.transport.abort()


@pytest.fixture(scope="session")
def wire() -> type[Wire]:
    """See `Wire`."""
    return Wire


class Listener:
    """Keeps what a connection tells it."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.stamps_ns: list[int] = []
        self.controls = 0
        self.ends: list[CloseInfo] = []
        self.fails_with: Exception | None = None
        self.heard = asyncio.Event()

    def on_frame(self, frame: bytes, received_ns: int) -> None:
        """Keeps the message, then fails if told to."""
        self.frames.append(frame)
        self.stamps_ns.append(received_ns)
        self.heard.set()
        if self.fails_with is not None:
            raise self.fails_with

    def on_control(self, received_ns: int) -> None:
        """Counts."""
        self.controls += 1
        self.stamps_ns.append(received_ns)
        self.heard.set()
        if self.fails_with is not None:
            raise self.fails_with

    def on_close(self, info: CloseInfo) -> None:
        """Keeps how it ended, then fails if told to."""
        self.ends.append(info)
        if self.fails_with is not None:
            raise self.fails_with

    async def hears(self, frames: int = 0, controls: int = 0) -> None:
        """Waits until at least so much has come."""
        async with asyncio.timeout(5):
            while len(self.frames) < frames or self.controls < controls:
                self.heard.clear()
                await self.heard.wait()


@pytest.fixture
def listener() -> Listener:
    """See `Listener`."""
    return Listener()
