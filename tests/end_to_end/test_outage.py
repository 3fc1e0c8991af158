"""A venue away for ten virtual minutes: afterwards storage equals the simulator's truth."""

import asyncio
from pathlib import Path

import pytest
from tests.end_to_end.outage import (
    LOST,
    MINUTE_MS,
    OUTAGE_S,
    START_NS,
    STORED_WITHIN_S,
    judge,
    judged_holes,
    passed_ms,
    simulated,
    staged,
)
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import SourceClock
from headwater.storage.base import LIMIT_MAX, Span


@pytest.mark.parametrize("name", LOST)
def test_what_the_venue_replays_is_stored_and_the_rest_is_listed(name: str, tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        async with simulated(name, clock) as server, staged(server, clock, tmp_path) as stage:
            began_ms = clock.now_ms()
            await stage.server.refuse(OUTAGE_S)
            await asyncio.sleep(OUTAGE_S)
            feed = stage.platform.sources[name]
            await stage.until(lambda: feed.health().healthy, 120)
            ended_ms = clock.now_ms()
            settled_ms = ended_ms + 2 * MINUTE_MS
            await stage.until(lambda: passed_ms(stage.platform) >= settled_ms, STORED_WITHIN_S)
            await stage.platform.store.flush()
            span = Span(start_ms=began_ms - MINUTE_MS, end_ms=ended_ms, limit=LIMIT_MAX)
            holes = await judged_holes(stage, began_ms, ended_ms, LOST[name])
            await judge(stage, span, holes)

    run_in_virtual_time(main, START_NS)
