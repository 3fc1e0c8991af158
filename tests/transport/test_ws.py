"""Opening, sending and closing, with venues that refuse, stall, cut and lie."""

import asyncio
import datetime as dt
import gc
import ipaddress
import socket
import ssl
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headwater.core.clock import SystemClock
from headwater.core.errors import PlatformError
from headwater.transport.ws import (
    CloseInfo,
    ConnectFailed,
    SocketClosed,
    SocketOptions,
    open_socket,
)

if TYPE_CHECKING:
    from tests.transport.conftest import Listener, Serve, ServeOutside, Wire

TEXT, CLOSE = 1, 8
CLOCK = SystemClock()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_text_goes_both_ways(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """Path, query, extra headers and unicode arrive as given."""
    heads = []

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await wire.upgrade(reader, writer))
        opcode, payload = await wire.read_frame(reader)
        writer.write(wire.frame(opcode, payload.upper()))
        await wire.read_frame(reader)

    options = SocketOptions(headers=(("X-Venue", "test"),))
    async with serve(venue) as port:
        opened = await open_socket(
            f"ws://127.0.0.1:{port}/stream?streams=a@b/c", listener, clock=CLOCK, options=options
        )
        assert opened.is_open
        opened.send('{"op":"ü"}')
        await listener.hears(frames=1)
        opened.close()
        await opened.wait_closed()
    assert listener.frames == ['{"OP":"ü"}'.upper().encode().replace("Ü".encode(), "ü".encode())]
    assert heads[0].startswith(b"GET /stream?streams=a@b/c HTTP/1.1\r\n")
    assert b"X-Venue: test" in heads[0]
    assert b"extensions" not in heads[0].lower(), "no compression is offered"


async def test_our_close_waits_for_the_answer_and_mutes_the_listener(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """What the venue sends after our close frame is not handed over."""
    answers = []

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.upgrade(reader, writer)
        answers.append(await wire.read_frame(reader))
        writer.write(wire.frame(TEXT, b"late") + wire.frame(9) + wire.frame(CLOSE, b"\x0f\xa0"))
        assert await reader.read() == b"", "neither pong nor second close"

    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK)
        opened.close(4000)
        opened.close(1001)
        assert not opened.is_open
        with pytest.raises(SocketClosed):
            opened.send("more")
        info = await opened.wait_closed()
        assert await opened.wait_closed() == info, "may be asked again"
    assert info == CloseInfo(code=4000, reason="closed by us", clean=True)
    assert answers == [(CLOSE, b"\x0f\xa0closed by us")]
    assert listener.frames == []
    assert listener.ends == [info]


async def test_closing_from_within_a_message_is_heard_at_once(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """The messages that came with it in one piece are not handed over any more."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.upgrade(reader, writer)
        await wire.read_frame(reader)
        writer.write(wire.frame(TEXT, b"x") * 5)
        writer.write(wire.frame(CLOSE, (await wire.read_frame(reader))[1]))

    class Closing:
        """Closes at the first message."""

        heard = 0

        def on_frame(self, frame: bytes, received_ns: int) -> None:
            self.heard += 1
            opened.close()

        def on_control(self, received_ns: int) -> None: ...

        def on_close(self, info: CloseInfo) -> None: ...

    closing = Closing()
    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", closing, clock=CLOCK)
        opened.send("go")
        assert (await opened.wait_closed()).clean
    assert closing.heard == 1


async def test_a_venue_that_does_not_answer_our_close_is_cut(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """After close_timeout_s."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.upgrade(reader, writer)
        await wire.read_frame(reader)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)

    options = SocketOptions(close_timeout_s=0.05)
    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK, options=options)
        opened.close()
        info = await opened.wait_closed()
    assert info == CloseInfo(
        code=1000, reason="closed by us; no answer to the close frame", clean=False
    )


async def test_sending_to_a_venue_that_does_not_read_is_bounded(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """The call that would pass the bound raises and the connection is cut."""
    stop = asyncio.Event()

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.upgrade(reader, writer)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await stop.wait()

    options = SocketOptions(max_send_buffer_bytes=100_000)
    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK, options=options)

        def flood() -> None:
            for _ in range(100_000):
                opened.send("x" * 10_000)

        with pytest.raises(SocketClosed, match="does not read"):
            flood()
        assert not opened.is_open, "from then on, not only once the loop has run"
        info = await opened.wait_closed()
        stop.set()
    assert info.reason.startswith("send buffer full")
    assert listener.ends == [info]


