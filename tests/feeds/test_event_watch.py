"""Events that no venue can replay, and states that need no repair."""

import pytest
from tests.feeds.made import EXCHANGE, START_MS, Heard, liquidation
from tests.feeds.simulated_venue import scene
from tests.virtual_time import in_virtual_time

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.records import Liquidation, MarkPrice
from headwater.feeds import event_watch
from headwater.feeds.event_watch import EventWatch, StateKeeper
from headwater.feeds.gaps import GapLedger
from headwater.simulator.faults import SocketFault
from headwater.venues.discovery import venue
from headwater.venues.hyperliquid.venue_side_topics import vault_of
from headwater.venues.messages import Past, Subscription

FORCED = Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)


def _watch() -> tuple[EventWatch, Heard]:
    heard = Heard()
    clock = ManualClock()
    ledger = GapLedger(EXCHANGE, heard.bus, clock)
    gathered_s = {Channel.LIQUIDATIONS: 0.5}
    return EventWatch(heard.bus, ledger, clock, str.upper, gathered_s), heard


def _forced(heard: Heard) -> int:
    return sum(isinstance(one, Liquidation) for one in heard.all())


def test_the_same_event_is_published_once_by_content_or_id() -> None:
    watch, heard = _watch()
    for event in (
        liquidation(START_MS),
        liquidation(START_MS, received_ns=5),
        liquidation(START_MS + 1),
        liquidation(START_MS, order_id="x"),
        liquidation(START_MS, order_id="x"),
    ):
        watch.on_liquidation(event)
    assert _forced(heard) == 3
    assert watch.duplicates == 2


def test_an_equal_event_ten_minutes_later_is_another_one() -> None:
    watch, heard = _watch()
    watch.on_liquidation(liquidation(START_MS))
    watch.on_liquidation(liquidation(START_MS, received_ns=event_watch.REMEMBERED_NS))
    assert _forced(heard) == 2


def test_an_interruption_is_unrecoverable_from_start_to_end() -> None:
    watch, heard = _watch()
    watch.interrupted(FORCED, GapCause.DISCONNECT, "connection lost")
    watch.interrupted(FORCED, GapCause.DISCONNECT, "again")
    watch.resumed(FORCED)
    watch.resumed(FORCED)
    opened, settled = heard.gaps()
    assert (opened.state, opened.symbol, opened.until_ms) == (GapState.OPEN, "*", None)
    assert settled.state is GapState.UNRECOVERABLE
    assert settled.until_ms is not None


def test_a_hole_begins_with_what_had_not_been_sent_when_data_last_came() -> None:
    watch, heard = _watch()
    lost = Subscription(channel=Channel.LIQUIDATIONS, native_symbol="a")
    last_ms = ManualClock().now_ms() - 60_000
    watch.interrupted(lost, GapCause.DISCONNECT, "no frame for 60 s", last_ms * 1_000_000)
    watch.interrupted(FORCED, GapCause.DISCONNECT, "connection lost")
    silent, sudden = heard.gaps()
    waiting_ms = 500 + event_watch.ON_ITS_WAY_MS
    assert silent.timestamp_ms == last_ms - waiting_ms
    assert sudden.timestamp_ms == ManualClock().now_ms() - waiting_ms


def _missed(*, is_told: bool = True) -> tuple[EventWatch, Heard, ManualClock, GapLedger]:
    """A watch of a venue that tells the past, and a hole of a minute that has just ended."""
    heard, clock = Heard(), ManualClock()
    ledger = GapLedger(EXCHANGE, heard.bus, clock)
    past = {Channel.LIQUIDATIONS} if is_told else set()
    watch = EventWatch(heard.bus, ledger, clock, str.upper, {}, past)
    watch.interrupted(FORCED, GapCause.DISCONNECT, "connection lost")
    clock.advance(60.0)
    watch.resumed(FORCED)
    return watch, heard, clock, ledger


def test_the_past_fills_a_hole_and_is_counted_in_it() -> None:
    """Of a minute: one in the middle, one twice, one from before it, one from after it."""
    watch, heard, clock, ledger = _missed()
    now_ms = clock.now_ms()
    inside, also = liquidation(now_ms - 30_000), liquidation(now_ms - 1)
    for event in (inside, also, inside, liquidation(now_ms - 90_000), liquidation(now_ms + 1)):
        watch.on_past(Past(event))
    watch.on_liquidation(liquidation(now_ms - 2_000))
    watch.on_liquidation(liquidation(now_ms + 2))
    clock.advance(event_watch.PAST_WAIT_S - 1)
    watch.sweep()
    assert ledger.open_count == 1
    clock.advance(1)
    watch.sweep()
    (gap,) = ledger.newest_first()
    assert (gap.state, gap.until_ms, gap.recovered) == (GapState.UNRECOVERABLE, now_ms, 3)
    assert "3 of them came with the new subscription" in gap.detail
    assert watch.recovered == 3
    assert _forced(heard) == 4


def test_the_past_is_no_news_where_nothing_was_lost() -> None:
    """A process begins, or the hole is settled already."""
    watch, heard = _watch()
    watch.on_past(Past(liquidation(ManualClock().now_ms())))
    assert _forced(heard) == 0
    watch, heard, clock, ledger = _missed(is_told=False)
    assert ledger.open_count == 0
    watch.on_past(Past(liquidation(clock.now_ms() - 30_000)))
    assert _forced(heard) == 0


