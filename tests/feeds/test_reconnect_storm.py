"""Every socket of every venue cut at once, again when everything is back, in virtual time."""

import asyncio
import random

import pytest
from tests.feeds.storm import START_NS, all_back, fronts, judge
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import SourceClock
from headwater.simulator.faults import SocketFault

pytestmark = pytest.mark.no_cover  # traced, it takes two to three times as long


@pytest.mark.parametrize("cuts", [6, pytest.param(50, marks=pytest.mark.soak)])
def test_cuts_each_when_everything_is_back(cuts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(clock: SourceClock) -> None:
        async with fronts(clock, monkeypatch) as found:
            await all_back(found, clock)
            pauses = random.Random(5)
            for _ in range(cuts):
                for front in found:
                    front.lost += front.server.cut_all(SocketFault.RESET)
                await all_back(found, clock)
                await asyncio.sleep(pauses.choice((0.0, 0.0, 3.0, 20.0)))
            judge(found)
            for front in found:
                assert front.lost > cuts, "several connections each time"

    run_in_virtual_time(main, START_NS)
