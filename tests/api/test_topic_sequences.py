"""The law of the many-topic socket: whatever clients do, no message is lost or doubled unseen.

Random subscriptions, breaks, resumptions and slow readers over the real session, board, hub and
publisher, with transports whose peers read when the test says.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.api import fake_source as fake
from tests.api.streaming import FakeTransport, client_frame, upgrade_request

from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.stream_routes import StreamRoutes
from headwater.api.topic_board import LINGER_S, TopicBoard
from headwater.api.topic_session import TopicSession
from headwater.api.websocket_handshake import parse_request_head
from headwater.bus.memory import MemoryBus
from headwater.core.clock import ManualClock
from headwater.core.records import Record

EVENTS = ("binance/BTCUSDT/trades", "binance/ETHUSDT/trades", "binance/SOLUSDT/trades")
STATE = "binance/BTCUSDT/ticker"
TOPICS = (*EVENTS, STATE)
LIMITS = StreamLimits(buffer_bytes=16_000, chunk_bytes=1_500, max_inbound_frames_per_s=10_000)


class World:
    """The server's side, and what was published by topic and number."""

    def __init__(self) -> None:
        self.clock = ManualClock(fake.NOW_MS * 1_000_000)
        self.source = fake.FakeSource()
        self.publisher = StreamPublisher(MemoryBus(), 100)
        sources = {"binance": self.source}
        routes = StreamRoutes(sources, self.publisher, self.clock, ())
        self.board = TopicBoard(self.publisher, routes.understand, routes.initial, self.clock)
        self.hub = StreamHub(self.resolve, LIMITS)
        self.hub.close_with(self.board.close)
        self.publisher.attach(self.hub)
        self.truth: dict[str, dict[int, int]] = {topic: {} for topic in TOPICS}
        self.published = 0

    async def resolve(self, _request: StreamRequest) -> StreamAccepted | StreamRefused:
        return TopicSession(self.board, self.clock).accepted

    def publish(self, topic: str) -> None:
        """The next record of a topic."""
        self.published += 1
        record: Record
        if topic == STATE:
            record = msgspec.structs.replace(fake.make_ticker(), last=float(self.published))
        else:
            record = fake.make_trade(self.published, topic.split("/")[1])
        self.publisher.publish([record])
        held = self.board._open.get(topic)
        if held is not None:
            self.truth[topic][held.channel.seq] = self.published


class Heard:
    """What a client knows of one topic it has."""

    def __init__(self, last: int | None) -> None:
        self.last = last
        self.dropped = 0


