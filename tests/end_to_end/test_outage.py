"""Venues away for ten virtual minutes: afterwards storage equals the simulators' truth.

All go at the same moment and are looked at in one run, each against its own truth.
"""

import asyncio
from pathlib import Path

import pytest
from tests.end_to_end.outage import (
    LOST,
    MINUTE_MS,
    OUTAGE_S,
    START_NS,
    STORED_WITHIN_S,
    Stage,
    judge,
    judged_holes,
    simulated,
    staged,
)
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import SourceClock
from headwater.storage.base import LIMIT_MAX, Span


async def back(stage: Stage) -> int:
    """Waits until a venue is there again, and its history was looked at; when it was there, ms."""
    await stage.until(lambda: stage.is_healthy, 120)
    ended_ms = stage.clock.now_ms()
    settled_ms = ended_ms + 2 * MINUTE_MS
    await stage.until(lambda: stage.passed_ms >= settled_ms, STORED_WITHIN_S)
    return ended_ms


@pytest.mark.timeout(480)
def test_what_each_venue_replays_is_stored_and_the_rest_is_listed(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        async with (
            simulated(list(LOST), clock) as servers,
            staged(servers, clock, tmp_path) as stages,
        ):
            began_ms = clock.now_ms()
            for stage in stages:
                await stage.server.refuse(OUTAGE_S)
            await asyncio.sleep(OUTAGE_S)
            ends_ms = await asyncio.gather(*map(back, stages))
            await stages[0].platform.store.flush()
            for stage, ended_ms in zip(stages, ends_ms, strict=True):
                span = Span(start_ms=began_ms - MINUTE_MS, end_ms=ended_ms, limit=LIMIT_MAX)
                holes = await judged_holes(stage, began_ms, ended_ms, LOST[stage.name])
                await judge(stage, span, holes)

    run_in_virtual_time(main, START_NS)
