"""The demo as a program of its own, for examples that use it like anybody else."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
START_S = 150.0
STOP_S = 30.0
LIVES_S = 600
SPEED = 10
"""Simulated seconds per second, so that liquidations do not keep a test waiting."""


@asynccontextmanager
async def running_demo(folder: Path, origin: str = "", venues: str = "") -> AsyncIterator[str]:
    """Runs `headwater demo` until the block ends; gives its address.

    Args:
        folder: where it runs and keeps what it stores.
        origin: of a page that may use it.
        venues: those it has, empty for all; each keeps a machine busy.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headwater.app", "demo"),
        *("--port", "0", "--for", str(LIVES_S), "--speed", str(SPEED)),
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "HEADWATER_VENUES": venues,
            "CORS_ORIGINS": origin or "http://localhost:3000",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[bytes] = []
    try:
        async with asyncio.timeout(START_S):
            base = await _address(process.stderr)
        # Whoever starts a program and never reads what it says stops it when the pipe is full.
        drain = asyncio.create_task(process.stderr.read(), name="drain")
        async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
            while not await _is_healthy(session, base):
                await asyncio.sleep(0.1)
        yield base
        process.terminate()
        said.append(await asyncio.wait_for(drain, STOP_S))
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait_for(process.wait(), STOP_S)
    assert b"Traceback" not in b"".join(said), said[0][:4000].decode()


async def _address(stderr: asyncio.StreamReader) -> str:
    """Where it says that it listens."""
    while line := (await stderr.readline()).decode():
        if found := re.search(r"Headwater runs on (http://\S+)", line):
            return found.group(1)
    raise AssertionError("the demo ended")


async def _is_healthy(session: aiohttp.ClientSession, base: str) -> bool:
    async with session.get(f"{base}/health") as reply:
        found = await reply.json()
        return bool(found["status"] == "healthy")
