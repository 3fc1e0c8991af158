"""Runs programs for Node, where there is one."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PATIENCE_S = 100.0


async def node(*arguments: str) -> str:
    """What a program prints; skips the test where there is no Node.

    Args:
        arguments: the program's path and its arguments.
    """
    async with _running(*arguments) as process, asyncio.timeout(PATIENCE_S):
        said, failed = await process.communicate()
    assert process.returncode == 0, failed.decode()
    return said.decode()


async def lines_of(count: int, *arguments: str) -> list[str]:
    """The first lines that a program prints which goes on for ever; see `node`."""
    async with _running(*arguments) as process, asyncio.timeout(PATIENCE_S):
        assert process.stdout is not None
        return [(await process.stdout.readline()).decode().rstrip() for _ in range(count)]


@asynccontextmanager
async def _running(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that ends with the block."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node here: `make test-servers` installs it")
    # Node 20 has a WebSocket behind this flag; newer ones take the flag and have it anyway.
    process = await asyncio.create_subprocess_exec(
        found, "--experimental-websocket", "--no-warnings", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def talk(what: str, address: str) -> Any:
    """What `node_talk.mjs` finds."""
    return json.loads(await node(str(HERE / "node_talk.mjs"), what, address))
