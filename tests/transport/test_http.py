"""The HTTP client against servers that answer well, badly, slowly or not at all."""

import asyncio
import contextlib
import gzip
import itertools
import socket
import traceback
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.clock import ManualClock
from headwater.core.errors import VenueTimeout, VenueUnavailable
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.transport.http import HttpClient, request_url

if TYPE_CHECKING:
    from tests.transport.conftest import Serve, Wire

SECRET = "hunter2"
GET = HttpRequest(path="/fapi/v1/depth", query=(("symbol", "BTCUSDT"), ("signature", SECRET)))
CLOCK = ManualClock()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """A started client with a small bound."""
    started = HttpClient(CLOCK, max_reply_bytes=100_000)
    await started.start()
    yield started
    await started.close()


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    """A whole HTTP answer."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + headers + length + b"\r\n" + body


async def ask(
    client: HttpClient, port: int, request: HttpRequest = GET, timeout_s: float = 5.0
) -> HttpReply:
    """Sends to the server at `port`."""
    return await client.send("binance", f"http://127.0.0.1:{port}", request, timeout_s=timeout_s)


async def test_requests_go_out_as_given_on_one_connection(
    serve: "Serve", wire: "type[Wire]", client: HttpClient
) -> None:
    """Method, path, query, headers, body; the second request reuses the connection."""
    heads: list[bytes] = []
    bodies: list[bytes] = []
    connections = itertools.count(1)

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert next(connections) == 1, "kept alive"
        heads.append(await wire.read_head(reader))
        more = b"X-MBX-USED-WEIGHT-1M: 7\r\nVia: a\r\nvia: b\r\nSet-Cookie: track=me; Path=/\r\n"
        writer.write(answer(b"[1]", headers=more))
        heads.append(await wire.read_head(reader))
        bodies.append(await reader.readexactly(13))
        writer.write(answer())
        await reader.read()

    post = HttpRequest(
        method="POST", path="/info", body=b'{"type":"me"}', headers=(("X-Key", "k"),)
    )
    async with serve(venue) as port:
        base_url = f"http://localhost:{port}"  # cookie jars keep nothing of bare addresses
        reply = await client.send("binance", base_url, GET, timeout_s=5.0)
        await client.send("binance", base_url, post, timeout_s=5.0)
        await client.close()
    assert reply.status == 200
    assert reply.body == b"[1]"
    assert reply.received_ns == CLOCK.now_ns()
    assert reply.headers["x-mbx-used-weight-1m"] == "7"
    assert reply.headers["via"] == "a, b"
    assert heads[0].startswith(b"GET /fapi/v1/depth?symbol=BTCUSDT&signature=hunter2 HTTP/1.1\r\n")
    assert b"cookie" not in heads[1].lower()
    assert heads[1].startswith(b"POST /info HTTP/1.1\r\n")
    assert b"\r\nX-Key: k\r\n" in heads[1]
    assert b"\r\nContent-Type: application/json\r\n" in heads[1]
    assert bodies == [b'{"type":"me"}']


@pytest.mark.parametrize("status", ["302 Found", "418 I'm a teapot", "429 Too Many", "503 No"])
async def test_any_status_is_a_reply(
    serve: "Serve", wire: "type[Wire]", client: HttpClient, status: str
) -> None:
    """Redirects are not followed, errors not judged: that is the venue's folder's business."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        more = b"Retry-After: 9\r\nLocation: http://127.0.0.1:1/\r\nSet-Cookie: a=b\r\n"
        writer.write(answer(b"no", status=status, headers=more))

    async with serve(venue) as port:
        reply = await ask(client, port)
    assert reply.status == int(status[:3])
    assert reply.headers["retry-after"] == "9"
    assert reply.body == b"no"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_replies_are_unpacked(
    serve: "Serve", wire: "type[Wire]", client: HttpClient, coding: str
) -> None:
    """In chunks of any size."""
    body = b'{"bids":[]}' * 5_000
    packed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert coding.encode() in (await wire.read_head(reader)).lower()
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: "
            + coding.encode()
            + b"\r\n\r\n"
        )
        for begin in range(0, len(packed), 7):
            piece = packed[begin : begin + 7]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")

    async with serve(venue) as port:
        assert (await ask(client, port)).body == body


