"""What one client is sent: at once, in chunks when it is slow, never more than its bound."""

import asyncio
import socket

import pytest
from tests.api.streaming import FakeOwner, FakeTransport

from headwater.api.stream_contract import StreamLimits
from headwater.api.stream_outbox import Outbox
from headwater.api.stream_topics import Audience, HubTopic
from headwater.bus.topics import SlowPolicy

LIMITS = StreamLimits(buffer_bytes=8000, chunk_bytes=1000)


class Client:
    """What the outbox tells its client."""

    def __init__(self) -> None:
        self.slow = 0
        self.caught = 0
        self.overflows = 0

    def became_slow(self) -> None:
        self.slow += 1

    def caught_up(self) -> None:
        self.caught += 1

    def overflowed(self) -> None:
        self.overflows += 1


class Bench:
    """An outbox with everything around it."""

    def __init__(self, policy: SlowPolicy = SlowPolicy.DROP_OLDEST, **extra: object) -> None:
        self.owner = FakeOwner(LIMITS)
        self.topic = HubTopic("t", policy, LIMITS.max_payload_bytes)
        self.audience: Audience = self.owner.audience(self.topic)
        self.client = Client()
        self.transport = FakeTransport(**extra)
        self.outbox = Outbox(
            self.client, self.transport, self.audience, LIMITS, self.owner.counters
        )
        bench = self

        class Protocol(asyncio.Protocol):
            def pause_writing(self) -> None:
                bench.outbox.pause()

            def resume_writing(self) -> None:
                bench.outbox.resume(loading=False)

        self.transport.set_protocol(Protocol())

    def publish(self, *payloads: bytes) -> None:
        """One loop turn each."""
        for payload in payloads:
            self.topic.publish(payload)
            self.audience.flush()

    def texts(self) -> list[bytes]:
        """Messages that have arrived since the last call."""
        return [payload for _, payload in self.transport.frames()]


def test_initial_messages_come_before_what_was_published_meanwhile() -> None:
    bench = Bench()
    bench.publish(b"1", b"2")
    assert bench.texts() == []
    bench.outbox.start([b"hello"])
    bench.publish(b"3")
    assert bench.texts() == [b"hello", b"1", b"2", b"3"]
    assert (bench.client.caught, bench.client.slow) == (1, 0)
    assert bench.owner.counters.delivered == 3


def test_moving_loses_and_doubles_nothing() -> None:
    """Ready or slow: what was published before is had, what is published after comes."""
    for blocked in (False, True):
        bench = Bench()
        other = HubTopic("other", SlowPolicy.DROP_OLDEST, LIMITS.max_payload_bytes)
        both, alone = bench.owner.audience(bench.topic, other), bench.owner.audience(other)
        bench.outbox.start([])
        bench.transport.blocked = blocked
        bench.publish(b"0")  # a blocked transport makes the client slow with this one
        for audience, number in ((both, b"1"), (both, b"2"), (alone, b"3")):
            bench.topic.publish(b"t" + number)
            other.publish(b"o" + number)
            bench.outbox.flush()
            bench.outbox.move(audience)
            bench.outbox.send([b"moved"])
        bench.topic.publish(b"t4")
        other.publish(b"o4")
        alone.flush()
        assert [len(one) for one in (bench.audience, both, alone)] == [0, 0, 1]
        assert bench.outbox.is_behind is blocked
        bench.transport.drain()
        texts = bench.texts()
        if blocked:  # what waited of the topic given up is discarded
            assert texts == [b"0", b"moved", b"moved", b"moved", b"o2", b"o3", b"o4"]
        else:
            assert texts == [
                *(b"0", b"t1", b"moved", b"t2", b"o2", b"moved"),
                *(b"t3", b"o3", b"moved", b"o4"),
            ]
        assert not bench.outbox.is_behind


def test_initial_messages_have_a_bound() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="at most 4000"):
        bench.outbox.start([b"x" * 4001])


def test_a_client_that_stops_reading_gets_everything_that_fits_in_order() -> None:
    bench = Bench()
    bench.outbox.start([])
    bench.transport.blocked = True
    numbers = [b"%03d" % number for number in range(500)]
    bench.publish(*numbers)
    assert bench.client.slow == 1
    while bench.outbox.buffered_bytes:
        bench.transport.drain(block_again=True)
    assert bench.texts() == numbers
    assert bench.client.slow > 1  # every chunk has its own time
    assert bench.client.caught == 2
    assert bench.owner.counters.delivered == 500
    assert bench.topic.dropped == 0


