"""Streams and everything else on one port of uvicorn, with `websockets` as the adversary."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.streaming import (
    WAIT_S,
    FakeTransport,
    accept_events,
    client_frame,
    raw_client,
    refused,
    served,
    until,
    upgrade_request,
)
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_protocol import StreamGate, streaming_protocol
from headwater.bus.topics import SlowPolicy

EVENTS = SlowPolicy.DROP_OLDEST


def make_app() -> FastAPI:
    """An application with a route and a WebSocket of its own."""
    app = FastAPI()

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.websocket("/echo/{name}")
    async def echo(socket: WebSocket, name: str) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(f"{name}: {text}")

    return app


async def echo_resolver(_request: StreamRequest) -> StreamAccepted | StreamRefused:
    """Answers every text message with itself."""
    return StreamAccepted(topics=("events",), on_message=lambda text: [text.encode()])


def make_hub(limits: StreamLimits | None = None) -> StreamHub:
    """A hub with the topic `events`, whose clients hear themselves."""
    hub = StreamHub(echo_resolver, limits)
    hub.topic("events", EVENTS)
    return hub


async def both_kinds_of_socket() -> None:
    """A stream and a route of the application, at the same time."""
    async with served(make_hub(), make_app()) as place:
        async with (
            connect(place.url) as stream,
            connect(f"ws://127.0.0.1:{place.port}/echo/anna?x=1") as route,
        ):
            topic = place.hub.topic("events", EVENTS)
            await until(lambda: topic.subscribers == 1)
            topic.publish(b"event")
            assert await stream.recv() == "event"
            await route.send("hi")
            assert await route.recv() == "anna: hi"
            await stream.send("echo")
            assert await stream.recv() == "echo"
        await until(lambda: place.hub.stats().clients == 0)


async def test_streams_and_routes_share_a_port() -> None:
    await both_kinds_of_socket()


def test_the_same_under_uvloop() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both_kinds_of_socket())


async def slow_client_under_load() -> None:
    """A flood beyond the socket's buffers arrives whole and in order."""
    async with served(make_hub()) as place, connect(place.url) as client:
        topic = place.hub.topic("events", EVENTS)
        await until(lambda: topic.subscribers == 1)
        for number in range(800):
            topic.publish(b"%06d" % number + b"x" * 1000)
        await asyncio.sleep(0.05)
        topic.publish(b"000800")
        assert [int(str(await client.recv())[:6]) for _ in range(801)] == list(range(801))
        assert topic.dropped == 0


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_flood_arrives_whole_under_both_loops(factory: type) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(slow_client_under_load())


async def test_a_peer_library_talks_in_every_way() -> None:
    async with served(make_hub()) as place:
        # It offers permessage-deflate; we do not take it.
        async with connect(place.url, compression="deflate") as client:
            assert client.protocol.extensions == []
            await client.send("whole")
            assert await client.recv() == "whole"

            async def pieces() -> AsyncIterator[str]:
                for piece in ("frag", "", "ments", " – ", "€"):
                    yield piece

            await client.send(pieces())
            assert await client.recv() == "fragments – €"
            pong = await client.ping(b"payload")
            async with asyncio.timeout(WAIT_S):
                await pong
            await client.close(4000, "done")
        await until(lambda: place.hub.stats().clients == 0)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("x" * 1_000_000, 1009),
        (b"binary", 1003),
    ],
)
async def test_a_peer_library_learns_why_it_is_closed(message: str | bytes, code: int) -> None:
    async with served(make_hub()) as place, connect(place.url) as client:
        async with asyncio.timeout(WAIT_S):
            with suppress(ConnectionClosed):  # it may be told before all is sent
                await client.send(message)
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05hello", 1002),
        (client_frame(1, b"x", rsv=4), 1002),
        (client_frame(1, b"\xff\xfe"), 1007),
        (client_frame(9) * 200, 1008),
        (client_frame(2, b"x" * 1_048_576), 1009),
        (client_frame(1, b"x" * 60_000, final=False) + client_frame(0, b"x" * 60_000), 1009),
    ],
)
async def test_raw_breaches_are_answered_with_their_code(data: bytes, code: int) -> None:
    async with served(make_hub()) as place:
        async with raw_client(place.port) as client:
            client.writer.write(data)
            got, reason = await client.closed()
            assert (got, bool(reason)) == (code, True)
            await client.ended()
        await until(lambda: place.hub.stats().clients == 0)
        assert place.hub.stats().refused == {f"close_{code}": 1}


