"""The example programs of both clients, run as they are over the demo."""

import asyncio
import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.clients.node import node
from tests.examples.running import LIVES_S, ROOT, running_demo

EXAMPLES = ROOT / "examples"
PATIENCE_S = 100.0
TEXT = r"[0-9,]+(\.[0-9]+)?"
LINES = {
    "candles": r"candles [0-9]+ of 1m",
    "candle": rf"candle {TEXT} volume {TEXT}",
    "book": r"book rounded to [0-9.e+-]+",
    "bid": rf"bid {TEXT} {TEXT}",
    "trade": rf"trade [0-9:]{{8}} (buy|sell) {TEXT}",
    "liquidations": r"liquidations [0-9]+",
    "liquidation": rf"liquidation [0-9:]{{8}} (buy|sell) {TEXT}",
}


def check(said: str) -> None:
    """Every line is one of those above, and every kind of them is there."""
    lines = said.splitlines()
    for line in lines:
        assert re.fullmatch(LINES[line.split(" ")[0]], line), line
    counts = Counter(line.split(" ")[0] for line in lines)
    assert 1 <= counts["trade"] <= 5, "fewer where the list has just begun"
    assert counts["book"] >= 2, "before and after update_params"
    assert counts["bid"] > 5
    assert counts["candle"] == counts["candles"] == counts["liquidations"] == 1
    assert counts["liquidation"] <= 5
    assert len({line for line in lines if line.startswith("book ")}) >= 2


async def python(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a program that knows the client and not the platform."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments,
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.mark.timeout(LIVES_S)
async def test_both_example_programs_show_a_market(folder: Path) -> None:
    async with running_demo(folder, venues="binance") as base:
        code, said = await python(str(EXAMPLES / "terminal_client.py"), base, "BTCUSDT")
        assert code == 0, said
        check(said)
        code, said = await python(str(EXAMPLES / "terminal_client.py"), base, "NOSUCHUSDT")
        assert code == 1
        assert said.startswith("refused: 4000")
        check(await node(str(EXAMPLES / "terminal_client.mjs"), base, "BTCUSDT"))
