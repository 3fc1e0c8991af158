"""The guide to the live liquidation map says what happens."""

import asyncio
import json
import re
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.api.heatmap_maps import CountedMaps
from tests.api.served import Platform

from headwater.api.heatmap_requests import ERROR_CODES

GUIDE = Path(__file__).parents[2] / "docs/guides/live-heatmap.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def shape(value: Any) -> Any:
    """Names and kinds, without the values."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def watcher() -> Any:
    names: dict[str, Any] = {"aiohttp": aiohttp, "asyncio": asyncio}
    exec(blocks("python")[0], names)
    return names["watch"]


async def rest() -> str:
    return "by REST"


async def test_the_conversation_of_the_guide_takes_place() -> None:
    async with (
        Platform(maps=CountedMaps()).served() as platform,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{platform.port}/ws/heatmap") as client,
    ):
        for line in "".join(blocks("text")).splitlines():
            if line.startswith("> "):
                await client.send_str(line[2:])
                continue
            async with asyncio.timeout(10):
                message = json.loads(await client.receive_str())
            expected = json.loads(line)
            assert shape(message) == shape(expected)
            assert message["type"] == expected["type"]


async def test_the_client_of_the_guide_tries_five_times_then_asks_by_rest() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with socket.socket() as nobody:  # bound, but nobody listens there
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/ws/heatmap"
        answer = await watcher()(url, ["BTCUSDT"], pytest.fail, rest, sleep)
    assert (answer, waits) == ("by REST", [2, 4, 8, 16, 32])


async def test_the_client_of_the_guide_comes_back_and_begins_its_waits_anew() -> None:
    drawn: list[Any] = []
    waits: list[float] = []
    async with Platform(maps=CountedMaps()).served() as platform:

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            platform.advance(seconds)

        def draw(message: Any) -> None:
            """Each snapshot ends the connection; the third one the server."""
            drawn.append(message)
            for client in platform.hub._clients:
                client.begin_close(1012)
            if len(drawn) == 3:
                platform.hub._closing = True

        url = f"http://127.0.0.1:{platform.port}/ws/heatmap"
        async with asyncio.timeout(20):
            answer = await watcher()(url, ["BTCUSDT"], draw, rest, sleep)
    assert answer == "by REST"
    assert waits == [2, 2, 2, 4, 8, 16, 32]
    assert [one["symbol"] for one in drawn] == ["BTCUSDT"] * 3


def test_every_error_code_is_explained() -> None:
    text = GUIDE.read_text()
    for code in (*ERROR_CODES, "SLOW_CONSUMER", "CONNECTION_UNSTABLE"):
        assert f"| `{code}` |" in text
