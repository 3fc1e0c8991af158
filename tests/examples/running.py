"""The demo as a program of its own, for examples that use it like anybody else."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
SPEED = 10
"""Simulated seconds per second, so that liquidations do not keep a test waiting."""


@asynccontextmanager
async def running_demo(folder: Path, origin: str = "") -> AsyncIterator[str]:
    """Runs `headwater demo` until the block ends; gives its address.

    Args:
        folder: where it runs and keeps what it stores.
        origin: of a page that may use it.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headwater.app", "demo"),
        *("--port", "0", "--for", "150", "--speed", str(SPEED)),
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "CORS_ORIGINS": origin or "http://localhost:3000",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    base = ""
    async with asyncio.timeout(START_S):
        while not base:
            line = (await process.stderr.readline()).decode()
            assert line or not process.stderr.at_eof(), "the demo ended"
            found = re.search(r"Headwater runs on (http://\S+)", line)
            base = found.group(1) if found else ""
    # Whoever starts a program and never reads what it says stops it when the pipe is full.
    drain = asyncio.create_task(process.stderr.read(), name="drain")
    try:
        async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
            while not await _is_healthy(session, base):
                await asyncio.sleep(0.1)
        yield base
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
        said = (await drain).decode()
        assert "Traceback" not in said, said[:4000]


async def _is_healthy(session: aiohttp.ClientSession, base: str) -> bool:
    async with session.get(f"{base}/health") as reply:
        found = await reply.json()
        return bool(found["status"] == "healthy")
