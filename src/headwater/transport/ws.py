"""WebSocket connections to venues.

Opens one connection and carries messages until it ends. It does not reconnect, pace or
subscribe: that is `feeds`' business, with the limits and back-off of this package. No extension
is offered, so nothing arrives compressed (none of the venues needs it), and redirects are not
followed.

The hot path is `headwater.transport.ws_reader`.
"""

import asyncio
import functools
import logging
import socket
import ssl
from urllib.parse import urlsplit

from picows import (
    WSHandshakeError,
    WSInvalidURL,
    WSMsgType,
    WSParsedURL,
    WSTransport,
    ws_connect,
)

from headwater.core.clock import Clock
from headwater.core.errors import PlatformError
from headwater.transport.ws_reader import (
    CLOSE_NORMAL,
    CloseInfo,
    FrameReader,
    SocketListener,
    SocketOptions,
)

__all__ = [
    "CloseInfo",
    "ConnectFailed",
    "Socket",
    "SocketClosed",
    "SocketListener",
    "SocketOptions",
    "open_socket",
]

_DEFAULT_OPTIONS = SocketOptions()
_SWITCHING_PROTOCOLS = 101
_quiet_log = logging.getLogger(f"{__name__}.picows")
_quiet_log.setLevel(logging.CRITICAL)  # all that picows would say is in CloseInfo or ConnectFailed
_PROBLEM_CUT = 200

RECEIVE_BUFFER_BYTES = 1024 * 1024
"""Most that the kernel keeps for us (Linux doubles it); beyond it the venue has to wait. Left to
itself the kernel keeps up to `tcp_rmem`'s maximum (32 MiB and more), and one turn of uvloop's loop
reads all of it: 50,000 messages and 100 ms in which nothing else runs. 1 MiB is about 20,000."""


class ConnectFailed(PlatformError):
    """A connection could not be opened.

    Args:
        url: the address; only its host is in the text, for paths may carry listen keys.
        problem: what went wrong.
        http_status: the answer's status when the venue refused the upgrade, else None.
        retry_after_s: the answer's `Retry-After`, else None.
        retryable: whether another attempt may succeed; not when the address is none.
    """

    def __init__(
        self,
        url: str,
        problem: str,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        retryable: bool = True,
    ) -> None:
        super().__init__(f"{_host(url)}: {problem}")
        self.retryable = retryable
        self.url = url
        self.problem = problem
        self.http_status = http_status
        self.retry_after_s = retry_after_s


class SocketClosed(PlatformError):
    """The connection is closed or closing: nothing can be sent on it."""


