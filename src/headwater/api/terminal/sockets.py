"""The table of terminal sockets: which name of a path begins which kind of client."""

from collections.abc import Mapping
from typing import Final

from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.declaration import TerminalSocket
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.routes import Opener, TerminalRoutes

TEST: Final = TerminalSocket(
    name="test",
    description="Sends back what it is sent, for trying a connection.",
    takes_symbol=False,
    addresses=("test",),
    said=('{"type":"ping"}', "hello"),
)
"""The socket that sends back."""

SOCKETS: Final[tuple[TerminalSocket, ...]] = (TEST,)
"""Every terminal socket's declaration, as documents and clients show them."""


def terminal_routes(desk: FeedDesk) -> TerminalRoutes:
    """Every terminal socket.

    Args:
        desk: what their clients share.
    """
    openers: Mapping[str, Opener] = {TEST.name: open_echo}
    assert set(openers) == {one.name for one in SOCKETS}, "every socket is declared and served"
    return TerminalRoutes(desk, openers)


def open_echo(_rest: str, _query: str) -> StreamAccepted:
    """`/api/v1/ws/test`: sends back what it is sent, for trying a connection (O-W5)."""
    return StreamAccepted(topics=(), on_message=lambda text: [text.encode()])