@pytest.mark.parametrize("kind", ["plain", "chunked without end", "gzip bomb"])
async def test_replies_over_the_bound_are_given_up(
    serve: "Serve", wire: "type[Wire]", client: HttpClient, kind: str
) -> None:
    """Counted after unpacking; the connection is not read on."""
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(256)) + bomb.flush()
    gone = asyncio.Event()

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        if kind == "plain":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 100_001)
        elif kind == "gzip bomb":
            writer.write(answer(packed, headers=b"Content-Encoding: gzip\r\n"))
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                    await writer.drain()
            except ConnectionError:
                pass
        with contextlib.suppress(ConnectionError):  # a reset is as good an end
            assert await reader.read() == b""
        gone.set()

    async with serve(venue) as port:
        with pytest.raises(VenueUnavailable, match="longer than 100000 bytes") as failure:
            await ask(client, port)
        async with asyncio.timeout(5):
            await gone.wait()
    assert failure.value.http_status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n0123456789",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x00bad",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\x00",
    ],
)
async def test_replies_that_cannot_be_read_are_failures(
    serve: "Serve", wire: "type[Wire]", client: HttpClient, sent: bytes
) -> None:
    """Cut, wrong length, chunk or coding, endless header, no HTTP; the query stays secret."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        writer.write(sent)

    async with serve(venue) as port:
        with pytest.raises(VenueUnavailable) as failure:
            await ask(client, port)
    assert not isinstance(failure.value, VenueTimeout)
    assert "GET /fapi/v1/depth" in str(failure.value)
    assert SECRET not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize("stall", ["before", "in the head", "in the body"])
async def test_slow_replies_time_out(
    serve: "Serve", wire: "type[Wire]", client: HttpClient, stall: str
) -> None:
    """The time is for the whole call, however the bytes drip."""

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        if stall != "before":
            writer.write(b"HTTP/1.1 200 OK\r\n")
        if stall == "in the body":
            writer.write(b"Content-Length: 100\r\n\r\n")
        drip = b"x" if stall == "in the body" else b"X-A: b\r\n"
        try:
            while not reader.at_eof():
                if stall != "before":
                    writer.write(drip)
                    await writer.drain()
                await asyncio.sleep(0.005)
        except ConnectionError:
            pass

    async with serve(venue) as port:
        with pytest.raises(VenueTimeout, match=r"no reply in 0\.1 s") as failure:
            await ask(client, port, timeout_s=0.1)
    assert SECRET not in "".join(traceback.format_exception(failure.value))


async def test_a_connection_that_went_stale_is_replaced_for_a_read(
    serve: "Serve", wire: "type[Wire]", client: HttpClient
) -> None:
    """The venue closed while idle: the GET goes out again on a new connection."""
    connections = itertools.count(1)

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(connections)
        await wire.read_head(reader)
        writer.write(answer(b"%d" % number))
        if number == 1:
            await wire.read_head(reader)  # the second request meets a closing connection

    async with serve(venue) as port:
        assert (await ask(client, port)).body == b"1"
        assert (await ask(client, port)).body == b"2"
        await client.close()


async def test_nobody_listening_and_no_such_host_are_failures(client: HttpClient) -> None:
    """Said in words, without the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(VenueUnavailable, match="no connection: "):
        await ask(client, port)
    with pytest.raises(VenueUnavailable, match="the host name is unknown"):
        await client.send("okx", "http://a..b", GET, timeout_s=5.0)


@pytest.mark.parametrize("base_url", ["ftp://host", "host", "http://[::1", "http://host:99999", ""])
async def test_base_addresses_that_are_none_are_failures(client: HttpClient, base_url: str) -> None:
    """Said before anything is opened."""
    with pytest.raises(VenueUnavailable, match="not one of HTTP") as failure:
        await client.send("okx", base_url, GET, timeout_s=5.0)
    assert SECRET not in "".join(traceback.format_exception(failure.value))


async def test_closing_ends_calls_under_way(serve: "Serve", wire: "type[Wire]") -> None:
    """With an error of ours; a closed client says so, and closing twice is harmless."""
    asked = asyncio.Event()

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # of another try by the pool
            await wire.read_head(reader)
        asked.set()
        await reader.read()

    client = HttpClient(CLOCK)
    with pytest.raises(RuntimeError, match="before start"):
        await ask(client, 1)
    await client.start()
    with pytest.raises(RuntimeError, match="twice"):
        await client.start()
    async with serve(venue) as port:
        call = asyncio.create_task(ask(client, port))
        await asked.wait()
        await client.close()
        with pytest.raises(VenueUnavailable):
            await call
    await client.close()


async def test_a_cancelled_call_is_cancelled(
    serve: "Serve", wire: "type[Wire]", client: HttpClient
) -> None:
    """Cancellation is not turned into an error, and the connection is not kept."""
    asked = asyncio.Event()

    async def venue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_head(reader)
        asked.set()
        assert await reader.read() == b""

    async with serve(venue) as port:
        call = asyncio.create_task(ask(client, port))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_queries_survive_the_round_trip(query: list[tuple[str, str]]) -> None:
    """What is unescaped on the other side is what was given, whatever the characters."""
    url = request_url("https://host", HttpRequest(path="/p", query=tuple(query)))
    raw = url.raw_query_string
    assert raw.isascii()
    assert parse_qsl(raw, keep_blank_values=True, strict_parsing=bool(raw)) == query
    assert not set(raw) & set(" +\"<>#/?:@!$'()*,;[]{}")


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/v1/币安人生USDT", (), "/v1/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"),
        ("/v1/a%2Fb", (("q", "a%2Fb c+d&e=f"),), "/v1/a%2Fb?q=a%252Fb%20c%2Bd%26e%3Df"),
        ("/v1/x", (("symbols", '["BTCUSDT"]'), ("t", "")), "/v1/x?symbols=%5B%22BTCUSDT%22%5D&t="),
        ("/v1/../x", (), "/v1/../x"),
    ],
)
def test_escaping_is_exact(path: str, query: tuple[tuple[str, str], ...], expected: str) -> None:
    """Escapes in a path stay, queries are escaped once, nothing is normalised."""
    url = request_url("https://host:8443", HttpRequest(path=path, query=query))
    assert str(url) == "https://host:8443" + expected
    assert url.raw_path_qs == expected
