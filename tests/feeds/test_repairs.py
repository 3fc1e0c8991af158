"""A bounded crew for back-fills."""

import asyncio

import pytest
from tests.feeds.made import turns

from headwater.core.errors import RateLimited, WireError
from headwater.feeds.repairs import RepairCrew, retry_after_s


async def test_a_repair_under_way_is_not_begun_twice_and_the_line_is_bounded() -> None:
    crew = RepairCrew(1, 1)
    gate = asyncio.Event()
    done: list[str] = []

    async def repair() -> None:
        await gate.wait()
        done.append("one")

    worker = asyncio.create_task(crew.work())
    assert crew.submit("a", repair)
    await turns()
    assert crew.submit("a", repair), "known already"
    assert crew.submit("b", repair)
    assert not crew.submit("c", repair), "the line is full"
    assert crew.busy == 2
    gate.set()
    async with asyncio.timeout(5):
        await crew.wait_idle()
    assert done == ["one", "one"]
    worker.cancel()
    await asyncio.wait([worker])


async def test_a_crash_frees_the_key() -> None:
    crew = RepairCrew(1, 5)

    async def broken() -> None:
        raise ValueError("broken")

    crew.submit("a", broken)
    with pytest.raises(ValueError, match="broken"):
        await crew.work()
    assert crew.busy == 0


def test_only_a_venue_says_when_to_come_back() -> None:
    assert retry_after_s(RateLimited("toy", "later", retry_after_s=7.0)) == 7.0
    assert retry_after_s(RateLimited("toy", "later")) == 0.0
    assert retry_after_s(WireError("toy", "x", "y", b"")) == 0.0
