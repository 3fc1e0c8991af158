"""Subscriptions of one connection in virtual time: asked, confirmed, silent, renewed."""

import random

import pytest
from tests.feeds.made import LIMITS, ToyStream

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, FeedState
from headwater.feeds.session import Change, Confirmed, Decision, Reconnect, Send, Session
from headwater.feeds.settings import SessionSettings
from headwater.feeds.staleness import SilenceWatch
from headwater.venues.messages import Ack, Subscription

SETTINGS = SessionSettings()
STALE_AFTER_S = {Channel.TRADES: 9.0, Channel.BOOK: 5.0}
TICK_S = 0.5


def _sub(channel: Channel, symbol: str | None = "AAA") -> Subscription:
    return Subscription(channel=channel, native_symbol=symbol)


class Rig:
    """A session, its stream and the time."""

    def __init__(self, *wanted: Subscription) -> None:
        self.clock = ManualClock()
        self.stream = ToyStream()
        self.watches: dict[Subscription, SilenceWatch] = {}
        self.signs = 0
        self.session = self.open(wanted)

    def open(self, wanted: tuple[Subscription, ...]) -> Session:
        """A new connection."""
        now = self.clock.monotonic()
        for one in wanted:
            limit = STALE_AFTER_S.get(one.channel)
            self.watches.setdefault(one, SilenceWatch(limit, SETTINGS, now))
        session = Session(self.stream, LIMITS, SETTINGS, self.watches, now)
        session.want(wanted)
        return session

    def tick(self, seconds: float = TICK_S) -> list[Decision]:
        """Time passes."""
        self.clock.advance(seconds)
        now = self.clock.monotonic()
        decided = self.session.tick(now, self.signs)
        for one in decided:
            if isinstance(one, Send) and one.request_id is not None:
                self.session.sent(one.request_id, now)
        return decided

    def data(self, *subscriptions: Subscription) -> None:
        """Data of these arrive."""
        self.signs += 1
        for one in subscriptions:
            if one in self.stream.registered:
                self.stream.data_ns[one] = self.clock.now_ns()

    def ack_all(self) -> None:
        """Every request so far is acknowledged."""
        self.signs += 1
        for request in self.stream.requests:
            self.session.acked(Ack(request_id=request.request_id), self.clock.monotonic())


def _states(decided: list[Decision]) -> list[tuple[Subscription, FeedState]]:
    return [(one.subscription, one.state) for one in decided if isinstance(one, Change)]


def test_wanted_streams_are_asked_for_in_one_go_and_live_with_their_first_data() -> None:
    trades, book = _sub(Channel.TRADES), _sub(Channel.BOOK)
    rig = Rig(trades, book)
    assert [one.text for one in rig.tick() if isinstance(one, Send)] == ["subscribe 2"]
    rig.data(trades)
    assert _states(rig.tick()) == [(trades, FeedState.LIVE)]
    assert rig.session.confirmed == [trades]
    assert rig.session.has_data(trades)
    assert not rig.session.has_data(book)


def test_the_last_data_of_a_connection_is_that_of_any_stream_on_it() -> None:
    trades, book = _sub(Channel.TRADES), _sub(Channel.BOOK)
    rig = Rig(trades, book)
    assert rig.session.last_data_ns is None
    rig.tick()
    rig.data(trades)
    rig.tick()
    rig.data(book)
    last_ns = rig.clock.now_ns()
    rig.tick()
    assert rig.session.last_data_ns == last_ns


def test_a_stream_that_may_be_silent_is_live_when_acknowledged() -> None:
    forced = _sub(Channel.LIQUIDATIONS, None)
    rig = Rig(forced)
    rig.tick()
    rig.ack_all()
    decided = rig.tick()
    assert Confirmed((forced,)) in decided
    assert _states(decided) == [(forced, FeedState.LIVE)]
    assert _states(rig.tick(3600.0)) == []


def test_what_nobody_wants_is_given_up_only_if_it_was_asked_for() -> None:
    trades, book = _sub(Channel.TRADES), _sub(Channel.BOOK)
    rig = Rig(trades)
    rig.tick()
    rig.watches[book] = SilenceWatch(5.0, SETTINGS, 0.0)
    rig.session.want((book,))
    rig.session.unwant((trades, book))
    assert [one.text for one in rig.tick() if isinstance(one, Send)] == ["unsubscribe 1"]
    assert rig.session.wanted == []


