"""Puts the application and the streaming hub on one port of a uvicorn server."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from headwater.api.http_protocol import bounded_http
from headwater.api.settings import ApiSettings
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_protocol import streaming_protocol
from headwater.api.stream_routes import PATH_PREFIX, SOCKET_PATH
from headwater.api.terminal.addresses import PREFIX as TERMINAL_PREFIX

BACKLOG: Final = 2048
"""Connections the kernel may hold for us before we take them."""


class PlatformServer(uvicorn.Server):
    """uvicorn's server inside a process that handles its own signals.

    Attributes:
        ready: set when it listens.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen, then says so."""
        await super().startup(sockets)
        if self.started:
            self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the process: they stop all of the platform, not only HTTP."""
        yield

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on; known once `ready` is set."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return str(host), int(port)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; made here because uvicorn ends the process when it cannot bind.

    Args:
        host: address or name of this machine.
        port: TCP port, 0 for any free one.

    Raises:
        OSError: the address is taken, or is not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def build_server(app: ASGIApp, hub: StreamHub, settings: ApiSettings) -> PlatformServer:
    """A server, not yet started; `await server.serve()` runs it.

    Args:
        app: serves HTTP.
        hub: serves the streaming paths.
        settings: address and bounds.

    Returns:
        A server that logs through the standard library's loggers as they are configured, and
        leaves access logs to `request_log`.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=bounded_http(settings.http),
        ws=streaming_protocol(hub, (PATH_PREFIX, TERMINAL_PREFIX), paths=frozenset({SOCKET_PATH})),
        ws_max_size=hub.limits.max_message_bytes,
        ws_per_message_deflate=False,
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=sorted(settings.trusted_proxies),
        timeout_keep_alive=settings.http.keep_alive_s,
        timeout_graceful_shutdown=settings.graceful_shutdown_s,
    )
    return PlatformServer(config)
