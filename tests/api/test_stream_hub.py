"""The hub on real sockets: admission, order, limits, slow clients, ends of every kind."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pytest
import uvloop
from tests.api.streaming import (
    WAIT_S,
    FakeTransport,
    ServedHub,
    accept_events,
    raw_client,
    refused,
    served,
    until,
    upgrade_request,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.websocket_handshake import parse_request_head
from headwater.bus.topics import SlowPolicy

EVENTS = SlowPolicy.DROP_OLDEST


def make_hub(limits: StreamLimits | None = None) -> StreamHub:
    """A hub with the topic `events`, open to all."""
    hub = StreamHub(accept_events, limits)
    hub.topic("events", EVENTS)
    return hub


async def close_of(connection: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes; what comes before is thrown away."""
    async with asyncio.timeout(WAIT_S):
        with suppress(ConnectionClosed):
            async for _ in connection:
                pass
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code, connection.close_reason or ""


async def joined(hub: StreamHub, clients: int = 1) -> None:
    """Waits until that many clients hear the topic."""
    topic = hub.topic("events", EVENTS)
    await until(lambda: topic.subscribers == clients)


async def nobody_left(hub: StreamHub) -> None:
    """Waits until the hub has no clients."""
    await until(lambda: hub.stats().clients == 0)


# Admission


async def test_what_belongs_to_the_hub_ends_after_its_last_client() -> None:
    seen: list[int] = []
    hub = StreamHub(accept_events)
    hub.topic("events", SlowPolicy.DROP_OLDEST)

    async def closer() -> None:
        seen.append(hub.stats().clients)

    hub.close_with(closer)
    async with served(hub) as at, raw_client(at.port):
        await until(lambda: hub.stats().topics[0].subscribers)
        await hub.close(timeout_s=0.1)
        assert seen == [0]


async def test_a_client_hears_what_is_published_and_says_goodbye() -> None:
    async with served(make_hub()) as place, connect(place.url) as client:
        await joined(place.hub)
        topic = place.hub.topic("events", EVENTS)
        for number in range(100):
            topic.publish(b'{"number":%d}' % number)
        got = [msgspec.json.decode(await client.recv())["number"] for _ in range(100)]
        assert got == list(range(100))
        await client.close(1000, "bye")
        assert (client.close_code, client.close_reason) == (1000, "")
        await until(lambda: place.hub.stats().clients == 0)
        assert place.hub.stats().topics[0].subscribers == 0


async def test_events_between_admission_and_initial_messages_follow_them() -> None:
    loading, release = asyncio.Event(), asyncio.Event()

    async def load() -> Sequence[bytes]:
        loading.set()
        await release.wait()
        return [b"snapshot"]

    async def resolve(_request: StreamRequest) -> StreamAccepted | StreamRefused:
        return StreamAccepted(topics=("events",), initial=(b"hello",), load_initial=load)

    hub = StreamHub(resolve)
    topic = hub.topic("events", EVENTS)
    async with served(hub) as place, connect(place.url) as client:
        await loading.wait()
        topic.publish(b"1")
        await asyncio.sleep(0)
        topic.publish(b"2")
        release.set()
        await until(lambda: hub.stats().delivered == 2)
        topic.publish(b"3")
        assert [await client.recv() for _ in range(5)] == ["hello", "snapshot", "1", "2", "3"]


async def test_refusals_reach_the_client_in_their_own_way() -> None:
    async def resolve(request: StreamRequest) -> StreamAccepted | StreamRefused:
        assert request.header(b"x-who") == b"me"
        assert (request.scheme, request.client_host) == ("http", "127.0.0.1")
        if request.path == "/ws/http":
            return StreamRefused(http_status=404, body=b'{"status":404}')
        if request.path == "/ws/close":
            return StreamRefused(close_code=1008, reason=f"unknown stream {request.query}")
        if request.path == "/ws/slow":
            await asyncio.sleep(WAIT_S)
        if request.path == "/ws/topic":
            return StreamAccepted(topics=("nowhere",))
        if request.path == "/ws/initial":
            return StreamAccepted(topics=(), initial=(b"x" * (1 << 20),))
        raise KeyError("bug")

    hub = StreamHub(resolve, StreamLimits(resolve_timeout_s=0.05))
    async with served(hub) as place:
        base = f"ws://127.0.0.1:{place.port}/ws/"
        who = {"X-Who": "me"}
        with pytest.raises(InvalidStatus) as caught:
            await connect(base + "http", additional_headers=who)
        assert caught.value.response.status_code == 404
        assert bytes(caught.value.response.body or b"") == b'{"status":404}'
        async with connect(base + "close?a=1", additional_headers=who) as client:
            assert await close_of(client) == (1008, "unknown stream a=1")
        for path in ("slow", "topic", "initial", "bug"):
            async with connect(base + path, additional_headers=who) as client:
                code, reason = await close_of(client)
                assert (code, reason[:14]) == (1011, "Internal error"), path
        await until(lambda: hub.stats().clients == 0)
        assert hub.stats().refused == {"http_404": 1, "close_1008": 1, "close_1011": 2}