@pytest.mark.parametrize(
    ("status_line", "headers", "status", "retry_after_s"),
    [
        (b"429 Too Many Requests", b"Retry-After: 17\r\n", 429, 17.0),
        (b"418 I'm a teapot", b"retry-after: 120\r\n", 418, 120.0),
        (b"503 Service Unavailable", b"Retry-After: soon\r\n", 503, None),
        (b"520 Web Server Returned an Unknown Error", b"Retry-After: 3\r\n", 520, 3.0),
        (b"302 Found", b"Location: ws://127.0.0.1:1/\r\n", 302, None),
        (b"200 OK", b"", 200, None),
    ],
)
async def test_refusals_carry_status_and_retry_after(
    serve: "Serve",
    listener: "Listener",
    wire: "type[Wire]",
    status_line: bytes,
    headers: bytes,
    status: int,
    retry_after_s: float | None,
) -> None:
    """Also statuses that no standard knows; redirects are refusals."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        writer.write(b"HTTP/1.1 " + status_line + b"\r\n" + headers + b"\r\n")
        await reader.read()

    async with serve(venue) as port:
        with pytest.raises(ConnectFailed) as refusal:
            await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK)
    assert refusal.value.http_status == status
    assert refusal.value.retry_after_s == retry_after_s
    assert refusal.value.retryable
    assert isinstance(refusal.value, PlatformError)
    assert listener.ends == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 101 Switch",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            b"Sec-WebSocket-Accept: bm90IHRoZSBrZXk=\r\n\r\n"
        ),
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00" * 100_000,
    ],
)
async def test_answers_that_are_no_upgrade_are_failures(
    serve: "Serve", listener: "Listener", wire: "type[Wire]", answer: bytes
) -> None:
    """Cut, half, without or with a wrong key, not HTTP, endless."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        writer.write(answer)
        await writer.drain()

    async with serve(venue) as port:
        with pytest.raises(ConnectFailed) as failure:
            await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK)
    assert failure.value.retry_after_s is None
    assert listener.ends == []


async def test_a_reset_during_the_upgrade_is_a_failure(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """Not a socket that never was open."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        wire.reset(writer)

    async with serve(venue) as port:
        with pytest.raises(ConnectFailed, match="during the upgrade"):
            await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK)


async def test_nobody_listening_is_a_failure(listener: "Listener") -> None:
    """With the host in the text, and neither path nor credentials, for those are secrets."""
    url = f"ws://user:pw@localhost:{free_port()}/ws/listenkey?token=secret"
    with pytest.raises(ConnectFailed) as failure:
        await open_socket(url, listener, clock=CLOCK)
    text = "".join(traceback.format_exception(failure.value))
    assert "localhost:" in str(failure.value)
    assert failure.value.url == url
    for secret in ("listenkey", "secret", "pw@"):
        assert secret not in text


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "ws:///secret",
        "ws://localhost/#secret",
        "ws://a..b/secret",
        "ws://[::1/secret",
        "ws://localhost:99999/secret",
        "secret",
    ],
)
async def test_addresses_that_are_none_are_failures(url: str, listener: "Listener") -> None:
    """Said before anything is opened."""
    with pytest.raises(ConnectFailed, match="not a WebSocket address") as failure:
        await open_socket(url, listener, clock=CLOCK)
    assert not failure.value.retryable
    assert "secret" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize("slowly", [False, True])
async def test_a_venue_that_stalls_the_upgrade_times_out(
    serve: "Serve", listener: "Listener", wire: "type[Wire]", slowly: bool
) -> None:
    """Silent, or one header byte at a time; the venue sees the connection go."""
    gone = asyncio.Event()

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        if slowly:
            for byte in b"HTTP/1.1 101":
                writer.write(bytes([byte]))
                await asyncio.sleep(0.001)
        assert await reader.read() == b""
        gone.set()

    options = SocketOptions(connect_timeout_s=0.1)
    async with serve(venue) as port:
        with pytest.raises(ConnectFailed, match=r"no connection in 0\.1 s"):
            await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK, options=options)
        async with asyncio.timeout(5):
            await gone.wait()
    assert listener.ends == []


async def test_cancelling_the_upgrade_leaves_nothing_behind(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """No task, no connection."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        asked.set()
        assert await reader.read() == b""
        gone.set()

    async with serve(venue) as port:
        before = asyncio.all_tasks()
        opening = asyncio.create_task(
            open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK), name="opening"
        )
        async with asyncio.timeout(5):
            await asked.wait()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await gone.wait()
        assert {task.get_name() for task in asyncio.all_tasks() - before} <= {"peer"}
    gc.collect()


