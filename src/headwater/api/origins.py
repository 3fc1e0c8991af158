"""Which pages may use the API from a browser (CORS), and under which host names it answers.

The host check keeps a page whose name was pointed at this machine (DNS rebinding) from passing as
its own server. WebSockets check `Origin` in `websocket_handshake`. Cookies are never allowed:
market data need none.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.api.errors import make_problem, problem_response, wrong_field
from headwater.api.schemas.platform import Problem

_EXPOSED: Final = b"etag, retry-after, x-process-time, x-request-id"
_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
_HEADERS: Final = (
    b"accept, authorization, content-type, idempotency-key, if-none-match, x-request-id"
)
_PREFLIGHT_AGE_S: Final = b"600"

RawHeaders = Sequence[tuple[bytes, bytes]]


class OriginLayer:
    """ASGI layer that checks `Host` and answers for CORS.

    Args:
        app: what is behind it.
        allowed_origins: such as `https://app.example`; `*` for all.
        allowed_hosts: host names without port; empty for all.
    """

    def __init__(
        self, app: ASGIApp, *, allowed_origins: frozenset[str], allowed_hosts: frozenset[str]
    ) -> None:
        self._app = app
        self._any_origin = "*" in allowed_origins
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in allowed_origins)
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks one request, and adds to its answer what the page's browser wants to know."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._hosts and not self._is_served(headers.get(b"host", b"")):
            await _refuse(self._host_problem(headers), scope, receive, send)
            return
        origin = headers.get(b"origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        granted = self._granted(origin)
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await self._answer_preflight(origin, granted, scope, receive, send)
            return

        async def send_with_grant(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *granted]
            await send(message)

        await self._app(scope, receive, send_with_grant)

    def _granted(self, origin: bytes) -> RawHeaders:
        """Headers that let the page read the answer; only `Vary` when it may not."""
        if self._any_origin:
            allowed = b"*"
        elif origin.rstrip(b"/").lower() in self._origins:
            allowed = origin
        else:
            return [(b"vary", b"origin")]
        return [
            (b"access-control-allow-origin", allowed),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"origin"),
        ]

    async def _answer_preflight(
        self, origin: bytes, granted: RawHeaders, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if len(granted) == 1:
            allowed = sorted(entry.decode("latin-1") for entry in self._origins)
            field = wrong_field("Origin", origin.decode("latin-1"), allowed)
            problem = make_problem(400, "origin_not_allowed", "Origin: not allowed", errors=[field])
            await _refuse(problem, scope, receive, send)
            return
        headers = [
            *granted,
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", _PREFLIGHT_AGE_S),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _is_served(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        if name.startswith("["):  # IPv6 with or without a port
            return name.partition("]")[0][1:] in self._hosts
        return name.partition(":")[0] in self._hosts

    def _host_problem(self, headers: dict[bytes, bytes]) -> Problem:
        host = headers.get(b"host", b"").decode("latin-1")
        field = wrong_field("Host", host, sorted(self._hosts))
        return make_problem(400, "host_not_allowed", "Host: not served here", errors=[field])


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    await problem_response(problem, scope)(scope, receive, send)
