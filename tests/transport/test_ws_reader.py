"""Frames in, messages out: what a venue may send, and what it must not."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picows import ws_connect

from headwater.core.clock import ManualClock, SystemClock
from headwater.transport.ws import CloseInfo, Socket, SocketOptions, open_socket
from headwater.transport.ws_reader import FrameReader

if TYPE_CHECKING:
    from tests.transport.conftest import Listener, Serve, Wire

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
SMALL = SocketOptions(max_message_bytes=1_000, close_timeout_s=1.0)

Venue = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Talk = Callable[[Venue], Awaitable[CloseInfo]]


@pytest.fixture
def talk(serve: "Serve", listener: "Listener", wire: "type[Wire]") -> Talk:
    """Connects to a venue that does as told after the upgrade; returns how that ended."""

    async def talking(venue: Venue) -> CloseInfo:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await wire.upgrade(reader, writer)
            await venue(reader, writer)

        async with serve(handler) as port:
            opened = await open_socket(
                f"ws://127.0.0.1:{port}/ws", listener, clock=SystemClock(), options=SMALL
            )
            async with asyncio.timeout(5):
                info = await opened.wait_closed()
            assert not opened.is_open
        assert listener.ends == [info], "told exactly once"
        return info

    return talking


async def test_messages_in_any_cut_arrive_whole_and_stamped(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """Byte by byte, several in one piece, text and binary, empty and 64-bit long."""
    messages = [b'{"a":1}', b"", b"x" * 126, b"y" * 70_000, "ü€😀".encode()]

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.upgrade(reader, writer)
        for byte in wire.frame(TEXT, messages[0]):
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(b"".join(wire.frame(TEXT, message) for message in messages[1:]))
        writer.write(wire.frame(BINARY, b"\x00\xff") + wire.frame(CLOSE, b"\x03\xe8"))
        await wire.read_frame(reader)

    clock = ManualClock()
    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", listener, clock=clock)
        await opened.wait_closed()
    assert listener.frames == [*messages, b"\x00\xff"]
    assert listener.stamps_ns == [clock.now_ns()] * 6


async def test_messages_that_come_with_the_upgrade_are_heard(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """One TCP segment may carry the 101 and the first frames."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await wire.read_head(reader)
        writer.write(wire.accept_upgrade(head) + wire.frame(TEXT, b"first"))
        await wire.read_frame(reader)

    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", listener, clock=SystemClock())
        await listener.hears(frames=1)
        opened.close()
        await opened.wait_closed()
    assert listener.frames == [b"first"]


async def test_fragments_are_joined_around_control_frames(
    talk: Talk, listener: "Listener", wire: "type[Wire]"
) -> None:
    """Pings may come between the parts of a message (RFC 6455 section 5.4)."""
    pongs = []

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.frame(TEXT, b"one ", fin=False))
        writer.write(wire.frame(PING, b"are you there"))
        writer.write(wire.frame(CONTINUATION, b"", fin=False))
        writer.write(wire.frame(CONTINUATION, b"two ", fin=False))
        writer.write(wire.frame(PONG))
        writer.write(wire.frame(CONTINUATION, b"three"))
        writer.write(wire.frame(TEXT, b"next") + wire.frame(CLOSE, b"\x03\xe8"))
        pongs.append(await wire.read_frame(reader))
        await wire.read_frame(reader)

    await talk(venue)
    assert listener.frames == [b"one two three", b"next"]
    assert listener.controls == 2
    assert pongs == [(PONG, b"are you there")]


@pytest.mark.parametrize("parts", [[1_001], [600, 401], [1_000, 0, 1], [1] * 1_001])
async def test_messages_over_the_bound_end_the_connection(
    talk: Talk, listener: "Listener", wire: "type[Wire]", parts: list[int]
) -> None:
    """1009, whether in one frame or in many; nothing of it is handed over."""
    answers = []

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for index, size in enumerate(parts):
            opcode = CONTINUATION if index else TEXT
            last = index == len(parts) - 1
            writer.write(wire.frame(opcode, b"z" * size, fin=last))
        answers.append(await wire.read_frame(reader))
        writer.write(wire.frame(TEXT, b"too late") + wire.frame(CLOSE, b"\x03\xf1"))

    info = await talk(venue)
    assert info.code == 1009
    assert "1000" in info.reason
    assert answers[0][0] == CLOSE
    assert answers[0][1][:2] == b"\x03\xf1"
    assert listener.frames == []


