"""The table of terminal sockets, and the one that sends back what it is sent."""

from tests.api.served import Platform
from tests.api.terminal.viewing import viewing


async def test_o_w5_the_test_socket_sends_back_what_it_is_sent(platform: Platform) -> None:
    async with viewing(platform.port, "test") as client:
        for text in ("hello", "{}", "ä€𝄞", ""):
            await client.socket.send_str(text)
            assert await client.socket.receive_str(timeout=10) == text
