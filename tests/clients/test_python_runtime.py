"""The Python client against the API on a real socket, and its sockets that come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.api.served import Platform
from websockets.asyncio.server import ServerConnection, serve

from headwater_client import (
    Headwater,
    NotConnected,
    ProblemError,
    Refused,
    TerminalStream,
    Unreachable,
)

PATIENCE_S = 10.0


class News(msgspec.Struct, frozen=True, tag="news", tag_field="type"):
    """A message of the server below."""

    number: int


class Wish(msgspec.Struct, frozen=True, tag="update_params", tag_field="type"):
    """A request of the client below."""

    limit: int


class Trouble(msgspec.Struct, frozen=True, tag="error", tag_field="type"):
    """An error of the server below."""

    code: str


@asynccontextmanager
async def answering(*closes: int | None, error: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """A server that greets each connection with its number and ends it with these codes.

    None of them: it stays open. Gives its address, and the list of what it hears.

    Args:
        closes: close codes of the first connections.
        error: code of the error message before each close; none when empty.
    """
    heard: list[str] = []
    codes = iter(closes)

    async def serve_one(socket: ServerConnection) -> None:
        code = next(codes, None)
        await socket.send(msgspec.json.encode(News(number=len(closes))).decode())
        if code is None:
            async for text in socket:
                heard.append(str(text))
                await socket.send('{"type":"newer_than_you"}')
                await socket.send('{"type":"news","number":7}')
        else:
            if error:
                await socket.send(msgspec.json.encode(Trouble(code=error)).decode())
            await socket.close(code, "because")

    async with serve(serve_one, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}", heard


@pytest.fixture
async def served() -> AsyncIterator[Platform]:
    async with Platform().served() as platform:
        yield platform


async def test_the_test_socket_sends_back_what_is_said(served: Platform) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with Headwater(f"http://127.0.0.1:{served.port}/").watch_test() as stream:
            await stream.say("ä€𝄞")
            async for text in stream:
                assert text == "ä€𝄞"
                break
        with pytest.raises(NotConnected):
            await stream.say("too late")
        assert [text async for text in stream] == []


async def test_an_error_is_typed_with_field_value_and_what_is_allowed(served: Platform) -> None:
    api = Headwater(f"http://127.0.0.1:{served.port}")
    with pytest.raises(ProblemError) as failed:
        await api.ask("GET", "/binance/ohlc/BTCUSDT/7h", {"limit": 3, "absent": None}, dict)
    problem = failed.value.problem
    assert problem.status == 422
    assert problem.errors[0].field == "interval"
    assert problem.errors[0].value == "7h"
    assert "1h" in problem.errors[0].allowed


async def test_nobody_there_is_said_so() -> None:
    async with Platform().served() as platform:
        address = f"http://127.0.0.1:{platform.port}"
    with pytest.raises(Unreachable):
        await Headwater(address).ask("GET", "/health", {}, dict)
    with pytest.raises(Unreachable):
        async with Headwater(address).watch_test():
            pass


async def test_a_socket_that_does_not_exist_is_refused(served: Platform) -> None:
    base = f"ws://127.0.0.1:{served.port}/api/v1/ws"
    stream: TerminalStream[str] = TerminalStream(f"{base}/nothing")
    with pytest.raises(Refused) as refused:
        async with stream:
            pass
    assert refused.value.close_code == 404


async def test_a_broken_socket_comes_back_and_says_again_what_was_asked_for() -> None:
    async with asyncio.timeout(PATIENCE_S), answering(1011, 1012) as (url, heard):
        stream: TerminalStream[News] = TerminalStream(
            url, (News,), frozenset({"update_params"}), retry_delays_s=(0.0,)
        )
        async with stream:
            await stream.request(Wish(limit=50))
            numbers = []
            async for message in stream:
                numbers.append(message.number)
                if message.number == 7:
                    break
            assert numbers == [2, 2, 2, 7], "greeted three times; a newer kind is passed over"
            assert stream.connections == 3
            assert heard == ['{"type":"update_params","limit":50}']


async def test_a_wrong_address_ends_the_stream_for_good() -> None:
    async with asyncio.timeout(PATIENCE_S), answering(4000) as (url, _):
        stream: TerminalStream[News] = TerminalStream(url, (News,), retry_delays_s=(0.0,))
        async with stream:
            assert await anext(stream) == News(number=1)
            with pytest.raises(Refused) as refused:
                await anext(stream)
            assert refused.value.close_code == 4000
            assert stream.connections == 1


async def test_a_venue_that_is_not_there_yet_is_asked_again() -> None:
    """The platform closes with 4000 for both; the error before tells them apart."""
    async with asyncio.timeout(PATIENCE_S), answering(4000, error="VENUE_ERROR") as (url, _):
        stream: TerminalStream[News | Trouble] = TerminalStream(
            url, (News, Trouble), retry_delays_s=(0.0,)
        )
        async with stream:
            found = [await anext(stream) for _ in range(3)]
    assert found == [News(number=1), Trouble(code="VENUE_ERROR"), News(number=1)]


async def test_a_symbol_that_does_not_exist_is_not_asked_for_again() -> None:
    async with asyncio.timeout(PATIENCE_S), answering(4000, error="UNKNOWN_SYMBOL") as (url, _):
        stream: TerminalStream[News] = TerminalStream(url, (News,), retry_delays_s=(0.0,))
        async with stream:
            await anext(stream)
            with pytest.raises(Refused):
                await anext(stream)


async def test_a_message_of_a_known_kind_that_does_not_fit_is_an_error() -> None:
    async def serve_one(socket: ServerConnection) -> None:
        await socket.send('{"type":"news","number":"many"}')
        await socket.wait_closed()

    async with asyncio.timeout(PATIENCE_S), serve(serve_one, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        stream: TerminalStream[News] = TerminalStream(f"ws://127.0.0.1:{port}", (News,))
        async with stream:
            with pytest.raises(msgspec.ValidationError, match="number"):
                await anext(stream)