def test_a_refused_stream_is_down_with_the_reason_and_tried_again_later() -> None:
    trades = _sub(Channel.TRADES)
    rig = Rig(trades)
    rig.tick()
    now = rig.clock.monotonic()
    rig.session.acked(Ack(request_id=1, error="no such stream"), now)
    decided = rig.tick()
    assert [(c.state, c.reason) for c in decided if isinstance(c, Change)] == [
        (FeedState.DOWN, "refused: no such stream")
    ]
    assert not any(isinstance(one, Send) for one in decided)
    rig.data()
    assert any(isinstance(one, Send) for one in rig.tick(SETTINGS.refused_retry_s + 1))


def test_one_bad_stream_of_a_request_does_not_keep_the_others_down() -> None:
    """Where a venue refuses the whole request: halves of it are asked for until it is found."""
    wanted = [_sub(Channel.LIQUIDATIONS, f"S{at}") for at in range(9)]
    bad = wanted[5]
    rig = Rig(*wanted)
    answered, states = 0, dict[Subscription, FeedState]()
    for _ in range(10):
        states.update(_states(rig.tick()))
        for request in rig.stream.requests[answered:]:
            error = "no such stream" if bad in request.subscriptions else None
            ack = Ack(request_id=request.request_id, error=error, may_be_partial=error is not None)
            rig.session.acked(ack, rig.clock.monotonic())
        answered = len(rig.stream.requests)
        rig.signs += 1
    assert states == {one: FeedState.DOWN if one is bad else FeedState.LIVE for one in wanted}
    assert answered <= 9


def test_a_request_without_an_answer_is_repeated_once_then_the_connection_renewed() -> None:
    forced = _sub(Channel.LIQUIDATIONS, None)
    rig = Rig(forced)
    sends = 0
    for _ in range(60):
        rig.data()
        decided = rig.tick()
        sends += sum(isinstance(one, Send) for one in decided)
        reconnects = [one for one in decided if isinstance(one, Reconnect)]
        if reconnects:
            break
    assert sends == 2
    assert not reconnects[0].graceful
    assert 20 < rig.clock.monotonic() < 23


def test_what_is_not_sent_yet_is_neither_overdue_nor_silent() -> None:
    """A long list goes out paced: of each the wait begins when it has its turn."""
    forced, trades = _sub(Channel.LIQUIDATIONS, None), _sub(Channel.TRADES)
    rig = Rig(forced, trades)
    now = rig.clock.monotonic()
    (asked,) = [one for one in rig.session.tick(now, 1) if isinstance(one, Send)]
    for signs in range(2, 122):
        rig.clock.advance(TICK_S)
        assert rig.session.tick(rig.clock.monotonic(), signs) == []
    assert asked.request_id is not None
    sent_at = rig.clock.monotonic()
    rig.session.sent(asked.request_id, sent_at)
    stale_at = 0.0
    while not stale_at:
        rig.data()
        if (trades, FeedState.STALE) in _states(rig.tick()):
            stale_at = rig.clock.monotonic()
    assert 9.0 < stale_at - sent_at <= 10.0


def test_what_is_asked_again_is_not_silent_before_it_is_sent_again() -> None:
    """A refused stream waits its turn behind a long list like any other."""
    trades, book = _sub(Channel.TRADES), _sub(Channel.BOOK)
    rig = Rig(trades, book)
    rig.tick()
    refused = Ack(request_id=1, error="busy", subscriptions=(trades,))
    rig.session.acked(refused, rig.clock.monotonic())
    asked: list[Send] = []
    for _ in range(400):
        rig.data(book)
        rig.clock.advance(TICK_S)
        decided = rig.session.tick(rig.clock.monotonic(), rig.signs)
        asked += [one for one in decided if isinstance(one, Send)]
        assert (trades, FeedState.STALE) not in _states(decided)
    assert len(asked) == 1


