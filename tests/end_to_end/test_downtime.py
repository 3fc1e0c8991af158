"""The platform away for ten virtual minutes: afterwards storage equals the simulator's truth."""

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
from headwater.core.enums import Channel, GapCause
from headwater.services.stream_life import RECORDED
from headwater.storage.base import LIMIT_MAX, Span


async def judge_downtime(stage: Stage, began_ms: int) -> None:
    """Nothing of before stays open; what the venue told again is there, the rest is listed."""
    back = await stage.gaps()
    ended_ms = max(gap.until_ms or 0 for gap in back)
    settled_ms = ended_ms + 2 * MINUTE_MS
    await stage.until(lambda: stage.passed_ms >= settled_ms, STORED_WITHIN_S)
    await stage.platform.store.flush()
    span = Span(start_ms=began_ms - MINUTE_MS, end_ms=ended_ms, limit=LIMIT_MAX)
    lost = LOST[stage.name] | {Channel.BOOK}
    holes = await judged_holes(stage, began_ms, ended_ms, lost)
    assert len({gap.gap_id for gap in await stage.gaps()}) == len(await stage.gaps())
    assert {gap.cause for gap in holes} == {GapCause.DOWNTIME}
    told = {gap.channel for gap in await stage.gaps()}
    # Binance has no stream of open interest: it is asked for, and its history too.
    assert told >= RECORDED - {Channel.OPEN_INTEREST}
    await judge(stage, span, holes)


@pytest.mark.timeout(480)
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("binance", "hyperliquid"), id="binance-hyperliquid"),
        pytest.param(("bybit", "okx"), id="bybit-okx", marks=pytest.mark.soak),
    ],
)
def test_a_downtime_of_the_platform_is_healed_and_listed_alike(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """Another process, the same database: the ledger goes on, no hole of before stays open."""

    async def main(clock: SourceClock) -> None:
        async with simulated(names, clock) as servers:
            async with staged(servers, clock, tmp_path):
                began_ms = clock.now_ms()
            await asyncio.sleep(OUTAGE_S)
            async with staged(servers, clock, tmp_path) as stages:
                for stage in stages:
                    await judge_downtime(stage, began_ms)

    run_in_virtual_time(main, START_NS)
