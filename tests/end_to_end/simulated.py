"""One simulated venue in a process of its own, and what really happened on its market."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PATIENCE_S: Final = 60.0
"""Longest wait for one answer or update: only a failure takes so long."""

Levels = tuple[tuple[float, float], ...]
Image = tuple[Levels, Levels]


class Simulated:
    """A venue of `headwater simulate`.

    Args:
        rest: its REST address.
        admin: address of the simulator's own paths.
    """

    def __init__(self, rest: str, admin: str) -> None:
        self.rest = rest
        self._admin = admin

    @property
    def ws(self) -> str:
        """The same address for WebSockets."""
        return self.rest.replace("http", "ws", 1)

    def truth(self, path: str) -> Any:
        """What the simulator's own paths answer."""
        with urllib.request.urlopen(f"{self._admin}/{path}", timeout=PATIENCE_S) as reply:
            return json.load(reply)

    def trades(self, symbol: str, first: int, last: int) -> dict[int, dict[str, Any]]:
        """The prints of a canonical symbol by sequence number, both ends included."""
        return {one["trade"]["sequence"]: one["trade"] for one in self.prints(symbol, first, last)}

    def prints(self, symbol: str, first: int, last: int) -> list[dict[str, Any]]:
        """The same with the numbers of their fills, ascending."""
        found = self.truth(f"prints?symbol={symbol}&first={first}&last={last}")
        assert isinstance(found, list)
        return found

    def book(self, symbol: str, depth: int) -> Image:
        """The book now, sizes in base units."""
        found = self.truth(f"book?symbol={symbol}&depth={depth}")
        return image(found["bids"], found["asks"], depth)


@contextmanager
def simulated(venue: str) -> Iterator[Simulated]:
    """Runs `headwater simulate` for one venue; it must end cleanly."""
    command = [sys.executable, "-m", "headwater.app", "simulate", "--stop-with-stdin"]
    with subprocess.Popen(
        [*command, "--seed", "3", "--venues", venue],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        announcement = json.loads(process.stdout.readline())
        assert announcement["simulated"] is True
        found = announcement["venues"][venue]
        yield Simulated(found["rest"], found["admin"])
        process.stdin.close()
        assert process.wait(timeout=PATIENCE_S) == 0


def image(bids: Any, asks: Any, depth: int, contract_size: float = 1.0) -> Image:
    """The first levels of a book, sizes in base units, rounded so that they compare equal."""
    return tuple(
        tuple((round(row[0], 8), round(row[1] * contract_size, 8)) for row in side[:depth])
        for side in (bids, asks)
    )  # type: ignore[return-value]


async def watch_all(
    calls: Mapping[str, Callable[[], Awaitable[Any]]],
    wanted: Mapping[str, int],
    heard: Callable[[str, Any], None],
    seconds: float,
) -> dict[str, int]:
    """Watches everything at once until each gave as many updates as wanted, and for so long.

    Args:
        calls: by name, what waits for the next update.
        wanted: updates of each.
        heard: is told each update.
        seconds: shortest time.

    Returns:
        The updates of each.
    """
    counts = dict.fromkeys(calls, 0)
    end = time.monotonic() + seconds

    async def watch(name: str) -> None:
        while counts[name] < wanted[name] or time.monotonic() < end:
            async with asyncio.timeout(PATIENCE_S):
                heard(name, await calls[name]())
            counts[name] += 1

    async with asyncio.TaskGroup() as group:
        for name in calls:
            group.create_task(watch(name))
    return counts
