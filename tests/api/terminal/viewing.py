"""A client of a terminal socket, for tests that look at one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

Message = dict[str, Any]

PATIENCE_S = 60.0
"""Longest wait for a message: only a failure takes so long.

Where time is virtual it runs on while a thread of a busy machine works: a minute may pass at once.
"""


class Viewing:
    """A connected client.

    Attributes:
        socket: its socket.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, kind: str, **fields: object) -> None:
        """Sends a request."""
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def hear(self) -> Message:
        """The next message."""
        async with asyncio.timeout(PATIENCE_S):
            found: Message = json.loads(await self.socket.receive_str())
        return found

    async def hear_next(self, kind: str) -> Message:
        """The next message of a type; others are passed over."""
        while (message := await self.hear())["type"] != kind:
            pass
        return message

    async def until_pong(self) -> list[Message]:
        """Everything that was sent before the answer to a ping."""
        await self.say("ping")
        found: list[Message] = []
        while (message := await self.hear())["type"] != "pong":
            found.append(message)
        return found

    async def closing(self) -> tuple[list[Message], int | None, str]:
        """What comes until the server closes, its close code and its words."""
        found: list[Message] = []
        async with asyncio.timeout(PATIENCE_S):
            while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                found.append(json.loads(message.data))
        return found, self.socket.close_code, str(message.extra or "")


@asynccontextmanager
async def viewing(port: int, path: str) -> AsyncIterator[Viewing]:
    """Connects to `/api/v1/ws/{path}` on a loopback port."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/api/v1/ws/{path}") as socket,
    ):
        yield Viewing(socket)
