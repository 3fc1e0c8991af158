"""Clients that come and go at every point of a socket's life, for tests of what they leave behind.

Each visit is a plain TCP connection that ends in one of the ways below, chosen by a seed. Nothing
is expected of the answers; what counts is that nothing of a visit is left when it is over.
"""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from tests.api.streaming import client_frame, upgrade_request

CONCURRENT: Final = 25
"""Visits at a time."""

PATIENCE_S: Final = 0.5
"""Longest wait of a visit for something to read; then it goes, as people do."""

_RESET: Final = struct.pack("ii", 1, 0)
_CLOSE: Final = client_frame(8, b"\x03\xe8")


class Visit:
    """One connection.

    Args:
        port: of the server.
        path: of a socket, with its query.
        rng: decides how much is sent before it ends.
        requests: messages that such a client may send.
    """

    def __init__(
        self, port: int, path: str, rng: random.Random, requests: Sequence[object]
    ) -> None:
        self._port = port
        self._request = upgrade_request(f"/api/v1/ws/{path}")
        self._rng = rng
        self._messages = [client_frame(1, json.dumps(one).encode()) for one in requests]
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def run(self, way: "Way") -> None:
        """Comes, does what `way` says, and is gone."""
        connection = socket.socket()
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._port))
        self._reader, self._writer = await asyncio.open_connection(sock=connection, limit=256)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await way(self)
        finally:
            if self._rng.random() < 0.5:  # a reset instead of an end
                connection = self._writer.get_extra_info("socket")
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._writer.transport.abort()
            else:
                self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    async def silent(self) -> None:
        """Connects and says nothing."""

    async def half_a_request(self) -> None:
        """Goes in the middle of its request."""
        self._writer.write(self._request[: self._rng.randrange(1, len(self._request))])
        await self._yield()

    async def request_and_gone(self) -> None:
        """Does not wait for the answer to the handshake."""
        self._writer.write(self._request)
        await self._yield()

    async def early(self) -> None:
        """Sends frames before the handshake was answered."""
        self._writer.write(self._request + b"".join(self._messages) + _CLOSE)
        await self._yield()

    async def half_an_answer(self) -> None:
        """Goes in the middle of the answer to the handshake."""
        self._writer.write(self._request)
        await self._reader.readexactly(self._rng.randrange(1, 100))

    async def before_the_first_message(self) -> None:
        """Reads the answer to the handshake and not one frame."""
        await self._open()

    async def close_at_once(self) -> None:
        """Says goodbye right after the handshake, and reads to the end or not."""
        await self._open()
        self._writer.write(_CLOSE)
        if self._rng.random() < 0.5:
            while await self._reader.read(1000):
                pass

    async def half_a_frame_read(self) -> None:
        """Goes in the middle of a message that it reads."""
        await self._open()
        await self._reader.readexactly(self._rng.randrange(1, 40))

    async def half_a_frame_sent(self) -> None:
        """Goes in the middle of a message that it sends."""
        await self._open()
        frame = self._rng.choice(self._messages)
        self._writer.write(frame[: self._rng.randrange(1, len(frame))])
        await self._yield()

    async def asked_and_gone(self) -> None:
        """Asks for everything and does not wait for answers."""
        await self._open()
        for message in self._messages:
            self._writer.write(message)
        await self._yield()

    async def half_open(self) -> None:
        """Closes its sending half and reads on."""
        await self._open()
        self._writer.write_eof()
        while await self._reader.read(1000):
            pass

    async def talkative(self) -> None:
        """Asks, reads for a while, asks again, says goodbye."""
        await self._open()
        for message in self._messages:
            self._writer.write(message)
            await self._reader.read(1000)
        self._writer.write(_CLOSE)
        while await self._reader.read(1000):
            pass

    async def _open(self) -> None:
        self._writer.write(self._request)
        await self._reader.readuntil(b"\r\n\r\n")

    async def _yield(self) -> None:
        """Lets the server come this far, or not."""
        for _ in range(self._rng.randrange(6)):
            await asyncio.sleep(0)


Way = Callable[[Visit], Awaitable[None]]

WAYS: Final[Sequence[Way]] = (
    Visit.silent,
    Visit.half_a_request,
    Visit.request_and_gone,
    Visit.early,
    Visit.half_an_answer,
    Visit.before_the_first_message,
    Visit.close_at_once,
    Visit.half_a_frame_read,
    Visit.half_a_frame_sent,
    Visit.asked_and_gone,
    Visit.half_open,
    Visit.talkative,
)


async def race(
    port: int,
    paths: Sequence[str],
    count: int,
    *,
    seed: int,
    requests: Sequence[object],
    between: Callable[[], None],
) -> None:
    """So many visits, in every way on every path.

    Args:
        port: of the server.
        paths: of sockets, without `/api/v1/ws/`.
        count: visits.
        seed: of everything that is chosen.
        requests: messages that the clients may send.
        between: called after each visit, while others go on.
    """
    rng = random.Random(seed)

    async def one(way: Way, visit: Visit) -> None:
        await visit.run(way)
        between()

    pairs = [(way, path) for way in WAYS for path in paths]
    for first in range(0, count, CONCURRENT):
        async with asyncio.TaskGroup() as group:
            for number in range(first, min(count, first + CONCURRENT)):
                way, path = pairs[number % len(pairs)]
                visit = Visit(port, path, random.Random(rng.random()), requests)
                group.create_task(one(way, visit), name=f"visit {number}")
