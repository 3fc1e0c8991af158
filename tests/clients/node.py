"""Runs programs for Node, where there is one."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PATIENCE_S = 40.0


async def node(*arguments: str) -> str:
    """What a program prints; skips the test where there is no Node.

    Args:
        arguments: the program's path and its arguments.
    """
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node here: `make test-servers` installs it")
    # Node 20 has a WebSocket behind this flag; newer ones take the flag and have it anyway.
    process = await asyncio.create_subprocess_exec(
        found, "--experimental-websocket", "--no-warnings", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            said, failed = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, failed.decode()
    return said.decode()


async def talk(what: str, address: str) -> Any:
    """What `node_talk.mjs` finds."""
    return json.loads(await node(str(HERE / "node_talk.mjs"), what, address))
