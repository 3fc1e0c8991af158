"""One connection kept for ever, against the simulated exchange."""

import asyncio
from functools import partial

import msgspec
import pytest
from tests.feeds.simulated_venue import (
    SETTINGS,
    Scene,
    compare_books,
    compare_trades,
    last_print,
    scene,
    streams,
)
from tests.virtual_time import in_virtual_time, loop_clock

from headwater.core.enums import Channel, FeedState, GapCause, GapState
from headwater.core.instruments import InstrumentTable
from headwater.core.records import ConnectionState
from headwater.simulator.connection import Connection
from headwater.simulator.faults import SocketFault
from headwater.venues.binance.venue import FACTS, BinanceVenue
from headwater.venues.discovery import venue
from headwater.venues.messages import Subscription

FORCED = Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)


def _connection_states(stage: Scene) -> list[FeedState]:
    stage.seen.drain()
    found: list[ConnectionState] = [one for one in stage.seen.states if one.channel is None]
    return [one.state for one in found]


@in_virtual_time
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


@in_virtual_time
async def test_what_happened_while_a_connection_hung_is_lost_from_then_on() -> None:
    async with scene(3) as stage:
        wanted = [*streams(), FORCED]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        hung_ms = stage.server.market.now_ms()
        for connection in stage.server.connections:
            connection.stall(float("inf"))
        await asyncio.sleep(3.0)
        stage.server.cut_all(SocketFault.RESET)
        ledger = stage.feed.pipeline.ledger
        assert await stage.until(lambda: ledger.newest_first(channel=Channel.LIQUIDATIONS) != [])
        (lost,) = ledger.newest_first(channel=Channel.LIQUIDATIONS)
        assert hung_ms - 3_000 < lost.timestamp_ms <= hung_ms
        for lease in leases:
            lease.release()


@in_virtual_time
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


def _is_gone(stage: Scene, connection: Connection) -> bool:
    return connection not in stage.server.connections


class ShortLived(BinanceVenue):
    """Its connections may live two seconds."""

    facts = msgspec.structs.replace(
        FACTS, stream_limits=msgspec.structs.replace(FACTS.stream_limits, max_age_s=2.0)
    )


PATIENT = msgspec.structs.replace(
    SETTINGS, connection=msgspec.structs.replace(SETTINGS.connection, overlap_min_s=1.0)
)


@pytest.mark.parametrize("victim", [0, 1], ids=["the old one", "its replacement"])
@in_virtual_time
async def test_when_one_of_two_overlapping_connections_is_lost_nothing_is(victim: int) -> None:
    async with scene(8, chosen=ShortLived(), settings=PATIENT) as stage:
        wanted = [streams(["BTCUSDT"])[0], FORCED]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        for _ in range(2):
            assert await stage.until(lambda: len(stage.server.connections) == 2)
            await asyncio.sleep(0.5)
            pair = list(stage.server.connections)
            assert len(pair) == 2
            pair[victim].cut(is_reset=True)
            assert await stage.until(partial(_is_gone, stage, pair[victim]))
        assert await stage.until(lambda: stage.all_live(wanted))
        stage.market.frozen = True
        last = last_print(stage.exchange, "BTCUSDT")
        trades = stage.feed.pipeline.trades
        assert await stage.until(lambda: trades.next_sequence("BTCUSDT") == last + 1)
        compare_trades(stage, ["BTCUSDT"])
        assert stage.feed.gaps() == [], "the other connection carried everything"
        assert stage.feed.health().reconnects == (2 if victim == 0 else 0)
        for lease in leases:
            lease.release()


HASTY = msgspec.structs.replace(
    SETTINGS,
    connection=msgspec.structs.replace(SETTINGS.connection, overlap_min_s=0.0, overlap_max_s=0.0),
)


@in_virtual_time
async def test_a_stream_that_the_replacement_does_not_carry_yet_is_not_lost_in_silence() -> None:
    """It takes over at its deadline, confirmed or not: the ledger has what is in doubt."""
    async with scene(8, chosen=ShortLived(), settings=HASTY) as stage:
        wanted = [streams(["BTCUSDT"])[0], FORCED]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        assert await stage.until(lambda: stage.feed._pool.rotations > 0)
        forced = stage.feed.pipeline.ledger.newest_first(channel=Channel.LIQUIDATIONS)
        assert forced, "nobody knows what happened before the venue confirmed"
        assert await stage.until(lambda: stage.all_live(wanted))
        for lease in leases:
            lease.release()


