"""Opening handshake of a WebSocket, without sockets: request bytes in, answer bytes out.

Reads the request head that uvicorn hands on, checks it and its origin, and builds the 101 answer
or a problem-details refusal (RFC 9457) that names the field, its value and what is allowed.
Subprotocols and extensions are never selected; a client that offers some is served without.

Knows nothing of what is streamed and to whom.
Source: RFC 6455 sections 4.2 and 10.2, https://www.rfc-editor.org/rfc/rfc6455#section-4.2
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from headwater.api.errors import PROBLEM_TYPE, make_problem, wrong_field
from headwater.api.schemas.base import encode
from headwater.api.schemas.platform import Problem

_ACCEPT_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16
_KNOWN_STATUSES: Final = frozenset(status.value for status in HTTPStatus)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

Headers = Sequence[tuple[bytes, bytes]]


class RequestHead(msgspec.Struct, frozen=True, gc=False):
    """The head of an HTTP request.

    Attributes:
        method: upper case, as sent.
        path: percent-decoded; never empty, begins with `/` unless the client sent another form.
        query: what follows the first `?`, not decoded; empty when there is none.
        headers: names in lower case, in the order sent.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[bytes, bytes], ...]

    def header(self, name: bytes) -> bytes | None:
        """The first value of `name` (lower case), None when the client did not send it."""
        return next((value for key, value in self.headers if key == name), None)

    def tokens(self, name: bytes) -> list[bytes]:
        """All comma-separated values of `name`, in lower case."""
        values = (value for key, value in self.headers if key == name)
        return [token.strip().lower() for value in values for token in value.split(b",")]


def parse_request_head(data: bytes) -> RequestHead | None:
    """Reads a request head.

    Args:
        data: from the request line to the empty line; what follows is not looked at.

    Returns:
        The head, or None when `data` is not a whole well-formed one.
    """
    head, end, _ = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ")
    if not end or len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
        return None
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            return None
        headers.append((name.strip().lower(), value.strip()))
    path, _, query = parts[1].decode("latin-1").partition("?")
    return RequestHead(parts[0].decode("latin-1"), unquote(path), query, tuple(headers))


def check_handshake(head: RequestHead) -> Problem | None:
    """What keeps `head` from being a valid opening handshake; None when nothing does.

    405 for another method than GET, 426 for another version than 13, 400 for all else.
    """
    if head.method != "GET":
        return _wrong(405, "method_not_allowed", "method", head.method, "GET")
    if b"websocket" not in head.tokens(b"upgrade"):
        return _wrong(400, "bad_handshake", "Upgrade", head.header(b"upgrade"), "websocket")
    if b"upgrade" not in head.tokens(b"connection"):
        return _wrong(400, "bad_handshake", "Connection", head.header(b"connection"), "Upgrade")
    if head.tokens(b"sec-websocket-version") != [b"13"]:
        version = head.header(b"sec-websocket-version")
        return _wrong(426, "unsupported_version", "Sec-WebSocket-Version", version, "13")
    keys = [value for name, value in head.headers if name == b"sec-websocket-key"]
    if len(keys) != 1 or not _is_key(keys[0]):
        key = keys[0] if keys else None
        return _wrong(400, "bad_handshake", "Sec-WebSocket-Key", key, "16 bytes in base64, once")
    if sum(name == b"host" for name, _ in head.headers) != 1:
        return _wrong(400, "bad_handshake", "Host", head.header(b"host"), "one host")
    return None


def check_host(head: RequestHead, allowed: frozenset[str]) -> Problem | None:
    """Whether this server answers under the name the request gives it.

    Otherwise a page could point its own name at this server and pass as of the same origin.

    Args:
        head: the request.
        allowed: host names without port; empty for all.

    Returns:
        None when it does, else the 400 to answer.
    """
    host = (head.header(b"host") or b"").decode("latin-1")
    if not allowed or _host_name(host) in {name.lower() for name in allowed}:
        return None
    return _wrong(400, "host_not_allowed", "Host", host, *sorted(allowed))


