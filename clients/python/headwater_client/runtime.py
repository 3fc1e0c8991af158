"""What the generated client stands on: questions over HTTP, and sockets that come back.

Questions run in a thread (the standard library's HTTP client waits), sockets by `websockets`. A
socket that breaks is opened again after `RETRY_DELAYS_S`; the platform then begins anew with whole
lists, so whoever shows what comes is right again by itself.
"""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

RETRY_DELAYS_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Waiting before each attempt to reconnect; the last one for every further attempt."""

TIMEOUT_S: Final = 30.0
"""Longest wait for an answer over HTTP, and for a socket to open."""

MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longest message that is taken from a socket."""

REFUSED_CODES: Final = frozenset({1008, 4000})
"""Close codes of addresses that are wrong, where the error message before does not say otherwise."""

PASSING_ERRORS: Final = frozenset({"VENUE_ERROR", "TOO_MANY_STREAMS", "INTERNAL_ERROR"})
"""Errors after which trying again makes sense, whatever the close code."""

M = TypeVar("M")
T = TypeVar("T")

Value = str | int | float | bool | None
"""What a query may hold; None is not sent."""


class HeadwaterError(Exception):
    """Anything that goes wrong with the platform."""


class ProblemField(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a question."""

    field: str
    message: str
    value: str | None = None
    allowed: tuple[str, ...] = ()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details (RFC 9457) as the platform sends them."""

    status: int
    title: str = ""
    detail: str = ""
    code: str = ""
    instance: str | None = None
    errors: tuple[ProblemField, ...] = ()
    retry_after: float | None = None
    suggestions: tuple[str, ...] = ()


class ProblemError(HeadwaterError):
    """A question was answered with an error; `problem` says what is wrong and what is allowed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}")
        self.problem = problem


class Unreachable(HeadwaterError):
    """Nobody answers there."""


class Refused(HeadwaterError):
    """A socket was refused: its address asks for something that does not exist.

    Attributes:
        close_code: of the socket; of a refused handshake the HTTP status.
    """

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(f"{close_code}: {reason}")
        self.close_code = close_code


class NotConnected(HeadwaterError):
    """Something was said on a socket that is not open at the moment."""


def path_of(template: str, **parts: str) -> str:
    """A path with its parts put in, each encoded as one segment."""
    return template.format(**{name: quote(part, safe="") for name, part in parts.items()})


def with_query(path: str, query: Mapping[str, Value]) -> str:
    """A path with those parts of a query that are given."""
    given = {name: _text(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Api:
    """Asks one platform.

    Args:
        base_url: such as `http://127.0.0.1:8000`.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    @property
    def socket_base(self) -> str:
        """The same address for sockets."""
        return self.base_url.replace("http", "ws", 1)

    async def ask(
        self, method: str, path: str, query: Mapping[str, Value], answer: type[T] | Any
    ) -> T:
        """Asks, and reads the answer.

        Raises:
            ProblemError: it is an error.
            Unreachable: there is no answer.
        """
        body = await asyncio.to_thread(self._fetch, method, with_query(path, query))
        found: T = msgspec.json.decode(body, type=answer)
        return found

    def _fetch(self, method: str, target: str) -> bytes:
        request = urllib.request.Request(self.base_url + target, method=method)  # noqa: S310
        request.add_header("accept", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
                return bytes(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ProblemError(_problem(error.code, error.read())) from error
        except OSError as error:
            raise Unreachable(f"{self.base_url}: {error}") from error


def _problem(status: int, body: bytes) -> Problem:
    try:
        return msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        return Problem(status=status, detail=body[:200].decode("utf-8", "replace"))


class _Kind(msgspec.Struct, frozen=True):
    """The `type` of a message, and of an error what kind it is."""

    type: str
    code: str | None = None


class TerminalStream(Generic[M]):
    """One socket of the terminal: iterate over its messages.

    Use it as `async with client.watch_…(…) as stream: async for message in stream: …`. It ends
    by `close`, or with `Refused` when its address is wrong; anything else it survives.

    Args:
        url: where to connect.
        kinds: classes of its messages; empty for plain text.
        remembered: types of requests that are said again after a reconnect.
        retry_delays_s: see `RETRY_DELAYS_S`.
    """

    def __init__(
        self,
        url: str,
        kinds: Sequence[type[Any]] = (),
        remembered: frozenset[str] = frozenset(),
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
    ) -> None:
        self.url = url
        self.connections = 0
        self._known = frozenset(str(kind.__struct_config__.tag) for kind in kinds)
        self._decoder = _decoder(kinds)
        self._remembered = remembered
        self._said: dict[str, str] = {}
        self._delays_s = tuple(retry_delays_s)
        self._failures = 0
        self._error: str | None = None
        self._socket: ClientConnection | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            Unreachable: nobody is there.
            Refused: the server knows no such socket.
        """
        await self._connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes."""
        await self.close()

    def __aiter__(self) -> Self:
        """Its messages, until it is closed."""
        return self

    async def __anext__(self) -> M:
        """The next message; of types that are newer than this client nothing is seen.

        Raises:
            Refused: the address is wrong; the error message before it says how.
        """
        while not self._closed:
            try:
                if self._socket is None:
                    await self._connect()
                assert self._socket is not None
                text = str(await self._socket.recv(decode=True))
            except ConnectionClosed as error:
                self._lost(error)
                await self._wait()
            except Unreachable:
                await self._wait()
            else:
                if (message := self._read(text)) is not None:
                    return message
        raise StopAsyncIteration

    async def say(self, text: str) -> None:
        """Sends text as it is.

        Raises:
            NotConnected: the socket is not open at the moment.
        """
        if self._socket is None:
            raise NotConnected(self.url)
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise NotConnected(self.url) from error

    async def request(self, message: msgspec.Struct) -> None:
        """Sends a request; one that changes what is sent is said again after each reconnect.

        Raises:
            NotConnected: the socket is not open at the moment, and the request is none of those.
        """
        text = msgspec.json.encode(message).decode()
        tag = str(message.__struct_config__.tag)
        if tag not in self._remembered:
            await self.say(text)
            return
        self._said[tag] = text
        with suppress(NotConnected):
            await self.say(text)

    async def close(self) -> None:
        """Ends it; harmless when repeated."""
        self._closed = True
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _connect(self) -> None:
        try:
            self._socket = await connect(
                self.url, open_timeout=TIMEOUT_S, max_size=MESSAGE_BYTES_MAX
            )
        except InvalidStatus as error:
            if error.response.status_code < 500 and error.response.status_code != 429:
                reason = _problem(error.response.status_code, bytes(error.response.body or b""))
                raise Refused(error.response.status_code, reason.detail) from error
            raise Unreachable(f"{self.url}: {error}") from error
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unreachable(f"{self.url}: {error}") from error
        self.connections += 1
        with suppress(ConnectionClosed):  # what was received before that can still be read
            for text in self._said.values():
                await self._socket.send(text)

    def _lost(self, error: ConnectionClosed) -> None:
        """Notes that the socket ended.

        Raises:
            Refused: for good.
        """
        self._socket = None
        received = error.rcvd
        passing, self._error = self._error in PASSING_ERRORS, None
        if self._closed or received is None or passing:
            return
        if received.code in REFUSED_CODES:
            self._closed = True
            raise Refused(received.code, received.reason) from error

    async def _wait(self) -> None:
        """Waits before the next attempt, longer each time; not at all once it is closed."""
        if self._closed:
            return
        await asyncio.sleep(self._delays_s[min(self._failures, len(self._delays_s) - 1)])
        self._failures += 1

    def _read(self, text: str) -> M | None:
        """The message in a text; None for one of a type that is newer than this client."""
        if self._decoder is None:
            self._failures = 0
            return text  # type: ignore[return-value]  # a stream of text has M = str
        kind = msgspec.json.decode(text, type=_Kind)
        if kind.type == "error":
            self._error = kind.code
        else:
            self._failures, self._error = 0, None
        if kind.type not in self._known:
            return None
        found: M = self._decoder.decode(text)
        return found


def _decoder(kinds: Sequence[type[Any]]) -> msgspec.json.Decoder[Any] | None:
    """Reads messages of these classes; None for plain text."""
    if not kinds:
        return None
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union |= kind
    return msgspec.json.Decoder(union)
