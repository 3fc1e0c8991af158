"""The door between uvicorn and the stream hub, for uvicorn's `ws=` setting.

uvicorn makes one `StreamGate` per connection that asks for a WebSocket and hands it the request.
The gate looks at the path once: streaming paths go to the hub, every other one to the WebSocket
class uvicorn would have used itself, so that WebSocket routes of the application work on the same
port. Then the gate puts the chosen protocol in its own place.

Source: `handle_websocket_upgrade` in uvicorn 0.54, `uvicorn/protocols/http/httptools_impl.py`.
"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
from uvicorn.server import ServerState

from headwater.api.errors import make_problem
from headwater.api.stream_hub import StreamHub
from headwater.api.websocket_handshake import encode_problem, parse_request_head

Fallback = Callable[..., asyncio.Protocol]


def streaming_protocol(
    hub: StreamHub,
    prefixes: tuple[str, ...] = ("/ws/",),
    fallback: Fallback | None = AutoWebSocketsProtocol,
    *,
    paths: frozenset[str] = frozenset(),
) -> type[asyncio.Protocol]:
    """What to give `uvicorn.Config(ws=...)`.

    Args:
        hub: serves the streaming paths.
        prefixes: how streaming paths begin, percent-decoded.
        fallback: serves all other paths; called as uvicorn calls its own classes. None (also when
            no WebSocket library is installed) answers them with 404.
        paths: whole streaming paths, besides those that begin so.
    """
    gate = functools.partial(StreamGate, hub, prefixes, fallback, paths=paths)
    return cast("type[asyncio.Protocol]", gate)  # uvicorn only ever calls it


class StreamGate(asyncio.Protocol):
    """First protocol of a connection after its upgrade request. See `streaming_protocol`.

    Args:
        hub: serves the streaming paths.
        prefixes: how streaming paths begin.
        fallback: serves all other paths.
        paths: whole streaming paths.
        config: the server's.
        server_state: the server's.
        app_state: the lifespan's, for the fallback.
    """

    def __init__(
        self,
        hub: StreamHub,
        prefixes: tuple[str, ...],
        fallback: Fallback | None,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        paths: frozenset[str] = frozenset(),
    ) -> None:
        self._hub = hub
        self._prefixes = prefixes
        self._fallback = fallback
        self._paths = paths
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._transport: asyncio.Transport | None = None
        self._chosen: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remembers the transport; its protocol is still uvicorn's."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Chooses by the request, which comes first and whole; hands on what comes after."""
        if self._chosen is not None:
            self._chosen.data_received(data)
        elif self._transport is not None:
            self._chosen = self._choose(self._transport, data)
            # uvicorn makes the gate the transport's protocol after this call returns
            asyncio.get_running_loop().call_soon(self._step_aside)

    def eof_received(self) -> bool | None:
        """Handed on."""
        return None if self._chosen is None else self._chosen.eof_received()

    def pause_writing(self) -> None:
        """Handed on."""
        if self._chosen is not None:
            self._chosen.pause_writing()

    def resume_writing(self) -> None:
        """Handed on."""
        if self._chosen is not None:
            self._chosen.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handed on, when the connection ends before the gate has stepped aside."""
        self._transport = None
        if self._chosen is not None:
            self._chosen.connection_lost(exc)

    def _choose(self, transport: asyncio.Transport, data: bytes) -> asyncio.Protocol | None:
        """The protocol that serves this request; None when it was refused here."""
        head = parse_request_head(data)
        extra = self._server_state.default_headers
        if head is not None and self._is_streaming(head.path):
            connections = cast("set[asyncio.Protocol]", self._server_state.connections)
            return self._hub.connect(transport, head, connections, extra)
        if self._fallback is None:
            problem = make_problem(404, "not_found", "no WebSocket at this path")
            transport.write(encode_problem(problem, extra))
            transport.close()
            return None
        protocol = self._fallback(
            config=self._config, server_state=self._server_state, app_state=self._app_state
        )
        protocol.connection_made(transport)
        protocol.data_received(data)
        return protocol

    def _is_streaming(self, path: str) -> bool:
        return path.startswith(self._prefixes) or path in self._paths

    def _step_aside(self) -> None:
        """Leaves the connection to the chosen protocol."""
        if self._transport is not None and self._chosen is not None:
            self._transport.set_protocol(self._chosen)