def test_the_end_of_the_program_is_an_end_like_others(
    serve_outside: "ServeOutside", listener: "Listener", wire: "type[Wire]"
) -> None:
    """The loop cancels what runs: the listener is told, nothing is left open."""

    def venue(peer: socket.socket) -> None:
        wire.upgrade_outside(peer)
        assert peer.recv(1) == b""

    async def main(port: int) -> None:
        await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK)

    with serve_outside(venue) as port:
        asyncio.run(main(port))
    assert listener.ends == [CloseInfo(code=None, reason="the program ends", clean=False)]


async def test_a_cancelled_wait_does_not_end_the_connection(
    serve: "Serve", listener: "Listener", wire: "type[Wire]"
) -> None:
    """wait_closed may be given up and asked again."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.upgrade(reader, writer)
        await wire.read_frame(reader)
        writer.write(wire.frame(CLOSE, b"\x03\xe8"))

    async with serve(venue) as port:
        opened = await open_socket(f"ws://127.0.0.1:{port}", listener, clock=CLOCK)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await opened.wait_closed()
        assert opened.is_open
        opened.close()
        assert (await opened.wait_closed()).clean


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one PEM file."""
    x509 = pytest.importorskip("cryptography.x509", reason="makes the certificate of this test")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "venue")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "venue.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """A venue's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_tls_with_a_trusted_certificate(
    serve_outside: "ServeOutside", listener: "Listener", wire: "type[Wire]", certificate: Path
) -> None:
    """wss: with a context of the caller's."""

    def venue(peer: socket.socket) -> None:
        wire.upgrade_outside(peer)
        peer.sendall(wire.frame(TEXT, b"secure") + wire.frame(CLOSE, b"\x03\xe8"))
        assert wire.read_frame_outside(peer)[0] == CLOSE

    with serve_outside(venue, tls=server_context(certificate)) as port:
        options = SocketOptions(tls=ssl.create_default_context(cafile=certificate))
        opened = await open_socket(
            f"wss://127.0.0.1:{port}", listener, clock=CLOCK, options=options
        )
        assert (await opened.wait_closed()).clean
    assert listener.frames == [b"secure"]


async def test_tls_with_an_unknown_certificate_is_refused(
    serve_outside: "ServeOutside", listener: "Listener", certificate: Path
) -> None:
    """The default trusts the machine's certificates only."""

    def venue(_: socket.socket) -> None:
        raise AssertionError("the handshake must not succeed")

    with (
        pytest.raises(ssl.SSLError),
        serve_outside(venue, tls=server_context(certificate)) as port,
        pytest.raises(ConnectFailed, match="SSLCertVerificationError"),
    ):
        await open_socket(f"wss://127.0.0.1:{port}", listener, clock=CLOCK)


def test_the_same_on_uvloop(
    serve_outside: "ServeOutside", listener: "Listener", wire: "type[Wire]"
) -> None:
    """Message, ping, a stalled upgrade that is given up, and a close, on the other loop."""
    uvloop = pytest.importorskip("uvloop", reason="optional: another event loop")
    answers: list[tuple[int, bytes]] = []

    def stalls(peer: socket.socket) -> None:
        while peer.recv(4096):
            pass

    def talks(peer: socket.socket) -> None:
        wire.upgrade_outside(peer)
        peer.sendall(wire.frame(TEXT, b"a") + wire.frame(9, b"b"))
        answers.append(wire.read_frame_outside(peer))
        peer.sendall(wire.frame(CLOSE, wire.read_frame_outside(peer)[1]))

    async def main(port: int) -> None:
        url = f"ws://127.0.0.1:{port}"
        with pytest.raises(ConnectFailed):
            await open_socket(
                url, listener, clock=CLOCK, options=SocketOptions(connect_timeout_s=0.1)
            )
        opened = await open_socket(url, listener, clock=CLOCK)
        await listener.hears(frames=1, controls=1)
        opened.close()
        assert (await opened.wait_closed()).clean

    with serve_outside(stalls, talks) as port:
        run: Coroutine[Any, Any, None] = main(port)
        uvloop.run(run)
    assert answers == [(10, b"b")]
