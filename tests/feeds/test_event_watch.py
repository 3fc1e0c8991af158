"""Events that no venue can replay, and states that need no repair."""

from tests.feeds.made import EXCHANGE, START_MS, Heard, liquidation

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.records import Liquidation, MarkPrice
from headwater.feeds import event_watch
from headwater.feeds.event_watch import EventWatch, StateKeeper
from headwater.feeds.gaps import GapLedger
from headwater.venues.messages import Subscription

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


def test_an_unreadable_frame_may_have_held_an_event_and_says_so_once_a_second() -> None:
    watch, heard = _watch()
    trades = Subscription(channel=Channel.TRADES, native_symbol="a")
    watch.unreadable([FORCED, trades])
    watch.unreadable([FORCED, trades])
    assert [(gap.cause, gap.state) for gap in heard.gaps()] == [
        (GapCause.WIRE_ERROR, GapState.OPEN),
        (GapCause.WIRE_ERROR, GapState.UNRECOVERABLE),
    ]


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
