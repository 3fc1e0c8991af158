"""Bytes that no client should send, over real sockets."""

import asyncio
import json
from contextlib import suppress

import pytest
from tests.api.served import Platform, Reply, parse_reply

from headwater.api.limits import HttpLimits
from headwater.api.settings import ApiSettings

TIGHT = HttpLimits(
    url_bytes=1000,
    header_bytes=2000,
    header_count=20,
    body_bytes=3000,
    request_timeout_s=0.2,
    linger_s=0.5,
    linger_bytes=4_000_000,
    connections_max=8,
)


def problem(reply: Reply) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json", reply
    body = json.loads(reply.body)
    assert body["status"] == reply.status
    return reply.status, body["code"]


async def send_all(platform: Platform, pieces: list[bytes], wait_s: float = 0.0) -> Reply:
    """Sends pieces without regard to the answer, then reads it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
    try:
        async with asyncio.timeout(20):
            for piece in pieces:
                with suppress(ConnectionError):
                    writer.write(piece)
                    await writer.drain()
                await asyncio.sleep(wait_s)
            return parse_reply(await reader.read())
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"GET /%s HTTP/1.1\r\nhost: a\r\n\r\n" % (b"x" * 1001), 414, "url_too_long"),
        (b"GET /?%s HTTP/1.1\r\nhost: a\r\n\r\n" % (b"x" * 1001), 414, "url_too_long"),
        (b"GET / HTTP/1.1\r\na: %s\r\n\r\n" % (b"x" * 2001), 431, "headers_too_long"),
        (b"GET / HTTP/1.1\r\n%s\r\n" % (b"a: b\r\n" * 21), 431, "headers_too_long"),
        (b"GET / HTTP/1.1\r\ncontent-length: 3001\r\n\r\n", 413, "body_too_long"),
        (b"GET / HTTP/1.1\r\ncontent-length: 1%s\r\n\r\n" % (b"0" * 15), 413, "body_too_long"),
        (b"GET / HTTP/1.1\r\ncontent-length: 9%s\r\n\r\n" % (b"9" * 40), 400, "bad_request"),
        (b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\na b: c\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "bad_request"),
        (b"GET nonsense HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET http:// HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 405, "method_not_allowed"),
        (b"BREW / HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (b"G" * 3000, 405, "method_not_allowed"),
    ],
    ids=lambda value: str(value[:40]) if isinstance(value, bytes) else None,
)
async def test_what_is_too_long_or_no_http(data: bytes, status: int, code: str) -> None:
    async with Platform(ApiSettings(http=TIGHT)).served() as platform:
        assert problem(await platform.send(data)) == (status, code)


async def test_two_megabytes_of_query_are_answered_and_the_server_lives() -> None:
    async with Platform().served() as platform:
        reply = await platform.get("/binance/ohlc/BTCUSDT/1m?limit=" + "9" * 2_000_000)
        assert problem(reply) == (414, "url_too_long")
        assert (await platform.get("/health/live")).status == 200


async def test_a_body_in_chunks_is_cut_at_the_bound() -> None:
    async with Platform(ApiSettings(http=TIGHT)).served() as platform:
        chunk = b"400\r\n" + b"x" * 0x400 + b"\r\n"
        head = b"POST /health HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        reply = await send_all(platform, [head + chunk * 5])
        assert reply.status in (405, 413)  # the route may have answered before it was too much
        small = b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        reply = await send_all(platform, [small + b"content-length: 3\r\n\r\nabc"])
        assert reply.status == 200


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GE"],
        [b"GET / HTTP/1.1\r\nhost: a\r\n"],
        [b"GET / HTTP/1.1\r\n"] + [b"x: y\r\n"] * 6,
        [b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc"],
    ],
    ids=["nothing", "method", "headers", "drip", "body"],
)
async def test_a_request_that_dawdles_is_ended(pieces: list[bytes]) -> None:
    async with Platform(ApiSettings(http=TIGHT)).served() as platform:
        reply = await send_all(platform, pieces, wait_s=0.05)
        assert reply.status in (405, 408)
        if reply.status == 408:
            assert problem(reply) == (408, "request_timeout")


async def test_many_dawdlers_do_not_hinder_others() -> None:
    limits = HttpLimits(request_timeout_s=5.0, linger_s=0.2)
    async with Platform(ApiSettings(http=limits)).served() as platform:
        dawdlers = [
            asyncio.create_task(platform.send(b"GET / HTTP/1.1\r\nhost"), name=f"dawdler-{n}")
            for n in range(200)
        ]
        for _ in range(20):
            assert (await platform.get("/health/live")).status == 200
        assert {reply.status for reply in await asyncio.gather(*dawdlers)} == {408}


async def test_a_connection_too_many_is_told_so() -> None:
    async with Platform(ApiSettings(http=TIGHT)).served() as platform:
        idle = [await asyncio.open_connection("127.0.0.1", platform.port) for _ in range(8)]
        reply = await platform.send(b"")
        assert problem(reply) == (503, "too_many_connections")
        assert reply.headers["retry-after"] == "5"
        for _, writer in idle:
            writer.close()


async def test_requests_on_one_connection_are_all_answered_in_order() -> None:
    async with Platform(ApiSettings(http=TIGHT)).served() as platform:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
        for number in range(4):
            writer.write(
                b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-request-id: n%d\r\n\r\n" % number
            )
        for number in range(4):
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"x-request-id: n%d\r\n" % number in head
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r")[0]))
        writer.close()


async def test_a_refusal_ends_the_connection_within_the_linger() -> None:
    async with Platform(ApiSettings(http=TIGHT)).served() as platform:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
        writer.write(b"BREW / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 405")
            while True:  # the server reads on for a moment, then closes
                try:
                    writer.write(b"x" * 1000)
                    await writer.drain()
                except ConnectionError:
                    break
                await asyncio.sleep(0.02)
        writer.close()
