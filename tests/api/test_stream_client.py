"""One client's life, on a transport that does what the test says and a clock that stands still."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.api.streaming import FakeOwner, FakeTransport, client_frame

from headwater.api.stream_client import Phase, StreamClient
from headwater.api.stream_contract import StreamAccepted, StreamLimits
from headwater.api.stream_topics import HubTopic
from headwater.bus.topics import SlowPolicy

ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


class Life:
    """A client with everything around it."""

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self.owner = FakeOwner(limits)
        self.transport = FakeTransport()
        self.connections: set[asyncio.Protocol] = set()
        self.client = StreamClient(self.owner, self.transport, self.connections, "192.0.2.1")
        self.transport.set_protocol(self.client)
        self.topic = HubTopic("t", SlowPolicy.DROP_OLDEST, self.owner.limits.max_payload_bytes)
        self.audience = self.owner.audience(self.topic)
        self.closed = 0

    def open(self, accepted: StreamAccepted | None = None) -> "Life":
        """Accepts and starts the stream; forgets the 101 answer."""
        self.client.own(self.on_close)
        self.client.open(ACCEPT, accepted or StreamAccepted(topics=("t",)), self.audience)
        self.transport.taken = b""
        self.client.start([])
        return self

    def on_close(self) -> None:
        self.closed += 1

    def after(self, seconds: float) -> None:
        """Time passes and the hub looks at the client."""
        self.owner.time_s += seconds
        if self.client.deadline <= self.owner.time_s:
            self.client.expire(self.owner.time_s)

    def publish(self, payload: bytes) -> None:
        """An event and the end of its loop turn."""
        self.topic.publish(payload)
        self.audience.flush()

    def closing(self) -> tuple[int, str]:
        """Code and reason of the close frame, the last that arrived."""
        opcode, payload = self.transport.frames()[-1]
        assert opcode == 8
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()


def test_a_client_is_pinged_and_lives_while_it_answers() -> None:
    life = Life().open()
    for _ in range(3):
        life.after(19.9)
        assert life.transport.frames() == []
        life.after(0.2)
        assert life.transport.frames() == [(9, b"")]
        life.client.data_received(client_frame(10))


def test_a_silent_client_may_be_warned_before_it_is_closed() -> None:
    life = Life().open(StreamAccepted(topics=("t",), if_silent=(b"hello?",)))
    for _ in range(2):  # who comes back is warned anew
        life.after(20)
        assert life.transport.frames() == [(9, b"")]
        life.after(20)
        assert life.transport.frames() == [(1, b"hello?")]
        life.client.data_received(client_frame(10))
    life.after(20)
    life.after(20)
    life.after(19.9)
    assert life.client.phase is Phase.PINGED
    life.after(0.2)
    assert life.closing() == (1011, "ping timeout")


def test_a_silent_client_is_closed_and_then_cut() -> None:
    life = Life().open()
    life.after(20)
    life.after(19.9)
    assert life.client.phase is Phase.PINGED
    life.after(0.2)
    assert life.closing() == (1011, "ping timeout")
    life.after(4.9)
    assert life.transport.ended == ""
    life.after(0.2)
    assert life.transport.ended == "abort"


def test_a_client_that_takes_nothing_for_ten_seconds_is_closed_as_slow() -> None:
    life = Life().open()
    life.transport.blocked = True
    life.publish(b"1")
    life.publish(b"2")
    assert life.client.phase is Phase.SLOW
    life.after(9.9)
    assert life.client.phase is Phase.SLOW
    life.after(0.2)
    assert life.owner.counters.closed_slow == 1
    life.publish(b"3")
    life.transport.drain()
    frames = life.transport.frames()
    assert frames[0] == (1, b"1")
    assert frames[1][1] == b"\x03\xf5too slow: no reading for 10 s"
    assert len(frames) == 2
    life.after(5)
    assert life.transport.ended == "abort"


def test_a_client_that_catches_up_lives_on() -> None:
    life = Life().open()
    life.transport.blocked = True
    life.publish(b"1")
    life.publish(b"2")
    life.after(9)
    life.transport.drain()
    life.after(9)
    assert life.client.phase is Phase.OPEN
    assert life.transport.frames() == [(1, b"1"), (1, b"2")]


def test_pings_are_answered_unless_the_client_does_not_read() -> None:
    life = Life().open()
    life.client.data_received(client_frame(9, b"abc"))
    assert life.transport.frames() == [(10, b"abc")]
    life.transport.blocked = True
    life.publish(b"1")
    life.client.data_received(client_frame(9, b"abc"))
    life.transport.drain()
    assert life.transport.frames() == [(1, b"1")]


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x0f\xa0bye"])
def test_a_close_is_answered_with_its_code(payload: bytes) -> None:
    life = Life().open()
    life.client.data_received(client_frame(8, payload) + client_frame(1, b"ignored"))
    assert life.transport.frames() == [(8, payload[:2])]
    assert life.transport.ended == "close"
    life.client.connection_lost(None)
    assert (life.closed, life.connections, life.owner.lost) == (1, set(), [life.client])


def test_the_first_close_code_of_either_side_is_kept() -> None:
    for first, second, code in ((b"\x10\xe1", 4000, 4321), (b"", 4000, None)):
        life = Life().open()
        assert life.client.close_code is None
        life.client.data_received(client_frame(8, first))
        life.client.begin_close(second)
        life.client.connection_lost(None)
        assert life.client.close_code == code
    life = Life().open()
    life.client.begin_close(4000)
    life.client.data_received(client_frame(8, b"\x10\xe1"))
    assert life.client.close_code == 4000
    cut = Life().open()
    cut.client.connection_lost(None)
    assert cut.client.close_code is None


def test_our_close_waits_for_the_answer() -> None:
    life = Life().open()
    life.client.shutdown()
    assert life.closing() == (1012, "service restart")
    life.client.data_received(client_frame(1, b"too late") + client_frame(9))
    assert (life.transport.ended, life.transport.frames()) == ("", [])
    life.client.data_received(client_frame(8, b"\x03\xf4"))
    assert life.transport.ended == "close"
    assert life.transport.frames() == []


def test_a_breach_is_answered_and_the_rest_is_thrown_away() -> None:
    life = Life().open()
    life.client.data_received(b"\x82\xff" + (1 << 20).to_bytes(8, "big"))
    code, reason = life.closing()
    assert (code, reason) == (1009, "frame of 1048576 bytes, allowed: 65536")
    assert life.transport.eof
    for _ in range(16):
        life.client.data_received(b"x" * 65536)
    assert (life.transport.ended, life.transport.taken) == ("", b"")
    assert life.client.eof_received() is False
    assert life.owner.counters.refused == {"close_1009": 1}


def test_a_breach_while_closing_ends_the_connection() -> None:
    life = Life().open()
    life.client.begin_close(1000)
    life.transport.taken = b""
    life.client.data_received(b"\xff\xff")
    assert life.transport.ended == "close"


def test_a_flood_is_stopped_and_a_steady_client_is_not() -> None:
    life = Life(StreamLimits(max_inbound_frames_per_s=5)).open()
    for _ in range(20):
        life.client.data_received(client_frame(1, b"x") * 5)
        life.owner.time_s += 1
    assert life.client.phase is Phase.OPEN
    life.client.data_received(client_frame(9) * 6)
    assert life.closing() == (1008, "more than 5 frames in a second")


def test_fragments_count_as_frames() -> None:
    life = Life(StreamLimits(max_inbound_frames_per_s=5)).open()
    life.client.data_received(client_frame(1, final=False) + client_frame(0, final=False) * 9)
    assert life.closing()[0] == 1008


def test_messages_are_answered_or_ignored() -> None:
    def answer(text: str) -> Sequence[bytes]:
        return [text.upper().encode(), b"2"] if text else []

    life = Life().open(StreamAccepted(topics=("t",), on_message=answer))
    life.client.data_received(client_frame(1, b"a") + client_frame(1, b""))
    assert life.transport.frames() == [(1, b"A"), (1, b"2")]
    life.client.data_received(client_frame(2, b"a"))
    assert life.closing() == (1003, "only text messages are understood")
    deaf = Life().open()
    deaf.client.data_received(client_frame(1, b"a") + client_frame(2, b"a"))
    assert deaf.transport.frames() == []


def test_a_failing_answer_ends_this_client_only(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_text: str) -> Sequence[bytes]:
        raise KeyError("bug")

    life = Life().open(StreamAccepted(topics=("t",), on_message=fail))
    life.client.data_received(client_frame(1, b"a"))
    assert life.closing() == (1011, "Internal error")
    assert caplog.records[0].exc_info is not None


def test_on_close_is_called_once_and_its_failure_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    life = Life().open()

    def fail() -> None:
        life.closed += 1
        raise KeyError("bug")

    life.client.own(fail)
    life.client.connection_lost(ConnectionResetError())
    life.client.connection_lost(None)
    assert life.closed == 1
    assert caplog.records[0].exc_info is not None


def test_on_close_is_called_at_once_when_the_socket_has_already_ended() -> None:
    life = Life()
    life.client.connection_lost(None)
    life.client.own(life.on_close)
    assert life.closed == 1


def test_whatever_happens_after_the_end_is_harmless() -> None:
    life = Life().open()
    life.client.connection_lost(ConnectionResetError())
    life.transport.ended = "abort"
    life.publish(b"1")
    life.client.start([b"1"])
    life.client.begin_close(1000)
    life.client.shutdown()
    life.client.pause_writing()
    life.client.resume_writing()
    life.client.answer(b"x")
    life.client.refuse(ACCEPT, 1008, "no")
    life.client.data_received(client_frame(9))
    life.client.expire(life.owner.time_s + 100)
    assert life.client.phase is Phase.ENDED


def test_a_client_that_is_not_admitted_yet() -> None:
    early = Life()
    early.client.data_received(client_frame(1, b"x"))
    assert early.transport.taken.startswith(b"HTTP/1.1 400 ")
    assert early.transport.ended == "close"
    restart = Life()
    restart.client.shutdown()
    assert restart.transport.taken.startswith(b"HTTP/1.1 503 ")
    refused = Life()
    refused.client.refuse(ACCEPT, 1008, "unknown stream")
    assert refused.transport.taken == ACCEPT + b"\x88\x10\x03\xf0unknown stream"
    refused.client.data_received(client_frame(8, b"\x03\xf0"))
    assert refused.transport.ended == "close"


def test_what_waits_is_shown() -> None:
    life = Life()
    assert life.client.buffered_bytes == 0
    life.open()
    life.transport.blocked = True
    life.publish(b"1")
    life.publish(b"2")
    assert life.client.buffered_bytes == 6


def test_the_application_may_send_and_change_topics_until_the_end() -> None:
    drained: list[int] = []
    life = Life()
    accepted = StreamAccepted(topics=("t",), on_drained=lambda: drained.append(1))
    life.open(accepted)
    assert len(drained) == 1
    life.topic.publish(b"before")
    life.client.listen(["u", "v"])
    life.client.send([b"answer"])
    life.publish(b"not heard")
    assert [payload for _, payload in life.transport.frames()] == [b"before", b"answer"]
    life.transport.blocked = True
    life.client.send([b"more"])
    assert life.client.is_behind
    life.transport.drain()
    assert len(drained) == 2
    life.client.connection_lost(None)
    life.client.listen(["t"])
    life.client.send([b"late"])
    assert life.client.is_behind
    assert life.transport.taken.endswith(b"more")


def test_a_failing_on_drained_ends_its_client_only() -> None:
    def fail() -> None:
        raise RuntimeError("application")

    life = Life().open(StreamAccepted(topics=("t",), on_drained=fail))
    assert life.closing() == (1011, "Internal error")
