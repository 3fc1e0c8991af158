"""A topic's numbers, what it keeps, and where clients begin."""

import json
from typing import Any

import pytest
from tests.api import fake_source as fake
from tests.api.streaming import FakeOwner

from headwater.api.stream_topics import Audience, HubTopic
from headwater.api.stream_wishes import StreamWish, understand
from headwater.api.topic_channel import (
    HEARD_MAX_AGE_S,
    LOADED_MAX_AGE_S,
    RECENT_EVENTS,
    RING_BYTES,
    RING_MESSAGES,
    TopicChannel,
)

FIRST = 1_000_000
ROOM = 1 << 20


class Life:
    """A channel with everything around it."""

    def __init__(self, text: str = "binance/BTCUSDT/trades") -> None:
        self.time_s = 0.0
        self.owner = FakeOwner()
        self.wish = wish_of(text)
        self.topic = HubTopic(self.wish.name, self.wish.spec.policy, ROOM)
        self.channel = TopicChannel(self.wish, self.topic, FIRST, lambda: self.time_s)
        self.begun: list[bytes] = []

    def begin(self, channel: TopicChannel) -> None:
        """As a client that waited."""
        self.begun.append(channel.snapshot(ROOM))

    def publish(self, *values: int) -> None:
        """Messages that are numbers."""
        for value in values:
            self.channel.publish(b"%d" % value)

    def is_ready(self) -> bool:
        """Whether a client can begin."""
        return self.channel.has_snapshot

    def hear(self) -> Audience:
        """Somebody hears the topic."""
        return self.owner.audience(self.topic)


def wish_of(text: str) -> StreamWish:
    path, _, query = text.partition("?")
    source = fake.FakeSource()
    source.offer_everything()
    return understand({"binance": source}, (), path, query)


def read(payload: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload)
    return found


def test_messages_are_numbered_from_the_first_on_whether_heard_or_not() -> None:
    life = Life()
    assert life.channel.seq == FIRST
    life.publish(1, 2)
    audience = life.hear()
    life.publish(3)
    [frame] = audience._frames
    assert read(frame[frame.index(b"{") :]) == {
        "type": "update",
        "topic": "binance/BTCUSDT/trades",
        "seq": FIRST + 3,
        "data": 3,
    }
    assert life.channel.since(FIRST + 2) == [frame[frame.index(b"{") :]]


def test_events_begin_with_the_newest_of_them_within_the_room() -> None:
    life = Life()
    assert life.channel.has_snapshot
    assert read(life.channel.snapshot(ROOM)) == {
        "type": "snapshot",
        "topic": life.channel.key,
        "seq": FIRST,
        "data": [],
    }
    life.publish(*range(100, 200))
    newest = read(life.channel.snapshot(ROOM))
    assert newest["seq"] == FIRST + 100
    assert newest["data"] == list(range(200 - RECENT_EVENTS, 200))
    assert read(life.channel.snapshot(11))["data"] == [198, 199]
    assert read(life.channel.snapshot(0))["data"] == []


@pytest.mark.parametrize(("size", "kept"), [(10, RING_MESSAGES), (RING_BYTES // 10, 10)])
def test_what_is_kept_is_bounded_by_number_and_size(size: int, kept: int) -> None:
    life = Life()
    for _ in range(RING_MESSAGES * 2):
        life.channel.publish(b'"%b"' % (b"1" * (size - 2)))
    seq = life.channel.seq
    assert life.channel.is_kept(seq)
    assert life.channel.since(seq) == []
    assert life.channel.is_kept(seq - kept)
    assert not life.channel.is_kept(seq - kept - 1)
    assert not life.channel.is_kept(seq + 1)
    numbers = [read(payload)["seq"] for payload in life.channel.since(seq - kept)]
    assert numbers == list(range(seq - kept + 1, seq + 1))


def test_a_message_longer_than_all_that_may_be_kept_is_not() -> None:
    life = Life()
    life.channel.publish(b"1" * (RING_BYTES + 1))
    assert not life.channel.is_kept(FIRST)
    assert life.channel.is_kept(FIRST + 1)


@pytest.mark.parametrize(
    ("stream", "max_age_s"),
    [
        ("orderbook", LOADED_MAX_AGE_S),
        ("ohlc", LOADED_MAX_AGE_S),
        ("ticker", HEARD_MAX_AGE_S),
        ("mark_price", HEARD_MAX_AGE_S),
    ],
)
def test_of_a_state_the_newest_message_says_everything(stream: str, max_age_s: float) -> None:
    life = Life(f"binance/BTCUSDT/{stream}")
    assert not life.is_ready()
    assert not life.channel.is_kept(FIRST), "nobody has a state that there never was"
    life.channel.wait(life)
    life.publish(7)
    assert [read(payload)["data"] for payload in life.begun] == [7]
    assert read(life.begun[0])["seq"] == FIRST + 1
    life.publish(8)
    assert len(life.begun) == 1
    life.time_s = max_age_s
    assert life.is_ready()
    life.time_s += 0.1
    assert not life.is_ready(), "the venue may have been lost meanwhile"
    life.channel.wait(life)
    life.channel.offer(b"9")
    assert read(life.begun[1])["data"] == 9
    assert read(life.begun[1])["seq"] == FIRST + 2
    life.channel.offer(b"10")
    assert read(life.channel.snapshot(ROOM))["data"] == 9, "a newer one is there"


def test_a_candle_of_the_past_that_changes_is_told_but_nobody_begins_with_it() -> None:
    life = Life("binance/BTCUSDT/ohlc")
    opened_ms = fake.make_candle().timestamp_ms
    for payload, at_ms in ((b"1", opened_ms), (b"2", opened_ms - 60_000)):
        life.channel.publish(payload, fake.make_candle(opened_at_ms=at_ms))
    assert read(life.channel.snapshot(ROOM))["data"] == 1
    assert [read(payload)["data"] for payload in life.channel.since(FIRST)] == [1, 2]
    life.channel.publish(b"3", fake.make_candle(is_closed=True))
    assert read(life.channel.snapshot(ROOM))["data"] == 3


def test_a_client_that_fails_or_leaves_keeps_no_other_from_beginning() -> None:
    class Broken(Life):
        def begin(self, channel: TopicChannel) -> None:
            raise RuntimeError("application")

    life, broken, gone = Life("binance/BTCUSDT/ticker"), Broken(), Life()
    for listener in (broken, gone, life):
        life.channel.wait(listener)
    life.channel.stop_waiting(gone)
    life.publish(1)
    assert (len(life.begun), len(gone.begun)) == (1, 0)


def test_after_a_loss_of_the_server_nobody_goes_on_as_if_nothing_were() -> None:
    life = Life()
    life.publish(1, 2)
    audience = life.hear()
    life.channel.tell_missed(5)
    life.publish(3)
    texts = [read(frame[frame.index(b"{") :]) for frame in audience._frames]
    assert texts[0] == {"type": "dropped", "topic": life.channel.key, "count": 5}
    assert texts[1]["seq"] == FIRST + 4
    assert not life.channel.is_kept(FIRST + 2)
    assert life.channel.is_kept(FIRST + 3)
    assert read(life.channel.snapshot(ROOM))["data"] == [3]


def test_the_filter_comes_before_the_number() -> None:
    life = Life("all/liquidations?symbols=ETHUSDT")
    assert life.channel.key == "all/liquidations?min_value_usd=5000&symbols=ETHUSDT"
    assert not life.channel.is_wanted(fake.make_liquidation())
    assert life.channel.is_wanted(fake.make_liquidation("ETHUSDT"))
    assert Life().channel.is_wanted(fake.make_trade())