@pytest.mark.parametrize(
    ("label", "bytes_sent"),
    [
        ("continuation of nothing", b"\x80\x01a"),
        ("new message inside another", b"\x01\x01a\x81\x01b"),
        ("compressed without agreement", b"\xc1\x01a"),
        ("reserved bit on a ping", b"\xa9\x00"),
        ("unknown opcode", b"\x83\x00"),
        ("masked", b"\x81\x81abcdx"),
        ("fragmented ping", b"\x09\x00"),
        ("ping over 125 bytes", b"\x89\x7e\x00\x7e" + b"p" * 126),
        ("close of one byte", b"\x88\x01a"),
        ("close with a forbidden code", b"\x88\x02\x03\xed"),
    ],
)
async def test_breaches_of_the_protocol_end_the_connection(
    talk: Talk, listener: "Listener", wire: "type[Wire]", label: str, bytes_sent: bytes
) -> None:
    """1002 and a reason in words."""
    answers = []

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes_sent)
        answers.append(await wire.read_frame(reader))

    info = await talk(venue)
    assert info.code == 1002, label
    assert info.reason.startswith("protocol error: ")
    assert not info.clean
    assert answers[0][1][:2] == b"\x03\xea"
    assert listener.frames == []


@pytest.mark.parametrize(
    ("payload", "code", "reason", "echo"),
    [
        (b"\x03\xe8", 1000, "closed by the venue", b"\x03\xe8"),
        (b"\x0f\xa1bye", 4001, "closed by the venue: bye", b"\x0f\xa1"),
        (b"", None, "closed by the venue", b"\x03\xe8"),
    ],
)
async def test_the_venues_close_is_answered(
    talk: Talk, wire: "type[Wire]", payload: bytes, code: int | None, reason: str, echo: bytes
) -> None:
    """With its own code, and reported with its words."""
    answers = []

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.frame(CLOSE, payload))
        answers.append(await wire.read_frame(reader))

    assert await talk(venue) == CloseInfo(code=code, reason=reason, clean=True)
    assert answers == [(CLOSE, echo)]