def test_the_past_is_known_again_after_any_time() -> None:
    """What was told just before an outage of an hour is not told again after it."""
    heard, clock = Heard(), ManualClock()
    ledger = GapLedger(EXCHANGE, heard.bus, clock)
    watch = EventWatch(heard.bus, ledger, clock, str.upper, {}, {Channel.LIQUIDATIONS})
    happened_ms = clock.now_ms() - 500
    watch.on_liquidation(liquidation(happened_ms, received_ns=clock.now_ns()))
    watch.interrupted(FORCED, GapCause.DISCONNECT, "connection lost")
    clock.advance(3600.0)
    watch.resumed(FORCED)
    watch.on_past(Past(liquidation(happened_ms, received_ns=clock.now_ns())))
    assert _forced(heard) == 1
    assert watch.duplicates == 1


def test_a_stream_that_is_lost_again_at_once_keeps_its_hole() -> None:
    watch, heard, clock, ledger = _missed()
    watch.interrupted(FORCED, GapCause.DISCONNECT, "lost again")
    clock.advance(30.0)
    watch.sweep()
    assert ledger.open_count == 1
    watch.on_past(Past(liquidation(clock.now_ms() - 10_000)))
    watch.resumed(FORCED)
    watch.forget(FORCED)
    (gap,) = ledger.newest_first()
    assert (gap.recovered, gap.until_ms) == (1, clock.now_ms())
    assert _forced(heard) == 1


def _is_told(one: Liquidation) -> bool:
    """Whether Hyperliquid tells of it: a vault took the position over. OKX tells of all these."""
    return vault_of(one) is not None


@pytest.mark.parametrize("name", ["okx", "hyperliquid"])
@in_virtual_time
async def test_liquidations_of_an_outage_come_back_over_real_sockets(name: str) -> None:
    """The process begins without telling the past, and learns what a lost connection missed."""
    async with scene(11, chosen=venue(name)) as stage:
        market, server = stage.exchange, stage.server
        assert await stage.until(lambda: any(map(_is_told, market.liquidations(since_ms=0))), 60)
        wanted = Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)
        begun_ms = market.now_ms()
        lease = stage.feed.acquire(wanted)
        assert await stage.until(lambda: stage.all_live([wanted]))

        site, server._site = server._site, None
        assert site is not None
        await site.stop()
        lost_ms = market.now_ms()
        next_ms = lost_ms + 1_000  # OKX tells of one a second: that of this second may be told
        server.cut_all(SocketFault.RESET)
        assert await stage.until(
            lambda: any(map(_is_told, market.liquidations(since_ms=next_ms))), 60
        )
        await server._listen()
        ledger = stage.feed.pipeline.ledger
        # A long outage has used up the connections that may be tried in a minute.
        assert await stage.until(lambda: stage.all_live([wanted]), 70)
        assert await stage.until(lambda: not ledger.open_count)

        (gap,) = ledger.newest_first()
        assert (gap.state, gap.channel) == (GapState.UNRECOVERABLE, Channel.LIQUIDATIONS)
        assert gap.recovered == stage.feed.pipeline.events.recovered > 0
        stage.seen.drain()
        told = stage.seen.liquidations
        assert len({(one.symbol, one.timestamp_ms, one.quantity) for one in told}) == len(told)
        assert any(one.timestamp_ms > lost_ms for one in told)
        assert all(one.timestamp_ms >= begun_ms - 10_000 for one in told)
        lease.release()


def test_an_unreadable_frame_may_have_held_an_event_and_says_so_once_a_second() -> None:
    watch, heard = _watch()
    trades = Subscription(channel=Channel.TRADES, native_symbol="a")
    watch.unreadable([FORCED, trades])
    watch.unreadable([FORCED, trades])
    assert [(gap.cause, gap.state) for gap in heard.gaps()] == [
        (GapCause.WIRE_ERROR, GapState.OPEN),
        (GapCause.WIRE_ERROR, GapState.UNRECOVERABLE),
    ]


def test_a_hole_that_waits_for_the_past_goes_on_to_an_unreadable_frame() -> None:
    watch, _, clock, ledger = _missed()
    clock.advance(2.0)
    unread_ms = clock.now_ms()
    watch.unreadable([FORCED])
    clock.advance(event_watch.PAST_WAIT_S)
    watch.sweep()
    (gap,) = ledger.newest_first()
    assert (gap.state, gap.until_ms) == (GapState.UNRECOVERABLE, unread_ms)


def test_streams_that_can_be_repaired_are_not_its_business() -> None:
    watch, heard = _watch()
    trades = Subscription(channel=Channel.TRADES, native_symbol="a")
    watch.interrupted(trades, GapCause.DISCONNECT, "lost")
    assert heard.gaps() == []
    single = Subscription(channel=Channel.LIQUIDATIONS, native_symbol="a")
    watch.interrupted(single, GapCause.DISCONNECT, "lost")
    watch.forget(single)
    assert [gap.symbol for gap in heard.gaps()] == ["A", "A"]


def test_the_newest_state_is_kept_until_forgotten() -> None:
    keeper = StateKeeper(Heard().bus)
    mark = MarkPrice(
        exchange=EXCHANGE,
        symbol="A",
        native_symbol="A",
        timestamp_ms=1,
        received_ns=1,
        mark=2.0,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )
    keeper.on_state(mark)
    assert keeper.newest(MarkPrice, "A") is mark
    assert keeper.newest(MarkPrice, "B") is None
    assert keeper.all_of(MarkPrice) == [mark]
    keeper.forget(MarkPrice, "A")
    assert keeper.all_of(MarkPrice) == []
