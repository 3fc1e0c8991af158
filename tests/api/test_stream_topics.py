"""Audiences: one join for all, filters shared, slow members apart."""

import os
import socket
from collections.abc import Iterator, Sequence

import pytest

from headwater.api.stream_contract import HubCounters
from headwater.api.stream_topics import Audience, HubTopic, Wants
from headwater.api.websocket_frames import Opcode, encode_frame
from headwater.bus.topics import SlowPolicy


class Owner:
    """A hub's part in an audience."""

    def __init__(self) -> None:
        self.counters = HubCounters()
        self.direct = False
        self.dirty: list[Audience] = []
        self.emptied: list[Audience] = []

    def mark_dirty(self, audience: Audience) -> None:
        self.dirty.append(audience)

    def audience_empty(self, audience: Audience) -> None:
        self.emptied.append(audience)


class Client:
    """A member that remembers what it was given."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.held: list[tuple[bytes, str]] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def hold(self, frames: Sequence[bytes], topics: Sequence[HubTopic]) -> None:
        self.held += [(frame, of.key) for frame, of in zip(frames, topics, strict=True)]


def make_topic(key: str = "t") -> HubTopic:
    return HubTopic(key, SlowPolicy.DROP_OLDEST, 1000)


def make_audience(owner: Owner, *topics: HubTopic, wants: Wants | None = None) -> Audience:
    audience = Audience(owner, key=(), topics=topics, wants=wants, chunk_bytes=100)
    for topic in topics:
        topic.add_audience(audience)
    return audience


def frame(payload: bytes) -> bytes:
    return encode_frame(Opcode.TEXT, payload)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets, the first of which does not block."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        yield here, there


def test_events_of_a_turn_leave_in_one_write_and_all_members_share_the_bytes() -> None:
    owner, topic = Owner(), make_topic()
    audience = make_audience(owner, topic)
    clients = [Client(), Client(), Client()]
    for client in clients:
        audience.join(client, -1)
    topic.publish(b"1")
    topic.publish(b"2")
    assert owner.dirty == [audience]
    assert clients[0].written == []
    audience.flush()
    assert clients[0].written == [frame(b"1") + frame(b"2")]
    assert all(client.written[0] is clients[0].written[0] for client in clients)
    assert owner.counters.delivered == 6
    assert owner.counters.bytes_written == 3 * len(clients[0].written[0])
    audience.flush()
    assert len(clients[0].written) == 1


def test_events_of_several_topics_keep_the_order_in_which_they_were_published() -> None:
    owner, first, second = Owner(), make_topic("a"), make_topic("b")
    audience = make_audience(owner, first, second)
    client = Client()
    audience.join(client, -1)
    first.publish(b"1")
    second.publish(b"2")
    first.publish(b"3")
    audience.flush()
    assert client.written == [frame(b"1") + frame(b"2") + frame(b"3")]


def test_a_large_turn_leaves_in_chunks() -> None:
    owner, topic = Owner(), make_topic()
    audience = make_audience(owner, topic)
    client = Client()
    audience.join(client, -1)
    for _ in range(5):
        topic.publish(b"x" * 60)
    assert len(client.written) == 2
    audience.flush()
    assert b"".join(client.written) == frame(b"x" * 60) * 5


def test_a_filter_is_asked_once_per_event_and_only_about_records() -> None:
    owner, topic = Owner(), make_topic()
    asked: list[object] = []

    def wants(record: object) -> bool:
        asked.append(record)
        return record == "big"

    everything, some = make_audience(owner, topic), make_audience(owner, topic, wants=wants)
    all_of_it, filtered, also_filtered = Client(), Client(), Client()
    everything.join(all_of_it, -1)
    some.join(filtered, -1)
    some.join(also_filtered, -1)
    topic.publish(b"1", "big")
    topic.publish(b"2", "small")
    topic.publish(b"3")
    everything.flush()
    some.flush()
    assert asked == ["big", "small"]
    assert filtered.written == also_filtered.written == [frame(b"1") + frame(b"3")]
    assert all_of_it.written == [frame(b"1") + frame(b"2") + frame(b"3")]


def test_a_new_member_gets_nothing_published_before_it_joined() -> None:
    owner, topic = Owner(), make_topic()
    audience = make_audience(owner, topic)
    early, late, loading = Client(), Client(), Client()
    audience.join(early, -1)
    topic.publish(b"1")
    audience.join(late, -1)
    audience.hold_back(loading)
    topic.publish(b"2")
    audience.flush()
    assert early.written == [frame(b"1"), frame(b"2")]
    assert late.written == [frame(b"2")]
    assert loading.held == [(frame(b"2"), "t")]


def test_a_member_that_becomes_slow_in_a_write_gets_each_event_once() -> None:
    owner, topic = Owner(), make_topic()
    audience = make_audience(owner, topic)

    class Slow(Client):
        def write(self, data: bytes) -> None:
            super().write(data)
            audience.hold_back(self)

    slow, fast = Slow(), Client()
    audience.join(slow, -1)
    audience.join(fast, -1)
    topic.publish(b"1")
    audience.flush()
    topic.publish(b"2")
    audience.flush()
    assert slow.written == [frame(b"1")]
    assert slow.held == [(frame(b"2"), "t")]
    assert fast.written == [frame(b"1"), frame(b"2")]


def test_events_that_wait_when_a_member_becomes_slow_are_held_for_it() -> None:
    owner, topic = Owner(), make_topic()
    audience = make_audience(owner, topic)
    client = Client()
    audience.join(client, -1)
    topic.publish(b"1")
    audience.hold_back(client)
    audience.flush()
    assert (client.written, client.held) == ([], [(frame(b"1"), "t")])


def test_the_last_member_to_leave_empties_the_audience() -> None:
    owner, topic = Owner(), make_topic()
    audience = make_audience(owner, topic)
    ready, slow = Client(), Client()
    audience.join(ready, -1)
    audience.hold_back(slow)
    assert (len(audience), topic.subscribers) == (2, 2)
    audience.leave(ready)
    assert owner.emptied == []
    audience.leave(slow)
    assert owner.emptied == [audience]


def test_publishing_to_nobody_costs_no_frame_and_an_event_too_long_is_refused() -> None:
    owner, topic = Owner(), make_topic()
    topic.publish(b"x" * 2000)
    assert not topic.has_subscribers
    make_audience(owner, topic).join(Client(), -1)
    with pytest.raises(ValueError, match="at most 1000"):
        topic.publish(b"x" * 1001)
    assert topic.stats().published == 2


def test_a_direct_write_goes_to_the_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    owner, topic, client = Owner(), make_topic(), Client()
    owner.direct = True
    audience = make_audience(owner, topic)
    audience.join(client, pair[0].fileno())
    topic.publish(b"1")
    audience.flush()
    assert pair[1].recv(100) == frame(b"1")
    assert client.written == []


def test_what_a_full_socket_does_not_take_goes_to_the_transport_whole(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    owner, topic, client = Owner(), make_topic(), Client()
    owner.direct = True
    here, there = pair
    audience = make_audience(owner, topic)
    audience.join(client, here.fileno())
    taken = 0
    while not client.written:
        topic.publish(b"x" * 90)
        audience.flush()
        taken += 1
    there.setblocking(False)
    received = b""
    while True:
        try:
            received += there.recv(1 << 20)
        except BlockingIOError:
            break
    assert received + client.written[0] == frame(b"x" * 90) * taken


def test_errors_of_a_direct_write_are_the_transports_business() -> None:
    owner, topic, ended, tls = Owner(), make_topic(), Client(), Client()
    owner.direct = True
    audience = make_audience(owner, topic)
    reading, writing = os.pipe()
    os.close(reading)
    audience.join(ended, writing)
    audience.join(tls, -1)
    topic.publish(b"1")
    audience.flush()
    os.close(writing)
    assert ended.written == tls.written == [frame(b"1")]


def test_a_topic_may_have_words_of_its_own_for_what_was_missed() -> None:
    def words(key: str, count: int) -> bytes:
        return f"{key} lost {count}".encode()

    topic = HubTopic("maps", SlowPolicy.DROP_OLDEST, 1000, words)
    assert topic.notice(3) == b"maps lost 3"
    assert topic.notice_bytes == len("maps lost 9007199254740992") + 10
    plain = make_topic("plain")
    assert plain.notice(2) == b'{"type":"dropped","topic":"plain","count":2}'
    assert plain.notice_bytes >= len(plain.notice(2**53)) + 4