@in_virtual_time
async def test_a_replacement_that_cannot_be_had_leaves_the_old_connection_alone() -> None:
    async with scene(9, chosen=ShortLived()) as stage:
        wanted = streams(["BTCUSDT"])
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        site, stage.server._site = stage.server._site, None
        assert site is not None
        await site.stop()
        opened = stage.server.connections_opened
        await asyncio.sleep(2.5)
        assert stage.all_live(wanted)
        assert stage.server.connections_opened == opened
        await stage.server._listen()
        assert await stage.until(lambda: stage.feed.rotations >= 2)
        assert stage.feed.gaps() == []
        for lease in leases:
            lease.release()


@in_virtual_time
async def test_an_instrument_that_is_new_renews_what_follows_the_whole_market() -> None:
    """A parser that needs its size would skip it unseen; the same list again renews nothing."""
    async with scene(5) as stage:
        lease = stage.feed.acquire(FORCED)
        assert await stage.until(lambda: stage.all_live([FORCED]))
        catalogue = stage.feed._catalogue
        known = list(catalogue.table)
        catalogue.table = InstrumentTable("binance", known)
        await asyncio.sleep(1.0)
        assert stage.feed.rotations == 0
        new = msgspec.structs.replace(known[0], symbol="NEWUSDT", native_symbol="NEWUSDT")
        catalogue.table = InstrumentTable("binance", [*known, new])
        assert await stage.until(lambda: stage.feed.rotations == 1)
        await asyncio.sleep(1.0)
        assert stage.feed.rotations == 1
        assert stage.feed.gaps() == []
        lease.release()


@in_virtual_time
async def test_a_connection_whose_end_is_announced_is_replaced_before_it() -> None:
    """OKX gives a minute's notice; the market runs ten times as fast, so six seconds."""
    async with scene(6, chosen=venue("okx"), speed=10.0) as stage:
        native = stage.feed.table.resolve("BTCUSDT").native_symbol
        wanted = [
            Subscription(channel=Channel.TRADES, native_symbol=native),
            Subscription(channel=Channel.BOOK, native_symbol=native),
            FORCED,
        ]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        (old,) = stage.server.connections
        assert stage.server.cut_all(SocketFault.RETIRE) == 1
        assert await stage.until(lambda: stage.feed.rotations == 1, 5.0)
        assert await stage.until(lambda: _is_gone(stage, old))
        assert stage.feed.health().reconnects == 0
        assert stage.feed.gaps() == []
        stage.market.frozen = True
        newest = stage.exchange.prints("BTCUSDT", limit=1)[-1].last_fill_id

        def is_there() -> bool:
            stage.seen.drain()
            return stage.seen.trades["BTCUSDT"][-1].trade_id == newest

        assert await stage.until(is_there)
        told = [one.trade_id for one in stage.seen.trades["BTCUSDT"]]
        prints = stage.exchange.prints("BTCUSDT", limit=len(told))
        assert told == [one.last_fill_id for one in prints]
        for lease in leases:
            lease.release()


@in_virtual_time
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


@in_virtual_time
async def test_a_venue_that_is_away_is_tried_until_it_is_back() -> None:
    async with scene(5) as stage:
        await stage.server.refuse(1.0)
        wanted = streams(["BTCUSDT"])
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: FeedState.DOWN in _connection_states(stage))
        assert await stage.until(lambda: stage.all_live(wanted), 20)
        for lease in leases:
            lease.release()


@in_virtual_time
async def test_stopping_closes_everything_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    clock = loop_clock()
    async with scene(6) as stage:
        wanted = streams()
        for one in wanted:
            stage.feed.acquire(one)
        assert await stage.until(lambda: stage.all_live(wanted))
        started = clock.monotonic()
    assert clock.monotonic() - started < 8
    assert stage.feed.tasks == []
    assert {task for task in asyncio.all_tasks() if not task.done()} == before