def check_origin(head: RequestHead, allowed: frozenset[str]) -> Problem | None:
    """Whether a page of the request's origin may open a socket here.

    A request without `Origin` does not come from a page and passes; so does one whose origin is
    the host it asks for (behind a proxy the scheme is not known, so only host and port count).

    Args:
        head: the request.
        allowed: origins such as `https://app.example`; `*` allows all.

    Returns:
        None when it may, else the 403 to answer.
    """
    origin = head.header(b"origin")
    if origin is None or "*" in allowed:
        return None
    text = origin.decode("latin-1")
    if text.rstrip("/").lower() in {entry.rstrip("/").lower() for entry in allowed}:
        return None
    host = (head.header(b"host") or b"").decode("latin-1")
    if _same_host(text, host):
        return None
    right = (*sorted(allowed), f"the same host ({host})", "no Origin header")
    return _wrong(403, "origin_not_allowed", "Origin", origin, *right)


def encode_accept(head: RequestHead, extra: Headers = ()) -> bytes:
    """The 101 answer to `head`, which has passed `check_handshake`.

    Args:
        head: the request.
        extra: further headers, such as the server's defaults.
    """
    key = head.header(b"sec-websocket-key") or b""
    digest = hashlib.sha1(key + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    lines = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-accept", base64.b64encode(digest)),
    ]
    return _encode_head(101, [*lines, *extra])


def encode_refusal(status: int, body: bytes, extra: Headers = ()) -> bytes:
    """A whole HTTP answer that refuses the upgrade and ends the connection.

    Args:
        status: 400–599.
        body: problem details as JSON; may be empty.
        extra: further headers.
    """
    lines = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append((b"allow", b"GET"))
    if status == HTTPStatus.UPGRADE_REQUIRED:
        lines.append((b"sec-websocket-version", b"13"))
    return _encode_head(status, [*lines, *extra]) + body


def encode_problem(problem: Problem, extra: Headers = ()) -> bytes:
    """A whole HTTP answer that carries `problem`.

    Args:
        problem: what is wrong.
        extra: further headers.
    """
    if problem.retry_after is not None:
        extra = [*extra, (b"retry-after", str(ceil(problem.retry_after)).encode())]
    return encode_refusal(problem.status, encode(problem), extra)


def _wrong(status: int, code: str, field: str, value: bytes | str | None, *allowed: str) -> Problem:
    """A problem with one field."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    error = wrong_field(field, text or "", allowed, "missing" if text is None else "not allowed")
    shown = "is missing" if text is None else f"{error.value!r} is not allowed"
    detail = f"{field}: {shown}; allowed: {', '.join(allowed)}"
    return make_problem(status, code, detail, errors=[error])


def _is_key(value: bytes) -> bool:
    """Whether `value` is 16 bytes in base64."""
    try:
        return len(base64.b64decode(value, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _host_name(host: str) -> str | None:
    """The name in a Host header, lower case, without port and brackets; None when unreadable."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _same_host(origin: str, host: str) -> bool:
    """Whether `origin` (scheme, host, port) names the server that `host` (host, port) names."""
    try:
        page = urlsplit(origin)
        default = _DEFAULT_PORTS.get(page.scheme)
        server = urlsplit(f"//{host}")
        page_port, server_port = page.port or default, server.port or default
    except ValueError:
        return False
    return (
        default is not None
        and page.hostname is not None
        and page.hostname == server.hostname
        and page_port == server_port
    )


def _encode_head(status: int, lines: Headers) -> bytes:
    """Status line and headers, with the empty line that ends them."""
    phrase = HTTPStatus(status).phrase if status in _KNOWN_STATUSES else ""
    first = f"HTTP/1.1 {status} {phrase}\r\n".encode()
    return first + b"".join(name + b": " + value + b"\r\n" for name, value in lines) + b"\r\n"
