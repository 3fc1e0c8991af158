"""HTTP for uvicorn with bounds: url, headers, body, time of a request, connections.

uvicorn's own class reads a request line, headers and bodies of any length and waits for them for
ever. `BoundedHttpProtocol` stops at `limits.HttpLimits` and answers problem details, also for
bytes that are no HTTP; then it goes on reading for a moment, throwing everything away, because a
connection that is closed with unread data loses the answer.

Source: `uvicorn/protocols/http/httptools_impl.py`, uvicorn 0.54.
"""

import asyncio
import functools
import sys
from typing import Any, Final, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from headwater.api.errors import PROBLEM_TYPE, make_problem, wrong_field
from headwater.api.limits import HttpLimits
from headwater.api.schemas.base import encode
from headwater.api.schemas.platform import Problem

_METHODS: Final = ("GET", "POST")
_CONNECTIONS_RETRY_S: Final = 5.0


class _TooMuch(Exception):
    """Raised inside the parser to stop it.

    Args:
        problem: the answer.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def bounded_http(limits: HttpLimits) -> type[asyncio.Protocol]:
    """What to give `uvicorn.Config(http=...)`.

    Args:
        limits: bounds.
    """
    made = functools.partial(BoundedHttpProtocol, limits)
    return cast("type[asyncio.Protocol]", made)  # uvicorn only ever calls it


class BoundedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection. Made by uvicorn; see `bounded_http`.

    Args:
        limits: bounds.
        config: the server's.
        server_state: the server's.
        app_state: the lifespan's.
    """

    def __init__(
        self,
        limits: HttpLimits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._incomplete = True
        self._header_bytes = 0
        self._body_bytes = 0
        self._refused = False
        self._discarded = 0

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock; turns the connection away when there are too many."""
        super().connection_made(transport)
        most = self._limits.connections_max
        if len(self.connections) > most:
            detail = f"{most} connections are open"
            self._refuse(
                make_problem(503, "too_many_connections", detail, retry_after=_CONNECTIONS_RETRY_S)
            )
            return
        self._arm(self._limits.request_timeout_s)

    def data_received(self, data: bytes) -> None:
        """Reads; keeps the clock running exactly while a request is incomplete."""
        if self._refused:
            self._discard(len(data))
            return
        super().data_received(data)
        self._keep_time()

    def eof_received(self) -> None:
        """The client sends no more."""
        if self._refused:
            self.transport.close()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._disarm()
        super().connection_lost(exc)

    # What the parser calls

    def on_message_begin(self) -> None:
        """A request starts."""
        self._incomplete = True
        self._header_bytes = self._body_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of path and query."""
        most = self._limits.url_bytes
        if len(self.url) + len(url) > most:
            field = wrong_field("url", f"more than {most} bytes", f"at most {most} bytes")
            detail = f"path and query: at most {most} bytes"
            raise _TooMuch(make_problem(414, "url_too_long", detail, errors=[field]))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        limits = self._limits
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > limits.header_bytes or len(self.headers) >= limits.header_count:
            allowed = f"at most {limits.header_count} headers, {limits.header_bytes} bytes"
            field = wrong_field("headers", f"{len(self.headers)}+", allowed)
            raise _TooMuch(make_problem(431, "headers_too_long", allowed, errors=[field]))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body begins; a length that is declared is judged before it is read."""
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self._limits.body_bytes:
                raise _TooMuch(self._body_problem())
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            self.cycle.disconnected = True  # whatever the application says now is not sent
            raise _TooMuch(self._body_problem())
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._incomplete = False
        super().on_message_complete()

    # What the base class calls

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes over."""
        self._disarm()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answers what the parser stumbled over; called while its exception is handled."""
        error: BaseException | None = sys.exception()
        while error is not None and not isinstance(error, _TooMuch):
            if isinstance(error, httptools.HttpParserInvalidMethodError):
                field = wrong_field("method", "unknown", _METHODS)
                detail = f"method: unknown; use {' or '.join(_METHODS)}"
                self._refuse(make_problem(405, "method_not_allowed", detail, errors=[field]))
                return
            error = error.__cause__ or error.__context__
        if isinstance(error, _TooMuch):
            self._refuse(error.problem)
        else:
            self._refuse(make_problem(400, "bad_request", "the bytes are not an HTTP/1.1 request"))
        del msg

    # Inside

    def _body_problem(self) -> Problem:
        most = self._limits.body_bytes
        field = wrong_field("body", f"more than {most} bytes", f"at most {most} bytes")
        return make_problem(413, "body_too_long", f"body: at most {most} bytes", errors=[field])

    def _keep_time(self) -> None:
        """Runs the clock exactly while a request is incomplete."""
        if self._refused:
            return
        if not self._incomplete:
            self._disarm()
        elif self._deadline is None:
            self._arm(self._limits.request_timeout_s)

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        """The request did not arrive whole in time."""
        self._deadline = None
        seconds = self._limits.request_timeout_s
        self._refuse(make_problem(408, "request_timeout", f"no whole request in {seconds:g} s"))

    def _refuse(self, problem: Problem) -> None:
        """Answers, unless an answer is under way, and lets the connection run out."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._disarm()
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        under_way = cycle is not None and cycle.response_started and not cycle.response_complete
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if under_way:
            self.transport.close()
            return
        self.transport.write(_whole_answer(problem, self.server_state.default_headers))
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(self._limits.linger_s, self.transport.close)

    def _discard(self, size: int) -> None:
        """Throws away what a refused client still sends, within bounds."""
        self._discarded += size
        if self._discarded > self._limits.linger_bytes:
            self.transport.close()


def _whole_answer(problem: Problem, defaults: list[tuple[bytes, bytes]]) -> bytes:
    """Status line, headers and body of a refusal that ends the connection."""
    body = encode(problem)
    lines = [
        f"HTTP/1.1 {problem.status} {problem.title}".encode(),
        b"content-type: " + PROBLEM_TYPE.encode(),
        b"content-length: %d" % len(body),
        b"connection: close",
        b"x-content-type-options: nosniff",
    ]
    if problem.retry_after is not None:
        lines.append(b"retry-after: %d" % problem.retry_after)
    if problem.status == 405:
        lines.append(b"allow: " + ", ".join(_METHODS).encode())
    lines += [name + b": " + value for name, value in defaults]
    return b"\r\n".join([*lines, b"", body])
