"""The past as feeds ask for it: an answer in any case, few questions at a time, bounded in time."""

import asyncio
from functools import partial

import looptime
from tests.services.test_past_liquidations import HOUR

from headwater.api.terminal.liquidation_past import (
    PATIENCE_S,
    QUESTIONS_AT_A_TIME,
    LiquidationPast,
)
from headwater.core.errors import StorageUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.services.liquidation_history import Wanted
from headwater.services.past_liquidations import FoundOrders, FoundSeries, PastLiquidations


class Slow(PastLiquidations):
    """Answers when it is told to, and counts who waits for it."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.go_on = asyncio.Event()
        self.fails = False

    async def newest(
        self, wanted: Wanted, *, limit: int, value_min_usd: float = 0.0
    ) -> FoundOrders:
        """Nothing, later."""
        del wanted, limit, value_min_usd
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.go_on.wait()
        finally:
            self.under_way -= 1
        if self.fails:
            raise StorageUnavailable("db", "secret words of a driver")
        return FoundOrders(own=list[Liquidation]())


async def test_few_questions_at_a_time() -> None:
    slow = Slow()
    past = LiquidationPast(slow)
    asked = [asyncio.create_task(past.newest(HOUR, 0.0)) for _ in range(3 * QUESTIONS_AT_A_TIME)]
    while slow.under_way < QUESTIONS_AT_A_TIME:
        await asyncio.sleep(0)
    slow.go_on.set()
    assert {one.missing for one in await asyncio.gather(*asked)} == {""}
    assert slow.most == QUESTIONS_AT_A_TIME


async def test_a_failure_is_words_without_particulars() -> None:
    slow = Slow()
    slow.fails = True
    slow.go_on.set()
    found = await LiquidationPast(slow).newest(HOUR, 0.0)
    assert (found.own, found.missing) == (
        (),
        "the database does not answer; its state is in /health",
    )


def test_patience_has_an_end() -> None:
    async def main() -> None:
        slow = Slow()
        began = asyncio.get_running_loop().time()
        found = await LiquidationPast(slow).newest(HOUR, 0.0)
        assert asyncio.get_running_loop().time() - began == PATIENCE_S
        assert found.missing == "the past was not told within 30 s"
        assert slow.under_way == 0

    factory = partial(looptime.new_event_loop, noop_cycles=0)
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def test_o_d14_nothing_is_stored() -> None:
    past = LiquidationPast(None)
    found: FoundSeries = await past.series(HOUR, Interval.M1, HOUR.start_ms)
    assert (found.volumes.own, found.events) == ((), ())
    assert found.volumes.missing.startswith("this process stores nothing")
    assert (await past.newest(HOUR, 0.0)).missing == found.volumes.missing