async def test_a_refusal_may_say_more_before_it_closes() -> None:
    """What a browser can read of a refusal: messages, then the close code."""
    told = ("first", "ä€𝄞", "x" * 70_000)

    async def resolve(_request: StreamRequest) -> StreamAccepted | StreamRefused:
        messages = tuple(one.encode() for one in told)
        return StreamRefused(close_code=4000, reason="no", messages=messages)

    hub = StreamHub(resolve)
    async with served(hub) as place, connect(place.url) as client:
        assert [await client.recv() for _ in told] == list(told)
        assert await close_of(client) == (4000, "no")
        await nobody_left(hub)
        assert hub.stats().refused == {"close_4000": 1}


async def test_a_client_that_leaves_while_the_decision_is_made_is_closed_once() -> None:
    asked, release, closed = asyncio.Event(), asyncio.Event(), list[int]()

    async def resolve(_request: StreamRequest) -> StreamAccepted | StreamRefused:
        asked.set()
        await release.wait()
        return StreamAccepted(topics=("events",), on_close=lambda: closed.append(1))

    hub = StreamHub(resolve)
    topic = hub.topic("events", EVENTS)
    async with served(hub) as place:
        _, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(upgrade_request())
        await asked.wait()
        connections = place.server.server_state.connections
        writer.close()
        await until(lambda: not connections)
        assert (hub.stats().clients, closed) == (1, [])
        release.set()
        await until(lambda: hub.stats().clients == 0)
        assert (closed, topic.subscribers) == ([1], 0)


async def test_clients_over_a_cap_are_refused_with_a_time_to_come_back() -> None:
    for limits, status in (
        (StreamLimits(max_clients=1), b"503"),
        (StreamLimits(max_clients_per_ip=1), b"429"),
    ):
        async with served(make_hub(limits)) as place:
            async with connect(place.url):
                answer = await refused(place.port, upgrade_request())
                assert answer.startswith(b"HTTP/1.1 " + status)
                assert b"\r\nretry-after: 5\r\n" in answer
                assert b'"code":"too_many_clients"' in answer
            await nobody_left(place.hub)
            async with connect(place.url):
                pass


async def test_a_trusted_proxy_names_the_client() -> None:
    seen = list[str]()

    async def resolve(request: StreamRequest) -> StreamAccepted | StreamRefused:
        seen.append(request.client_host)
        return StreamRefused(close_code=1008)

    for proxies in (frozenset({"127.0.0.1", "10.0.0.1"}), frozenset[str]()):
        async with served(StreamHub(resolve, trusted_proxies=proxies)) as place:
            forged = "203.0.113.9, 198.51.100.7, 10.0.0.1"
            async with raw_client(place.port, x_forwarded_for=forged) as client:
                await client.closed()
    assert seen == ["198.51.100.7", "127.0.0.1"]


async def test_a_foreign_origin_is_refused_and_a_friend_is_not() -> None:
    hub = StreamHub(accept_events, allowed_origins=frozenset({"https://app.example"}))
    hub.topic("events", EVENTS)
    async with served(hub) as place:
        answer = await refused(place.port, upgrade_request(origin="https://evil.example"))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403 ")
        problem = msgspec.json.decode(body)
        assert problem["errors"][0]["field"] == "Origin"
        assert problem["errors"][0]["value"] == "https://evil.example"
        assert "https://app.example" in problem["errors"][0]["allowed"]
        async with raw_client(place.port, origin="https://app.example"):
            pass
        async with raw_client(place.port, origin="http://127.0.0.1"):
            pass


async def test_a_page_that_borrows_our_address_is_refused() -> None:
    """DNS rebinding: host and origin agree, but the name is not ours."""
    hub = StreamHub(accept_events, allowed_hosts=frozenset({"127.0.0.1"}))
    async with served(hub) as place:
        request = upgrade_request(host="evil.example", origin="http://evil.example")
        assert (await refused(place.port, request)).startswith(b"HTTP/1.1 400 ")


def test_topics_are_made_once_bounded_and_forgotten_when_nobody_listens() -> None:
    hub = StreamHub(accept_events, StreamLimits(max_topics=1))
    topic = hub.topic("a", EVENTS)
    assert hub.topic("a", EVENTS) is topic
    with pytest.raises(ValueError, match="has the policy"):
        hub.topic("a", SlowPolicy.LATEST)
    with pytest.raises(ValueError, match="already 1"):
        hub.topic("b", EVENTS)
    assert hub.discard_topic("a")
    assert hub.discard_topic("a")
    hub.topic("b", SlowPolicy.LATEST)


