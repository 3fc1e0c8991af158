"""The JavaScript client in Node against the API on a real socket, and sockets that come back."""

from tests.api.served import Platform
from tests.clients.node import talk
from tests.clients.test_python_runtime import answering, served
from websockets.asyncio.server import ServerConnection, serve

__all__ = ["served"]


async def test_the_test_socket_sends_back_what_is_said(served: Platform) -> None:
    found = await talk("echo", f"http://127.0.0.1:{served.port}/")
    assert found == {"text": "ä€𝄞", "opened": 1}


async def test_an_error_is_typed_with_field_value_and_what_is_allowed(served: Platform) -> None:
    found = await talk("problem", f"http://127.0.0.1:{served.port}")
    assert found["isProblem"]
    (field,) = found["problem"]["errors"]
    assert (field["field"], field["value"]) == ("interval", "7h")
    assert "1h" in field["allowed"]


async def test_nobody_there_is_said_so() -> None:
    async with Platform().served() as platform:
        address = f"http://127.0.0.1:{platform.port}"
    assert await talk("unreachable", address) == {"isUnreachable": True}


async def test_a_broken_socket_comes_back_and_says_again_what_was_asked_for() -> None:
    async with answering(1011, 1012) as (url, heard):
        found = await talk("comeback", url.replace("ws", "http", 1))
    assert found == {"numbers": [2, 2, 2, 7], "connections": 3}
    assert heard == ['{"type":"update_params","limit":50}']


async def test_a_socket_class_may_be_given_where_there_is_none(served: Platform) -> None:
    found = await talk("given", f"http://127.0.0.1:{served.port}")
    assert found["made"] == ["/api/v1/ws/test"]
    assert found["text"] == "hello"
    assert "options.WebSocket" in found["without"]


async def test_of_what_a_slow_reader_leaves_the_newest_thousand_stay() -> None:
    """1,500 messages and nobody reads: the first 500 go, and are counted."""

    async def serve_one(socket: ServerConnection) -> None:
        for number in range(1_500):
            await socket.send(f'{{"type":"news","number":{number}}}')
        await socket.wait_closed()

    async with serve(serve_one, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        found = await talk("slow", f"http://127.0.0.1:{port}")
    assert found == {"first": 500, "missed": 500}


async def test_a_line_that_died_in_silence_is_replaced() -> None:
    """The first connection says nothing, also when it is asked; the second answers."""
    heard: list[list[str]] = []

    async def serve_one(socket: ServerConnection) -> None:
        mine: list[str] = []
        heard.append(mine)
        async for text in socket:
            mine.append(str(text))
            if len(heard) > 1:
                await socket.send('{"type":"news","number":1}')

    async with serve(serve_one, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        found = await talk("silence", f"http://127.0.0.1:{port}")
    assert found == {"number": 1, "connections": 2}
    assert heard == [['{"type":"ping"}'], ['{"type":"ping"}']]


async def test_a_wrong_address_ends_the_stream_for_good() -> None:
    async with answering(4000) as (url, _):
        found = await talk("refusal", url.replace("ws", "http", 1))
    assert found == {"numbers": [1], "isRefused": True, "closeCode": 4000}


async def test_a_venue_that_is_not_there_yet_is_asked_again() -> None:
    async with answering(4000, error="VENUE_ERROR") as (url, heard):
        found = await talk("comeback", url.replace("ws", "http", 1))
    assert found == {"numbers": [1, 1, 7], "connections": 2}
    assert len(heard) == 1


async def test_a_symbol_that_does_not_exist_is_not_asked_for_again() -> None:
    async with answering(4000, error="UNKNOWN_SYMBOL") as (url, _):
        found = await talk("refusal", url.replace("ws", "http", 1))
    assert (found["isRefused"], found["closeCode"]) == (True, 4000)