@pytest.mark.parametrize("how", ["fin", "rst", "half a frame"])
async def test_cuts_are_reported_as_cuts(
    talk: Talk, listener: "Listener", wire: "type[Wire]", how: str
) -> None:
    """No close frame, no code."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.frame(TEXT, b"whole"))
        if how == "half a frame":
            writer.write(wire.frame(TEXT, b"never whole")[:-3])
        await writer.drain()
        await listener.hears(frames=1)
        if how == "rst":
            wire.reset(writer)

    info = await talk(venue)
    assert info == CloseInfo(code=None, reason="connection lost without a close frame", clean=False)
    assert listener.frames == [b"whole"]


@pytest.mark.parametrize(
    ("opcode", "fin"), [(TEXT, True), (BINARY, True), (TEXT, False), (PING, True), (PONG, True)]
)
async def test_a_failing_listener_ends_the_connection_aloud(
    talk: Talk, listener: "Listener", wire: "type[Wire]", opcode: int, fin: bool
) -> None:
    """1011, the error in the reason, no further message, and on_close all the same."""
    answers: list[tuple[int, bytes]] = []
    listener.fails_with = KeyError("no such symbol")

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        part = wire.frame(opcode, b"a", fin=fin)
        rest = b"" if fin else wire.frame(CONTINUATION, b"b")
        writer.write(part + rest + wire.frame(TEXT, b"c") * 3)
        while not answers or answers[-1][0] != CLOSE:
            answers.append(await wire.read_frame(reader))
        writer.write(wire.frame(CLOSE, b"\x03\xf3"))

    info = await talk(venue)
    assert info.code == 1011
    assert info.reason == "listener failed: KeyError: 'no such symbol'"
    assert info.clean
    assert len(listener.frames) + listener.controls == 1


async def test_long_reasons_fit_a_control_frame(
    talk: Talk, listener: "Listener", wire: "type[Wire]"
) -> None:
    """Cut between characters, not inside one."""
    answers = []
    listener.fails_with = ValueError("ü" * 500)

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.frame(TEXT, b"a"))
        answers.append(await wire.read_frame(reader))

    info = await talk(venue)
    assert len(info.reason) > 500
    assert len(answers[0][1]) <= 125
    assert answers[0][1][2:].decode().startswith("listener failed: ValueError: ü")


async def test_a_flood_of_pings_to_a_peer_that_does_not_read_is_cut(
    listener: "Listener", wire: "type[Wire]"
) -> None:
    """Pongs are bounded, too: memory cannot be filled from outside."""
    options = SocketOptions(max_send_buffer_bytes=50_000)
    server = socket.create_server(("127.0.0.1", 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    server.setblocking(False)
    loop = asyncio.get_running_loop()

    async def deaf_venue() -> None:
        peer, _ = await loop.sock_accept(server)
        head = await loop.sock_recv(peer, 4_096)
        await loop.sock_sendall(peer, wire.accept_upgrade(head))
        try:
            while not listener.ends:
                await loop.sock_sendall(peer, wire.frame(PING, b"p" * 125) * 100)
        except OSError:
            return  # it cut us off, as it should
        finally:
            peer.close()

    venue = asyncio.create_task(deaf_venue())
    opened = await open_socket(
        f"ws://127.0.0.1:{server.getsockname()[1]}", listener, clock=SystemClock(), options=options
    )
    async with asyncio.timeout(30):
        info = await opened.wait_closed()
        await venue
    server.close()
    assert info.code is None
    assert info.reason.startswith("send buffer full")


FRAMES = st.lists(
    st.tuples(
        st.sampled_from([TEXT, TEXT, CONTINUATION, BINARY, PING, PONG]),
        st.binary(max_size=40),
        st.booleans(),
    ),
    max_size=12,
)


class _Sink:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ends: list[CloseInfo] = []

    def on_frame(self, frame: bytes, received_ns: int) -> None:
        self.frames.append(frame)

    def on_control(self, received_ns: int) -> None:
        pass

    def on_close(self, info: CloseInfo) -> None:
        self.ends.append(info)


def messages_of(frames: list[tuple[int, bytes, bool]]) -> list[bytes]:
    """What RFC 6455 section 5.4 makes of `frames`, up to the first breach."""
    messages: list[bytes] = []
    parts: list[bytes] | None = None
    for opcode, payload, fin in frames:
        if opcode in (PING, PONG):
            if not fin:
                break
            continue
        if (opcode == CONTINUATION) is (parts is None):
            break
        parts = [*(parts or []), payload]
        if fin:
            messages.append(b"".join(parts))
            parts = None
    return messages


@given(
    st.one_of(st.just(b""), st.binary(max_size=300)),
    FRAMES,
    st.lists(st.integers(1, 40), max_size=10),
)
def test_any_bytes_end_in_messages_or_a_reason(
    wire: "type[Wire]", noise: bytes, frames: list[tuple[int, bytes, bool]], cuts: list[int]
) -> None:
    """Frames in any order and cut, then noise: no exception, one end, the right messages."""
    stream = b"".join(wire.frame(opcode, load, fin=fin) for opcode, load, fin in frames) + noise

    async def main() -> None:
        sink = _Sink()
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
        loop = asyncio.get_running_loop()
        reader = FrameReader(sink, ManualClock(), SMALL)
        opened = await _adopt(reader, ours, theirs, wire)
        begin = 0
        for size in [*cuts, len(stream)]:
            await loop.sock_sendall(theirs, stream[begin : begin + size])
            begin += size
            await asyncio.sleep(0)
        theirs.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(5):
            info = await opened.wait_closed()
        theirs.close()
        assert sink.ends == [info]
        expected = messages_of(frames)
        assert sink.frames[: len(expected)] == expected
        assert noise or sink.frames == expected

    asyncio.run(main())


async def _adopt(
    reader: FrameReader, ours: socket.socket, theirs: socket.socket, wire: "type[Wire]"
) -> Socket:
    """An upgraded connection over given sockets, under picows' own parser."""
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()

    async def answer() -> None:
        head = await loop.sock_recv(theirs, 4_096)
        await loop.sock_sendall(theirs, wire.accept_upgrade(head))

    answering = asyncio.create_task(answer())
    transport, _ = await ws_connect(
        lambda _request, _response: reader,
        "ws://pair/",
        socket_factory=lambda _address: ours,
        enable_auto_pong=False,
        max_frame_size=SMALL.max_message_bytes,
        use_aiofastnet=False,
    )
    await answering
    opened = Socket(reader, transport)
    opened.start("pair")
    return opened
