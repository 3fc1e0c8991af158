"""Every socket of every venue cut at once, again before everything is back, in virtual time."""

import asyncio

import pytest
from tests.feeds.storm import START_NS, all_back, fronts, judge
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import SourceClock
from headwater.simulator.faults import SocketFault

pytestmark = pytest.mark.no_cover  # traced, it takes two to three times as long

CUTS_WITHOUT_A_PAUSE = 50


def test_fifty_cuts_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue accepts and drops again and again: back-off grows, and still ends in time."""

    async def main(clock: SourceClock) -> None:
        async with fronts(clock, monkeypatch) as found:
            await all_back(found, clock)
            for _ in range(CUTS_WITHOUT_A_PAUSE):
                for front in found:
                    front.server.cut_all(SocketFault.RESET)
                await asyncio.sleep(1.0)
            await all_back(found, clock)
            judge(found)

    run_in_virtual_time(main, START_NS)