class Socket:
    """An open connection. Made by `open_socket`; belongs to the task that asked for it.

    Args:
        reader: the receiving half.
        transport: picows' transport.
    """

    def __init__(self, reader: FrameReader, transport: WSTransport) -> None:
        self._reader = reader
        self._transport = transport
        self._watch: asyncio.Task[CloseInfo] | None = None

    def start(self, name: str) -> None:
        """Begins to wait for the end; called once, by `open_socket`."""
        self._watch = asyncio.create_task(self._until_gone(), name=name)

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent: no close frame went out and the connection stands."""
        return self._reader.is_open

    def send(self, text: str) -> None:
        """Sends one text message; returns at once.

        Raises:
            SocketClosed: the connection is not open, or the peer reads so slowly that
                `SocketOptions.max_send_buffer_bytes` was reached, which ends it.
        """
        if not self._reader.is_open:
            raise SocketClosed("the connection is not open")
        payload = text.encode()
        if not self._reader.make_room(len(payload)):
            raise SocketClosed("the peer does not read: the connection was cut")
        self._transport.send(WSMsgType.TEXT, payload)

    def close(self, code: int = CLOSE_NORMAL) -> None:
        """Starts the closing handshake and returns; harmless when repeated.

        The listener hears no more messages. A peer that does not answer in
        `SocketOptions.close_timeout_s` is cut off.
        """
        self._reader.begin_close(code, "closed by us")

    async def wait_closed(self) -> CloseInfo:
        """Waits until the connection is gone and `on_close` has been called."""
        assert self._watch is not None, "open_socket starts the watch"
        return await asyncio.shield(self._watch)

    async def _until_gone(self) -> CloseInfo:
        violation: BaseException | None = None
        try:
            await self._transport.wait_disconnected()
        except asyncio.CancelledError:
            self._reader.cut("the program ends")
            self._reader.finish(None)
            raise
        except Exception as error:  # noqa: BLE001 - picows hands over what ended the connection
            violation = error
        return self._reader.finish(violation)


async def open_socket(
    url: str,
    listener: SocketListener,
    *,
    clock: Clock,
    options: SocketOptions = _DEFAULT_OPTIONS,
) -> Socket:
    """Opens a WebSocket connection.

    Args:
        url: `ws:` or `wss:` address with path and query.
        listener: told of messages and of the end; of the end only if this returns.
        clock: stamps messages.
        options: bounds.

    Raises:
        ConnectFailed: name, network, TLS or upgrade failed, or took longer than
            `connect_timeout_s`. The listener's `on_close` is not called then.
    """
    reader = FrameReader(listener, clock, options)
    dialled: list[socket.socket] = []

    async def dial(address: WSParsedURL) -> socket.socket:
        connected = await _dial(address.host, address.port, options.connect_timeout_s)
        dialled.append(connected)
        return connected

    try:
        async with asyncio.timeout(options.connect_timeout_s):
            transport, _ = await ws_connect(
                lambda _request, _response: reader,
                url,
                ssl_context=(options.tls or _trusted()) if url.startswith("wss:") else None,
                websocket_handshake_timeout=None,
                enable_auto_pong=False,
                max_frame_size=options.max_message_bytes,
                max_redirects=0,
                logger_name=_quiet_log,
                extra_headers=options.headers,
                socket_factory=dial,
                use_aiofastnet=False,
            )
    except BaseException as error:
        if reader.transport is not None:
            reader.cut("given up while it opened")
        _hang_up(dialled)
        failure = _as_connect_failed(url, error, options)
        if failure is None:
            raise
        raise failure from None  # the text says it all, and causes quote whole addresses
    if reader.transport is None:
        raise ConnectFailed(url, "connection lost during the upgrade")
    opened = Socket(reader, transport)
    opened.start(f"socket watch {_host(url)}")
    return opened


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The machine's trusted certificates; reading them takes ~20 ms, so once."""
    return ssl.create_default_context()


async def _dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connected TCP socket; each of the host's addresses gets a fair share of the time left."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("the host has no address")
    for tried, (family, kind, proto, _, address) in enumerate(addresses):
        connecting = socket.socket(family, kind, proto)
        connecting.setblocking(False)
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        try:
            async with asyncio.timeout((deadline - loop.time()) / (len(addresses) - tried)):
                await loop.sock_connect(connecting, address)
        except OSError as error:  # the time-out too
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
        else:
            return connecting
    raise failure


def _hang_up(dialled: list[socket.socket]) -> None:
    """Ends a connection whose upgrade was given up.

    picows keeps the transport to itself until the upgrade is done. Shutting the socket down makes
    the transport see the end and clean up by itself.
    """
    for connected in dialled:
        try:
            connected.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it is gone already, which is what we want


def _host(url: str) -> str:
    """Host and port of `url` for people, without credentials."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "an unreadable address"


def _as_connect_failed(
    url: str, error: BaseException, options: SocketOptions
) -> ConnectFailed | None:
    """`error` of an attempt as ours, or None when it is not about the connection."""
    if isinstance(error, WSHandshakeError):
        status, retry_after_s = _refusal(error.raw_header or b"")
        problem = (
            f"HTTP {status} to the upgrade"
            if status not in (None, _SWITCHING_PROTOCOLS)
            else f"no WebSocket upgrade: {str(error)[:_PROBLEM_CUT]}"
        )
        return ConnectFailed(url, problem, http_status=status, retry_after_s=retry_after_s)
    if isinstance(error, TimeoutError):
        return ConnectFailed(url, f"no connection in {options.connect_timeout_s:g} s")
    if isinstance(error, OSError):  # before ValueError, for a bad certificate is both
        return ConnectFailed(url, f"{type(error).__name__}: {error}")
    if isinstance(error, WSInvalidURL | ValueError):
        return ConnectFailed(url, "not a WebSocket address", retryable=False)
    return None


def _refusal(head: bytes) -> tuple[int | None, float | None]:
    """Status and `Retry-After` seconds of an HTTP answer's head, as far as they can be told.

    Read here and not from picows' parsed answer, which knows only the registered statuses, not
    the 52x of the CDN in front of the venues.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdecimal() else None
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "retry-after" and value.strip().isdecimal():
            return status, float(value.strip())
    return status, None
