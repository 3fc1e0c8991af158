"""One connection kept for ever, against the simulated exchange."""

import asyncio

from tests.feeds.simulated_venue import Scene, compare_books, compare_trades, scene, streams

from headwater.core.clock import SystemClock
from headwater.core.enums import Channel, FeedState, GapCause, GapState
from headwater.core.records import ConnectionState
from headwater.simulator.faults import SocketFault
from headwater.venues.messages import Subscription

FORCED = Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)


def _connection_states(stage: Scene) -> list[FeedState]:
    stage.seen.drain()
    found: list[ConnectionState] = [one for one in stage.seen.states if one.channel is None]
    return [one.state for one in found]


async def test_a_lost_connection_is_told_renewed_and_what_was_missed_brought_back() -> None:
    async with scene(3) as stage:
        wanted = [*streams(), FORCED]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        await asyncio.sleep(1.0)
        assert stage.server.cut_all(SocketFault.RESET) == 2
        assert await stage.until(lambda: FeedState.DOWN in _connection_states(stage))
        assert await stage.until(lambda: stage.all_live(wanted))
        stage.market.frozen = True
        assert await stage.until(stage.is_settled)
        compare_trades(stage)
        compare_books(stage)
        assert stage.feed.health().reconnects == 2
        forced = stage.feed.pipeline.ledger.newest_first(channel=Channel.LIQUIDATIONS)
        assert [(gap.cause, gap.state) for gap in forced] == [
            (GapCause.DISCONNECT, GapState.UNRECOVERABLE)
        ]
        for lease in leases:
            lease.release()


async def test_a_storm_of_lost_connections_stays_inside_the_limits_and_loses_nothing() -> None:
    async with scene(7) as stage:
        wanted = streams()
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        for _ in range(15):
            stage.server.cut_all(SocketFault.RESET)
            await asyncio.sleep(0.15)
        assert await stage.until(lambda: stage.all_live(wanted), 60)
        stage.market.frozen = True
        assert await stage.until(stage.is_settled)
        compare_trades(stage)
        compare_books(stage)
        assert stage.feed._rest._limiter.blocked_for_s == 0.0, "no limit was hit"
        for lease in leases:
            lease.release()


async def test_subscriptions_change_while_the_connection_runs() -> None:
    async with scene(4) as stage:
        first = streams(["BTCUSDT"])
        leases = [stage.feed.acquire(one) for one in first]
        assert await stage.until(lambda: stage.all_live(first))
        second = streams(["SOLUSDT"])
        leases += [stage.feed.acquire(one) for one in second]
        assert await stage.until(lambda: stage.all_live([*first, *second]))
        assert stage.server.connections_opened == 2
        assert stage.feed.health().connections == 2
        for lease in leases:
            lease.release()


async def test_a_venue_that_is_away_is_tried_until_it_is_back() -> None:
    async with scene(5) as stage:
        await stage.server.refuse(1.0)
        wanted = streams(["BTCUSDT"])
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: FeedState.DOWN in _connection_states(stage))
        assert await stage.until(lambda: stage.all_live(wanted), 20)
        for lease in leases:
            lease.release()


async def test_stopping_closes_everything_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    clock = SystemClock()
    async with scene(6) as stage:
        wanted = streams()
        for one in wanted:
            stage.feed.acquire(one)
        assert await stage.until(lambda: stage.all_live(wanted))
        started = clock.monotonic()
    assert clock.monotonic() - started < 8
    assert stage.feed.tasks == []
    assert {task for task in asyncio.all_tasks() if not task.done()} == before