def test_beyond_the_bound_the_oldest_events_go_and_are_told() -> None:
    bench = Bench()
    bench.outbox.start([])
    bench.transport.blocked = True
    largest = 0
    for number in range(1000):
        bench.publish(b"%03d" % number + b"x" * 47)
        largest = max(largest, bench.outbox.buffered_bytes)
    assert 7900 < largest <= LIMITS.buffer_bytes
    bench.transport.drain()
    texts = bench.texts()
    assert texts[0][:3] == b"000"
    assert texts[1] == b'{"type":"dropped","topic":"t","count":%d}' % bench.topic.dropped
    assert [int(text[:3]) for text in texts[2:]] == list(range(1 + bench.topic.dropped, 1000))
    assert bench.client.overflows == 0


def test_state_is_never_older_than_one_chunk_and_one_update() -> None:
    bench = Bench(SlowPolicy.LATEST)
    bench.outbox.start([])
    bench.transport.blocked = True
    bench.publish(*[b"%d" % number for number in range(10_000)])
    assert bench.outbox.buffered_bytes < 20
    bench.transport.drain()
    assert bench.texts() == [b"0", b"9999"]
    assert bench.topic.conflated == 9998


def test_what_must_not_be_lost_overflows() -> None:
    bench = Bench(SlowPolicy.DISCONNECT)
    bench.outbox.start([])
    bench.transport.blocked = True
    bench.publish(*[b"x" * 900] * 8)
    assert bench.client.overflows == 0
    bench.publish(b"x" * 900)
    assert bench.client.overflows == 1


def test_an_answer_comes_after_the_events_published_before_it() -> None:
    bench = Bench()
    bench.outbox.start([])
    bench.topic.publish(b"1")
    bench.outbox.send([b"answer"])
    bench.publish(b"2")
    assert bench.texts() == [b"1", b"answer", b"2"]


def test_answers_to_a_slow_client_are_kept_and_bounded() -> None:
    bench = Bench()
    bench.outbox.start([])
    bench.transport.blocked = True
    bench.publish(b"1", b"2")
    bench.outbox.send([b"answer"])
    bench.transport.drain()
    assert sorted(bench.texts()) == [b"1", b"2", b"answer"]
    bench.outbox.send([b"x" * 9000])
    assert bench.client.overflows == 1
    bench.transport.blocked = True
    bench.publish(b"3")
    bench.outbox.send([b"x" * 9000])
    assert bench.client.overflows == 2


def test_a_client_that_has_left_gets_nothing() -> None:
    bench = Bench()
    bench.outbox.start([])
    bench.transport.blocked = True
    bench.publish(b"1", b"2")
    bench.outbox.leave()
    bench.publish(b"3")
    bench.transport.drain()
    assert bench.texts() == [b"1"]
    assert len(bench.audience) == 0


def test_a_connection_that_still_sends_an_earlier_answer_begins_slow() -> None:
    transport = FakeTransport()
    transport.blocked = True
    transport.write(b"HTTP/1.1 200 OK...")
    owner, client = FakeOwner(LIMITS), Client()
    topic = HubTopic("t", SlowPolicy.DROP_OLDEST, 4000)
    audience = owner.audience(topic)
    outbox = Outbox(client, transport, audience, LIMITS, owner.counters)
    outbox.start([])
    assert (client.slow, client.caught) == (1, 0)
    outbox.resume(loading=False)
    assert client.caught == 1


def test_a_socket_is_written_to_directly_unless_it_speaks_tls() -> None:
    here, there = socket.socketpair()
    with here, there:
        plain, tls = Bench(socket=here), Bench(socket=here, sslcontext=object())
        for bench in (plain, tls):
            bench.owner.direct = True
            bench.outbox.start([])
            bench.publish(b"1")
        assert there.recv(100) == b"\x81\x011"
        assert plain.texts() == []
        assert tls.texts() == [b"1"]
        assert (plain.transport.limits, tls.transport.limits) == (0, LIMITS.chunk_bytes)