async def test_a_topic_with_clients_is_not_forgotten() -> None:
    async with served(make_hub()) as place, connect(place.url):
        await joined(place.hub)
        assert not place.hub.discard_topic("events")


class AtLeast(msgspec.Struct, frozen=True):
    """A filter that clients with the same bound share."""

    least: int

    def __call__(self, record: object) -> bool:
        assert isinstance(record, int)
        return record >= self.least


async def test_each_client_gets_what_its_filter_lets_pass() -> None:
    async def resolve(request: StreamRequest) -> StreamAccepted | StreamRefused:
        wants = AtLeast(int(request.query)) if request.query else None
        return StreamAccepted(topics=("events", "events"), wants=wants)

    hub = StreamHub(resolve)
    topic = hub.topic("events", EVENTS)
    async with (
        served(hub) as place,
        connect(place.url) as everything,
        connect(place.url + "?5") as some,
        connect(place.url + "?5") as same,
    ):
        await joined(hub, 3)
        assert len(topic.audiences) == 2
        for number in (1, 5, 4, 9):
            topic.publish(b"%d" % number, number)
        assert [await everything.recv() for _ in range(4)] == ["1", "5", "4", "9"]
        for client in (some, same):
            assert [await client.recv() for _ in range(2)] == ["5", "9"]


# Slow clients


async def _read_numbers(place: ServedHub, events: int) -> None:
    """A client that reads everything, in order."""
    async with connect(place.url) as client:
        for number in range(events):
            text = str(await client.recv())
            assert int(text[:6]) == number


async def stopping_to_read() -> None:
    """One of two clients reads nothing until all is published."""
    events, size = 6000, 1000
    limits = StreamLimits(kernel_unsent_bytes=64 * 1024)
    async with served(make_hub(limits)) as place:
        hub, topic = place.hub, place.hub.topic("events", EVENTS)
        async with raw_client(place.port, receive_buffer=8192) as slow:
            reading = asyncio.create_task(_read_numbers(place, events), name="reader")
            await joined(hub, 2)
            largest = 0
            for number in range(events):
                topic.publish(b"%06d" % number + b"x" * size)
                if number % 20 == 0:
                    await asyncio.sleep(0)
                    largest = max(largest, hub.stats().buffered_bytes)
            async with asyncio.timeout(WAIT_S):
                await reading
            assert topic.dropped > 0
            assert 1000 * 1024 < largest <= limits.buffer_bytes
            # It wakes up: what it gets has no silent hole.
            number = 0
            while number < events:
                text = await slow.text()
                if text.startswith('{"type":"dropped"'):
                    number += msgspec.json.decode(text)["count"]
                else:
                    assert int(text[:6]) == number
                    number += 1


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_client_that_stops_reading_is_told_and_does_not_hold_up_others(factory: type) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(stopping_to_read())


async def test_a_client_that_never_reads_is_closed_as_slow() -> None:
    limits = StreamLimits(slow_close_s=0.1, close_timeout_s=0.1, sweep_interval_s=0.02)
    async with served(make_hub(limits)) as place, raw_client(place.port, receive_buffer=8192):
        await joined(place.hub)
        topic = place.hub.topic("events", EVENTS)
        while not place.hub.stats().slow_clients:
            topic.publish(b"x" * 60_000)
            await asyncio.sleep(0)
        await until(lambda: place.hub.stats().clients == 0)
        assert place.hub.stats().closed_slow == 1


async def test_orders_are_never_dropped_the_client_is_disconnected() -> None:
    async def resolve(_request: StreamRequest) -> StreamAccepted | StreamRefused:
        return StreamAccepted(topics=("orders",))

    hub = StreamHub(resolve, StreamLimits(close_timeout_s=0.1, sweep_interval_s=0.02))
    topic = hub.topic("orders", SlowPolicy.DISCONNECT)
    async with served(hub) as place, raw_client(place.port, receive_buffer=8192):
        await until(lambda: topic.subscribers == 1)
        while topic.subscribers:
            topic.publish(b"x" * 60_000)
            await asyncio.sleep(0)
        await until(lambda: hub.stats().clients == 0)
        assert (topic.dropped, hub.stats().closed_slow) == (0, 1)


# Ends


