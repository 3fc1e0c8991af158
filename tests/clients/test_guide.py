"""What the guide shows of the clients does what it says, run as it stands there."""

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from tests.api.served import Platform
from tests.clients.node import lines_of
from tests.test_project_shape import ROOT

PATIENCE_S = 30.0
ADDRESS = "http://127.0.0.1:8000"
VOLUME = "100.00K"
"""Of the venue in memory: 100,000 in 24 hours."""
PRICE = "67,890.1"


def shown(language: str) -> str:
    """The sample in one language, in the section about clients."""
    text = (ROOT / "docs" / "guides" / "terminal.md").read_text()
    section = text[text.index("## Clients") :]
    (found,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(found)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    platform = Platform(lists_symbols=True)
    platform.source.offer_everything()
    async with platform.served():
        yield f"http://127.0.0.1:{platform.port}"


async def test_the_python_sample(address: str) -> None:
    printed: asyncio.Queue[str] = asyncio.Queue()
    names: dict[str, Any] = {"print": printed.put_nowait}
    code: CodeType = compile(
        shown("python").replace(ADDRESS, address),
        "guide",
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    running = asyncio.ensure_future(eval(code, names))
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert [await printed.get(), await printed.get()] == [VOLUME, PRICE]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_javascript_sample(address: str, tmp_path: Path) -> None:
    client = (ROOT / "clients" / "javascript" / "headwater.js").as_uri()
    program = tmp_path / "sample.mjs"
    text = shown("js").replace(ADDRESS, address).replace("./headwater.js", client)
    program.write_text(text)
    assert await lines_of(2, str(program)) == [VOLUME, PRICE]
