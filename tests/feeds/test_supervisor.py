"""Tasks have an owner: named, restarted, seen, stopped."""

import asyncio

import pytest
from tests.feeds.made import quick_backoff, turns

from headwater.core.clock import ManualClock
from headwater.feeds.supervisor import Supervisor


def _supervisor(stop_timeout_s: float = 5.0) -> Supervisor:
    return Supervisor("venue", ManualClock(), quick_backoff, stop_timeout_s)


async def test_a_crash_is_seen_and_the_work_starts_again() -> None:
    supervisor = _supervisor()
    starts: list[int] = []
    steady = asyncio.Event()

    async def work() -> None:
        starts.append(1)
        if len(starts) < 3:
            raise ValueError("broken")
        steady.set()
        await asyncio.get_running_loop().create_future()

    supervisor.keep("worker", work)
    async with asyncio.timeout(5):
        await steady.wait()
    health = supervisor.tasks[0]
    assert (health.name, health.running, health.crashes) == ("venue/worker", True, 2)
    assert health.last_error == "ValueError: broken"
    assert health.last_crash_ms is not None
    assert supervisor.crashes == 2
    assert await supervisor.stop() == []
    assert supervisor.tasks == []


async def test_work_that_returns_is_done_and_forgotten() -> None:
    supervisor = _supervisor()

    async def work() -> None:
        return

    async def broken() -> None:
        raise ValueError("once")

    await supervisor.keep("short", work)
    supervisor.once("broken", broken())
    await turns()
    assert supervisor.tasks == []
    assert supervisor.crashes == 1
    assert await supervisor.stop() == []


async def test_a_task_that_outlasts_the_stop_is_named() -> None:
    supervisor = _supervisor(stop_timeout_s=0.02)
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    task = supervisor.once("stubborn", stubborn())
    await turns()
    assert await supervisor.stop() == ["venue/stubborn"]
    release.set()
    await asyncio.wait([task])


async def test_nothing_starts_after_the_stop() -> None:
    supervisor = _supervisor()
    await supervisor.stop()

    async def work() -> None:
        return

    with pytest.raises(RuntimeError, match="stopping"):
        supervisor.once("late", work())