class Client:
    """A client that checks everything it is told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.left_at: dict[str, int] = {}
        self.connected = False

    async def connect(self) -> None:
        """A new socket."""
        head = parse_request_head(upgrade_request("/ws"))
        assert head is not None
        self.transport = FakeTransport(peername=("127.0.0.1", 1))
        self.protocol = self.world.hub.connect(self.transport, head, set())
        self.transport.set_protocol(self.protocol)
        await settle()
        self.transport.taken = self.transport.taken.partition(b"\r\n\r\n")[2]
        self.topics: dict[str, Heard] = {}
        self.resuming: list[dict[str, int]] = []
        self.connected = True

    def say(self, **message: object) -> None:
        """Sends a request."""
        self.protocol.data_received(client_frame(1, json.dumps(message).encode()))

    def subscribe(self, topics: list[str]) -> None:
        """Asks for topics from where they were left."""
        after = {topic: seq for topic, seq in self.left_at.items() if topic not in self.topics}
        wishes = [{"topic": topic, "after": after.get(topic)} for topic in topics]
        self.say(op="subscribe", id=len(self.resuming), topics=wishes)
        self.resuming.append(after)

    def cut(self) -> None:
        """The socket ends; what the kernel had taken has arrived."""
        self.read()
        for topic, heard in self.topics.items():
            if heard.last is not None:
                self.left_at[topic] = heard.last
        self.protocol.connection_lost(None)
        self.connected = False

    def read(self) -> None:
        """Takes in what has arrived."""
        for opcode, payload in self.transport.frames():
            if opcode == 1:
                self.take(json.loads(payload))
            else:
                assert (opcode, payload[:2]) == (8, b"\x03\xf5"), payload

    def take(self, message: dict[str, Any]) -> None:
        """Checks one message."""
        kind = message["type"]
        if kind == "subscribed":
            for entry in message["topics"]:
                self.begin(entry["topic"], self.resuming[message["id"]], entry["resumed"])
        elif kind == "unsubscribed":
            for topic in message["topics"]:
                heard = self.topics.pop(topic, None)
                if heard is not None and heard.last is not None:
                    self.left_at[topic] = heard.last
        elif kind == "dropped":
            self.topics[message["topic"]].dropped += message["count"]
        elif kind == "snapshot":
            self.take_snapshot(message)
        elif kind == "update":
            self.take_update(message)
        else:
            assert message["problem"]["errors"][0]["field"] == "topic", message

    def begin(self, topic: str, after: dict[str, int], resumed: bool) -> None:
        """A topic begins, or is confirmed."""
        if topic not in self.topics:
            assert topic in after or not resumed
            self.topics[topic] = Heard(after[topic] if resumed else None)

    def take_snapshot(self, message: dict[str, Any]) -> None:
        """Everything up to its number is in it, the newest last."""
        topic, seq, heard = message["topic"], message["seq"], self.topics[message["topic"]]
        assert heard.last is None, "a topic begins once"
        heard.last = seq
        truth = self.world.truth[topic]
        if topic == STATE:
            assert message["data"]["last"] == truth.get(seq, message["data"]["last"])
            return
        ids = [int(event["trade_id"]) for event in message["data"]]
        assert ids == [truth[seq - back] for back in range(len(ids) - 1, -1, -1)]
        assert len(ids) <= 50

    def take_update(self, message: dict[str, Any]) -> None:
        """The next number, or those between were told to be dropped."""
        topic, seq, heard = message["topic"], message["seq"], self.topics[message["topic"]]
        assert heard.last is not None, "a topic begins with a snapshot"
        missing = seq - heard.last - 1
        assert missing >= 0, "doubled"
        number = self.world.truth[topic][seq]
        if topic == STATE:
            assert message["data"]["last"] == number
        else:
            assert missing <= heard.dropped, "lost"
            heard.dropped -= missing
            assert int(message["data"]["trade_id"]) == number
        heard.last = seq

    def check_complete(self) -> None:
        """Nothing is still to come."""
        for topic, heard in self.topics.items():
            held = self.world.board._open[topic]
            if heard.last is None:
                assert topic == STATE, "events begin at once"
                assert not held.channel.has_snapshot
            else:
                assert heard.last + heard.dropped == held.channel.seq, topic


async def settle() -> None:
    """Everything that is ready runs."""
    for _ in range(8):
        await asyncio.sleep(0)


CLIENTS = st.integers(0, 1)
PUBLISH = st.tuples(st.just("publish"), st.sampled_from(TOPICS), st.integers(1, 70))
STEPS = st.one_of(
    PUBLISH,
    PUBLISH,
    st.tuples(
        st.just("subscribe"),
        CLIENTS,
        st.lists(st.sampled_from(TOPICS), min_size=1, max_size=4),
    ),
    st.tuples(st.just("unsubscribe"), CLIENTS, st.sampled_from(TOPICS)),
    st.tuples(st.sampled_from(["block", "block", "drain", "cut", "return", "return"]), CLIENTS),
    st.tuples(st.sampled_from(["turn", "turn", "wait"])),
)


async def live(steps: list[tuple[Any, ...]]) -> None:
    world = World()
    clients = [Client(world) for _ in range(2)]
    for name, *rest in steps:
        if name == "publish":
            for _ in range(rest[1]):
                world.publish(rest[0])
        elif name == "turn":
            await settle()
        elif name == "wait":
            world.clock.advance(LINGER_S + 1)
            world.board.sweep()
        else:
            client = clients[rest[0]]
            if not client.connected:
                await client.connect()
            client.read()
            if name == "subscribe":
                client.subscribe(rest[1])
            elif name == "return":
                client.cut()
                await client.connect()
                client.subscribe(list(TOPICS))
            elif name == "unsubscribe":
                client.say(op="unsubscribe", topics=[rest[1]])
            elif name == "block":
                client.transport.blocked = True
            elif name == "drain":
                client.transport.drain()
            if name == "cut" or client.protocol.phase >= 5:
                client.cut()
    await settle()
    for client in clients:
        if client.connected:
            client.transport.drain()
            await settle()
            client.read()
            if client.protocol.phase < 5:
                client.check_complete()
            client.cut()
    await world.hub.close()
    assert {lease.released for lease in world.source.leases} <= {1}
    assert not world.hub.stats().topics
    assert not world.board._open


OVERTAKEN = [  # the notice of what was dropped came before the answer with which the topic began
    ("subscribe", 0, [EVENTS[0], EVENTS[2]]),
    ("turn",),
    ("unsubscribe", 0, EVENTS[0]),
    ("block", 0),
    ("publish", EVENTS[2], 5),
    ("subscribe", 0, [EVENTS[0]]),
    ("publish", EVENTS[0], 60),
]


@example(steps=OVERTAKEN)
@settings(deadline=None, max_examples=100)
@given(steps=st.lists(STEPS, min_size=25, max_size=60))
def test_no_message_is_lost_or_doubled(steps: list[tuple[Any, ...]]) -> None:
    asyncio.run(live(steps))


class Behind:
    """A client that has not taken what it was sent."""

    def __init__(self) -> None:
        self.is_behind = True
        self.heard: list[dict[str, Any]] = []
        self.topics: list[str] = []
        self.close_code: int | None = None

    def begin_close(self, code: int, reason: str = "") -> None:
        """As the hub."""
        self.close_code = code

    def send(self, payloads: Sequence[bytes]) -> None:
        """As the hub."""
        self.heard += map(json.loads, payloads)

    def listen(self, topics: Sequence[str]) -> None:
        """As the hub."""
        self.topics = list(topics)


async def test_a_topic_whose_turn_has_not_come_is_answered_once_and_can_be_taken_back() -> None:
    world, handle = World(), Behind()
    session = TopicSession(world.board, world.clock)
    accepted = session.accepted
    assert accepted.on_open is not None
    assert accepted.on_drained is not None
    assert accepted.on_close is not None
    accepted.on_open(handle)

    def say(**message: object) -> list[Any]:
        return [json.loads(answer) for answer in session.hear(json.dumps(message))]

    assert say(op="subscribe", id=1, topics=[EVENTS[0], EVENTS[0], EVENTS[1]]) == []
    [error] = say(op="subscribe", id=2, topics=[EVENTS[0]])
    assert "the answer is to come" in error["problem"]["detail"]
    [answer] = say(op="unsubscribe", id=3, topics=[EVENTS[1]])
    assert answer["topics"] == [EVENTS[1]]
    world.publish(EVENTS[0])
    assert (handle.heard, handle.topics) == ([], [])
    handle.is_behind = False
    accepted.on_drained()
    kinds = [(message["type"], message.get("id")) for message in handle.heard]
    assert kinds == [("subscribed", 1), ("snapshot", None)]
    assert len(handle.heard[1]["data"]) == 1, "what came meanwhile is in the snapshot"
    assert handle.topics == [EVENTS[0]]
    [again] = say(op="subscribe", id=4, topics=[EVENTS[0]])
    assert again["topics"][0]["resumed"]
    accepted.on_close()
    await world.hub.close()
    assert {lease.released for lease in world.source.leases} == {1}
