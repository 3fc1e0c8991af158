"""Whatever clients say: no unhandled exception, nothing left, the socket open where it has to be.

Some thousands of messages in the everyday suite, 100,000 in the one marked `soak`.
"""

import asyncio
import gc
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.api.served import Platform
from tests.api.streaming import until
from tests.api.terminal.mutating import Mutator, torment
from tests.api.terminal.watch_socket import WatchSession, World

from headwater.api.stream_contract import StreamLimits
from headwater.api.terminal import session as session_module

LIMITS = StreamLimits(max_inbound_frames_per_s=1_000_000, close_timeout_s=0.5)
GOOD = ({"type": "ping"}, {"type": "load", "limit": 5}, {"type": "load", "limit": 50, "x": "y"})
MEMORY_MAX_BYTES = 24 << 20
"""Growth of the process that hosts server and client, after a fifth of a long run."""

counts = pytest.mark.parametrize(
    "count", [3_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])]
)


@pytest.fixture(autouse=True)
def _no_limit_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise all but ten messages a second would not even be read."""
    monkeypatch.setattr(session_module, "REQUESTS_PER_S", 10**9)


@asynccontextmanager
async def no_faults(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Nothing that nobody expected is logged or left to the loop."""
    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    yield
    gc.collect()
    assert failures == []
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@counts
async def test_mutated_messages_to_a_terminal_socket(
    count: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(LIMITS)
    memory: list[int] = []
    paths = [f"/api/v1/ws/watch/{symbol}" for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BTC")]
    heard: Counter[str] = Counter()
    async with no_faults(caplog), world.served() as at:
        for part in range(5):
            mutators = [Mutator(GOOD, seed=100 * part + number) for number in range(len(paths))]
            share = count // 5 // len(paths)
            async with asyncio.TaskGroup() as group:
                runs = [
                    group.create_task(torment(at.port, path, mutator, share))
                    for path, mutator in zip(paths, mutators, strict=True)
                ]
            for run in runs:
                heard += run.result()
            await world.until_nothing_is_left()
            memory.append(resident_bytes())
    assert heard["BAD_MESSAGE"] > count / 2
    assert heard["pong"] > count / 100
    assert heard["seen"] > count / 100
    assert heard["close 1003"] >= 1
    assert heard["close 1007"] >= 1
    assert heard["open"] > 10
    kinds = {"BAD_MESSAGE", "pong", "seen", "open", "close 1003", "close 1007"}
    assert set(heard) == kinds, "and nothing else"
    assert memory[-1] - memory[0] < MEMORY_MAX_BYTES, memory
    remains = [one for one in gc.get_objects() if isinstance(one, WatchSession)]
    assert [one for one in remains if one.desk is world.desk] == []


@counts
async def test_mutated_messages_to_the_socket_that_echoes(
    count: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with no_faults(caplog), Platform(limits=LIMITS).served() as platform:
        heard = await torment(platform.port, "/api/v1/ws/test", Mutator(GOOD, seed=5), count // 10)
        await until(lambda: platform.hub.stats().clients == 0)
    closes = heard["close 1003"] + heard["close 1007"]
    kinds = sum(heard.values()) - heard["open"] - closes
    assert kinds == count // 10 - closes, "every message came back"


async def test_only_ten_requests_a_second_are_read_by_default(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "REQUESTS_PER_S", 10)
    world = World(LIMITS)
    async with no_faults(caplog), world.served() as at:
        heard = await torment(
            at.port, "/api/v1/ws/watch/BTCUSDT", Mutator(GOOD, 6, closing=False), 500
        )
        await world.until_nothing_is_left()
    assert heard["RATE_LIMITED"] == 490