async def test_five_hundred_clients_that_come_and_go_leave_nothing_behind() -> None:
    closed = 0

    def on_close() -> None:
        nonlocal closed
        closed += 1

    async def resolve(request: StreamRequest) -> StreamAccepted | StreamRefused:
        await asyncio.sleep(int(request.query) % 3 / 1000)
        return StreamAccepted(topics=("events",), on_close=on_close)

    hub = StreamHub(resolve)
    topic = hub.topic("events", EVENTS)

    async def come_and_go(port: int, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade_request(f"/ws/events?{number}"))
        topic.publish(b"x")
        if number % 4:
            await reader.read(1 + number % 200)
        if number % 5 == 0:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async with served(hub) as place:
        asked = 0
        for start in range(0, 500, 50):
            async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as tasks:
                for number in range(start, start + 50):
                    tasks.create_task(come_and_go(place.port, number))
                    asked += 1
        await until(lambda: hub.stats().clients == 0)
        await until(lambda: not place.server.server_state.connections)
        assert topic.subscribers == 0
        assert 0 < closed <= asked
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert [name for name in names if name.startswith("stream-")] == []


async def test_a_reset_in_the_middle_of_a_flood_harms_nobody() -> None:
    async with served(make_hub()) as place, connect(place.url) as other:
        topic = place.hub.topic("events", EVENTS)
        async with raw_client(place.port) as client:
            await joined(place.hub, 2)
            linger = struct.pack("ii", 1, 0)
            ours = client.writer.get_extra_info("socket")
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            topic.publish(b"0")
            client.writer.transport.abort()
            for number in range(1, 100):
                topic.publish(b"%d" % number)
                await asyncio.sleep(0)
            await joined(place.hub, 1)
        assert [int(str(await other.recv())) for _ in range(100)] == list(range(100))


async def test_half_open_and_talkative_ends_are_harmless() -> None:
    async with served(make_hub(StreamLimits(close_timeout_s=0.2))) as place:
        async with raw_client(place.port) as client:
            client.writer.write_eof()
            await client.ended()
        async with raw_client(place.port) as client:
            client.send(8, b"\x03\xe8")
            client.send(1, b"after the end")
            assert await client.closed() == (1000, "")
            await client.ended()
        await until(lambda: place.hub.stats().clients == 0)


async def test_closing_the_hub_tells_everyone_and_cuts_who_does_not_answer() -> None:
    hub = make_hub()
    async with served(hub) as place, connect(place.url) as polite, raw_client(place.port) as mute:
        await joined(hub, 2)
        hub.topic("events", EVENTS).publish(b"last")
        closing = asyncio.create_task(hub.close(1012, timeout_s=0.1))
        assert await polite.recv() == "last"
        assert await close_of(polite) == (1012, "service restart")
        assert await mute.text() == "last"
        await closing
        assert hub.stats().clients == 0
        assert (await refused(place.port, upgrade_request())).startswith(b"HTTP/1.1 503 ")
        await mute.ended()


async def test_closing_the_hub_ends_decisions_that_are_still_pending() -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def resolve(_request: StreamRequest) -> StreamAccepted | StreamRefused:
        asked.set()
        try:
            await asyncio.sleep(WAIT_S)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return StreamRefused(close_code=1008)

    hub = StreamHub(resolve)
    async with served(hub) as place:
        refusal = asyncio.create_task(refused(place.port, upgrade_request()))
        await asked.wait()
        await hub.close(timeout_s=0.05)
        assert cancelled.is_set()
        assert (await refusal).startswith(b"HTTP/1.1 503 ")
        assert hub.stats().clients == 0


# Time


async def test_one_timer_pings_and_closes() -> None:
    limits = StreamLimits(ping_interval_s=0.05, ping_timeout_s=0.05, sweep_interval_s=0.01)
    async with served(make_hub(limits)) as place, raw_client(place.port) as client:
        assert await client.frame() == (9, b"")
        client.send(10)
        assert await client.frame() == (9, b"")
        assert await client.closed() == (1011, "ping timeout")
        await client.ended()


async def test_a_thread_that_computes_makes_the_hub_write_through_the_transports() -> None:
    """The clock says that writes were slow; ten seconds later they are tried again."""
    times = [0.0]
    step = [0.0]

    def clock() -> float:
        times[0] += step[0]
        return times[0]

    hub = StreamHub(accept_events, clock=clock)
    topic = hub.topic("events", EVENTS)
    head = parse_request_head(upgrade_request())
    assert head is not None
    for _ in range(64):
        transport = FakeTransport(peername=("192.0.2.1", 1))
        transport.set_protocol(hub.connect(transport, head, set()))
    await joined(hub, 64)
    expected = []
    for pause, slow in ((0.0, 0.0), (0.0, 1.0), (0.0, 0.0), (11.0, 0.0)):
        times[0] += pause
        step[0] = slow
        topic.publish(b"x")
        await until(lambda: not hub._dirty)
        expected.append(hub.direct)
    assert expected == [True, True, False, True]