def test_a_connection_without_any_frame_is_dead() -> None:
    rig = Rig(_sub(Channel.LIQUIDATIONS, None))
    rig.tick()
    rig.ack_all()
    rig.tick()
    assert rig.tick(LIMITS.quiet_limit_s - 1) == []
    assert isinstance(rig.tick(2.0)[-1], Reconnect)


def test_heartbeats_are_sent_in_time_and_do_not_count_as_data() -> None:
    rig = Rig(_sub(Channel.TRADES))
    limits = LIMITS.__class__(
        **{**{name: getattr(LIMITS, name) for name in LIMITS.__struct_fields__}, "heartbeat_s": 2.0}
    )
    rig.session = Session(rig.stream, limits, SETTINGS, rig.watches, rig.clock.monotonic())
    rig.session.want(rig.watches)
    texts: list[str] = []
    stale_at = 0.0
    for _ in range(30):
        rig.signs += 1
        for one in rig.tick():
            if isinstance(one, Send):
                texts.append(one.text)
            elif isinstance(one, Change) and one.state is FeedState.STALE and not stale_at:
                stale_at = rig.clock.monotonic()
    assert texts.count("ping") == 7
    assert 9.0 < stale_at <= 10.0


def test_all_channels_silent_means_the_connection_is_dead_at_once() -> None:
    trades, book = _sub(Channel.TRADES), _sub(Channel.BOOK)
    rig = Rig(trades, book)
    rig.tick()
    for _ in range(10):
        rig.data(trades, book)
        rig.tick()
    reconnects: list[Reconnect] = []
    while not reconnects:
        reconnects = [one for one in rig.tick() if isinstance(one, Reconnect)]
        assert rig.clock.monotonic() < 30
    assert not reconnects[0].graceful


@pytest.mark.parametrize("block", range(4))
def test_a_mute_is_found_in_ten_seconds_and_healed_whatever_the_order(block: int) -> None:
    """Fifty seeds a block: random traffic, one channel muted until it is asked for again."""
    for seed in range(block * 50, block * 50 + 50):
        rng = random.Random(seed)
        symbols = [f"S{number}" for number in range(rng.randint(1, 5))]
        wanted = tuple(
            _sub(channel, symbol)
            for symbol in symbols
            for channel in (Channel.TRADES, Channel.BOOK)
        )
        rig = Rig(*wanted)
        muted = rng.choice(wanted)
        healed_by = rng.choice(("subscribe", "reconnect"))
        mute_at = rng.uniform(5, 60)
        found_at: float | None = None
        mute_on = False
        healed = False
        while rig.clock.monotonic() < mute_at + 60:
            now = rig.clock.monotonic()
            mute_on = now >= mute_at and not healed
            flowing = [one for one in wanted if not (mute_on and one == muted)]
            rig.data(*(one for one in flowing if rng.random() < 0.9))
            for decision in rig.tick():
                if isinstance(decision, Change) and decision.state is FeedState.STALE:
                    assert decision.subscription == muted, seed
                    assert mute_on, seed
                    if found_at is None:
                        found_at = rig.clock.monotonic()
                elif isinstance(decision, Send) and decision.text.startswith("subscribe"):
                    rig.ack_all()
                    healed = healed or (mute_on and healed_by == "subscribe")
                elif isinstance(decision, Reconnect):
                    assert decision.graceful, seed
                    healed = healed or mute_on
                    for watch in rig.watches.values():
                        watch.carried_over(rig.clock.monotonic())
                    rig.stream = ToyStream()
                    rig.session = rig.open(wanted)
        assert found_at is not None, seed
        assert found_at - mute_at <= 10.0, seed
        assert healed, seed
        assert sorted(map(str, rig.session.live)) == sorted(map(str, wanted)), seed


def test_rest_proof_of_quiet_makes_a_stale_stream_live_again() -> None:
    trades, book = _sub(Channel.TRADES), _sub(Channel.BOOK)
    rig = Rig(trades, book)
    rig.tick()
    rig.data(trades, book)
    rig.tick()
    rig.ack_all()
    stale = False
    while not stale:
        rig.data(book)
        stale = (trades, FeedState.STALE) in _states(rig.tick())
    rig.ack_all()
    rig.tick()
    rig.ack_all()
    rig.session.quiet(trades, rig.clock.monotonic())
    assert (trades, FeedState.LIVE) in _states(rig.tick())