@settings(max_examples=5)
@given(st.data())
def test_a_conversation_cut_anywhere_is_understood(data: st.DataObject) -> None:
    wire = (
        client_frame(1, b"first " * 50, final=False)
        + client_frame(9, b"p")
        + client_frame(0, "€".encode())
        + client_frame(1, b"second")
    )
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1), max_size=6)))

    async def talk() -> None:
        async with served(make_hub()) as place, raw_client(place.port) as client:
            for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
                client.writer.write(wire[start:end])
                await client.writer.drain()
                await asyncio.sleep(0)
            frames = [await client.frame() for _ in range(3)]
            assert frames == [(10, b"p"), (1, b"first " * 50 + "€".encode()), (1, b"second")]

    asyncio.run(talk())


async def test_the_prefix_is_compared_decoded() -> None:
    async with served(make_hub(), make_app()) as place:
        async with raw_client(place.port, "/%77s/events"):
            pass
        assert (await refused(place.port, upgrade_request("/wsx"))).startswith(b"HTTP/1.1 403 ")


async def test_a_bad_handshake_on_a_streaming_path_is_a_problem_in_words() -> None:
    async with served(make_hub()) as place:
        answer = await refused(place.port, upgrade_request(sec_websocket_version="7"))
        assert answer.startswith(b"HTTP/1.1 426 ")
        assert b"\r\nsec-websocket-version: 13\r\n" in answer
        assert b'"field":"Sec-WebSocket-Version"' in answer


async def test_an_upgrade_on_a_connection_that_was_used_before() -> None:
    async with served(make_hub(), make_app()) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(7) == b'"hello"'
        writer.write(upgrade_request())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.write(client_frame(1, b"hi"))
        assert await reader.readexactly(4) == b"\x81\x02hi"
        writer.close()


async def test_without_a_fallback_other_sockets_are_not_found() -> None:
    hub = make_hub()
    gate = streaming_protocol(hub, ("/ws/",), None)
    async with served(hub, gate=gate) as place:
        answer = await refused(place.port, upgrade_request("/echo/anna"))
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b'"code":"not_found"' in answer


async def test_the_server_shuts_down_with_streams_of_every_kind_open() -> None:
    """Polite, mute, flooded and undecided: told, then cut; nothing hangs and nothing is left."""
    never = asyncio.Event()

    async def resolve(request: StreamRequest) -> StreamAccepted | StreamRefused:
        if request.query == "undecided":
            await never.wait()
        return await accept_events(request)

    limits = StreamLimits(close_timeout_s=0.2, sweep_interval_s=0.05)
    hub = StreamHub(resolve, limits)
    topic = hub.topic("events", EVENTS)
    async with (
        served(hub) as place,
        connect(place.url) as polite,
        raw_client(place.port) as mute,
        raw_client(place.port, receive_buffer=8192),
    ):
        undecided = asyncio.create_task(
            refused(place.port, upgrade_request("/ws/events?undecided"))
        )
        await until(lambda: topic.subscribers == 3)
        await until(lambda: hub.stats().clients == 4)
        while not hub.stats().slow_clients:
            topic.publish(b"x" * 60_000)
            await asyncio.sleep(0)
            await polite.recv()
            await mute.text()
        place.server.should_exit = True
        with pytest.raises(ConnectionClosed) as caught:
            await polite.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1012, "service restart")
        assert (await undecided).startswith(b"HTTP/1.1 503 ")
        await until(lambda: not place.server.server_state.connections)
        never.set()
        await until(lambda: hub.stats().clients == 0)


class Recorder(asyncio.Protocol):
    """A protocol that notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.heard.append(data)

    def eof_received(self) -> None:
        self.heard.append("eof")

    def pause_writing(self) -> None:
        self.heard.append("pause")

    def resume_writing(self) -> None:
        self.heard.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append(exc)


async def test_nothing_is_lost_while_the_gate_steps_aside() -> None:
    recorder, transport = Recorder(), FakeTransport()
    config = uvicorn.Config(make_app(), log_config=None)
    gate = StreamGate(
        make_hub(),
        ("/ws/",),
        lambda **_: recorder,
        config=config,
        server_state=ServerState(),
        app_state={},
    )
    gate.connection_made(transport)
    gate.data_received(upgrade_request("/echo/anna"))
    transport.set_protocol(gate)  # as uvicorn does when the call has returned
    gate.data_received(b"more")
    gate.pause_writing()
    gate.resume_writing()
    gate.eof_received()
    await asyncio.sleep(0)
    transport.blocked = True
    transport.write(b"x")
    expected = [upgrade_request("/echo/anna"), b"more", "pause", "resume", "eof", "pause"]
    assert recorder.heard == expected
    gate.connection_lost(None)
    assert recorder.heard[-1] is None
