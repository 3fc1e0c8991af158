"""The guide to the many-topic socket says what happens."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from tests.api import fake_source as fake
from tests.api.served import Platform

GUIDE = Path(__file__).parents[2] / "docs/guides/one-socket-many-topics.md"
TRADES = "binance/BTCUSDT/trades"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


async def test_the_conversations_of_the_guide_take_place(platform: Platform) -> None:
    lines = "".join(blocks("text")).splitlines()
    assert len([line for line in lines if line.startswith("> ")]) == 6
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        socket: aiohttp.ClientWebSocketResponse | None = None
        for line in lines:
            if line.startswith("> "):
                if socket is None or '"after"' in line:  # after a break
                    url = f"http://127.0.0.1:{platform.port}/ws"
                    socket = await stack.enter_async_context(session.ws_connect(url))
                await socket.send_str(line[2:])
            else:
                assert socket is not None
                async with asyncio.timeout(10):
                    assert json.loads(await socket.receive_str()) == json.loads(line)


async def test_the_client_of_the_guide_never_loses_its_place(platform: Platform) -> None:
    heard: list[dict[str, Any]] = []
    published = 0

    def handle(message: dict[str, Any]) -> None:
        """Each message brings the next trade; each tenth one a break with three more."""
        nonlocal published
        heard.append(message)
        if message["type"] == "subscribed":
            return
        published += 1
        platform.bus.publish(fake.make_trade(published))
        if published % 10 == 0:
            for client in platform.hub._clients:
                client.begin_close(1012)

    names: dict[str, Any] = {"aiohttp": aiohttp}
    exec(blocks("python")[0], names)
    url = f"http://127.0.0.1:{platform.port}/ws"
    async with asyncio.timeout(20):
        await names["follow"](url, [TRADES], handle, 3)
    begun = [
        message["topics"][0]["resumed"] for message in heard if message["type"] == "subscribed"
    ]
    assert begun == [False, True, True]
    updates = [message for message in heard if message["type"] == "update"]
    assert [int(update["data"]["trade_id"]) for update in updates] == list(
        range(1, len(updates) + 1)
    )
    first = updates[0]["seq"]
    assert [update["seq"] for update in updates] == list(range(first, first + len(updates)))
